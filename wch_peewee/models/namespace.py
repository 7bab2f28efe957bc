"""WhatsApp Commerce Hub's own namespace and tables."""

from ..schema.naming import Names, Namespace

#: What everything is for unless another namespace's models are given.
WCH = Namespace("wch", package="wch-peewee")

#: Its tables, parents first; ``MODELS`` follows this order.
TABLES = ("conversations", "messages", "carts", "customer_profiles", "broadcast_campaigns", "sync_queue")


def our_names(prefix: str | None = None) -> Names:
    """Return the names of WhatsApp Commerce Hub's tables. Raises ConfigurationError for an impossible prefix."""
    return WCH.at(prefix, TABLES)
