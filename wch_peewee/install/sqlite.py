"""What can be wrong with SQLite: a file that cannot be written, a build without JSON, foreign keys switched off.

Whether the file can be written is read from its permissions; nothing is written to find out.
"""

from __future__ import annotations

from pathlib import Path

import peewee as pw

from ..database.connect import is_private
from ..database.query import ask
from ..execution.context import Workspace
from ..schema._part_statements_query import Query
from .finding import Finding
from .privileges import file_obstacle


def file(database: pw.SqliteDatabase) -> Finding:
    """Look at the file and its folder, in which SQLite puts a journal while it writes."""
    if is_private(database):
        return Finding("file", "warn", "the database is in memory", "It is gone when the process ends; name a file.")
    obstacle = file_obstacle(database)
    if obstacle:
        return Finding("file", "fail", obstacle, "Give this user the right to write to the file and in its folder.")
    name = str(database.database)
    if not name.startswith("file:") and not Path(name).exists():
        return Finding("file", "ok", f"{name} is not there yet; wch activate makes it")
    return Finding("file", "ok", f"{name} can be written to")


def json(workspace: Workspace) -> Finding:
    """JSON columns are held by a CHECK that calls a function which older builds may lack."""
    try:
        _one(workspace, "SELECT json_valid('{}')")
    except pw.PeeweeException:
        return Finding("json", "fail", "this build of SQLite has no JSON functions", "Use SQLite 3.38 or newer.")
    return Finding("json", "ok", "JSON functions are there")


def foreign_keys(workspace: Workspace) -> Finding:
    """Without them deleting a conversation leaves its messages behind."""
    if _one(workspace, "SELECT sqlite_compileoption_used('OMIT_FOREIGN_KEY')") != "0":
        advice = "Use a build of SQLite with foreign keys; deleting a conversation leaves its messages behind."
        return Finding("foreign keys", "warn", "this build of SQLite has none", advice)
    # A file that is not there yet is stood in for by an empty database, whose settings say nothing.
    file = _one(workspace, "SELECT coalesce(file, '') FROM pragma_database_list WHERE name = 'main'")
    if file and _one(workspace, "PRAGMA foreign_keys") != "1":
        advice = "Open the database with pragmas={'foreign_keys': 1}, or through wch_peewee."
        return Finding("foreign keys", "warn", "they are switched off on this connection", advice)
    return Finding("foreign keys", "ok", "they are enforced on connections of wch_peewee")


def _one(workspace: Workspace, sql: str) -> str:
    ((value,),) = ask(workspace.database, workspace.dialect, Query(sql))
    return str(value)


CHECKS = (("json", json), ("foreign keys", foreign_keys))
