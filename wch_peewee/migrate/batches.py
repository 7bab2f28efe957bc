"""Long work on rows, in batches by primary key: each batch is a small transaction of its own.

    migrator.run(batches.fill_column, database, "messages", "channel", "'whatsapp'")

On a live site nobody waits for longer than one batch takes. A run that was killed goes on where rows are
left: a statement says in its WHERE which those are, so repeating it is harmless. On SQLite the whole run is
one transaction anyway.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import peewee as pw

from ..errors import ConfigurationError
from ..progress import BatchDone
from ..schema.introspect import ask
from ..schema.resolve import physical_name
from ..schema.statements import Query
from ..workspace import Workspace
from .ambient import workspace_of
from .names import TableNames

#: Rows of primary key range in one transaction.
BATCH_SIZE = 2000


def run_in_batches(
    database: pw.Database, table: str, sql: str, *parameters: object, size: int = BATCH_SIZE, remaining: str = ""
) -> None:
    """Run ``sql`` for one range of ``table``'s ``id`` after another, from the first id to the last.

    In ``sql``, ``{batch}`` stands for the condition that selects the range (``{batch:m}`` where the table has
    the alias m), ``{messages}`` for a table's full name, and ``?`` for a parameter. It has to bear being
    repeated. ``remaining`` is a condition on rows that are still to be done, written the same way but without
    parameters: a run that was killed then goes on at the first of them, and without it from the first row.

    Raises ConfigurationError, and Busy when rows stay locked for too long.
    """
    if "{batch" not in sql:
        raise ConfigurationError("the SQL of a batch has no {batch} in its WHERE, and would change all rows each time")
    with workspace_of(database) as workspace:
        name = physical_name(table, workspace.prefix)
        walk = _Walk(workspace, name, max(1, size), remaining.format_map(TableNames(workspace)))
        while (condition := walk.next_range()) is not None:
            names = TableNames(workspace, batch=condition)
            text = sql.format_map(names)
            walk.count(_execute(workspace, text, parameters, names.asked))


def fill_column(
    database: pw.Database, table: str, column: str, expression: str, *parameters: object, size: int = BATCH_SIZE
) -> None:
    """Set ``column`` to an SQL ``expression`` wherever it is NULL."""
    remaining = f"{column} IS NULL"
    text = f"UPDATE {{{table}}} SET {column} = {expression} WHERE {remaining} AND {{batch}}"
    run_in_batches(database, table, text, *parameters, size=size, remaining=remaining)


def copy_column(database: pw.Database, table: str, source: str, target: str, *, size: int = BATCH_SIZE) -> None:
    """Copy one column's values to another wherever they differ; run again it catches up with what changed."""
    with workspace_of(database) as workspace:
        same = workspace.dialect.null_safe_equal
    remaining = f"NOT ({target} {same} {source})"
    text = f"UPDATE {{{table}}} SET {target} = {source} WHERE {remaining} AND {{batch}}"
    run_in_batches(database, table, text, size=size, remaining=remaining)


@dataclass(slots=True)
class _Range:
    """Formats itself as the condition on ``id``, with a table's alias as the format's specification."""

    quoted_id: str
    after: int
    upto: int

    def __format__(self, alias: str) -> str:
        column = f"{alias}.{self.quoted_id}" if alias else self.quoted_id
        return f"{column} > {self.after} AND {column} <= {self.upto}"


class _Walk:
    """Goes through a table's ids in ranges of so many rows, and says how far it has come."""

    def __init__(self, workspace: Workspace, table: str, size: int, remaining: str) -> None:
        self._workspace = workspace
        self._table = table
        self._size = size
        self._id = workspace.dialect.quote("id")
        self._quoted = workspace.dialect.quote(table)
        self._last = self._ask(f"SELECT MAX({self._id}) FROM {self._quoted}")
        where = f" WHERE {remaining}" if remaining else ""
        first = self._ask(f"SELECT {self._id} FROM {self._quoted}{where} ORDER BY {self._id} LIMIT 1")
        #: The last id that needs nothing done; with nothing to do it is the last of all.
        self._first = self._after = (self._last or 0) if first is None else first - 1
        self._rows = 0
        self._started = time.monotonic()

    def next_range(self) -> _Range | None:
        """Step on to the next range; rows that come in behind the last id meanwhile are the application's own."""
        if self._last is None or self._after >= self._last:
            return None
        upto = self._ask(
            f"SELECT MAX({self._id}) FROM (SELECT {self._id} FROM {self._quoted} "
            f"WHERE {self._id} > {self._after} ORDER BY {self._id} LIMIT {self._size}) AS batch"
        )
        if upto is None:
            return None
        found = _Range(self._id, self._after, upto)
        self._after = upto
        return found

    def count(self, rows: int) -> None:
        self._rows += max(0, rows)
        if self._workspace.on_progress is not None:
            span = max(1, (self._last or 0) - self._first)
            fraction = min(1.0, (self._after - self._first) / span)
            seconds = time.monotonic() - self._started
            self._workspace.on_progress(BatchDone(self._table, self._rows, fraction, seconds))

    def _ask(self, sql: str) -> int | None:
        rows = ask(self._workspace.database, self._workspace.dialect, Query(sql))
        return None if not rows or rows[0][0] is None else int(rows[0][0])


def _execute(workspace: Workspace, sql: str, parameters: tuple[object, ...], tables: list[str]) -> int:
    """Run one batch; a row that somebody else holds is waited for a second at a time."""
    text = workspace.dialect.wire(sql)
    if parameters:
        text = text.replace("?", workspace.dialect.placeholder)
    cursor = workspace.write(lambda: workspace.database.execute_sql(text, parameters or None), *tables)
    return int(cursor.rowcount)
