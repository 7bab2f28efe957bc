"""The Python side of WhatsApp Commerce Hub's tables: Peewee models, and migrations that a live site bears.

from wch_peewee import Plugin, Conversation

plugin = Plugin("sqlite:///wch.db")
plugin.activate()
with plugin.site():
    Conversation.create(customer_phone="+4915112345678", wa_conversation_id="wamid.1")
"""

from __future__ import annotations

from .delta import DeltaReport, db_delta
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
from .errors import (
    Busy,
    ConfigurationError,
    DatabaseUnavailable,
    InvalidValue,
    Irreversible,
    MigrationFailed,
    MissingPrivileges,
    NotOwned,
    RemovalRefused,
    SchemaConflict,
    SchemaTooNew,
    StatementFailed,
    Undecided,
    UnknownTable,
    UnsupportedServer,
    WchError,
)
from .fields import utc_now
from .manager import DatabaseManager, WCH_Database_Manager
from .models import (
    MODELS,
    BaseModel,
    BroadcastCampaign,
    Cart,
    Conversation,
    CustomerProfile,
    Message,
    SyncQueueItem,
)
from .plugin import Plugin
from .reports import InstallReport, StatusReport, UninstallReport
from .site import get_table_name, switch_prefix

__all__ = [
    "MODELS",
    "BaseModel",
    "BroadcastCampaign",
    "Busy",
    "CampaignStatus",
    "Cart",
    "ConfigurationError",
    "Conversation",
    "ConversationStatus",
    "CustomerProfile",
    "DatabaseManager",
    "DatabaseUnavailable",
    "DeltaReport",
    "InstallReport",
    "InvalidValue",
    "Irreversible",
    "Message",
    "MessageDirection",
    "MessageStatus",
    "MessageType",
    "MigrationFailed",
    "MissingPrivileges",
    "NotOwned",
    "Plugin",
    "RemovalRefused",
    "SchemaConflict",
    "SchemaTooNew",
    "StatementFailed",
    "StatusReport",
    "SyncAction",
    "SyncEntityType",
    "SyncQueueItem",
    "SyncStatus",
    "Undecided",
    "UninstallReport",
    "UnknownTable",
    "UnsupportedServer",
    "WCH_Database_Manager",
    "WchError",
    "db_delta",
    "get_table_name",
    "switch_prefix",
    "utc_now",
]
