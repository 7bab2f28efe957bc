"""The scenarios of an examination. Each yields a trial for every point that it tries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from .bench import Bench
from .child import START, Ending, Point, Write
from .snapshots import Snapshot, nearest, snapshot_differences

#: Seconds that the second of two runs has to collide with the first, which is held meanwhile.
_COLLIDE = 0.5
_ROUNDS = 3
#: The errors with which a rollback may refuse.
_REFUSALS = ("RemovalRefused", "Irreversible")
_HOLDS = 5

#: ``error``: a run failed that should succeed. ``different``: it reported success, but the database differs.
Kind = Literal["error", "different"]


@dataclass(frozen=True, slots=True)
class Fault:
    """The fault at a point: a failed run, or a different database."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A point of a scenario at which something went wrong."""

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
class Trial:
    """One point of a scenario, and the fault if there is one."""

    point: str
    fault: Fault | None
    write: Write | None = None


Trials = Iterator[Trial]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named scenario; with ``every_start`` it is played from an empty database, too, not only from one with rows."""

    name: str
    play: Callable[[Bench, int], Trials]
    every_start: bool = True


def run_twice(bench: Bench, every: int) -> Trials:
    """Run a second time, which must change nothing, not even a timestamp."""
    bench.reset()
    bench.run(bench.subject.forward)
    before = bench.snapshot(exact=True)
    fault = _error(bench.run(bench.subject.forward)) or _different(before, bench.snapshot(exact=True))
    yield Trial("the second run", fault)


def there_and_back(bench: Bench, every: int) -> Trials:
    """Roll back, apply and roll back each migration, down to the start; then apply all at once.

    A refusal to remove data, or to roll back at all, ends the way down and must change nothing. Columns may come back
    in another order.
    """
    names = bench.subject.names[bench.applied :]
    forward, back, up_to = bench.subject.forward, bench.subject.back, bench.subject.up_to
    if back is None or up_to is None or not names:
        return
    bench.reset()
    bench.run(forward)
    top = bench.snapshot(ordered=False)
    for migration in reversed(names):
        before, above = bench.snapshot(), bench.snapshot(ordered=False)
        ending = bench.run(partial(back, migration))
        if ending.failure is not None and ending.failure.kind in _REFUSALS:
            yield Trial(f"{migration} back, refused", _different(before, bench.snapshot()))
            break
        again = partial(up_to, migration)
        fault = (
            _error(ending)
            or _error(bench.run(again))
            or _different(above, bench.snapshot(ordered=False))
            or _error(bench.run(partial(back, migration)))
        )
        yield Trial(f"{migration} back and forward again", fault)
        if fault is not None:
            return
    fault = _error(bench.run(forward)) or _different(top, bench.snapshot(ordered=False))
    yield Trial("all of them forward again", fault)


def killed_anywhere(bench: Bench, every: int) -> Trials:
    """Kill the run before, during and after each write, and run again."""
    writes = bench.undisturbed.writes
    for point in bench.points(writes, every):
        bench.reset()
        ending = bench.run(bench.subject.forward, kill=point)
        if ending.killed:
            ending = bench.run(bench.subject.forward)
        where = f"killed {point} of {len(writes)}, then the same again"
        fault = _error(ending) or _different(bench.expected, bench.snapshot())
        yield Trial(where, fault, writes[point.number - 1])


def killed_then_back(bench: Bench, every: int) -> Trials:
    """Kill each rollback before, during and after each write, and run it again, down to the empty database."""
    for one in _way_down(bench, every):
        ending = bench.run(one.back)
        fault = _error(ending) or _different(one.below, bench.snapshot())
        yield Trial(one.where, fault, one.write)


def killed_then_forward(bench: Bench, every: int) -> Trials:
    """Kill each rollback before, during and after each write, and apply the migration again.

    Each value is then what it was before the rollback, or what it is after a whole way back and forward again.
    """
    for one in _way_down(bench, every):
        ending = bench.run(one.forward)
        found = bench.snapshot(ordered=False)
        fault = _error(ending) or _different(nearest(found, one.above, one.again), found)
        yield Trial(one.where, fault, one.write)


@dataclass(frozen=True, slots=True)
class _HalfWay:
    """A rollback that has been killed, and the states before it, after a whole one, and after going forward again."""

    where: str
    write: Write
    back: Callable[[str], object]
    forward: Callable[[str], object]
    above: Snapshot
    below: Snapshot
    again: Snapshot


def _way_down(bench: Bench, every: int) -> Iterator[_HalfWay]:
    """Take back every migration, newest first, and kill that at each point in turn."""
    way_back, up_to = bench.subject.back_with_loss, bench.subject.up_to
    if way_back is None or up_to is None:
        return
    bench.reset()
    bench.run(bench.subject.forward)
    for migration in reversed(bench.subject.names):
        back, forward = partial(way_back, migration), partial(up_to, migration)
        saved, above = bench.save(), bench.snapshot(ordered=False)
        whole = bench.run(back)
        below = bench.snapshot()
        bench.run(forward)
        again = bench.snapshot(ordered=False)
        if whole.failure is not None:
            return  # refused, or broken, which there_and_back reports
        for point in bench.points(whole.writes, every):
            bench.restore(saved)
            bench.run(back, kill=point)
            where = f"{migration} killed {point} of {len(whole.writes)}"
            yield _HalfWay(where, whole.writes[point.number - 1], back, forward, above, below, again)
        bench.restore(saved)
        bench.run(back)


def two_at_once(bench: Bench, every: int) -> Trials:
    """Run two processes that start together, and one that starts while the other is held in the middle of its run."""
    for number in range(1, _ROUNDS + 1):
        bench.reset()
        yield _together(bench, START, f"started together, round {number}", None)
    writes = bench.undisturbed.writes
    for write in writes[:: max(-(-len(writes) // _HOLDS), every)]:
        bench.reset()
        point = Point(write.number, "before")
        yield _together(bench, point, f"the second came {point} of {len(writes)} of the first", write)


def _together(bench: Bench, point: Point, where: str, write: Write | None) -> Trial:
    forward = bench.subject.forward
    with (
        bench.start_child(forward, hold=point) as first,
        bench.start_child(forward, hold=START) as second,
    ):
        first.reach_hold()
        second.reach_hold()
        second.go_on()
        if point != START:
            second.ends_within(_COLLIDE)
        first.go_on()
        endings = [first.end(), second.end()]
    failures = [ending.failure for ending in endings if ending.failure is not None]
    wrong = [str(failure) for failure in failures if not failure.busy] or [str(one) for one in failures[1:]]
    fault = _different(bench.expected, bench.snapshot())
    if wrong:
        fault = Fault("error", "\n".join([f"one of them ends in {wrong[0]}", *([fault.text] if fault else [])]))
    return Trial(where, fault, write)


def _error(ending: Ending) -> Fault | None:
    return None if ending.failure is None else Fault("error", f"it ends in {ending.failure}")


def _different(expected: Snapshot, found: Snapshot) -> Fault | None:
    text = snapshot_differences(expected, found)
    return Fault("different", text) if text else None


SCENARIOS = (
    Scenario("run twice", run_twice),
    Scenario("forward, back and forward again", there_and_back),
    Scenario("killed anywhere", killed_anywhere),
    Scenario("killed on the way back, then back", killed_then_back, every_start=False),
    Scenario("killed on the way back, then forward", killed_then_forward, every_start=False),
    Scenario("two at once", two_at_once),
)
