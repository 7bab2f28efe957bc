"""The six tables of WhatsApp Commerce Hub, version 1.0.0, as peewee models, with the enums of their columns.

What is done with them every day, each call safe from others at once, is in ``jobs/``, one file for each table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import peewee

from .base import BaseModel, NamedIndex
from .fields import (
    EnumField,
    FlagField,
    IdField,
    IntField,
    JsonField,
    ReferenceField,
    TextField,
    UnsignedBigIntField,
    UtcDateTimeField,
    VarcharField,
    utc_now,
)
from .jobs.campaigns import CampaignJobs
from .jobs.carts import CartJobs
from .jobs.conversations import ConversationJobs
from .jobs.customers import CustomerJobs
from .jobs.messages import MessageJobs
from .jobs.queue import QueueJobs
from .namespace import TABLES

__all__ = [
    "MODELS",
    "BaseModel",
    "BroadcastCampaign",
    "CampaignStatus",
    "Cart",
    "Conversation",
    "ConversationStatus",
    "CustomerProfile",
    "Message",
    "MessageDirection",
    "MessageStatus",
    "MessageType",
    "SyncAction",
    "SyncEntityType",
    "SyncQueueItem",
    "SyncStatus",
]


class ConversationStatus(StrEnum):
    """The state of a conversation: ``pending`` waits for an agent, ``active`` has one, ``closed`` is over."""

    PENDING = "pending"
    ACTIVE = "active"
    CLOSED = "closed"


class Conversation(ConversationJobs, BaseModel):
    """A conversation with a customer, in ``wch_conversations``. ``context`` is a dict, times are naive UTC.

    ``customer_phone`` is in international form, at most 20 characters; ``messages`` are its messages.

    >>> Conversation.get_or_open("+4915112345678").assign(7)
    True
    """

    id = IdField()
    customer_phone = VarcharField(20, index=True)
    wa_conversation_id = VarcharField(100)
    status = EnumField(ConversationStatus, default=ConversationStatus.PENDING)
    assigned_agent_id = UnsignedBigIntField(null=True)
    context = JsonField(dict, null=True)
    last_message_at = UtcDateTimeField(default=utc_now, index=True)
    created_at = UtcDateTimeField(default=utc_now)
    updated_at = UtcDateTimeField(default=utc_now)

    if TYPE_CHECKING:

        @property
        def messages(self) -> peewee.ModelSelect[Message]: ...

    class Meta:
        table_key = "conversations"

    @staticmethod
    def stand_in(number: int, first: object, last: object) -> dict[str, object]:
        """Return the columns of a closed conversation for messages that have lost theirs, ``number``.

        ``first`` and ``last`` are when the first and the last of them were created.
        """
        return {
            "customer_phone": "",
            "wa_conversation_id": f"reattached-{number}",
            "status": "closed",
            "last_message_at": last,
            "created_at": first,
            "updated_at": last,
        }


class MessageDirection(StrEnum):
    """The direction of a message: from the customer (``inbound``) or to the customer (``outbound``)."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class MessageType(StrEnum):
    """The kind of a message, which decides what its ``content`` holds."""

    TEXT = "text"
    INTERACTIVE = "interactive"
    IMAGE = "image"
    DOCUMENT = "document"
    TEMPLATE = "template"


