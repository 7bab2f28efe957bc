"""What it costs to fill a new column of a large table, and what readers notice of it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

from tests.support.databases import LiveDatabase

from ..apart import finish, run_apart, start
from ..bench import Bench
from ..places import bare, send
from ..rows import Mark, Row
from ..samples import Sample, timed

#: Questions a second.
_PACE = 200
_UPDATE = "UPDATE wp_wch_messages SET filled_by_hand = wa_message_id WHERE filled_by_hand IS NULL AND "


@dataclass(slots=True)
class _Readers:
    """Somebody who reads all the time, in a process of his own."""

    spans: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    answers: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.spans.setdefault(what, []).append((begun, time.monotonic()))

    def p99(self, what: str) -> Sample:
        """What one answer in a hundred took longer than, of those that were due meanwhile."""
        took = [
            seconds for due, seconds in self.answers if any(begun <= due <= ended for begun, ended in self.spans[what])
        ]
        return Sample((quantiles(took, n=100)[-1] if len(took) > 1 else took[0] if took else float("nan"),))


def measure(bench: Bench) -> Iterator[Row]:
    rows = bench.amounts.messages[1]
    database = bench.large(rows)
    half = rows // 2
    with _reading(database, rows) as readers, bare(database.url) as connection:
        with readers.during("idle"):
            time.sleep(min(15.0, rows / 20_000))
        # A row that grows moves its neighbours to new pages, and the second who fills finds room there: each goes first
        # over one half. By hand before and behind ours, because a server still cleans up behind whoever came first.
        bench.say(f"filling a column of {rows:,} messages")
        with readers.during("update"):
            by_hand = timed(lambda: send(connection, [(f"{_UPDATE}id <= {half}", ())]))
        with readers.during("ours"):
            ours = run_apart("fill", database.url, "filled")
        with readers.during("update"):
            by_hand += timed(lambda: send(connection, [(f"{_UPDATE}id > {half}", ())]))
    bench.kept["fill"] = ours
    yield Row(
        f"fill_column over {rows:,} rows, readers running",
        bench.name,
        "s",
        Sample((ours["seconds"],)),
        Sample((by_hand,)),
        Mark(1.5),
        note="floor: one UPDATE for each half of the rows, before and behind ours; one round",
    )
    yield Row(
        "the readers' p99 meanwhile",
        bench.name,
        "ms",
        readers.p99("ours"),
        readers.p99("idle"),
        Mark(2.0),
        peers={"single UPDATE": readers.p99("update")},
        note=f"floor: idle; {_PACE} point queries a second from one process",
    )


@contextmanager
def _reading(database: LiveDatabase, rows: int) -> Iterator[_Readers]:
    readers = _Readers()
    process = start("read", database.url, _PACE, rows)
    try:
        assert process.stdout
        process.stdout.readline()
        yield readers
    except BaseException:
        process.kill()
        process.wait()
        raise
    readers.answers = [(due, seconds) for due, seconds in finish(process)["said"]]
