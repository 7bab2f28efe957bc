"""The account's privileges, checked before the first statement of a run."""

import os
from pathlib import Path

import peewee as pw

from ..database.connect import is_private
from ..errors import MissingPrivileges
from ..execution.context import RunContext

#: For installing and upgrading, in the order in which a GRANT is usually written.
UPGRADE = ("SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "INDEX", "REFERENCES")

#: For what drops tables: rolling back and uninstalling.
REMOVAL = ("DELETE", "DROP")


def missing_privileges(context: RunContext, needed: tuple[str, ...] = UPGRADE) -> tuple[str, ...]:
    """Return the privileges that the account lacks; none if they cannot be read: unknown is not missing."""
    held = context.privileges()
    return () if held is None else tuple(name for name in needed if name not in held)


def file_obstacle(database: pw.Database) -> str:
    """Return why a SQLite file cannot be written to, judged from permissions alone, or an empty text."""
    name = str(database.database)
    if not isinstance(database, pw.SqliteDatabase) or is_private(database) or name.startswith("file:"):
        return ""
    path = Path(name)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"the folder {path.parent} cannot be written to, and SQLite keeps its journal there"
    return f"the file {path} is read-only" if path.exists() and not os.access(path, os.W_OK) else ""


def grant_sql(context: RunContext, privileges: tuple[str, ...]) -> str:
    """Return the statement that an administrator has to run."""
    database = str(context.database.database)
    user, host = "the_user", "%"
    row = context.database.execute_sql("SELECT CURRENT_USER()").fetchone()
    if row and "@" in str(row[0]):
        user, _, host = str(row[0]).rpartition("@")
    # In a GRANT, _ and % of a database's name are wildcards.
    pattern = database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    quoted = context.dialect.quote(pattern)
    return f"GRANT {', '.join(privileges)} ON {quoted}.* TO '{user}'@'{host}';"


def require_privileges(context: RunContext, target: str, needed: tuple[str, ...] = UPGRADE) -> None:
    """Raise MissingPrivileges, with the GRANT for the administrator, if the account lacks a privilege."""
    obstacle = file_obstacle(context.database)
    if obstacle:
        raise MissingPrivileges(f"{target}: {obstacle}; nothing was changed.")
    missing = missing_privileges(context, needed)
    if missing:
        grant = grant_sql(context, missing)
        words = f"{target}: the account lacks {', '.join(missing)}; nothing was changed. An administrator can run:"
        raise MissingPrivileges(f"{words}\n{grant}", missing=missing, grant=grant)
