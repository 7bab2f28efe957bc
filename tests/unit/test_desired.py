"""The models declare version 1.0.0 exactly."""

from __future__ import annotations

import pytest

from wch_peewee import Plugin
from wch_peewee.errors import ConfigurationError
from wch_peewee.models.namespace import TABLES
from wch_peewee.models.tables import MODELS, BaseModel
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.objects import Column, ForeignKey, Index, Table

# column: type, "null" where nullable, default
EXPECTED = {
    "conversations": """
        id                 bigint unsigned
        customer_phone     varchar(20)
        wa_conversation_id varchar(100)
        status             enum('pending','active','closed') default 'pending'
        assigned_agent_id  bigint unsigned null
        context            json null
        last_message_at    datetime
        created_at         datetime
        updated_at         datetime
    """,
    "messages": """
        id              bigint unsigned
        conversation_id bigint unsigned
        direction       enum('inbound','outbound')
        message_type    enum('text','interactive','image','document','template')
        wa_message_id   varchar(100)
        content         json null
        status          enum('sent','delivered','read','failed') default 'sent'
        created_at      datetime
    """,
    "carts": """
        id               bigint unsigned
        customer_phone   varchar(20)
        items            json null
        coupon_code      varchar(50) null
        shipping_address json null
        expires_at       datetime
        created_at       datetime
        updated_at       datetime
    """,
    "customer_profiles": """
        id               bigint unsigned
        phone            varchar(20)
        wc_customer_id   bigint unsigned null
        name             varchar(100)
        saved_addresses  json null
        preferences      json null
        opt_in_marketing tinyint(1) default '0'
        created_at       datetime
        updated_at       datetime
    """,
    "broadcast_campaigns": """
        id              bigint unsigned
        name            varchar(200)
        template_name   varchar(100)
        audience_filter json null
        status          enum('draft','scheduled','sending','completed','failed') default 'draft'
        scheduled_at    datetime null
        sent_count      int default '0'
        delivered_count int default '0'
        read_count      int default '0'
        created_at      datetime
        updated_at      datetime
    """,
    "sync_queue": """
        id            bigint unsigned
        entity_type   enum('product','order','inventory')
        entity_id     bigint unsigned
        action        enum('create','update','delete')
        status        enum('pending','processing','completed','failed') default 'pending'
        attempts      int default '0'
        error_message text null
        created_at    datetime
        processed_at  datetime null
    """,
}

INDEXES = {
    "conversations": (Index("customer_phone", ("customer_phone",)), Index("last_message_at", ("last_message_at",))),
    "messages": (
        Index("wa_message_id", ("wa_message_id",), unique=True),
        Index("conversation_id", ("conversation_id",)),
        Index("created_at", ("created_at",)),
    ),
    "carts": (Index("customer_phone", ("customer_phone",), unique=True), Index("expires_at", ("expires_at",))),
    "customer_profiles": (Index("phone", ("phone",), unique=True), Index("wc_customer_id", ("wc_customer_id",))),
    "broadcast_campaigns": (Index("status", ("status",)), Index("scheduled_at", ("scheduled_at",))),
    "sync_queue": (
        Index("entity_type_id", ("entity_type", "entity_id")),
        Index("status", ("status",)),
        Index("created_at", ("created_at",)),
    ),
}


def in_words(column: Column) -> str:
    words = [column.name, str(column.type)]
    words += ["null"] * column.nullable
    words += [] if column.default is None else [f"default {column.default}"]
    return " ".join(words)


def test_the_models_are_in_the_order_of_their_foreign_keys() -> None:
    assert tuple(table.name for table in logical_tables(MODELS)) == TABLES


@pytest.mark.parametrize("table", logical_tables(MODELS), ids=lambda table: table.name)
def test_a_table_is_declared_column_for_column(table: Table) -> None:
    expected = [" ".join(line.split()) for line in EXPECTED[table.name].strip().splitlines()]
    assert [in_words(column) for column in table.columns] == expected
    assert [column.name for column in table.columns if column.auto_increment] == ["id"]
    assert table.primary_key == ("id",)
    assert table.indexes == INDEXES[table.name]
    messages = (ForeignKey(("conversation_id",), "conversations", ("id",), on_delete="CASCADE"),)
    assert table.foreign_keys == (messages if table.name == "messages" else ())


def test_it_is_the_same_for_every_prefix() -> None:
    plugin = Plugin("sqlite:///:memory:", prefix="x_")
    assert logical_tables(plugin.models) == logical_tables(MODELS)
    assert logical_tables(MODELS)[0].name == "conversations"


def test_another_model_is_refused() -> None:
    class Note(BaseModel):
        pass

    with pytest.raises(ConfigurationError, match=r"^Note has no Meta\.table_key"):
        logical_tables([Note])
