"""What a run needs before its first change: the account's privileges, a file that can be written, the options table."""

import os

import peewee as pw

from ..database.connect import database_file
from ..errors import MissingPrivileges, SchemaConflict
from ..execution.context import RunContext
from ..migrate.state import claimed_by_another, options_trouble
from ..schema.dialect import Privileges

#: For installing and upgrading, in the order in which a GRANT is usually written.
UPGRADE = ("SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "INDEX", "REFERENCES")

#: What the models do all day, beyond what an upgrade needs.
DAILY = ("DELETE",)

#: For what drops tables: rolling back and uninstalling.
REMOVAL = ("DELETE", "DROP")


def file_obstacle(database: pw.Database) -> str:
    """Return why a SQLite file cannot be written to, judged from permissions alone, or an empty text."""
    path = database_file(database)
    if path is None:
        return ""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"the folder {path.parent} is not writable, and SQLite needs it for its journal"
    return f"the file {path} is read-only" if path.exists() and not os.access(path, os.W_OK) else ""


def role_advice(account: Privileges) -> str:
    """Return what to do, on a line of its own, about roles of the account that are not active; empty without any."""
    if not account.activations:
        return ""
    return (
        "\nA role that the application sets itself (SET ROLE) is not set in a run. Name it in the connection's "
        f"init_command, or make it a default role: {' or '.join(account.activations)}"
    )


def require_privileges(context: RunContext, target: str, needed: tuple[str, ...] = UPGRADE) -> None:
    """Raise MissingPrivileges, with the GRANT for the administrator, if the account lacks a privilege.

    Raises SchemaConflict if a table may be that of another namespace.
    """
    if claimed := claimed_by_another(context):
        raise SchemaConflict(f"{target}: {claimed}. Nothing was changed.")
    if obstacle := file_obstacle(context.database):
        raise MissingPrivileges(f"{target}: {obstacle}; nothing was changed.")
    account = context.privileges()
    if account is not None and (missing := account.missing(needed)):
        grant = account.grant(dict.fromkeys((*needed, *DAILY)))
        words = f"{target}: the account lacks {', '.join(missing)}; nothing was changed."
        advice = f"An administrator can run:\n{grant}{role_advice(account)}"
        raise MissingPrivileges(f"{words} {advice}", missing=missing, grant=grant)


def require_options(context: RunContext, target: str) -> None:
    """Raise SchemaConflict if the version could not be written at the end: better before the first change."""
    if trouble := options_trouble(context):
        raise SchemaConflict(f"{target}: {trouble}; nothing was changed.")
