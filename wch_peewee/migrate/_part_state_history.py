"""The history table: which migrations have been applied, in peewee-migrate's own layout.

It is made by ``ensure_history`` and never by reading. It is no migration's business, because it has to be
there before the first one.

    names = applied_names(database, dialect, "wp_")
"""

from __future__ import annotations

import peewee as pw

from ..database.query import ask
from ..execution.context import Workspace
from ..schema._part_statements_query import Query
from ..schema.dialect import Dialect
from ..schema.naming import history_table_name
from ..schema.objects import Column, Index, Table, bigint, datetime, varchar
from .state import read_version, remember_adopted_version

#: The names of the applied migrations, oldest first; None where there is no history table.
Applied = tuple[str, ...] | None

HISTORY_SHAPE = Table(
    "migratehistory",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("name", varchar(191)),
        Column("migrated_at", datetime()),
    ),
    indexes=(Index("name", ("name",), unique=True),),
)


def ensure_history(workspace: Workspace, stored: tuple[Applied, str | None] | None = None) -> None:
    """Make the history table, or what it lacks; a version that was there before it is PHP's, and remembered as that.

    ``stored`` is the history and the version, where they have been read under the workspace's lock already.
    """
    if stored is None:
        applied = history_names(workspace.database, workspace.dialect, workspace.prefix)
        stored = applied, read_version(workspace) if applied is None else None
    applied, version = stored
    if applied is None and version is not None:
        remember_adopted_version(workspace, version)
    workspace.reconcile([HISTORY_SHAPE], verify=False)


def applied_names(database: pw.Database, dialect: Dialect, prefix: str) -> tuple[str, ...]:
    """List the applied migrations, oldest first; none when the table is not there."""
    return history_names(database, dialect, prefix) or ()


def history_names(database: pw.Database, dialect: Dialect, prefix: str) -> Applied:
    """The same, but None when the table is not there."""
    sql = f"SELECT name FROM {dialect.quote(history_table_name(prefix))} ORDER BY id"
    try:
        return tuple(str(row[0]) for row in ask(database, dialect, Query(sql)))
    except pw.PeeweeException as error:
        if dialect.failure(error.args) == "missing":
            return None
        raise
