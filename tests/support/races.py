"""Races: many processes do the same job at once, are killed at random moments, and lose their server.

    python -m tests.support.races                          a table of all races, for docs/daily-jobs.md
    python -m tests.support.races --processes 8 --natural  what becomes of natural Peewee code

Each process does its list of jobs and notes each one that is done, so that one who takes the place of a killed process
does the rest; the job that was under way is done again, as WhatsApp delivers a webhook again. At the end nothing may be
lost or doubled, and no error but that of a lost server may have come.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import peewee

from tests.support import natural
from tests.support.concurrency import Worker
from tests.support.databases import fresh_on_server
from tests.support.engines import Engine, choose_engines
from tests.support.servers import PrivateServer
from wch_peewee import Plugin, retrying

NOON = datetime(2026, 1, 2, 12, 0, 0)
Job = Any


@dataclass
class Faults:
    """What a race has shown."""

    jobs: int = 0
    lost: int = 0
    doubled: int = 0
    errors: list[str] = field(default_factory=list)

    def __add__(self, other: Faults) -> Faults:
        return Faults(
            self.jobs + other.jobs,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.errors + other.errors,
        )

    def __str__(self) -> str:
        if not (self.lost or self.doubled or self.errors):
            return f"{self.jobs:,}: none"
        return f"{self.jobs:,}: {self.lost} lost, {self.doubled} doubled, {len(self.errors)} errors"

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.errors)


class Race:
    """One job of the library's, done by many at once."""

    #: the row of the table
    call = ""
    has_natural = True
    #: how many jobs may have been done and not noted
    unnoted = 0

    def __init__(self, size: int, *, natural: bool = False) -> None:
        self.size = size
        self.natural = natural

    def prepare(self, models: Any) -> None:
        """Make what the race needs."""

    def jobs(self, me: int) -> list[Job]:
        """Return the jobs of one process, in its order."""
        raise NotImplementedError

    def do(self, models: Any, job: Job) -> Any:
        """Do one job; what it returns is noted. May be done again."""
        raise NotImplementedError

    def settle(self, models: Any) -> None:
        """Do at the end what somebody does regularly."""

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        """Return how much is lost, and how much is doubled."""
        raise NotImplementedError


def _shuffled(jobs: Iterable[Job], me: int) -> list[Job]:
    jobs = list(jobs)
    random.Random(me).shuffle(jobs)
    return jobs


class Ingest(Race):
    call = "`Message.ingest`, `ingest_many`"

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "wa_message_id": f"wamid.{n}",
                "phone": f"+49{n % (self.size // 3)}",
                "created_at": NOON + timedelta(hours=n),
            }
            for n in range(self.size)
        ]

    def jobs(self, me: int) -> list[Job]:
        return _shuffled([[n] for n in range(self.size)] if me % 4 else [[n, n + 1] for n in range(self.size - 1)], me)

    def do(self, models: Any, job: Job) -> Any:
        rows = [self.rows()[n] for n in job]
        if self.natural:
            return sum(
                natural.ingest(models, row["wa_message_id"], row["phone"], created_at=row["created_at"])[1]
                for row in rows
            )
        if len(rows) > 1:
            return len(models.Message.ingest_many(rows))
        return models.Message.ingest(**rows[0])[1]

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        last = {row["phone"]: row["created_at"] for row in self.rows()}
        rows = list(models.Conversation.select())
        late = sum(
            max(row.last_message_at for row in rows if row.customer_phone == phone) < moment
            for phone, moment in last.items()
        )
        lost = self.size - models.Message.select().count() + late
        # More said to be new than there are, or more conversations than phones.
        new = sum(int(said) for _, said in done)
        return lost, max(new - self.size, 0) + len(rows) - len(last)


class Open(Race):
    call = "`Conversation.get_or_open`, `close`"

    def jobs(self, me: int) -> list[Job]:
        return [[n % 3, bool((n + me) % 2)] for n in range(self.size)]

    def do(self, models: Any, job: Job) -> Any:
        if self.natural:
            conversation = natural.get_or_open(models, str(job[0]))
            if job[1]:
                conversation.status = "closed"
                conversation.save()
            return conversation.id
        conversation = models.Conversation.get_or_open(str(job[0]))
        if job[1]:
            conversation.close()
        return conversation.id

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        ids = {row.id for row in models.Conversation.select(models.Conversation.id)}
        is_open = models.Conversation.status != "closed"
        phones = Counter(row.customer_phone for row in models.Conversation.select().where(is_open))
        return len({said for _, said in done} - ids), sum(phones.values()) - len(phones)


