"""The six tables of WhatsApp Commerce Hub, version 1.0.0, as peewee models.

The order of the fields is the order of the columns. A plain default is the column's default in SQL too; a default
that is computed is Python's alone. What the columns take and what reading them gives is the fields' matter
(``fields``), which table and database is meant is the site's (``site``).

    conversation = Conversation.create(customer_phone="+15550100", wa_conversation_id="wamid.1")
    conversation.messages.where(Message.direction == MessageDirection.INBOUND)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import BaseModel
from .enums import (
    CampaignStatus,
    ConversationStatus,
    MessageDirection,
    MessageStatus,
    MessageType,
    SyncAction,
    SyncEntityType,
    SyncStatus,
)
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
from .metadata import NamedIndex

if TYPE_CHECKING:
    from peewee import ModelSelect

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
        def messages(self) -> ModelSelect[Message]: ...

    class Meta:
        table_key = "conversations"


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
