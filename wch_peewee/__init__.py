"""Peewee models and safe migrations for WhatsApp Commerce Hub's tables in a live WordPress database.

    Plugin("sqlite:///wch.db").activate()

Every name is imported when it is first used, so that a host which only checks the version loads next to nothing.
"""

import importlib
import logging
import typing

__version__ = "1.0.0"

# Nothing is printed where the host has not set up logging.
logging.getLogger("wch_peewee").addHandler(logging.NullHandler())

#: The public names, by the module that defines them.
_NAMES = {
    "database.retry": "retrying",
    "errors": (
        "Busy ConfigurationError DatabaseUnavailable InvalidValue Irreversible MigrationFailed MissingPrivileges "
        "NotOwned RemovalRefused SchemaConflict SchemaTooNew StatementFailed Undecided UnknownTable "
        "UnsupportedServer WchError"
    ),
    "install.delta": "DeltaReport db_delta",
    "install.manager": "DatabaseManager WCH_Database_Manager",
    "install.plugin": "Plugin",
    "install.inspection": "StatusReport",
    "install.reports": "InstallReport UninstallReport",
    "models.fields": "utc_now",
    "schema.naming": "WORDPRESS Namespace",
    "models.site": "get_table_name",
    "models.tables": (
        "MODELS BaseModel BroadcastCampaign CampaignStatus Cart Conversation ConversationStatus CustomerProfile "
        "Message MessageDirection MessageStatus MessageType SyncAction SyncEntityType SyncQueueItem SyncStatus"
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

# Type checkers read the names here. They do not see __getattr__: a misspelt name is an error for them, too.
if typing.TYPE_CHECKING:
    from .database.retry import retrying as retrying
    from .errors import (
        Busy as Busy,
        ConfigurationError as ConfigurationError,
        DatabaseUnavailable as DatabaseUnavailable,
        InvalidValue as InvalidValue,
        Irreversible as Irreversible,
        MigrationFailed as MigrationFailed,
        MissingPrivileges as MissingPrivileges,
        NotOwned as NotOwned,
        RemovalRefused as RemovalRefused,
        SchemaConflict as SchemaConflict,
        SchemaTooNew as SchemaTooNew,
        StatementFailed as StatementFailed,
        Undecided as Undecided,
        UnknownTable as UnknownTable,
        UnsupportedServer as UnsupportedServer,
        WchError as WchError,
    )
    from .install.delta import DeltaReport as DeltaReport, db_delta as db_delta
    from .install.inspection import StatusReport as StatusReport
    from .install.manager import (
        DatabaseManager as DatabaseManager,
        WCH_Database_Manager as WCH_Database_Manager,
    )
    from .install.plugin import Plugin as Plugin
    from .install.reports import InstallReport as InstallReport, UninstallReport as UninstallReport
    from .models.fields import utc_now as utc_now
    from .models.site import get_table_name as get_table_name
    from .models.tables import (
        MODELS as MODELS,
        BaseModel as BaseModel,
        BroadcastCampaign as BroadcastCampaign,
        CampaignStatus as CampaignStatus,
        Cart as Cart,
        Conversation as Conversation,
        ConversationStatus as ConversationStatus,
        CustomerProfile as CustomerProfile,
        Message as Message,
        MessageDirection as MessageDirection,
        MessageStatus as MessageStatus,
        MessageType as MessageType,
        SyncAction as SyncAction,
        SyncEntityType as SyncEntityType,
        SyncQueueItem as SyncQueueItem,
        SyncStatus as SyncStatus,
    )
    from .schema.naming import WORDPRESS as WORDPRESS, Namespace as Namespace
else:
    __all__ = sorted(_MODULE_OF)

    def __getattr__(name):
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