class MessageStatus(StrEnum):
    """The delivery of a message, in this order; ``failed`` is reached from ``sent`` alone."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Message(MessageJobs, BaseModel):
    """A message of a conversation, in ``wch_messages``; it is deleted with its conversation.

    ``wa_message_id`` is WhatsApp's name of it, unique, at most 100 characters. ``content`` is a dict.

    >>> message, is_new = Message.ingest("wamid.1", phone="+4915112345678", content={"body": "Hi"})
    >>> Message.advance("wamid.1", "read")
    True
    """

    id = IdField()
    conversation = ReferenceField(Conversation, backref="messages", on_delete="CASCADE")
    direction = EnumField(MessageDirection)
    message_type = EnumField(MessageType)
    wa_message_id = VarcharField(100, unique=True)
    content = JsonField(dict, null=True)
    status = EnumField(MessageStatus, default=MessageStatus.SENT)
    created_at = UtcDateTimeField(default=utc_now, index=True)

    if TYPE_CHECKING:
        conversation_id: int

    class Meta:
        table_key = "messages"


class Cart(CartJobs, BaseModel):
    """The cart of a phone, one for each, in ``wch_carts``. ``items`` is a list, ``expires_at`` naive UTC.

    >>> with Cart.edit("+4915112345678") as cart:
    ...     cart.items.append({"sku": "tea", "qty": 2})
    """

    id = IdField()
    customer_phone = VarcharField(20, unique=True)
    items = JsonField(list, null=True)
    coupon_code = VarcharField(50, null=True)
    shipping_address = JsonField(dict, null=True)
    expires_at = UtcDateTimeField(index=True)
    created_at = UtcDateTimeField(default=utc_now)
    updated_at = UtcDateTimeField(default=utc_now)

    class Meta:
        table_key = "carts"


class CustomerProfile(CustomerJobs, BaseModel):
    """What is known of a customer, one row for each phone, in ``wch_customer_profiles``.

    ``wc_customer_id`` is WooCommerce's number of the customer, without a foreign key.

    >>> CustomerProfile.upsert("+4915112345678", name="Ada", opt_in_marketing=True).name
    'Ada'
    """

    id = IdField()
    phone = VarcharField(20, unique=True)
    wc_customer_id = UnsignedBigIntField(null=True, index=True)
    name = VarcharField(100)
    saved_addresses = JsonField(list, null=True)
    preferences = JsonField(dict, null=True)
    opt_in_marketing = FlagField(default=False)
    created_at = UtcDateTimeField(default=utc_now)
    updated_at = UtcDateTimeField(default=utc_now)

    class Meta:
        table_key = "customer_profiles"


class CampaignStatus(StrEnum):
    """The state of a campaign: ``draft`` or ``scheduled``, then ``sending``, then ``completed`` or ``failed``."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    COMPLETED = "completed"
    FAILED = "failed"


class BroadcastCampaign(CampaignJobs, BaseModel):
    """A message to many customers, in ``wch_broadcast_campaigns``, with its counters.

    >>> BroadcastCampaign.create(name="Spring", template_name="spring_sale").start()
    True
    """

    id = IdField()
    name = VarcharField(200)
    template_name = VarcharField(100)
    audience_filter = JsonField(dict, null=True)
    status = EnumField(CampaignStatus, default=CampaignStatus.DRAFT, index=True)
    scheduled_at = UtcDateTimeField(null=True, index=True)
    sent_count = IntField(default=0)
    delivered_count = IntField(default=0)
    read_count = IntField(default=0)
    created_at = UtcDateTimeField(default=utc_now)
    updated_at = UtcDateTimeField(default=utc_now)

    class Meta:
        table_key = "broadcast_campaigns"


class SyncEntityType(StrEnum):
    """What a queue item is about. ``entity_id`` is its number in WooCommerce."""

    PRODUCT = "product"
    ORDER = "order"
    INVENTORY = "inventory"


class SyncAction(StrEnum):
    """What happened to it."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class SyncStatus(StrEnum):
    """The state of a queue item: ``processing`` belongs to a worker, ``failed`` may be tried again."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class SyncQueueItem(QueueJobs, BaseModel):
    """A change that is to be passed on, in ``wch_sync_queue``. ``attempts`` counts how often a worker has claimed it.

    ``processed_at`` is when it was claimed last, or has failed or been completed, in naive UTC.

    >>> item = SyncQueueItem.enqueue("order", 1001, "create")
    >>> [item.complete() for item in SyncQueueItem.claim("worker 1", limit=10)]
    [True]
    """

    id = IdField()
    entity_type = EnumField(SyncEntityType)
    entity_id = UnsignedBigIntField()
    action = EnumField(SyncAction)
    status = EnumField(SyncStatus, default=SyncStatus.PENDING, index=True)
    attempts = IntField(default=0)
    error_message = TextField(null=True)
    created_at = UtcDateTimeField(default=utc_now, index=True)
    processed_at = UtcDateTimeField(null=True)

    class Meta:
        table_key = "sync_queue"
        named_indexes = (NamedIndex("entity_type_id", ("entity_type", "entity_id")),)


_BY_KEY = {model._meta.table_key: model for model in BaseModel.__subclasses__() if model.__module__ == __name__}

#: Parents before children.
MODELS: tuple[type[BaseModel], ...] = tuple(_BY_KEY[key] for key in TABLES)