class Send(Race):
    call = "`Message.send`, `sent_as`"

    def jobs(self, me: int) -> list[Job]:
        return [[me, n] for n in range(self.size)]

    def do(self, models: Any, job: Job) -> Any:
        name = f"wamid.{job[0]}.{job[1]}"
        if retrying(single=True)(lambda message: message.get_or_none(wa_message_id=name))(models.Message) is not None:
            return name  # named by the process that was killed
        if self.natural:
            message = natural.ingest(models, f"unsent.{name}.{os.getpid()}", str(job[1] % 3))[0]
            message.wa_message_id = name
            message.save()
        else:
            assert models.Message.send(phone=str(job[1] % 3)).sent_as(name)
        return name

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        names = {row.wa_message_id for row in models.Message.select()}
        return len({name for _, name in done} - names), models.Conversation.select().count() - 3


class Advance(Race):
    call = "`Message.advance`"

    def prepare(self, models: Any) -> None:
        models.Message.ingest_many({"wa_message_id": f"wamid.{n}", "phone": "1"} for n in range(self.size))

    def jobs(self, me: int) -> list[Job]:
        statuses = ("sent", "delivered", "read", "read", "delivered")
        return _shuffled([[f"wamid.{n}", statuses[(n + me) % 5]] for n in range(self.size)] * 2, me)

    def do(self, models: Any, job: Job) -> Any:
        return natural.advance(models, *job) if self.natural else models.Message.advance(*job)

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        best = dict.fromkeys((row.wa_message_id for row in models.Message), "sent")
        for (name, status), _ in done:
            best[name] = max(best[name], status, key=natural.RANK.__getitem__)
        now = {row.wa_message_id: row.status for row in models.Message}
        moved = Counter((name, status) for (name, status), said in done if said)
        return sum(now[name] != status for name, status in best.items()), sum(moved.values()) - len(moved)


class Edit(Race):
    call = "`Cart.edit`, `Cart.expire`"

    def prepare(self, models: Any) -> None:
        for number in range(5):
            models.Cart.create(customer_phone=str(number), items=[], expires_at=NOON)

    def jobs(self, me: int) -> list[Job]:
        return [[me, n] for n in range(self.size)]

    def do(self, models: Any, job: Job) -> Any:
        number = job[1]
        phone = str(number % 5)

        def change(items: list[Any]) -> None:
            if job not in items:
                items.append(job)

        if number % 10 == 9:
            natural.expire(models) if self.natural else models.Cart.expire()
        if self.natural:
            natural.edit(models, phone, change)
        else:
            with models.Cart.edit(phone) as cart:
                change(cart.items)
        return None

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        found = Counter(tuple(item) for cart in models.Cart for item in cart.items)
        return sum(not found[tuple(job)] for job, _ in done), sum(found.values()) - len(found)


class Queue(Race):
    call = "`SyncQueueItem.claim`, `complete`, `fail`, `requeue_stale`, `retry_due`"

    def prepare(self, models: Any) -> None:
        for number in range(self.size * 2):
            models.SyncQueueItem.enqueue("order", number, "create")

    def jobs(self, me: int) -> list[Job]:
        return [[me, n] for n in range(self.size)]

    def do(self, models: Any, job: Job) -> Any:
        me, number = job
        queue = models.SyncQueueItem
        if number % 10 == 9 and not self.natural:
            queue.retry_due(delay=timedelta(0), attempts=99)
        items = natural.claim(models, 3) if self.natural else queue.claim(f"worker {me}", 3)
        done = []
        for item in items:
            if self.natural:
                done += [item.id] if natural.complete(item) else []
            elif (item.id + number) % 7 == 0:
                item.fail("a test")
            elif item.complete():
                done.append(item.id)
        return done

    def settle(self, models: Any) -> None:
        queue = models.SyncQueueItem
        time.sleep(1)  # a second is the unit of the columns
        queue.requeue_stale(timedelta(0))
        queue.retry_due(delay=timedelta(0), attempts=99)
        while items := queue.claim("last"):
            assert items[0].complete()

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        ended = models.SyncQueueItem.select().where(models.SyncQueueItem.status == "completed").count()
        times = Counter(number for _, ids in done for number in ids)
        return self.size * 2 - ended, sum(times.values()) - len(times)


