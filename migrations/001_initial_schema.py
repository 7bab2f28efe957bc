"""Version 1.0.0: the six tables of WhatsApp Commerce Hub, with their indexes and the foreign key.

The shape below is frozen; it never follows the models.
"""

import peewee as pw
from peewee_migrate import Migrator

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import (
    Column,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    boolean,
    datetime,
    enum,
    integer,
    json,
    text,
    varchar,
)

VERSION = "1.0.0"

ID = Column("id", bigint(unsigned=True), auto_increment=True)

TABLES = (
    Table(
        "conversations",
        columns=(
            ID,
            Column("customer_phone", varchar(20)),
            Column("wa_conversation_id", varchar(100)),
            Column("status", enum("pending", "active", "closed"), default=Default("pending")),
            Column("assigned_agent_id", bigint(unsigned=True), nullable=True),
            Column("context", json(), nullable=True),
            Column("last_message_at", datetime()),
            Column("created_at", datetime()),
            Column("updated_at", datetime()),
        ),
        indexes=(
            Index("customer_phone", ("customer_phone",)),
            Index("last_message_at", ("last_message_at",)),
        ),
    ),
    Table(
        "messages",
        columns=(
            ID,
            Column("conversation_id", bigint(unsigned=True)),
            Column("direction", enum("inbound", "outbound")),
            Column("message_type", enum("text", "interactive", "image", "document", "template")),
            Column("wa_message_id", varchar(100)),
            Column("content", json(), nullable=True),
            Column("status", enum("sent", "delivered", "read", "failed"), default=Default("sent")),
            Column("created_at", datetime()),
        ),
        indexes=(
            Index("wa_message_id", ("wa_message_id",), unique=True),
            Index("conversation_id", ("conversation_id",)),
            Index("created_at", ("created_at",)),
        ),
        foreign_keys=(ForeignKey(("conversation_id",), "conversations", on_delete="CASCADE"),),
    ),
    Table(
        "carts",
        columns=(
            ID,
            Column("customer_phone", varchar(20)),
            Column("items", json(), nullable=True),
            Column("coupon_code", varchar(50), nullable=True),
            Column("shipping_address", json(), nullable=True),
            Column("expires_at", datetime()),
            Column("created_at", datetime()),
            Column("updated_at", datetime()),
        ),
        indexes=(
            Index("customer_phone", ("customer_phone",), unique=True),
            Index("expires_at", ("expires_at",)),
        ),
    ),
    Table(
        "customer_profiles",
        columns=(
            ID,
            Column("phone", varchar(20)),
            Column("wc_customer_id", bigint(unsigned=True), nullable=True),
            Column("name", varchar(100)),
            Column("saved_addresses", json(), nullable=True),
            Column("preferences", json(), nullable=True),
            Column("opt_in_marketing", boolean(), default=Default("0")),
            Column("created_at", datetime()),
            Column("updated_at", datetime()),
        ),
        indexes=(
            Index("phone", ("phone",), unique=True),
            Index("wc_customer_id", ("wc_customer_id",)),
        ),
    ),
    Table(
        "broadcast_campaigns",
        columns=(
            ID,
            Column("name", varchar(200)),
            Column("template_name", varchar(100)),
            Column("audience_filter", json(), nullable=True),
            Column(
                "status",
                enum("draft", "scheduled", "sending", "completed", "failed"),
                default=Default("draft"),
            ),
            Column("scheduled_at", datetime(), nullable=True),
            Column("sent_count", integer(), default=Default("0")),
            Column("delivered_count", integer(), default=Default("0")),
            Column("read_count", integer(), default=Default("0")),
            Column("created_at", datetime()),
            Column("updated_at", datetime()),
        ),
        indexes=(
            Index("status", ("status",)),
            Index("scheduled_at", ("scheduled_at",)),
        ),
    ),
    Table(
        "sync_queue",
        columns=(
            ID,
            Column("entity_type", enum("product", "order", "inventory")),
            Column("entity_id", bigint(unsigned=True)),
            Column("action", enum("create", "update", "delete")),
            Column("status", enum("pending", "processing", "completed", "failed"), default=Default("pending")),
            Column("attempts", integer(), default=Default("0")),
            Column("error_message", text(), nullable=True),
            Column("created_at", datetime()),
            Column("processed_at", datetime(), nullable=True),
        ),
        indexes=(
            Index("entity_type_id", ("entity_type", "entity_id")),
            Index("status", ("status",)),
            Index("created_at", ("created_at",)),
        ),
    ),
)


def migrate(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    """Make what is missing of the six tables."""
    migrator.run(steps.create_tables, database, TABLES)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    """Drop the six tables with all their rows; refused unless WCH_REMOVE_DATA allows it."""
    migrator.run(steps.drop_tables, database, TABLES)
    migrator.run(steps.unstamp, database, None)
