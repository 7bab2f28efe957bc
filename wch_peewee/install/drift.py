"""Differences between the live tables and what the migrations and the models declare, and what repairs each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..schema.plan import RowWork
from ..schema.statements import Step

#: A difference is repaired by this command, or needs something else.
REPAIR = "wch repair"

Kind = Literal["pending", "drift"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``repaired_by`` is ``wch repair``, or None if something else is needed: ``reason`` says what.

    ``statements`` are those of the step that repairs it, which may change other things of that table, too.
    """

    kind: Kind
    table: str | None
    what: str
    repaired_by: str | None = None
    statements: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}" if self.reason else self.what


def differences_of(kind: Kind, work: Step | RowWork, repaired_by: str | None = None) -> Iterator[Difference]:
    """Yield what a step of a plan would change."""
    if isinstance(work, RowWork):
        table = work.tables[0] if work.tables else None
        yield Difference(kind, table, work.words, statements=(work.sql,) if work.sql else ())
        return
    statements = tuple(str(statement) for statement in (*work.statements, *work.cleanup))
    for line in (line for operation in work.operations for line in operation.describe()):
        yield Difference(kind, work.table, line, repaired_by, statements)
