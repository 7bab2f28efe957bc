"""What an examination found: for each engine and scenario the points tried, and each point that went wrong.

verdict = examine("migrations")
print(verdict)                # a table; below it what went wrong
print(verdict.markdown())     # the table for a page
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .writes import Write

#: ``error``: a run that should have gone through did not. ``different``: it said that all was well, and it was not.
Kind = Literal["error", "different"]

#: In a table: there is nothing to try.
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One point at which something went wrong."""

    engine: str
    start: str
    scenario: str
    point: str
    fault: Fault
    write: Write | None = None

    def __str__(self) -> str:
        lines = [f"{self.engine}, {self.start}, {self.scenario}: {self.point}"]
        if self.write is not None:
            lines.append(f"  {self.write}")
        return "\n".join([*lines, *(f"  {line}" for line in self.fault.text.splitlines())])


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario on one engine from one start."""

    engine: str
    start: str
    scenario: str
    tried: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    results: tuple[Result, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for result in self.results for finding in result.findings)

    @property
    def ok(self) -> bool:
        """True when every point of every scenario ended as an undisturbed run does."""
        return not self.findings

    @property
    def tried(self) -> int:
        return sum(result.tried for result in self.results)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.results + other.results)

    def __str__(self) -> str:
        rows = self.table()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, *(f"\n{finding}" for finding in self.findings)])

    def markdown(self) -> str:
        head, *rows = self.table()
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def table(self) -> list[list[str]]:
        """A heading and a row for each scenario, with a column for each engine: converged points of those tried."""
        engines = _once(result.engine for result in self.results)
        rows = [["scenario", *engines]]
        for scenario in _once(result.scenario for result in self.results):
            rows.append([scenario, *(self._cell(engine, scenario) for engine in engines)])
        return rows

    def _cell(self, engine: str, scenario: str) -> str:
        results = [result for result in self.results if (result.engine, result.scenario) == (engine, scenario)]
        tried = sum(result.tried for result in results)
        kinds = [finding.fault.kind for result in results for finding in result.findings]
        if not tried:
            return NOTHING
        if not kinds:
            return f"all {tried}"
        words = {"error": "end in an error", "different": "differ in silence"}
        counts = ", ".join(f"{kinds.count(kind)} {text}" for kind, text in words.items() if kind in kinds)
        return f"{tried - len(kinds)} of {tried} ({counts})"


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
