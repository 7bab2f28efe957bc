"""What a dialect hands out to be run: statements, and steps that group them.

The preview prints the very statements that the run executes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .operations import Operation
    from .preconditions import Requirement


@dataclass(frozen=True, slots=True)
class Statement:
    """A write. ``table`` is what it changes, held against the owned names before it is sent; empty for a SET.

    ``algorithms`` are clauses that name an algorithm, cheapest first: one that the server refuses is followed by the
    next. When none is left, ``copying`` are those that copy the table, for which somebody has to have given leave.
    ``clauses`` is an ALTER's text without its table.
    """

    sql: str
    table: str = ""
    algorithms: tuple[str, ...] = ()
    copying: tuple[str, ...] = ()
    clauses: str = ""

    def __str__(self) -> str:
        return self.text + ";"

    @property
    def text(self) -> str:
        """The statement as it is sent first."""
        return self.naming((*self.algorithms, *self.copying, "")[0])

    def naming(self, algorithm: str) -> str:
        """Return the statement with that clause."""
        return f"{self.sql}, {algorithm}" if algorithm else self.sql


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step means for a table's users: the algorithm and lock in the server's words, and ours."""

    algorithm: str
    lock: str
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that belong together because they do ``operations`` in one go.

    ``cost`` is the class of the work in the server's own words (INSTANT, NOCOPY, INPLACE, COPY; on
    SQLite ALTER or REBUILD; CREATE). ``cleanup`` runs whether or not the statements succeed.
    ``recheck`` is counted once more afterwards; where it does not hold, ``undo`` takes the step back.
    """

    table: str
    operations: tuple[Operation, ...]
    statements: tuple[Statement, ...]
    cost: str
    cleanup: tuple[Statement, ...] = ()
    recheck: Requirement | None = None
    undo: tuple[Statement, ...] = ()
