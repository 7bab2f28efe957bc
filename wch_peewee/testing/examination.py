"""Examine a folder of migrations: every scenario, on every engine, from an empty database and from one with rows.

    verdict = examine("migrations", populate=fill)

It writes to scratch databases only, which it makes and removes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import peewee as pw

from ..authoring.lint import check_migrations
from .bench import Bench
from .child import Child
from .saved import restore, settle
from .scenarios import SCENARIOS, Scenario
from .scratch import Place, choose, open_place
from .subjects import Subject, our_migrations
from .verdict import Fault, Finding, Result, Verdict

EMPTY = "from an empty database"

#: Fills tables with rows; it is handed the open database and the prefix.
Populate = Callable[[pw.Database, str], object]
#: Hears what is being tried: engine, start and scenario, and how many points so far.
Progress = Callable[[str], None]


class ExaminationFailed(AssertionError):
    """The migrations do not bear what was done to them; the message says where, and ``verdict`` has it all."""

    def __init__(self, message: str, verdict: Verdict) -> None:
        super().__init__(message)
        self.verdict = verdict


def examine(
    folder: Path | str,
    *,
    populate: Populate | None = None,
    after: int = 1,
    engines: Iterable[str] | None = None,
    prefix: str = "wp_",
    scenarios: Sequence[Scenario] = SCENARIOS,
    every: int = 1,
    progress: Progress = lambda text: None,
) -> Verdict:
    """Examine the migrations of ``folder``; each scenario stops at the first point that goes wrong.

    ``populate(database, prefix)`` fills rows once the first ``after`` migrations are there. ``engines`` are names
    of WCH_TEST_SERVERS, ``sqlite`` or ``name=mysql://...``; all that are configured without it. With ``every``
    above 1 only every so many points are tried. Rows have to come out the same on every run: a migration that
    writes the time of day into them cannot be examined.

    Raises ExaminationFailed.
    """
    # pytest then shows the author's own line, and not this one.
    __tracebackhide__ = True
    subject = our_migrations(Path(folder), prefix)
    verdict = Verdict(())
    for engine in choose(engines):
        with open_place(engine) as place:
            verdict += examine_at(
                place, subject, populate=populate, after=after, scenarios=scenarios, every=every, progress=progress
            )
    if not verdict.ok:
        raise ExaminationFailed(f"the migrations of {folder} do not bear everything\n\n{verdict}", verdict)
    return verdict


def examine_at(
    place: Place,
    subject: Subject,
    *,
    populate: Populate | None = None,
    after: int = 1,
    start: str = EMPTY,
    scenarios: Sequence[Scenario] = SCENARIOS,
    every: int = 1,
    to_the_end: bool = False,
    progress: Progress = lambda text: None,
) -> Verdict:
    """Examine one subject at one place, from the state it is in, which ``start`` says in words.

    ``to_the_end`` goes on after what goes wrong. The place is put back to where it was.
    """
    with place.opened() as database:
        begin = settle(database)
    results = []
    for filler in (None, populate) if populate is not None else (None,):
        with place.opened() as database:
            restore(database, begin)
        bench = Bench(place, subject, start, begin) if filler is None else _populated(place, subject, filler, after)
        for scenario in scenarios:
            if scenario.every_start or filler is populate:
                results.append(_play(bench, scenario, every, to_the_end, progress))
    with place.opened() as database:
        restore(database, begin)
    order = [scenario.name for scenario in scenarios]
    return Verdict(tuple(sorted(results, key=lambda result: order.index(result.scenario))))


def _populated(place: Place, subject: Subject, populate: Populate, after: int) -> Bench:
    names = subject.names[:after]

    def fill() -> None:
        if names and subject.up_to is not None:
            subject.up_to(names[-1], place.url)
        with place.opened() as database:
            populate(database, subject.prefix)

    # In a process of its own, too: what it binds and imports stays there.
    with Child(fill) as child:
        failure = child.end().failure
    if failure is not None:
        raise ExaminationFailed(f"{place.label}: populating ends in {failure}\n{failure.trace}", Verdict(()))
    with place.opened() as database:
        saved = settle(database)
    return Bench(place, subject, f"with rows after {names[-1]}" if names else "with rows", saved, len(names))


def _play(bench: Bench, scenario: Scenario, every: int, to_the_end: bool, progress: Progress) -> Result:
    where = (bench.place.label, bench.start, scenario.name)
    if bench.failure is not None:
        fault = Fault("error", f"it ends in {bench.failure}\n{bench.failure.trace}")
        return Result(*where, 1, (Finding(*where, "the undisturbed run", fault),))
    tried, findings = 0, []
    for finding in scenario.play(bench, every):
        tried += 1
        progress(f"{', '.join(where)}: {tried}")
        if finding is not None:
            findings.append(finding)
            if not to_the_end:
                break
    return Result(*where, tried, tuple(findings))


def assert_migrations_clean(folder: Path | str) -> None:
    """Fail with a line for each finding of ``wch check --migrations``; no database is needed.

    Raises AssertionError, and ConfigurationError where there are no migrations.
    """
    __tracebackhide__ = True
    if findings := check_migrations(folder):
        raise AssertionError("\n".join([f"the migrations of {folder} are not clean", *map(str, findings)]))
