"""The steps that a migration is made of. Each looks at the live schema when it runs, and can be repeated.

They go into ``migrator.run(...)``, never into the body of ``migrate()``. Tables are named by their key
("messages" for ``wp_wch_messages``); the prefix and the engine come from the run.

    migrator.run(steps.add_column, database, "messages", Column("note", text(), nullable=True))

Under stock ``pw_migrate`` there is no run of ours: each step then takes the lock by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import peewee as pw

from ..errors import RemovalRefused, SchemaConflict
from ..schema.apply import Overtaken
from ..schema.introspect import count_rows, introspect_schema, present_tables, referencing_tables
from ..schema.objects import Column, ForeignKey, Index, Table
from ..schema.operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    DropColumn,
    DropIndex,
    DropTable,
    ModifyColumn,
    Operation,
    RenameColumn,
)
from ..schema.requirements import Requirement
from ..schema.resolve import physical_name, resolve_key, resolve_table
from ..wordpress.version import version_compare
from ..workspace import Workspace
from .ambient import workspace_of
from .names import TableNames
from .version import delete_version, read_version, write_version


def create_tables(database: pw.Database, tables: Iterable[Table]) -> None:
    """Bring ``tables`` to their declared shape: make what is missing, mend what is safe to mend.

    Raises SchemaConflict where something that is there stands in the way of what the declaration needs.
    """
    with workspace_of(database) as workspace:
        result = workspace.reconcile(tables)
        reasons = tuple(str(refusal) for refusal in result.refusals if refusal.blocking)
        if reasons:
            raise SchemaConflict("; ".join(reasons), reasons=reasons)


def drop_tables(database: pw.Database, tables: Iterable[Table], *, allow_drop: bool = False) -> None:
    """Drop ``tables``, children first.

    Where there is something to drop, either removing data is allowed (WCH_REMOVE_DATA), or ``allow_drop``
    says that the migration has put the rows elsewhere. Raises RemovalRefused.
    """
    with workspace_of(database) as workspace:
        names = [physical_name(table.name, workspace.prefix) for table in tables]
        present = present_tables(workspace.database, workspace.dialect, names)
        if present and not (allow_drop or workspace.may_remove_data):
            raise RemovalRefused(
                f"this drops {', '.join(present)} with all their rows; allow it with WCH_REMOVE_DATA=true"
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


def add_column(database: pw.Database, table: str, column: Column, *, after: str | None = None) -> None:
    """Add a column where it is not there yet; last, or behind ``after``."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        if live.column(column.name):
            return []
        fills_itself = column.nullable or column.default is not None
        requirement = Requirement("empty", live.name, (column.name,))
        if not fills_itself and (count := count_rows(workspace.database, workspace.dialect, requirement)):
            raise SchemaConflict(requirement.refusal(count))
        return [AddColumn(live.name, _adapted(workspace, live, column), after or live.columns[-1].name)]

    _change(database, table, plan)


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

    _change(database, table, plan)


def alter_column(database: pw.Database, table: str, column: Column) -> None:
    """Bring a column to a whole new definition; the server refuses rows whose values do not fit."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        was = live.column(column.name)
        if was is None:
            raise SchemaConflict(f"{live.name} has no column {column.name}")
        adapted = _adapted(workspace, live, column)
        now = replace(adapted, comment=adapted.comment or was.comment, collation=adapted.collation or was.collation)
        if was.opaque and now != was:
            raise SchemaConflict(f"{live.name}.{was.name} has {', '.join(was.opaque)}, which the change would lose")
        return [] if now == was else [ModifyColumn(live.name, was, now)]

    _change(database, table, plan)


def drop_column(database: pw.Database, table: str, column: str, *, allow_drop: bool = False) -> None:
    """Drop a column and what it holds; ``allow_drop`` says that you mean it."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        if live.column(column) is None:
            return []
        if not allow_drop:
            raise RemovalRefused(f"dropping {live.name}.{column} loses its values; say allow_drop=True if you mean it")
        return [DropColumn(live.name, column)]

    _change(database, table, plan)


