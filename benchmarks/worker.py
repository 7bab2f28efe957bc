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
import pymysql
from pymysql.constants import ER

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
    from wch_peewee.models.namespace import our_names

    def run() -> None:
        # All of it: on SQLite the commit comes at the end of the run.
        with run_session(open_database(parse_url(url)), our_names("wp_")) as context:
            work(context.database)

    return run


def read(url: str, pace: str, last: str) -> Work:
    """Ask so often a second, until the input ends; returns when each question was due, was sent, and was answered."""
    from .messages import CONVERSATIONS

    latest = (
        "SELECT id, content FROM wp_wch_messages WHERE conversation_id = {} ORDER BY id DESC LIMIT 20",
        CONVERSATIONS,
    )
    one = ("SELECT content FROM wp_wch_messages WHERE id = {}", int(last))
    return lambda: _ask_often(url, 1 / float(pace), (latest, one))


def write(url: str, pace: str, last: str) -> Work:
    """Change a row somewhere in the table so often a second, in the same way; what is due during a wait is left."""
    one = ("UPDATE wp_wch_messages SET label = IF(label = 'a', 'b', 'a') WHERE id = {}", int(last))
    return lambda: _ask_often(url, 1 / float(pace), (one,), catch_up=False)


def _ask_often(
    url: str, pause: float, questions: Sequence[tuple[str, int]], *, catch_up: bool = True
) -> list[tuple[float, float, float]]:
    from .places import bare

    chance = random.Random(1)
    found = []
    with bare(url) as connection:
        cursor = connection.cursor()
        patience = "PRAGMA busy_timeout = 600000" if url.startswith("sqlite") else "SET innodb_lock_wait_timeout = 3600"
        cursor.execute(patience)

        def ask(sql: str, highest: int) -> None:
            text = sql.format(chance.randint(1, highest))
            while True:
                try:
                    cursor.execute(text)
                    break
                except pymysql.OperationalError as error:
                    if error.args[0] != ER.LOCK_DEADLOCK:  # with the tool's triggers; sent again, it has waited longer
                        raise
            cursor.fetchall()

        for question in questions:
            ask(*question)
        print("ready", flush=True)
        due, turns = time.monotonic(), itertools.cycle(questions)
        while not select.select([sys.stdin], [], [], 0)[0]:
            if (left := due - time.monotonic()) > 0:
                time.sleep(left)
                # Woken late is the scheduler's doing: no question has waited.
                due = time.monotonic()
            sent = time.monotonic()
            ask(*next(turns))
            found.append((due, sent, time.monotonic()))
            due = due + pause if catch_up else max(due + pause, time.monotonic())
    return found


_WORKS: dict[str, Callable[..., Work]] = {"check": check, "fill": fill, "change": change, "read": read, "write": write}


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
