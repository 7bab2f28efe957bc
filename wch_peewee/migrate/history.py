"""The history table: which migrations have been applied, in peewee-migrate's own layout.

It is made by ``ensure_history`` and never by reading. It is no migration's business, because it has to be
there before the first one.

    names = applied_names(database, dialect, "wp_")
"""

from __future__ import annotations

import peewee as pw

from ..dialects.base import Dialect
from ..naming import history_table_name
from ..schema.introspect import ask
from ..schema.objects import Column, Index, Table, bigint, datetime, varchar
from ..schema.statements import Query
from ..workspace import Workspace
from .version import remember_adopted_version

HISTORY_SHAPE = Table(
    "migratehistory",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("name", varchar(191)),
        Column("migrated_at", datetime()),
    ),
    indexes=(Index("name", ("name",), unique=True),),
)


def ensure_history(workspace: Workspace) -> None:
    """Make the history table, or what it lacks; a version that was there before it is PHP's, and remembered as that."""
    if history_names(workspace.database, workspace.dialect, workspace.prefix) is None:
        remember_adopted_version(workspace)
    workspace.reconcile([HISTORY_SHAPE])


def applied_names(database: pw.Database, dialect: Dialect, prefix: str) -> tuple[str, ...]:
    """List the applied migrations, oldest first; none when the table is not there."""
    return history_names(database, dialect, prefix) or ()


def history_names(database: pw.Database, dialect: Dialect, prefix: str) -> tuple[str, ...] | None:
    """The same, but None when the table is not there."""
    sql = f"SELECT name FROM {dialect.quote(history_table_name(prefix))} ORDER BY id"
    try:
        return tuple(str(row[0]) for row in ask(database, dialect, Query(sql)))
    except pw.PeeweeException as error:
        if dialect.failure(error.args) == "missing":
            return None
        raise