def add_index(database: pw.Database, table: str, index: Index) -> None:
    """Add an index where none does its work; a unique one only where no rows stand against it."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        wanted = replace(index, name=workspace.dialect.index_name(live.name, index.name))
        if any(candidate.serves(wanted) for candidate in live.indexes):
            return []
        requirement = Requirement("no_duplicates", live.name, wanted.columns)
        if wanted.unique and (count := count_rows(workspace.database, workspace.dialect, requirement)):
            raise SchemaConflict(requirement.refusal(count))
        return [AddIndex(live.name, wanted)]

    _change(database, table, plan)


def drop_index(database: pw.Database, table: str, index: str) -> None:
    """Drop an index by its plain name where it is there."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        name = workspace.dialect.index_name(live.name, index)
        return [DropIndex(live.name, name)] if live.index(name) else []

    _change(database, table, plan)


def add_foreign_key(database: pw.Database, table: str, key: ForeignKey) -> None:
    """Add a foreign key where none does its work, and only where no rows stand against it."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        wanted = resolve_key(key, live.name, workspace.prefix)
        if any(candidate.serves(wanted) for candidate in live.foreign_keys):
            return []
        requirement = Requirement("no_orphans", live.name, wanted.columns, wanted)
        if count := count_rows(workspace.database, workspace.dialect, requirement):
            raise SchemaConflict(requirement.refusal(count))
        return [AddForeignKey(live.name, wanted)]

    _change(database, table, plan)


def run_sql(database: pw.Database, sql: str, *parameters: object) -> None:
    """Run one statement that can be repeated; ``{messages}`` stands for the full name of that table, quoted.

    Write ``?`` for a parameter on every engine.
    """
    with workspace_of(database) as workspace:
        names = TableNames(workspace)
        text = workspace.dialect.wire(sql.format_map(names))
        if parameters:
            text = text.replace("?", workspace.dialect.placeholder)
        workspace.write(lambda: workspace.database.execute_sql(text, parameters or None), *names.asked)


def run_python(database: pw.Database, function: Callable[[Workspace], None]) -> None:
    """Call ``function`` with the run's workspace; it has to bear being repeated."""
    with workspace_of(database) as workspace:
        function(workspace)


def stamp(database: pw.Database, version: str) -> None:
    """Write the schema version, the last step of a migration; a newer one is left as it is."""
    with workspace_of(database) as workspace:
        stored = read_version(workspace)
        if stored is None or version_compare(stored, version) < 0:
            write_version(workspace, version)


def unstamp(database: pw.Database, version: str | None) -> None:
    """Set the schema version back, the last step of a rollback; None removes it."""
    with workspace_of(database) as workspace:
        if version is None:
            delete_version(workspace)
        else:
            write_version(workspace, version)


def _change(database: pw.Database, key: str, plan: Callable[[Workspace, Table], list[Operation]]) -> None:
    with workspace_of(database) as workspace:
        try:
            _change_once(workspace, key, plan)
        except Overtaken:
            # Somebody who takes no lock of ours, PHP for one, has made it in this moment: look again.
            _change_once(workspace, key, plan)


def _change_once(workspace: Workspace, key: str, plan: Callable[[Workspace, Table], list[Operation]]) -> None:
    live = _live(workspace, key)
    operations = plan(workspace, live)
    reasons = workspace.dialect.obstacles(live, operations) if operations else ()
    if reasons:
        raise SchemaConflict(f"{live.name} cannot be changed: {'; '.join(reasons)}", reasons=reasons)
    if operations:
        workspace.change(live.name, operations)


def _live(workspace: Workspace, key: str) -> Table:
    name = physical_name(key, workspace.prefix)
    live = workspace.live(name)
    if live is None:
        raise SchemaConflict(f"there is no table {name}; an earlier migration makes it")
    return live


def _adapted(workspace: Workspace, live: Table, column: Column) -> Column:
    """Bring a declared column to what the engine can hold, by way of a table that has only it."""
    table = Table(live.name, (column,), primary_key=())
    return resolve_table(table, prefix="", dialect=workspace.dialect, collation=live.collation).columns[0]
