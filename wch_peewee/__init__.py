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
    from .install.delta import DeltaReport, db_delta
    from .install.manager import DatabaseManager, WCH_Database_Manager
    from .install.plugin import Plugin
    from .install.reports import InstallReport, StatusReport, UninstallReport
    from .models.fields import utc_now
    from .models.site import get_table_name, switch_prefix
    from .models.tables import (
        MODELS,
        BaseModel,
        BroadcastCampaign,
        CampaignStatus,
        Cart,
        Conversation,
        ConversationStatus,
        CustomerProfile,
        Message,
        MessageDirection,
        MessageStatus,
        MessageType,
        SyncAction,
        SyncEntityType,
        SyncQueueItem,
        SyncStatus,
    )

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
    "install.delta": "DeltaReport db_delta",
    "errors": (
        "Busy ConfigurationError DatabaseUnavailable InvalidValue Irreversible MigrationFailed "
        "MissingPrivileges NotOwned RemovalRefused SchemaConflict SchemaTooNew StatementFailed Undecided "
        "UnknownTable UnsupportedServer WchError"
    ),
    "models.fields": "utc_now",
    "install.manager": "DatabaseManager WCH_Database_Manager",
    "models.tables": (
        "MODELS BaseModel BroadcastCampaign CampaignStatus Cart Conversation ConversationStatus CustomerProfile "
        "Message MessageDirection MessageStatus MessageType SyncAction SyncEntityType SyncQueueItem SyncStatus"
    ),
    "install.plugin": "Plugin",
    "install.reports": "InstallReport StatusReport UninstallReport",
    "models.site": "get_table_name switch_prefix",
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
