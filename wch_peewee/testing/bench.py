"""One subject at one place, from one start, as often as a scenario needs it: reset, run, compare.

bench = Bench(place, subject, "from an empty database", saved)
bench.reset()
bench.run(subject.forward)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import peewee as pw

from .child import Child, Ending, Failure
from .saved import Saved, restore, settle
from .scratch import Place
from .snapshots import Snapshot, read_snapshot, without_order
from .subjects import Subject
from .writes import Moment, Point, Write


class Bench:
    """``applied`` is how many of the subject's migrations the start already holds."""

    def __init__(self, place: Place, subject: Subject, start: str, saved: Saved, applied: int = 0) -> None:
        self.place = place
        self.subject = subject
        self.start = start
        self.applied = applied
        self._saved = saved
        self.reset()
        #: the undisturbed run, and what it leaves
        self.undisturbed = self.run(subject.forward)
        self.expected = self.snapshot()

    @property
    def failure(self) -> Failure | None:
        """Why the undisturbed run failed, in which case there is nothing to compare with."""
        return self.undisturbed.failure

    def reset(self) -> None:
        with self.place.opened() as database:
            restore(database, self._saved)

    def settle(self) -> Saved:
        with self.place.opened() as database:
            return settle(database)

    def put_back(self, saved: Saved) -> None:
        with self.place.opened() as database:
            restore(database, saved)

    def start_child(
        self, action: Callable[[str], object], *, kill: Point | None = None, hold: Point | None = None
    ) -> Child:
        return Child(partial(action, self.place.url), kill=kill, hold=hold)

    def run(self, action: Callable[[str], object], *, kill: Point | None = None) -> Ending:
        """Run ``forward`` or ``back`` in a process of its own."""
        with self.start_child(action, kill=kill) as child:
            return child.end()

    def snapshot(self) -> Snapshot:
        return self._look(lambda database: self._read(database, self.subject.history))

    def snapshot_to_the_last_id(self) -> Snapshot:
        """The history's ids and timestamps included."""
        return self._look(lambda database: self._read(database, ""))

    def snapshot_without_order(self) -> Snapshot:
        return self._look(lambda database: without_order(self._read(database, self.subject.history), database))

    def points(self, writes: tuple[Write, ...], every: int) -> list[Point]:
        """Every so many moments of a run with these writes, 1 for all of them; before, during and after take turns."""
        moments: tuple[Moment, ...] = ("before", "during", "after") if self.place.remote else ("before", "after")
        chosen = range(0, len(writes) * len(moments), every)
        return [
            Point(writes[place // len(moments)].number, moments[turn % len(moments)])
            for turn, place in enumerate(chosen)
        ]

    def _look(self, read: Callable[[pw.Database], Snapshot]) -> Snapshot:
        with self.place.opened() as database:
            return read(database)

    def _read(self, database: pw.Database, history: str) -> Snapshot:
        return read_snapshot(database, prefix=self.subject.prefix, history=history)
