"""What a run will do, step by step, as values: what is sent, what it means for the site, and what may stand against it.

forecast.steps[0].checks[0].requirement.refusal(3)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import operations as ops
from .preconditions import Precondition
from .statements import Effect, Size, Step


@dataclass(frozen=True, slots=True)
class Check:
    """A question to the rows ahead of a step; ``count`` of them stand against it, and ``query`` shows them."""

    precondition: Precondition
    count: int
    query: str
    #: rows that are counted are lost, where others make the step fail
    is_loss: bool = False


@dataclass(frozen=True, slots=True)
class RowWork:
    """Work on rows, which can be told only as far as it is SQL: ``words`` say what, ``sql`` is empty for Python."""

    words: str
    tables: tuple[str, ...] = ()
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One step of a migration, or, without one, of what is mended after all migrations."""

    work: Step | RowWork
    migration: str = ""
    number: int = 0
    of: int = 0
    checks: tuple[Check, ...] = ()
    effect: Effect | None = None
    #: why the run would stop here without leave to copy the table
    copy_refusal: str = ""
    #: a tool copies the table in the server's stead
    handed_over: bool = False

    def describe(self) -> tuple[str, ...]:
        """Say what the step does."""
        if isinstance(self.work, RowWork):
            return (self.work.words,)
        return tuple(line for operation in self.work.operations for line in operation.describe())

    def undone(self) -> tuple[str, ...]:
        """Say how what it does is undone."""
        operations = () if isinstance(self.work, RowWork) else self.work.operations
        return tuple(dict.fromkeys(map(undone, operations)))

    @property
    def failing(self) -> tuple[Check, ...]:
        """The checks that rows stand against now, so that the step would fail."""
        return tuple(check for check in self.checks if check.count and not check.is_loss)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where a run would stop, and why: what comes after that cannot be told."""

    migration: str
    number: int
    of: int
    reason: str


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """All steps in their order, with the tables' sizes as they are now."""

    steps: tuple[Forecast, ...] = ()
    sizes: Mapping[str, Size] = field(default_factory=dict)
    stopped: Stopped | None = None


def undone(operation: ops.Operation) -> str:
    """Say how an operation is undone."""
    match operation:
        case ops.CreateTable():
            return "dropping the table, with its rows"
        case ops.AddColumn():
            return "dropping the column, with what has been written into it"
        case ops.ModifyColumn():
            return "changing the column back, if its values still fit"
        case ops.RenameColumn() | ops.RenameIndex():
            return "renaming it back"
        case ops.AddIndex() | ops.AddForeignKey():
            return "dropping it"
        case ops.DropIndex() | ops.DropForeignKey():
            return "adding it again, which looks at every row"
        case ops.DropColumn() | ops.DropTable():
            return "nothing: what it held is gone but for a backup"
    return "the migration's rollback"
