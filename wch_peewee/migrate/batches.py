"""Changes to many rows, in batches by primary key; each batch is a short transaction of its own.

migrator.run(batches.fill_column, database, "messages", "channel", "'whatsapp'")
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import peewee as pw

from ..errors import ConfigurationError
from ..execution.context import RunContext, context_of
from ..progress import BatchDone
from ..schema.base import Query
from ..schema.plan import RowWork

__all__ = ["change_rows", "copy_column", "fill_column", "run_in_batches"]


#: Rows of primary key range in the first batch, and how many there may come to be in one.
BATCH_SIZE, LARGEST_BATCH = 2_000, 10_000
_SMALLEST_BATCH = 200
#: Seconds that a batch should take. A writer waits for its rows, and a server that is busy with something else can take
#: twice as long for it: that is to stay below a tenth of a second.
_AIM = 0.04
#: How long the rest is, of the time that the batch took, and the longest in seconds. Without it, one in a hundred of
#: 200 readers' queries a second took a quarter longer (measured on two cores).
_REST, _LONGEST_REST = 0.15, 0.5


@dataclass(slots=True)
class Range:
    """A range of ids: above ``after``, up to ``upto``."""

    quoted_id: str
    after: int | str
    upto: int | str

    def condition(self, alias: str = "") -> str:
        """Return the condition on ``id`` that selects the range, in a table with that alias."""
        column = f"{alias}.{self.quoted_id}" if alias else self.quoted_id
        return f"{column} > {self.after} AND {column} <= {self.upto}"

    #: In a migration's SQL, ``{batch:m}`` is the condition for the alias m.
    __format__ = condition


class Chunks:
    """The ids from the first row that ``remaining`` selects (by default the first of all) to the last.

    ``size`` is the number of ids in a chunk; None adapts it, up to ``largest``. A chunk locks its rows while it is
    changed and costs a commit, so it aims at 40 milliseconds, followed by a rest for other sessions.
    """

    def __init__(
        self,
        context: RunContext,
        table: str,
        *,
        size: int | None = None,
        largest: int = LARGEST_BATCH,
        remaining: str = "",
    ) -> None:
        self._context = context
        self._table = table
        self._largest = largest if size is None else 0
        if size is not None and size < 1:
            raise ConfigurationError(f"a batch of {size} ids changes nothing; expected 1 or more, or None")
        self._size = BATCH_SIZE if size is None else size
        self._handed_out: float | None = None
        self._id = context.dialect.quote("id")
        self._quoted = context.dialect.quote(table)
        self._last = self._ask(f"SELECT MAX({self._id}) FROM {self._quoted}")
        where = f" WHERE {remaining}" if remaining else ""
        first = self._ask(f"SELECT {self._id} FROM {self._quoted}{where} ORDER BY {self._id} LIMIT 1")
        #: The last id that needs nothing done; with nothing to do it is the last of all.
        self._first = self._after = (self._last or 0) if first is None else first - 1
        self._rows = 0
        self._started = time.monotonic()

    def next_range(self) -> Range | None:
        """Return the next range. Rows inserted behind the last id in the meantime belong to the application."""
        if self._last is None or self._after >= self._last:
            return None
        self._learn_and_rest()
        upto = self._ask(
            f"SELECT MAX({self._id}) FROM (SELECT {self._id} FROM {self._quoted} "
            f"WHERE {self._id} > {self._after} ORDER BY {self._id} LIMIT {self._size}) AS batch"
        )
        if upto is None:
            return None
        found = Range(self._id, self._after, upto)
        self._after = upto
        self._handed_out = time.monotonic()
        return found

    def _learn_and_rest(self) -> None:
        """Adapt the chunk size to the last chunk's duration, then pause."""
        if self._handed_out is None:
            return
        taken = time.monotonic() - self._handed_out
        if self._largest:
            factor = 2 if taken < _AIM / 2 else _AIM / taken
            self._size = max(_SMALLEST_BATCH, min(int(factor * self._size), self._largest))
        # On SQLite the run is one transaction, so a pause helps no other session.
        if not self._context.dialect.transactional_ddl:
            time.sleep(min(_REST * taken, _LONGEST_REST))

    def count(self, rows: int) -> None:
        """Add ``rows`` to the number of changed rows, and report the progress."""
        self._rows += max(0, rows)
        if self._context.listener.on_progress is not None:
            span = max(1, (self._last or 0) - self._first)
            fraction = min(1.0, (self._after - self._first) / span)
            seconds = time.monotonic() - self._started
            self._context.listener.on_progress(BatchDone(self._table, self._rows, fraction, seconds))

    def _ask(self, sql: str) -> int | None:
        rows = self._context.connection.query(Query(sql))
        return None if not rows or rows[0][0] is None else int(rows[0][0])


