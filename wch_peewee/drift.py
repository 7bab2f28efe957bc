"""What differs, sorted: what a pending migration is going to do, and what somebody has changed (drift).

for difference in differences(manager.plan()):
    print(difference.kind, difference)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .lint.touched import Subject
from .naming import history_table_name, options_table_name
from .reports import InstallPlan
from .schema.diff import Refusal
from .schema.operations import AddColumn, AddForeignKey, AddIndex, ModifyColumn, Operation

REPAIR = "wch repair"

Kind = Literal["pending", "drift"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``mended_by`` is ``wch repair``, or None where something else is needed: ``reason`` says what.

    ``statements`` are those of the step that mends it, which may do others of that table in the same go.
    """

    kind: Kind
    table: str | None
    what: str
    mended_by: str | None = None
    statements: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}" if self.reason else self.what

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return {**asdict(self), "statements": list(self.statements)}


def differences(found: InstallPlan, prefix: str, touched: Collection[Subject] = ()) -> tuple[Difference, ...]:
    """Sort what ``found`` lists; ``touched`` is what the pending migrations change, and so no drift."""
    return tuple(_differences(found, prefix, touched))


def _differences(found: InstallPlan, prefix: str, touched: Collection[Subject]) -> Iterator[Difference]:
    for name in found.pending:
        yield Difference("pending", None, f"Run migration {name}", reason="wch migrate and wch activate run it")
    bookkeeping = {history_table_name(prefix), options_table_name(prefix)}
    # What keeps the books belongs to the run that is to come, and is none of repair's business.
    ahead: Kind = "pending" if found.pending else "drift"
    if not found.is_stamped:
        reason = f"it is {found.version or 'none'}, expected {found.code_version}; wch activate writes it"
        yield Difference(ahead, options_table_name(prefix), "Write the version", reason=reason)
    for step in found.plan.steps:
        statements = tuple(str(statement) for statement in (*step.statements, *step.cleanup))
        for operation in step.operations:
            for line in operation.describe():
                if step.table in bookkeeping:
                    yield Difference(ahead, step.table, line, None, statements)
                elif _subjects(operation) & set(touched):
                    yield Difference("pending", step.table, line, None, statements)
                else:
                    yield Difference("drift", step.table, line, REPAIR, statements)
    for refusal in found.plan.refusals:
        kind: Kind = "pending" if any(_is_about(refusal, subject) for subject in touched) else "drift"
        yield Difference(kind, refusal.table, refusal.what, reason=refusal.reason)


def _subjects(operation: Operation) -> set[Subject]:
    """What a migration that is about to do the same would have among its own."""
    table = operation.table
    subjects: set[Subject] = {(table, "table", ())}
    if isinstance(operation, AddColumn | ModifyColumn):
        subjects.add((table, "column", (operation.column.name,)))
    elif isinstance(operation, AddIndex):
        subjects.add((table, "index", operation.index.columns))
    elif isinstance(operation, AddForeignKey):
        subjects.add((table, "key", operation.foreign_key.columns))
    return subjects


def _is_about(refusal: Refusal, subject: Subject) -> bool:
    """A refusal has words and no operation; those about a column name it with its table."""
    table, kind, names = subject
    if refusal.table != table:
        return False
    return kind == "table" or (
        kind == "column" and re.search(rf"{re.escape(table)}\.{re.escape(names[0])}(?!\w)", refusal.what) is not None
    )
