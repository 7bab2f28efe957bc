"""What the daily jobs cost: each call, beside the statements by hand for the same promise, and natural Peewee code.

Then how many messages are stored, and items claimed, with one worker and with eight.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.support import natural
from tests.support.concurrency import all_at_once
from wch_peewee import Plugin

from ..bench import Bench
from ..places import bare
from ..rows import Mark, Row
from ..samples import Sample, interleaved, timed

_NOW = "2026-01-02 03:04:05"
_START = datetime(2026, 2, 1)
_PHONE = "+4915112345678"
_PEER = "natural Peewee code"
_WORKERS = 8
_MARK = Mark(1.5)
_numbers = itertools.count()


class Hand:
    """The jobs by hand, over the bare driver: the statements that the promise needs, and nothing else."""

    def __init__(self, connection: Any, family: str) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._sqlite = family == "sqlite"
        self._begin = "BEGIN IMMEDIATE" if self._sqlite else "BEGIN"
        self._ignore = "ON CONFLICT DO NOTHING" if self._sqlite else "ON DUPLICATE KEY UPDATE id = id"
        self._lock = "" if self._sqlite else " FOR UPDATE"

    def run(self, sql: str, *parameters: Any) -> Any:
        self._cursor.execute(sql.replace("%s", "?") if self._sqlite else sql, parameters or None or ())
        return self._cursor

    def hold(self, phone: str) -> None:
        self.run(
            "INSERT INTO wp_wch_customer_profiles (phone, name, saved_addresses, preferences, opt_in_marketing, "
            f"created_at, updated_at) VALUES (%s, '', '[]', '{{}}', 0, %s, %s) {self._ignore}",
            *(phone, _NOW, _NOW),
        )

    def open(self, phone: str, columns: str = "*") -> Any:
        return self.run(
            f"SELECT {columns} FROM wp_wch_conversations WHERE customer_phone = %s AND status <> 'closed' "
            "ORDER BY id DESC",
            phone,
        ).fetchall()[-1]

    def ingest(self, name: str, phone: str, moment: str) -> bool:
        if self.run("SELECT * FROM wp_wch_messages WHERE wa_message_id = %s", name).fetchall():
            return False
        self.run(self._begin)
        self.hold(phone)
        conversation, _ = self.open(phone, "id, last_message_at")
        self.run(
            "UPDATE wp_wch_conversations SET last_message_at = %s, updated_at = %s "
            "WHERE id = %s AND last_message_at < %s",
            *(moment, _NOW, conversation, moment),
        )
        self.run(
            "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, content, "
            "status, created_at) VALUES (%s, 'inbound', 'text', %s, %s, 'sent', %s)",
            *(conversation, name, json.dumps({"text": "hi"}), moment),
        )
        self.run("COMMIT")
        return True

    def advance(self, name: str) -> int:
        sql = "UPDATE wp_wch_messages SET status = 'read' WHERE wa_message_id = %s AND status IN ('sent', 'delivered')"
        return int(self.run(sql, name).rowcount)

    def edit(self, phone: str, item: Any) -> None:
        self.run(self._begin)
        self.run(
            "INSERT INTO wp_wch_carts (customer_phone, items, shipping_address, expires_at, created_at, updated_at) "
            f"VALUES (%s, '[]', '{{}}', %s, %s, %s) {self._ignore}",
            *(phone, _NOW, _NOW, _NOW),
        )
        sql = f"SELECT * FROM wp_wch_carts WHERE customer_phone = %s{self._lock}"
        number, _, items, *_ = self.run(sql, phone).fetchone()
        text = json.dumps([*json.loads(items)[-9:], item])
        sql = "UPDATE wp_wch_carts SET items = %s, expires_at = %s, updated_at = %s WHERE id = %s"
        self.run(sql, text, _NOW, _NOW, number)
        self.run("COMMIT")

    def claim(self, limit: int) -> list[int]:
        if not self._sqlite:
            self.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        self.run(self._begin)
        locked = "" if self._sqlite else " FOR UPDATE SKIP LOCKED"
        sql = f"SELECT * FROM wp_wch_sync_queue WHERE status = 'pending' ORDER BY id LIMIT {limit}{locked}"
        ids = [row[0] for row in self.run(sql).fetchall()]
        if ids:
            slots = ", ".join(["%s"] * len(ids))
            self.run(
                "UPDATE wp_wch_sync_queue SET status = 'processing', processed_at = %s, "
                f"error_message = 'claimed by w', attempts = attempts + 1 WHERE id IN ({slots})",
                *(_NOW, *ids),
            )
        self.run("COMMIT")
        return ids

    def complete(self, number: int) -> None:
        self.run(
            "UPDATE wp_wch_sync_queue SET status = 'completed', processed_at = %s, error_message = NULL "
            "WHERE id = %s AND status = 'processing' AND attempts = %s",
            *(_NOW, number, 1),
        )

    def count(self, number: int) -> None:
        sql = "UPDATE wp_wch_broadcast_campaigns SET sent_count = sent_count + 1, updated_at = %s WHERE id = %s"
        self.run(sql, _NOW, number)

    def upsert(self, phone: str, name: str) -> Any:
        self.run(self._begin)
        change = "ON CONFLICT (phone) DO UPDATE SET" if self._sqlite else "ON DUPLICATE KEY UPDATE"
        self.run(
            "INSERT INTO wp_wch_customer_profiles (phone, name, saved_addresses, preferences, opt_in_marketing, "
            f"created_at, updated_at) VALUES (%s, %s, '[]', '{{}}', 0, %s, %s) {change} name = %s, updated_at = %s",
            *(phone, name, _NOW, _NOW, name, _NOW),
        )
        row = self.run(f"SELECT * FROM wp_wch_customer_profiles WHERE phone = %s{self._lock}", phone).fetchone()
        self.run("COMMIT")
        return row

    def last_messages(self, conversation: int) -> Any:
        sql = "SELECT * FROM wp_wch_messages WHERE conversation_id = %s ORDER BY id DESC LIMIT 50"
        return self.run(sql, conversation).fetchall()


def measure(bench: Bench) -> Iterator[Row]:
    times = 40 if bench.amounts.rounds < 9 else 100
    with bench.installed() as database, bare(database.url) as connection:
        plugin = Plugin(database.url)
        models, hand = plugin.models, Hand(connection, bench.family)
        _prepare(models, times * (bench.amounts.rounds + 2) * 12)
        for figure, turns in _calls(models, hand).items():
            samples = interleaved(
                {name: lambda work=work: _quickest(work, times) for name, work in turns.items()},  # type: ignore[misc]
                rounds=bench.amounts.rounds,
            )
            peers = {_PEER: samples[_PEER]} if _PEER in samples else {}
            yield _row(bench, figure, samples["ours"], samples["floor"], peers)
        plugin.database.close()
        yield from _workers(bench, database.url, times)


def _quickest(work: Callable[[], object], times: int) -> float:
    """Return the time of a call in the fastest few of so many: what else the machine does makes the others slower."""
    return min(timed(work, 4) for _ in range(times // 4))


def _row(bench: Bench, figure: str, ours: Sample, floor: Sample, peers: Mapping[str, Sample | str]) -> Row:
    mark = None if bench.family == "sqlite" else _MARK
    note = "floor: the statements that the same promise needs, by hand over the bare driver"
    return Row(figure, bench.name, "µs", ours, floor, mark, peers, note)


def _prepare(models: Any, items: int) -> None:
    models.Message.ingest("wamid.known", phone=_PHONE, created_at=_START)
    models.BroadcastCampaign.create(id=1, name="spring", template_name="t")
    old = [{"wa_message_id": f"wamid.old.{number}", "phone": "1", "created_at": _START} for number in range(items // 2)]
    models.Message.ingest_many(old)
    models.Message.ingest_many(
        {**row, "wa_message_id": f"wamid.{row['wa_message_id']}", "phone": _PHONE} for row in old[:60]
    )
    rows = [{"entity_type": "order", "entity_id": number, "action": "create"} for number in range(items)]
    for start in range(0, items, 1000):
        models.SyncQueueItem.insert_many(rows[start : start + 1000]).execute()


def _calls(models: Any, hand: Hand) -> Mapping[str, Mapping[str, Callable[[], object]]]:
    claimed: dict[str, list[Any]] = {"ours": [], "floor": [], _PEER: []}
    conversation = models.Conversation.get()

    def moment() -> datetime:
        return _START + timedelta(seconds=next(_numbers))

    sent = (f"wamid.old.{number}" for number in itertools.count())

    def edited() -> None:
        with models.Cart.edit(_PHONE) as cart:
            cart.items = [*cart.items[-9:], {"sku": next(_numbers)}]

    def changed(items: list[Any]) -> None:
        items[:] = [*items[-9:], {"sku": next(_numbers)}]

    def keep(name: str, items: list[Any]) -> None:
        claimed[name] += items

    return {
        "Conversation.get_or_open, one that is open": {
            "ours": lambda: models.Conversation.get_or_open(_PHONE),
            "floor": lambda: hand.open(_PHONE),
            _PEER: lambda: natural.get_or_open(models, _PHONE),
        },
        "Message.ingest, a new one": {
            "ours": lambda: models.Message.ingest(
                f"o{next(_numbers)}", phone=_PHONE, created_at=moment(), content={"text": "hi"}
            ),
            "floor": lambda: hand.ingest(f"f{next(_numbers)}", _PHONE, str(moment())),
            _PEER: lambda: natural.ingest(
                models, f"n{next(_numbers)}", _PHONE, created_at=moment(), content={"text": "hi"}
            ),
        },
        "Message.ingest, delivered again": {
            "ours": lambda: models.Message.ingest("wamid.known", phone=_PHONE),
            "floor": lambda: hand.ingest("wamid.known", _PHONE, _NOW),
            _PEER: lambda: natural.ingest(models, "wamid.known", _PHONE),
        },
        "Message.advance": {
            "ours": lambda: models.Message.advance(next(sent), "read"),
            "floor": lambda: hand.advance(next(sent)),
            _PEER: lambda: natural.advance(models, next(sent), "read"),
        },
        "Cart.edit": {
            "ours": edited,
            "floor": lambda: hand.edit(_PHONE, {"sku": next(_numbers)}),
            _PEER: lambda: natural.edit(models, _PHONE, changed),
        },
        "SyncQueueItem.claim, one": {
            "ours": lambda: keep("ours", models.SyncQueueItem.claim("w")),
            "floor": lambda: keep("floor", hand.claim(1)),
            _PEER: lambda: keep(_PEER, natural.claim(models, 1)),
        },
        "item.complete": {
            "ours": lambda: claimed["ours"].pop().complete(),
            "floor": lambda: hand.complete(claimed["floor"].pop()),
            _PEER: lambda: natural.complete(claimed[_PEER].pop()),
        },
        "BroadcastCampaign.count": {
            "ours": lambda: models.BroadcastCampaign.count(1, sent=1),
            "floor": lambda: hand.count(1),
            _PEER: lambda: natural.count(models, 1),
        },
        "CustomerProfile.upsert": {
            "ours": lambda: models.CustomerProfile.upsert(_PHONE, name=f"{next(_numbers)}"),
            "floor": lambda: hand.upsert(_PHONE, f"{next(_numbers)}"),
        },
        "conversation.last_messages(50)": {
            "ours": lambda: conversation.last_messages(50),
            "floor": lambda: hand.last_messages(conversation.id),
        },
    }


def _workers(bench: Bench, url: str, times: int) -> Iterator[Row]:
    """Measure processes that do the same at once: the time for each message or item, of all of them together."""
    for figure, work in (("Message.ingest", _ingesting), ("SyncQueueItem.claim(10), complete", _working)):
        for workers in (1, _WORKERS):
            turns = {
                name: lambda name=name, workers=workers, work=work: _together(workers, times, url, work, name)
                for name in ("ours", "floor")
            }
            samples = interleaved(turns, rounds=max(bench.amounts.rounds // 3, 1))
            rate = 1 / samples["ours"].median
            label = f"{figure}, {workers} worker{'s' if workers > 1 else ''}: time for each"
            row = _row(bench, label, samples["ours"], samples["floor"], {})
            yield replace(row, note=f"{row.note}; {rate:,.0f} a second")


def _together(workers: int, times: int, url: str, work: Callable[[str, int, str], float], name: str) -> float:
    """Return the seconds for each thing, by the slowest worker."""
    seconds: float = max(all_at_once(workers, lambda: work(url, times, name)))
    return seconds / (workers * times)


def _ingesting(url: str, times: int, name: str) -> float:
    me = os.getpid()
    names = [f"{name}.{me}.{time.time_ns()}.{number}" for number in range(times)]
    moments = [_START + timedelta(seconds=number) for number in range(times)]
    with _one_of(url, name) as (models, hand):
        models.Message.ingest(f"first.{names[0]}", phone=f"{me}")
        begun = time.perf_counter()
        for text, moment in zip(names, moments, strict=True):
            if name == "ours":
                models.Message.ingest(text, phone=f"{me}", created_at=moment, content={"text": "hi"})
            else:
                hand.ingest(text, f"{me}", str(moment))
        return time.perf_counter() - begun


def _working(url: str, times: int, name: str) -> float:
    with _one_of(url, name) as (models, hand):
        models.SyncQueueItem.claim("first", 1)
        begun = time.perf_counter()
        for _ in range(times // 10):
            if name == "ours":
                for item in models.SyncQueueItem.claim("w", 10):
                    item.complete()
            else:
                for number in hand.claim(10):
                    hand.complete(number)
        return time.perf_counter() - begun


@contextmanager
def _one_of(url: str, name: str) -> Iterator[tuple[Any, Hand]]:
    plugin = Plugin(url)
    with bare(url) as connection:
        if not url.startswith("sqlite"):
            yield plugin.models, Hand(connection, "server")
        else:
            connection.execute("PRAGMA busy_timeout = 60000")
            yield plugin.models, Hand(connection, "sqlite")
    plugin.database.close()