class TableNames(dict[str, Any]):
    """A mapping for SQL templates that knows every table's key. ``asked`` lists the tables that were named."""

    def __init__(self, context: RunContext, **words: Any) -> None:
        super().__init__(words)
        self._context = context
        self.asked: list[str] = []

    def __missing__(self, key: str) -> str:
        if not key.isidentifier():
            raise ConfigurationError(
                f"{{{key}}} in a migration's SQL is not a table key; double a brace to mean the character"
            )
        self.asked.append(self._context.names.table(key))
        return self._context.dialect.quote(self.asked[-1])


def shown(context: RunContext, sql: str, parameters: Iterable[object], **words: Any) -> str:
    """Return a migration's SQL as it is run, with its parameters in their places."""
    text = sql.format_map(TableNames(context, **words))
    for value in parameters:
        plain = "NULL" if value is None else str(value)
        is_text = not (value is None or isinstance(value, int | float))
        text = text.replace("?", context.dialect.literal(plain) if is_text else plain, 1)
    return text


def run_in_batches(
    database: pw.Database, table: str, sql: str, *parameters: object, size: int | None = None, remaining: str = ""
) -> None:
    """Run ``sql`` for one range of ``table``'s ``id`` after another, from the first id to the last.

    In ``sql``, ``{batch}`` stands for the condition that selects the range (``{batch:m}`` if the table has
    the alias m), ``{messages}`` for a table's full name, and ``?`` for a parameter. The statement must be
    repeatable. ``remaining`` is a condition on the rows that are still to be done, written the same way but without
    parameters: a killed run then resumes at the first of them, otherwise at the first row.

    ``size`` is the number of ids in a batch. The default adapts it to about 40 milliseconds for each batch, so that
    no other session waits for much longer. On SQLite the whole run is one transaction.

    Raises ConfigurationError, and Busy if rows stay locked for too long.
    """
    if "{batch" not in sql:
        raise ConfigurationError("the SQL of a batch has no {batch} in its WHERE, so each batch would change all rows")
    with context_of(database) as context:
        name = context.names.table(table)
        text = shown(context, sql, parameters, batch=Range(context.dialect.quote("id"), ":after", ":upto"))
        if context.records(RowWork(f"Changes rows of {name}, {_so_many(size)} at a time", (name,), text)):
            return
        chunks = Chunks(context, name, size=size, remaining=remaining.format_map(TableNames(context)))
        while (ids := chunks.next_range()) is not None:
            names = TableNames(context, batch=ids)
            text = sql.format_map(names)
            chunks.count(execute(context, text, parameters, names.asked))


def fill_column(
    database: pw.Database, table: str, column: str, expression: str, *parameters: object, size: int | None = None
) -> None:
    """Set ``column`` to an SQL ``expression`` wherever it is NULL."""
    with context_of(database) as context:
        name = context.dialect.quote(column)
    # Qualified, because SQLite takes a quoted name that is no column for a string.
    remaining = f"{{{table}}}.{name} IS NULL"
    text = f"UPDATE {{{table}}} SET {name} = {expression} WHERE {remaining} AND {{batch}}"
    run_in_batches(database, table, text, *parameters, size=size, remaining=remaining)


