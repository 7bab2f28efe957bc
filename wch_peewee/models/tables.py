"""The six tables of WhatsApp Commerce Hub, version 1.0.0, as peewee models, with the enums of their columns."""

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
    PENDING = "pending"
    ACTIVE = "active"
    CLOSED = "closed"


class Conversation(BaseModel):
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


class MessageDirection(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class MessageType(StrEnum):
    TEXT = "text"
    INTERACTIVE = "interactive"
    IMAGE = "image"
    DOCUMENT = "document"
    TEMPLATE = "template"


class MessageStatus(StrEnum):
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Message(BaseModel):
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


class Cart(BaseModel):
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


class CustomerProfile(BaseModel):
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
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    COMPLETED = "completed"
    FAILED = "failed"


class BroadcastCampaign(BaseModel):
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
    PRODUCT = "product"
    ORDER = "order"
    INVENTORY = "inventory"


class SyncAction(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class SyncStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class SyncQueueItem(BaseModel):
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


# Parents before children.
MODELS: tuple[type[BaseModel], ...] = (
    Conversation,
    Message,
    Cart,
    CustomerProfile,
    BroadcastCampaign,
    SyncQueueItem,
)
