"""What it costs to fill a new column of a large table, and what readers and a writer notice of it meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

from tests.support.databases import LiveDatabase
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution.online import find_copier
from wch_peewee.schema.statements import Statement

from ..apart import finish, run_apart, start
from ..bench import Bench
from ..places import bare, send
from ..rows import Mark, Row
from ..samples import Sample, timed

#: Questions, and changes, a second.
_PACE = 200
_WRITER_PACE = 50
_UPDATE = "UPDATE wp_wch_messages SET filled_by_hand = wa_message_id WHERE filled_by_hand IS NULL AND "
_TOOL = "pt-online-schema-change"


@dataclass(slots=True)
class _Bystander:
    """Somebody who reads, or writes, all the time, in a process of his own.

    ``answers`` holds when each statement was due, was sent, and was answered. One that is sent late, because the one
    before it took long, has waited since it was due.
    """

    answers: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass(slots=True)
class _Spans:
    """What went on when."""

    spans: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.spans.setdefault(what, []).append((begun, time.monotonic()))

    def p99(self, who: _Bystander, what: str) -> Sample:
        """What one answer in a hundred took longer than, of those that were due meanwhile."""
        took = [answered - due for due, _, answered in who.answers if self._within(what, due)]
        return Sample((quantiles(took, n=100)[-1] if len(took) > 1 else took[0] if took else float("nan"),))

    def longest(self, who: _Bystander, what: str) -> Sample:
        """What the slowest answer took, of the statements that were sent meanwhile."""
        took = [answered - sent for _, sent, answered in who.answers if self._within(what, sent)]
        return Sample((max(took, default=float("nan")),))

    def _within(self, what: str, moment: float) -> bool:
        return any(begun <= moment <= ended for begun, ended in self.spans[what])


def measure(bench: Bench) -> Iterator[Row]:
    rows = bench.amounts.messages[1]
    database = bench.large(rows)
    half, spans = rows // 2, _Spans()
    with ExitStack() as stack:
        connection = stack.enter_context(bare(database.url))
        readers = stack.enter_context(_bystander("read", database, _PACE, rows))
        # A run is one transaction on SQLite, for whose end a writer waits.
        writer = None
        if bench.family != "sqlite":
            writer = stack.enter_context(_bystander("write", database, _WRITER_PACE, rows))
        with spans.during("idle"):
            time.sleep(min(15.0, rows / 20_000))
        # A row that grows moves its neighbours to new pages, and the second who fills finds room there: each goes first
        # over one half. By hand before and behind ours, because a server still cleans up behind whoever came first.
        bench.say(f"filling a column of {rows:,} messages")
        with spans.during("update"):
            by_hand = timed(lambda: send(connection, [(f"{_UPDATE}id <= {half}", ())]))
        with spans.during("ours"):
            ours = run_apart("fill", database.url, "filled")
        with spans.during("update"):
            by_hand += timed(lambda: send(connection, [(f"{_UPDATE}id > {half}", ())]))
        no_tool = "" if writer else "SQLite has no such tool"
        if writer and not (no_tool := "" if shutil.which(_TOOL) else "not installed here"):
            bench.say(f"copying the table with {_TOOL}")
            with spans.during("tool"):
                _copy(database)
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
        spans.p99(readers, "ours"),
        spans.p99(readers, "idle"),
        Mark(2.0),
        peers={"single UPDATE": spans.p99(readers, "update")},
        note=f"floor: idle; {_PACE} point queries a second from one process",
    )
    for who, title, mark in ((readers, "a reader's", None), (writer, "a writer's", Mark(0.1, above=True))):
        if who is not None:
            yield Row(
                f"{title} longest wait meanwhile",
                bench.name,
                "ms",
                spans.longest(who, "ours"),
                spans.longest(who, "idle"),
                mark,
                peers={"single UPDATE": spans.longest(who, "update"), _TOOL: no_tool or spans.longest(who, "tool")},
                note=f"floor: idle; the writer changes {_WRITER_PACE} rows a second, one by one, all over the table; "
                f"{_TOOL} copies the table",
            )


def _copy(database: LiveDatabase) -> None:
    copier = find_copier(open_database(parse_url(database.url)))
    copier(Statement("ALTER TABLE wp_wch_messages", "wp_wch_messages", clauses="ENGINE=InnoDB"), lambda: None)


@contextmanager
def _bystander(work: str, database: LiveDatabase, pace: int, rows: int) -> Iterator[_Bystander]:
    bystander = _Bystander()
    process = start(work, database.url, pace, rows)
    try:
        assert process.stdout
        process.stdout.readline()
        yield bystander
    except BaseException:
        process.kill()
        process.wait()
        raise
    bystander.answers = [(due, sent, answered) for due, sent, answered in finish(process)["said"]]
