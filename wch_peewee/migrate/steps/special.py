"""Steps that run a migration's own SQL and Python. For many rows there are the batches."""

from __future__ import annotations

from collections.abc import Callable

import peewee as pw

from ...execution.ambient import workspace_of
from ...execution.context import Workspace
from ...schema.forecast import RowWork
from .._part_batches_names import TableNames


def run_sql(database: pw.Database, sql: str, *parameters: object) -> None:
    """Run one statement that can be repeated; ``{messages}`` stands for the full name of that table, quoted.

    Write ``?`` for a parameter on every engine.
    """
    with workspace_of(database) as workspace:
        names = TableNames(workspace)
        text = workspace.dialect.wire(sql.format_map(names))
        if parameters:
            text = text.replace("?", workspace.dialect.placeholder)
        if workspace.rehearse(RowWork("Runs SQL", tuple(names.asked), sql.format_map(TableNames(workspace)))):
            return
        workspace.write(lambda: workspace.database.execute_sql(text, parameters or None), *names.asked)


def run_python(database: pw.Database, function: Callable[[Workspace], None]) -> None:
    """Call ``function`` with the run's workspace; it has to bear being repeated."""
    with workspace_of(database) as workspace:
        name = getattr(function, "__qualname__", "Python")
        if not workspace.rehearse(RowWork(f"Runs {name}, which cannot be shown")):
            function(workspace)
