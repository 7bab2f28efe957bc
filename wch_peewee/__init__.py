"""The Python side of WhatsApp Commerce Hub's tables: Peewee models, and migrations that a live site bears.

from wch_peewee import Plugin, Conversation

plugin = Plugin("sqlite:///wch.db")
plugin.activate()
with plugin.site():
    Conversation.create(customer_phone="+4915112345678", wa_conversation_id="wamid.1")
"""

from __future__ import annotations

import importlib
import typing

if typing.TYPE_CHECKING:
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
    from .manager_reports import StatusReport
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
    from .reports import InstallReport, UninstallReport
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

#: Where each name is: a process imports what it uses, and one that only asks for the version next to nothing.
_MODULES = {
    "delta": "DeltaReport db_delta",
    "enums": (
        "CampaignStatus ConversationStatus MessageDirection MessageStatus MessageType SyncAction "
        "SyncEntityType SyncStatus"
    ),
    "errors": (
        "Busy ConfigurationError DatabaseUnavailable InvalidValue Irreversible MigrationFailed "
        "MissingPrivileges NotOwned RemovalRefused SchemaConflict SchemaTooNew StatementFailed Undecided "
        "UnknownTable UnsupportedServer WchError"
    ),
    "fields": "utc_now",
    "manager": "DatabaseManager WCH_Database_Manager",
    "models": "MODELS BaseModel BroadcastCampaign Cart Conversation CustomerProfile Message SyncQueueItem",
    "plugin": "Plugin",
    "manager_reports": "StatusReport",
    "reports": "InstallReport UninstallReport",
    "site": "get_table_name switch_prefix",
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> typing.Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
