"""The values that the enum columns take, in the order of the columns' declaration.

Members are strings, so ``status == "sent"`` holds, and JSON and SQL take them as they are.

    MessageStatus("sent") is MessageStatus.SENT
"""

from enum import StrEnum


class ConversationStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    CLOSED = "closed"


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


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    COMPLETED = "completed"
    FAILED = "failed"


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
