"""Examine migrations: every scenario, on every engine, from an empty database and from one with rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import peewee as pw

from ..authoring.lint import check_migrations
from ..errors import ConfigurationError
from ..models.base import BaseModel
from ..models.tables import MODELS
from .bench import Bench, Subject, our_migrations
from .child import Child
from .scenarios import SCENARIOS, Fault, Finding, Scenario
from .scratch import ScratchDatabase, choose_engines, restore_state, save_state, scratch_database

EMPTY = "from an empty database"

#: Fills tables with rows; takes the open database and the prefix.
Populate = Callable[[pw.Database, str], object]
#: Takes a line on what is being tried: engine, start, scenario, and the number of points so far.
Ticker = Callable[[str], None]

#: The cell of a table if there was nothing to try.
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one scenario on one engine from one start: the points ``tried`` and those that went wrong."""

    engine: str
    start: str
    scenario: str
    tried: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The results of an examination. As text it is a table, with what went wrong below it."""

    results: tuple[Result, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for result in self.results for finding in result.findings)

    @property
    def ok(self) -> bool:
        """True if every point of every scenario ended like an undisturbed run."""
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

    def table(self) -> list[list[str]]:
        """Return a heading and a row for each scenario, with the converged and tried points on each engine."""
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


class ExaminationFailed(AssertionError):
    """An examination in which something went wrong; the message has its table, ``verdict`` every detail."""

    def __init__(self, message: str, verdict: Verdict) -> None:
        super().__init__(message)
        self.verdict = verdict


def examine(
    folder: Path | str,
    *,
    populate: Populate | None = None,
    engines: Iterable[str] | None = None,
    models: Sequence[type[BaseModel]] = MODELS,
    scenarios: Sequence[Scenario] = SCENARIOS,
    every: int = 1,
    progress: Ticker = lambda text: None,
) -> Verdict:
    """Examine the migrations of ``folder`` on scratch databases; a scenario stops at the first point that goes wrong.

    ``populate(database, prefix)`` fills rows once the first migration is applied. ``engines`` are names of
    WCH_TEST_SERVERS, ``sqlite`` or ``name=mysql://...``; None is all configured ones. Only every ``every``-th point is
    tried. Rows must be the same after every run: a migration that writes the time of day into them cannot be examined.

    Raises ExaminationFailed.
    """
    # pytest then shows the line of the author's test.
    __tracebackhide__ = True
    subject = our_migrations(Path(folder), models)
    verdict = Verdict(())
    for engine in choose_engines(engines):
        with scratch_database(engine) as scratch:
            verdict += examine_at(
                scratch, subject, populate=populate, scenarios=scenarios, every=every, progress=progress
            )
    if not verdict.ok:
        raise ExaminationFailed(f"the migrations of {folder} do not bear everything\n\n{verdict}", verdict)
    return verdict


def examine_at(
    scratch: ScratchDatabase,
    subject: Subject,
    *,
    populate: Populate | None = None,
    start: str = EMPTY,
    scenarios: Sequence[Scenario] = SCENARIOS,
    every: int = 1,
    to_the_end: bool = False,
    progress: Ticker = lambda text: None,
) -> Verdict:
    """Examine one subject on one scratch database, from its current state, which ``start`` names.

    ``to_the_end`` continues after points that go wrong. The database's state is restored at the end.
    """
    if every < 1:
        raise ConfigurationError(f"Every {every}th point cannot be tried; expected 1 for all, or more.")
    with scratch.opened() as database:
        subject.prepare(database)
        begin = save_state(database)
    results = []
    for filler in (None, populate) if populate is not None else (None,):
        with scratch.opened() as database:
            restore_state(database, begin)
        bench = Bench(scratch, subject, start, begin) if filler is None else _populated(scratch, subject, filler)
        for scenario in scenarios:
            if scenario.every_start or filler is populate:
                results.append(_play(bench, scenario, every, to_the_end, progress))
    with scratch.opened() as database:
        restore_state(database, begin)
    order = [scenario.name for scenario in scenarios]
    return Verdict(tuple(sorted(results, key=lambda result: order.index(result.scenario))))


def _populated(scratch: ScratchDatabase, subject: Subject, populate: Populate) -> Bench:
    names = subject.names[:1]

    def fill() -> None:
        if names and subject.up_to is not None:
            subject.up_to(names[-1], scratch.url)
        with scratch.opened() as database:
            populate(database, subject.site.prefix)

    # In a child process, too, where its imports and bindings stay.
    with Child(fill) as child:
        failure = child.end().failure
    if failure is not None:
        raise ExaminationFailed(f"{scratch.label}: populating ends in {failure.full}", Verdict(()))
    with scratch.opened() as database:
        saved = save_state(database)
    return Bench(scratch, subject, f"with rows after {names[-1]}" if names else "with rows", saved, len(names))


def _play(bench: Bench, scenario: Scenario, every: int, to_the_end: bool, progress: Ticker) -> Result:
    where = (bench.scratch.label, bench.start, scenario.name)
    if (failure := bench.undisturbed.failure) is not None:
        fault = Fault("error", f"it ends in {failure.full}")
        return Result(*where, 1, (Finding(*where, "the undisturbed run", fault),))
    tried, findings = 0, []
    for trial in scenario.play(bench, every):
        tried += 1
        progress(f"{', '.join(where)}: {tried}")
        if trial.fault is not None:
            findings.append(Finding(*where, trial.point, trial.fault, trial.write))
            if not to_the_end:
                break
    return Result(*where, tried, tuple(findings))


def assert_migrations_clean(folder: Path | str) -> None:
    """Raise AssertionError with a line for each finding of ``wch check --migrations``; needs no database.

    Raises ConfigurationError if there are no migrations.
    """
    __tracebackhide__ = True
    if findings := check_migrations(folder):
        raise AssertionError("\n".join([f"the migrations of {folder} are not clean", *map(str, findings)]))
