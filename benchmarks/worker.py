"""What is done in a process of its own, and what it cost: ``python -m benchmarks.worker WORK WORD...``

Prints one line of JSON. Imports what the work needs and no more: the memory of this process is what is measured.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import peewee

from .apart import URL_VARIABLE

#: What is measured; what has to be prepared for it, imports above all, is not in it.
Work = Callable[[], Any]


def check(url: str) -> Work:
    """Compare everything with the declaration."""
    from wch_peewee import DatabaseManager

    return lambda: DatabaseManager(url).plan() and None


def fill(url: str, column: str) -> Work:
    """Fill a column of all messages, as a migration's step does."""
    from wch_peewee.migrate import batches

    def work(database: peewee.Database) -> None:
        batches.fill_column(database, "messages", column, "wa_message_id")

    return _in_run(url, work)


def change(url: str, column: str, rows: str) -> Work:
    """Have Python write that column of the first messages."""
    from wch_peewee.migrate import batches

    def shorter(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {column: str(row["content"])[:60]}

    def work(database: peewee.Database) -> None:
        remaining = f"id <= {int(rows)} AND {column} IS NULL"
        batches.change_rows(database, "messages", ["content"], shorter, remaining=remaining)

    return _in_run(url, work)


def _in_run(url: str, work: Callable[[peewee.Database], None]) -> Work:
    from wch_peewee.database.connect import open_database
    from wch_peewee.database.url import parse_url
    from wch_peewee.execution.session import run_session

    def run() -> None:
        # All of it: on SQLite the commit comes at the end of the run.
        with run_session(open_database(parse_url(url)), "wp_") as context:
            work(context.database)

    return run


def read(url: str, pace: str, last: str) -> Work:
    """Ask so often a second, until the input ends; returns when each question was due and how long it took.

    A question that comes late because the one before it took long has waited, too.
    """
    from .messages import CONVERSATIONS

    latest = (
        "SELECT id, content FROM wp_wch_messages WHERE conversation_id = {} ORDER BY id DESC LIMIT 20",
        CONVERSATIONS,
    )
    one = ("SELECT content FROM wp_wch_messages WHERE id = {}", int(last))
    return lambda: _read(url, 1 / float(pace), (latest, one))


def _read(url: str, pause: float, questions: Sequence[tuple[str, int]]) -> list[tuple[float, float]]:
    from .places import bare

    chance = random.Random(1)
    found = []
    with bare(url) as connection:
        if url.startswith("sqlite"):
            connection.execute("PRAGMA busy_timeout = 600000")
        cursor = connection.cursor()

        def ask(sql: str, highest: int) -> None:
            cursor.execute(sql.format(chance.randint(1, highest)))
            cursor.fetchall()

        for question in questions:
            ask(*question)
        print("ready", flush=True)
        due, turns = time.monotonic(), itertools.cycle(questions)
        while not select.select([sys.stdin], [], [], 0)[0]:
            begun = due
            if (left := due - time.monotonic()) > 0:
                time.sleep(left)
                # Woken late is the scheduler's doing: no question has waited.
                begun = time.monotonic()
            ask(*next(turns))
            found.append((begun, time.monotonic() - begun))
            due += pause
    return found


_WORKS: dict[str, Callable[..., Work]] = {"check": check, "fill": fill, "change": change, "read": read}


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: it begins with the memory of the process that started this one.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> int:
    work, *words = sys.argv[1:]
    url = os.environ.pop(URL_VARIABLE)
    do = _WORKS[work](url, *words)
    begun = time.perf_counter()
    said = do()
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak": peak_memory(), "said": said}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