def copy_column(database: pw.Database, table: str, source: str, target: str, *, size: int | None = None) -> None:
    """Copy one column's values to another wherever they differ. Repeated, it copies what has changed since."""
    with context_of(database) as context:
        same = context.dialect.null_safe_equal
        old, new = context.dialect.quote(source), context.dialect.quote(target)
    remaining = f"NOT ({{{table}}}.{new} {same} {{{table}}}.{old})"
    text = f"UPDATE {{{table}}} SET {new} = {old} WHERE {remaining} AND {{batch}}"
    run_in_batches(database, table, text, size=size, remaining=remaining)


def change_rows(
    database: pw.Database,
    table: str,
    columns: Sequence[str],
    function: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    *,
    size: int | None = None,
    remaining: str = "",
) -> None:
    """Pass each row to a Python function, and write what it returns.

    ``function`` gets a mapping of ``id`` and ``columns`` as the database holds them (JSON as text), and returns the
    columns to set with their values, or nothing to leave the row as it is. It must leave a row alone that it has
    changed already. A batch is one transaction that locks its rows. ``remaining`` is a condition on the rows that are
    still to be done, with ``{messages}`` for a table's full name: other rows are not read.

        batches.change_rows(database, "carts", ["items"], with_quantities, remaining="items IS NOT NULL")

    Raises Busy if rows stay locked for too long.
    """
    with context_of(database) as context:
        name = context.names.table(table)
        function_name = getattr(function, "__qualname__", "Python")
        if context.records(RowWork(f"Has {function_name} change rows of {name}, {_so_many(size)} at a time", (name,))):
            return
        condition = remaining.format_map(TableNames(context))
        # Python holds a batch's rows.
        chunks = Chunks(context, name, size=size, largest=BATCH_SIZE, remaining=condition)
        while (ids := chunks.next_range()) is not None:
            where = f"{ids.condition()} AND ({condition})" if condition else ids.condition()
            change = partial(_change_batch, context, name, ("id", *columns), where, function)
            chunks.count(context.write(change, name))


def _change_batch(
    context: RunContext,
    table: str,
    columns: tuple[str, ...],
    where: str,
    function: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> int:
    """Read, change and write the rows of one batch; return how many were written."""
    database, dialect = context.database, context.dialect
    # pw_migrate's own transaction has been ended by DDL, unknown to peewee: a savepoint in it would be lost.
    nested = database.in_transaction()
    with contextlib.nullcontext() if nested else database.atomic():
        names = ", ".join(map(dialect.quote, columns))
        sql = f"SELECT {names} FROM {dialect.quote(table)} WHERE {where}{dialect.locking_read}"
        found = database.execute_sql(dialect.escape(sql)).fetchall()
        rows = [dict(zip(columns, row, strict=True)) for row in found]
        return sum(_write_row(context, table, row["id"], function(row)) for row in rows)


def _write_row(context: RunContext, table: str, id_: int, values: Mapping[str, Any]) -> int:
    if not values:
        return 0
    dialect = context.dialect
    sets = ", ".join(f"{dialect.quote(column)} = {dialect.placeholder}" for column in values)
    sql = f"UPDATE {dialect.quote(table)} SET {sets} WHERE {dialect.quote('id')} = {dialect.placeholder}"
    context.database.execute_sql(sql, (*values.values(), id_))
    return 1


def _so_many(size: int | None) -> str:
    return "a batch" if size is None else f"{size:,}"


def execute(context: RunContext, sql: str, parameters: tuple[object, ...], tables: list[str]) -> int:
    """Run a migration's own statement with ``?`` for its parameters; return how many rows it changed.

    A row that another session has locked is waited for a second at a time.
    """
    text = context.dialect.escape(sql)
    if parameters:
        text = text.replace("?", context.dialect.placeholder)
    cursor = context.write(lambda: context.database.execute_sql(text, parameters or None), *tables)
    return int(context.database.rows_affected(cursor))