class Count(Race):
    call = "`BroadcastCampaign.start`, `count`, `complete`"

    def prepare(self, models: Any) -> None:
        models.BroadcastCampaign.create(id=1, name="spring", template_name="t")

    def jobs(self, me: int) -> list[Job]:
        return [[me, n] for n in range(self.size)]

    def do(self, models: Any, job: Job) -> Any:
        if job[1] == 0 and self.natural:
            return natural.start(models.BroadcastCampaign.get_by_id(1))
        if job[1] == 0:
            return models.BroadcastCampaign(id=1).start()
        natural.count(models, 1) if self.natural else models.BroadcastCampaign.count(1, sent=1)
        return None

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        started = sum(bool(said) for job, said in done if job[1] == 0)
        counted = sum(job[1] != 0 for job, _ in done)
        # What a killed process, or a lost server, has counted and not noted may be there once more: ``unnoted``.
        count = models.BroadcastCampaign.get_by_id(1).sent_count
        extra = max(count - counted - self.unnoted, 0)
        return max(counted - count, 0), max(started - 1, 0) + extra


class Erase(Race):
    call = "`CustomerProfile.upsert`, `export`, `erase`"
    has_natural = False

    def jobs(self, me: int) -> list[Job]:
        return _shuffled([[me, n, n % 4] for n in range(self.size)], me)

    def do(self, models: Any, job: Job) -> Any:
        me, number, kind = job
        phone = str(number % 3)
        if kind == 0:
            return models.CustomerProfile.erase(phone)["done"]
        if kind == 1:
            return models.CustomerProfile.upsert(phone, name=f"{me}").name == f"{me}"
        if kind == 2:
            return models.CustomerProfile.export(phone)["done"]
        return models.Message.ingest(f"wamid.{me}.{number}", phone=phone)[0].id > 0

    def settle(self, models: Any) -> None:
        self.left = models.Message.select().count() - models.Message.select().join(models.Conversation).count()
        for phone in "012":
            models.CustomerProfile.erase(phone)

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        tables = (models.CustomerProfile, models.Conversation, models.Message)
        return sum(not said for _, said in done), self.left + sum(model.select().count() for model in tables)


class Prune(Race):
    call = "`Message.prune`"
    has_natural = False

    def jobs(self, me: int) -> list[Job]:
        return _shuffled([[me, n, n % 5] for n in range(self.size)], me)

    def do(self, models: Any, job: Job) -> Any:
        me, number, kind = job
        if kind == 0:
            models.Message.prune(NOON, batch=10, conversations=bool(me % 2))
            return None
        moment = NOON + timedelta(days=1 if kind % 2 else -1)
        models.Message.ingest(f"wamid.{me}.{number}", phone=str(number % 7), created_at=moment)
        return None

    def settle(self, models: Any) -> None:
        models.Message.prune(NOON)

    def faults(self, models: Any, done: list[tuple[Job, Any]]) -> tuple[int, int]:
        new = sum(kind in (1, 3) for (_, _, kind), _ in done)
        return max(
            new - models.Message.select().where(models.Message.created_at > NOON).count(), 0
        ), models.Message.select().where(models.Message.created_at < NOON).count()


RACES: tuple[type[Race], ...] = (Ingest, Open, Send, Advance, Edit, Queue, Count, Erase, Prune)


#: How long a process tries to reach a server that is being started again, in seconds.
_PATIENCE = 120


