"""Steps on columns. What a step does not speak of stays as it is: comment, collation, place."""

from __future__ import annotations

from dataclasses import replace

import peewee as pw

from ...errors import RemovalRefused, SchemaConflict
from ...execution.context import Workspace
from ...schema.objects import Column, Table
from ...schema.operations import AddColumn, DropColumn, ModifyColumn, Operation, RenameColumn
from ...schema.preconditions import Requirement
from ._part_structure_change import adapted, change_table


def add_column(database: pw.Database, table: str, column: Column, *, after: str | None = None) -> None:
    """Add a column where it is not there yet; last, or behind ``after``.

    Raises SchemaConflict where the table has rows and the column no value for them.
    """

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        if live.column(column.name):
            return []
        if not (column.nullable or column.default is not None):
            _insist(workspace, Requirement("empty", live.name, (column.name,)))
        return [AddColumn(live.name, adapted(workspace, live, column), after or live.columns[-1].name)]

    change_table(database, table, plan, for_columns=True)


def rename_column(database: pw.Database, table: str, old: str, new: str) -> None:
    """Rename a column and keep all of its attributes."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        if live.column(old) and live.column(new):
            raise SchemaConflict(f"{live.name} has both {old} and {new}; which of them to keep is yours to say")
        if live.column(old):
            return [RenameColumn(live.name, old, new)]
        if live.column(new):
            return []
        raise SchemaConflict(f"{live.name} has neither {old} nor {new}")

    change_table(database, table, plan)


def alter_column(database: pw.Database, table: str, column: Column) -> None:
    """Bring a column to a whole new definition; place, and comment and collation unless given, are kept.

    Raises SchemaConflict where NULLs stand against NOT NULL; other values that do not fit the server refuses.
    """

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        was = live.column(column.name)
        if was is None:
            raise SchemaConflict(f"{live.name} has no column {column.name}")
        target = adapted(workspace, live, column)
        now = replace(target, comment=target.comment or was.comment, collation=target.collation or was.collation)
        if now == was:
            return []
        if was.opaque:
            raise SchemaConflict(f"{live.name}.{was.name} has {', '.join(was.opaque)}, which the change would lose")
        if was.nullable and not now.nullable:
            _insist(workspace, Requirement("no_nulls", live.name, (was.name,)))
        return [ModifyColumn(live.name, was, now)]

    change_table(database, table, plan, for_columns=True)


def drop_column(database: pw.Database, table: str, column: str, *, allow_drop: bool = False) -> None:
    """Drop a column and what it holds; ``allow_drop`` says that you mean it.

    Raises RemovalRefused without it, which says how many rows hold a value.
    """

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        if live.column(column) is None:
            return []
        if not allow_drop:
            holding = Requirement("no_values", live.name, (column,))
            count = workspace.count(holding)
            raise RemovalRefused(
                f"dropping {live.name}.{column} loses {_values(count)}; "
                "say allow_drop=True in the migration if you mean it"
            )
        return [DropColumn(live.name, column)]

    change_table(database, table, plan)


def _insist(workspace: Workspace, requirement: Requirement) -> None:
    if count := workspace.count(requirement):
        raise SchemaConflict(requirement.refusal(count))


def _values(rows: int) -> str:
    if rows == 0:
        return "no value, as no row holds one"
    return "the value of 1 row" if rows == 1 else f"the values of {rows:,} rows"
