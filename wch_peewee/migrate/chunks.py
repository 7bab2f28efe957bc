"""A walk through a table by primary key, in chunks whose size adapts to the server."""

import time
from dataclasses import dataclass

from ..execution.context import RunContext
from ..progress import BatchDone
from ..schema.base import Query

#: Rows of primary key range in the first batch, and how many there may come to be in one.
BATCH_SIZE, LARGEST_BATCH = 2_000, 10_000
_SMALLEST_BATCH = 200
#: Seconds: a batch that took less is followed by one of twice its size, one that took more by a half.
_QUICK, _SLOW = 0.025, 0.1
#: How long the rest is, of the time that the batch took, and the longest in seconds. Without it, one in a hundred of
#: 200 readers' queries a second took a quarter longer (measured on two cores).
_REST, _LONGEST_REST = 0.15, 0.5


@dataclass(slots=True)
class Range:
    """A range of ids, without the first one and with the last; a plan shows placeholders in their place."""

    quoted_id: str
    after: int | str = ":after"
    upto: int | str = ":upto"

    def condition(self, alias: str = "") -> str:
        """Return the SQL condition that selects the range, of a table that may have an alias."""
        column = f"{alias}.{self.quoted_id}" if alias else self.quoted_id
        return f"{column} > {self.after} AND {column} <= {self.upto}"

    def __format__(self, alias: str) -> str:
        """Return the condition: a template says ``{batch}``, or ``{batch:m}`` for the alias m."""
        return self.condition(alias)


class Chunks:
    """The ids from the first row that ``remaining`` selects (by default the first of all) to the last.

    ``size`` is the number of ids in a chunk; None adapts it, up to ``largest``. A chunk locks its rows while it is
    changed and costs a commit, so it aims at a twentieth of a second, followed by a rest for other sessions.
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
        self._size = max(1, BATCH_SIZE if size is None else size)
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
        if self._largest and taken < _QUICK:
            self._size = min(2 * self._size, self._largest)
        elif self._largest and taken > _SLOW:
            self._size = max(self._size // 2, _SMALLEST_BATCH)
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
