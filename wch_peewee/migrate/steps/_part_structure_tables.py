"""Steps that make and drop whole tables.

A table is not renamed by a step: its name is a part of the names of its foreign keys, and on SQLite of its indexes.
Make the new one, copy the rows in batches, drop the old one.
"""

from __future__ import annotations

from collections.abc import Iterable

import peewee as pw

from ...database.query import ask
from ...errors import RemovalRefused, SchemaConflict
from ...execution.ambient import workspace_of
from ...execution.context import Workspace
from ...execution.introspect import introspect_schema, referencing_tables
from ...schema._part_declared_resolve import physical_name
from ...schema._part_statements_query import Query
from ...schema.objects import Table
from ...schema.operations import DropTable


def create_tables(database: pw.Database, tables: Iterable[Table]) -> None:
    """Bring ``tables`` to their declared shape: make what is missing, mend what is safe to mend.

    Raises SchemaConflict where something that is there stands in the way of what the declaration needs.
    """
    with workspace_of(database) as workspace:
        result = workspace.reconcile(tables, verify=False)  # a run verifies everything at its end
        reasons = tuple(str(refusal) for refusal in result.refusals if refusal.blocking)
        if reasons:
            raise SchemaConflict("; ".join(reasons), reasons=reasons)


def drop_tables(database: pw.Database, tables: Iterable[Table], *, allow_drop: bool = False) -> None:
    """Drop ``tables``, children first.

    Where there is something to drop, either removing data is allowed (WCH_REMOVE_DATA), or ``allow_drop``
    says that the migration has put the rows elsewhere. Raises RemovalRefused, which counts the rows.
    """
    with workspace_of(database) as workspace:
        names = [physical_name(table.name, workspace.prefix) for table in tables]
        present = workspace.present(names)
        if present and not (allow_drop or workspace.may_remove_data):
            counted = ", ".join(f"{name} ({_rows(workspace, name)})" for name in present)
            raise RemovalRefused(
                f"this drops {counted}; allow it with WCH_REMOVE_DATA=true, "
                "or say allow_drop=True in the migration if the rows are elsewhere"
            )
        drop_named(workspace, present)


def drop_named(workspace: Workspace, names: Iterable[str]) -> tuple[str, ...]:
    """Drop tables by their full names, last first; refuses when somebody else's table refers to one."""
    names = tuple(names)
    if not names:
        return ()
    others = referencing_tables(workspace.database, workspace.dialect, names)
    if others:
        raise SchemaConflict(
            f"{', '.join(others)} has a foreign key to our tables; drop it first. Nothing was dropped."
        )
    views = [table.name for table in introspect_schema(workspace.database, workspace.dialect, names) if table.is_view]
    if views:
        raise SchemaConflict(
            f"{', '.join(views)} is a view and no table of ours; rename it first. Nothing was dropped."
        )
    outcomes: list[str] = []
    for name in reversed(names):
        outcomes += workspace.change(name, [DropTable(name)]).outcomes
    return tuple(outcomes)


def _rows(workspace: Workspace, name: str) -> str:
    question = Query(f"SELECT COUNT(*) FROM {workspace.dialect.quote(name)}")
    count = int(ask(workspace.database, workspace.dialect, question)[0][0])
    return "1 row" if count == 1 else f"{count:,} rows"