def run(
    kind: type[Race],
    url: str,
    *,
    processes: int,
    size: int,
    kills: int = 0,
    server: PrivateServer | None = None,
    natural: bool = False,
    ended: Callable[[], object] = lambda: None,
) -> Faults:
    """Run a race in an installed, empty database; kill so many of its processes, and restart ``server`` in between.

    ``ended`` is called when the processes have ended, for others who write, too: they finish what they are at.
    """
    race = kind(size, natural=natural)
    with tempfile.TemporaryDirectory(prefix="wch-race-") as name, ExitStack() as stack:
        folder = Path(name)
        with opened(url) as models:
            race.prepare(models)

        def start(me: int) -> Worker:
            return stack.enter_context(Worker(lambda send: _work(race, url, me, folder, outages=server is not None)))

        workers = [start(me) for me in range(processes)]
        for _ in range(kills):
            time.sleep(random.uniform(0.005, 0.08))
            me = random.randrange(processes)
            workers[me].kill()
            workers[me] = start(me)
        if server is not None:
            time.sleep(0.1)
            server.kill()
            server.start()
        endings = [worker.ending() for worker in workers]
        ended()
        notes = [json.loads(line) for path in folder.iterdir() for line in path.read_text().splitlines()]
        errors = [str(ending) for ending in endings if ending is not None]
        errors += [note["error"] for note in notes if "error" in note]
        race.unnoted = kills + sum("lost" in note for note in notes)
        done = [(note["job"], note["said"]) for note in notes if "job" in note]
        with opened(url) as models:
            race.settle(models)
            lost, doubled = race.faults(models, done)
    return Faults(len(done), lost, doubled, errors)


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """Give the models of an installed database, on a connection of their own, for a block."""
    plugin = Plugin(url)
    try:
        yield plugin.models
    finally:
        plugin.database.close()


def _work(race: Race, url: str, me: int, folder: Path, *, outages: bool) -> None:
    path = folder / f"{me}.jsonl"
    noted = {json.loads(line).get("place") for line in path.read_text().splitlines()} if path.exists() else set()
    deadline = time.monotonic() + _PATIENCE
    with opened(url) as models, path.open("a", buffering=1) as notes:

        def note(**what: Any) -> None:
            notes.write(json.dumps(what) + "\n")

        for place, job in enumerate(race.jobs(me)):
            while place not in noted:
                try:
                    note(place=place, job=job, said=race.do(models, job))
                except Exception as error:
                    if outages and _is_outage(error) and time.monotonic() < deadline:
                        note(lost=1)
                        time.sleep(0.05)
                        continue
                    note(error=traceback.format_exc())
                break


def _is_outage(error: Exception) -> bool:
    return isinstance(error, peewee.OperationalError | peewee.InterfaceError) and error.args[:1] in _OUTAGES


#: No connection, the connection lost, the server going down.
_OUTAGES = [(2003,), (2006,), (2013,), (1053,), (0,)]


def table(engines: Sequence[Engine], counts: Sequence[int], size: int, *, natural: bool) -> Iterator[str]:
    """Yield the lines of the table: the jobs that were done, and what was lost or doubled of them."""
    races = [race for race in RACES if not natural or race.has_natural]
    yield f"| call | {' | '.join(f'{engine.name} {engine.version}' for engine in engines)} |"
    yield f"| --- | {' | '.join('---:' for _ in engines)} |"
    for race in races:
        cells = [str(_in_all(race, engine, counts, size, natural=natural)) for engine in engines]
        yield f"| {race.call} | {' | '.join(cells)} |"


def _in_all(race: type[Race], engine: Engine, counts: Sequence[int], size: int, *, natural: bool) -> Faults:
    total = Faults()
    with tempfile.TemporaryDirectory(prefix="wch-race-") as folder:
        for processes in counts:
            many = max(size * 4 // processes, 10)
            for kills in (0,) if natural else (0, processes):
                with engine.fresh(Path(folder)) as database:
                    Plugin(database.url).activate()
                    total += run(race, database.url, processes=processes, size=many, kills=kills, natural=natural)
        program = engine.program()
        if program is not None and not natural:
            with (
                PrivateServer(program) as server,
                fresh_on_server(engine.name, engine.family, server.address) as database,
            ):
                Plugin(database.url).activate()
                database.close()
                total += run(race, database.url, processes=8, size=size, kills=8, server=server)
                database.reopen()
    for error in [] if natural else total.errors:
        sys.stderr.write(f"{engine.name}, {race.__name__}: {error}\n")
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.races", description=__doc__)
    parser.add_argument("--engines", default=os.environ.get("WCH_TEST_ENGINES", ""), help="by name or family")
    parser.add_argument("--processes", type=int, nargs="+", default=[2, 8, 32], metavar="N")
    parser.add_argument("--size", type=int, default=60, metavar="N", help="jobs of each of 4 processes")
    parser.add_argument("--natural", action="store_true", help="natural Peewee code, in place of the library's calls")
    options = parser.parse_args(arguments)
    engines, _ = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), options.engines)
    for line in table(engines, options.processes, options.size, natural=options.natural):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
