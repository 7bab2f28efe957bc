"""Go through a table by primary key, so many rows at a time, and say how far it has come.

walk = Walk(workspace, "wp_wch_messages", size=2000, remaining="note IS NULL")
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..progress import BatchDone
from ..schema.introspect import ask
from ..schema.statements import Query
from ..workspace import Workspace


@dataclass(slots=True)
class Range:
    """Formats itself as the condition on ``id``, with a table's alias as the format's specification."""

    quoted_id: str
    after: int
    upto: int

    def __format__(self, alias: str) -> str:
        column = f"{alias}.{self.quoted_id}" if alias else self.quoted_id
        return f"{column} > {self.after} AND {column} <= {self.upto}"


@dataclass(slots=True)
class AnyRange:
    """The same for people, when no range is known yet."""

    quoted_id: str

    def __format__(self, alias: str) -> str:
        column = f"{alias}.{self.quoted_id}" if alias else self.quoted_id
        return f"{column} > :after AND {column} <= :upto"


class Walk:
    """The ids from the first row that ``remaining`` selects, the first of all without it, to the last."""

    def __init__(self, workspace: Workspace, table: str, *, size: int, remaining: str = "") -> None:
        self._workspace = workspace
        self._table = table
        self._size = max(1, size)
        self._id = workspace.dialect.quote("id")
        self._quoted = workspace.dialect.quote(table)
        self._last = self._ask(f"SELECT MAX({self._id}) FROM {self._quoted}")
        where = f" WHERE {remaining}" if remaining else ""
        first = self._ask(f"SELECT {self._id} FROM {self._quoted}{where} ORDER BY {self._id} LIMIT 1")
        #: The last id that needs nothing done; with nothing to do it is the last of all.
        self._first = self._after = (self._last or 0) if first is None else first - 1
        self._rows = 0
        self._started = time.monotonic()

    def next_range(self) -> Range | None:
        """Step on to the next range; rows that come in behind the last id meanwhile are the application's own."""
        if self._last is None or self._after >= self._last:
            return None
        upto = self._ask(
            f"SELECT MAX({self._id}) FROM (SELECT {self._id} FROM {self._quoted} "
            f"WHERE {self._id} > {self._after} ORDER BY {self._id} LIMIT {self._size}) AS batch"
        )
        if upto is None:
            return None
        found = Range(self._id, self._after, upto)
        self._after = upto
        return found

    def count(self, rows: int) -> None:
        """Add ``rows`` that have been changed, and tell whoever listens."""
        self._rows += max(0, rows)
        if self._workspace.on_progress is not None:
            span = max(1, (self._last or 0) - self._first)
            fraction = min(1.0, (self._after - self._first) / span)
            seconds = time.monotonic() - self._started
            self._workspace.on_progress(BatchDone(self._table, self._rows, fraction, seconds))

    def _ask(self, sql: str) -> int | None:
        rows = ask(self._workspace.database, self._workspace.dialect, Query(sql))
        return None if not rows or rows[0][0] is None else int(rows[0][0])
