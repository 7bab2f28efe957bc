"""The lines of ``migrate()`` and ``rollback()`` before they are source: steps, and questions to the author.

StepLine("steps.drop_index", (Text("messages"), Text("created_at")))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .source import Expression


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema value in a line, and its name where it becomes a constant; ``listed`` ones always do, in a tuple."""

    code: Expression
    name: str
    listed: bool = False


@dataclass(frozen=True, slots=True)
class StepLine:
    """``migrator.run(function, database, *arguments)``; options come last."""

    function: str
    arguments: tuple[Expression | Shape, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """``steps.decide(question)``."""

    question: str


Line = StepLine | Mark


def together(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Make tables that come one after the other in one step, and drop them in one, named parents first."""
    found: list[Line] = []
    for line in lines:
        last = found[-1] if found else None
        if isinstance(line, StepLine) and isinstance(last, StepLine) and line.function == last.function:
            if line.function == "steps.create_tables":
                found[-1] = StepLine(line.function, (*last.arguments, *line.arguments))
                continue
            if line.function == "steps.drop_tables":  # it drops the last one first
                found[-1] = StepLine(line.function, (line.arguments[0], *last.arguments))
                continue
        found.append(line)
    return tuple(found)
