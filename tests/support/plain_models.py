"""The six tables as plain Peewee models, as a developer who does not know this package would declare them."""

from __future__ import annotations

from typing import Any

import peewee
from peewee import (
    BooleanField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from tests.support.idioms.rows import Models
from wch_peewee import get_table_name, utc_now


def plain_models(own: peewee.Database, prefix: str) -> Models:
    """Return the models of one site."""

    class Base(peewee.Model):
        id = peewee.BigAutoField()

        class Meta:
            database = own
            legacy_table_names = False

    class Conversation(Base):
        customer_phone = CharField(20)
        wa_conversation_id = CharField(100)
        status = CharField(default="pending")
        assigned_agent_id = peewee.BigIntegerField(null=True)
        context: Any = JSONField(null=True, default=dict)
        last_message_at = DateTimeField(default=utc_now)
        created_at = DateTimeField(default=utc_now)
        updated_at = DateTimeField(default=utc_now)

        class Meta:
            table_name = get_table_name("conversations", prefix)

    class Message(Base):
        conversation: Any = ForeignKeyField(Conversation, backref="messages", on_delete="CASCADE")
        direction = CharField()
        message_type = CharField()
        wa_message_id = CharField(100, unique=True)
        content: Any = JSONField(null=True, default=dict)
        status = CharField(default="sent")
        created_at = DateTimeField(default=utc_now)

        class Meta:
            table_name = get_table_name("messages", prefix)

    class Cart(Base):
        customer_phone = CharField(20, unique=True)
        items: Any = JSONField(null=True, default=list)
        coupon_code = CharField(50, null=True)
        shipping_address: Any = JSONField(null=True, default=dict)
        expires_at = DateTimeField()
        created_at = DateTimeField(default=utc_now)
        updated_at = DateTimeField(default=utc_now)

        class Meta:
            table_name = get_table_name("carts", prefix)

    class CustomerProfile(Base):
        phone = CharField(20, unique=True)
        wc_customer_id = peewee.BigIntegerField(null=True)
        name = CharField(100)
        saved_addresses: Any = JSONField(null=True, default=list)
        preferences: Any = JSONField(null=True, default=dict)
        opt_in_marketing = BooleanField(default=False)
        created_at = DateTimeField(default=utc_now)
        updated_at = DateTimeField(default=utc_now)

        class Meta:
            table_name = get_table_name("customer_profiles", prefix)

    class BroadcastCampaign(Base):
        name = CharField(200)
        template_name = CharField(100)
        audience_filter: Any = JSONField(null=True, default=dict)
        status = CharField(default="draft")
        scheduled_at = DateTimeField(null=True)
        sent_count = IntegerField(default=0)
        delivered_count = IntegerField(default=0)
        read_count = IntegerField(default=0)
        created_at = DateTimeField(default=utc_now)
        updated_at = DateTimeField(default=utc_now)

        class Meta:
            table_name = get_table_name("broadcast_campaigns", prefix)

    class SyncQueueItem(Base):
        entity_type = CharField()
        entity_id = peewee.BigIntegerField()
        action = CharField()
        status = CharField(default="pending")
        attempts = IntegerField(default=0)
        error_message = TextField(null=True)
        created_at = DateTimeField(default=utc_now)
        processed_at = DateTimeField(null=True)

        class Meta:
            table_name = get_table_name("sync_queue", prefix)

    return Models(Conversation, Message, Cart, CustomerProfile, BroadcastCampaign, SyncQueueItem, own)
