"""Differences between the declared and the live schema, sorted into pending changes and drift."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..schema.naming import Names
from ..schema.plan import Forecast, RowWork
from .inspection import InstallPlan

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

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return {**asdict(self), "statements": list(self.statements)}


def differences(found: InstallPlan, names: Names) -> tuple[Difference, ...]:
    """Sort what ``found`` lists: the steps of pending migrations, and the drift that would remain after them."""
    return tuple(_differences(found, names))


def _differences(found: InstallPlan, names: Names) -> Iterator[Difference]:
    for name in found.pending:
        yield Difference("pending", None, f"Run migration {name}", reason="wch migrate and wch activate run it")
    for forecast in found.dry_run.steps:
        if forecast.migration:
            yield from _ahead(forecast)
    if (stopped := found.dry_run.stopped) is not None:
        where = f"step {stopped.number} of {stopped.of}" if stopped.number else "its beginning"
        what = f"{stopped.migration} would stop at {where}" if stopped.migration else "wch activate would stop"
        yield Difference("pending", None, what, reason=stopped.reason)
    # What keeps the books belongs to the run that is to come, and is none of repair's business.
    bookkeeping = {*names.books, names.options}
    ahead: Kind = "pending" if found.pending else "drift"
    if not found.is_stamped and not found.pending:  # a migration writes its version itself
        reason = f"it is {found.version or 'none'}, expected {found.code_version}; wch activate writes it"
        yield Difference("drift", names.options, "Write the version", reason=reason)
    for step in found.plan.steps:
        statements = tuple(str(statement) for statement in (*step.statements, *step.cleanup))
        for line in (line for operation in step.operations for line in operation.describe()):
            if step.table in bookkeeping:
                yield Difference(ahead, step.table, line, None, statements)
            else:
                yield Difference("drift", step.table, line, REPAIR, statements)
    for refusal in found.plan.refusals:
        yield Difference("drift", refusal.table, refusal.what, reason=refusal.reason)


def _ahead(forecast: Forecast) -> Iterator[Difference]:
    work = forecast.work
    if isinstance(work, RowWork):
        table = work.tables[0] if work.tables else None
        yield Difference("pending", table, work.words, None, (work.sql,) if work.sql else ())
        return
    statements = tuple(str(statement) for statement in (*work.statements, *work.cleanup))
    for line in forecast.describe():
        yield Difference("pending", work.table, line, None, statements)
