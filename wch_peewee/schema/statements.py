"""What a dialect hands out: questions to ask, statements to run, and steps that group them.

The preview prints the very statements that the run executes.
"""

from __future__ import annotations

from dataclasses import dataclass

from .operations import Operation
from .requirements import Requirement


@dataclass(frozen=True, slots=True)
class Query:
    """A read, with its parameters."""

    sql: str
    params: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A write. ``table`` is what it changes, held against the owned names before it is sent; empty for a SET."""

    sql: str
    table: str = ""

    def __str__(self) -> str:
        return self.sql + ";"


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
