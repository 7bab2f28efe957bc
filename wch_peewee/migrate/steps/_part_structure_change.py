"""What the steps that change one table have in common: look, plan, ask whether the engine can, change.

change_table(database, "messages", plan)
"""

from __future__ import annotations

from collections.abc import Callable

import peewee as pw

from ...errors import SchemaConflict
from ...execution.ambient import workspace_of
from ...execution.apply import Overtaken
from ...execution.context import Workspace
from ...schema._part_declared_resolve import physical_name, resolve_table
from ...schema.objects import Column, Table
from ...schema.operations import Operation

#: Says from the live table what is still to be done; nothing when it is done.
Planner = Callable[[Workspace, Table], list[Operation]]


def change_table(database: pw.Database, key: str, plan: Planner, *, for_columns: bool = False) -> None:
    """Do what ``plan`` finds still to be done on the table. Raises SchemaConflict.

    ``for_columns``, which reads less, is for steps that add columns or change them.
    """
    with workspace_of(database) as workspace:
        try:
            _change_once(workspace, key, plan, for_columns)
        except Overtaken:
            # Somebody who takes no lock of ours, PHP for one, has made it in this moment: look again.
            _change_once(workspace, key, plan, for_columns)


def adapted(workspace: Workspace, live: Table, column: Column) -> Column:
    """Bring a declared column to what the engine can hold, by way of a table that has only it."""
    table = Table(live.name, (column,), primary_key=())
    return resolve_table(table, prefix="", dialect=workspace.dialect, collation=live.collation).columns[0]


def _change_once(workspace: Workspace, key: str, plan: Planner, for_columns: bool) -> None:
    live = _live(workspace, key, for_columns)
    operations = plan(workspace, live)
    reasons = workspace.dialect.obstacles(live, operations) if operations else ()
    if reasons:
        raise SchemaConflict(f"{live.name} cannot be changed: {'; '.join(reasons)}", reasons=reasons)
    if operations:
        workspace.change(live.name, operations, live)


def _live(workspace: Workspace, key: str, for_columns: bool) -> Table:
    name = physical_name(key, workspace.prefix)
    live = workspace.live(name, for_columns=for_columns)
    if live is None:
        raise SchemaConflict(f"there is no table {name}; an earlier migration makes it")
    return live
