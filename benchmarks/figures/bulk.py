"""What the models cost: to insert many messages, and to read them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import peewee

from tests.support.databases import LiveDatabase
from wch_peewee import MessageDirection, MessageType, Plugin

from ..bench import Bench
from ..places import bare
from ..rows import Mark, Row
from ..samples import Sample, interleaved, timed

#: Rows in one INSERT, as peewee's documentation has it.
_BATCH = 1_000
_ROUNDS = 5
_NOW = datetime(2026, 1, 2, 3, 4, 5)
_INSERT = (
    "INSERT INTO wp_wch_messages "
    "(conversation_id, direction, message_type, wa_message_id, content, status, created_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_PEEWEE = "peewee"


class _Json(peewee.TextField):
    """What everybody writes who keeps documents with peewee."""

    def db_value(self, value: Any) -> Any:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def python_value(self, value: Any) -> Any:
        return None if value is None else json.loads(value)


class _PlainConversation(peewee.Model):
    id = peewee.BigAutoField()

    class Meta:
        table_name = "wp_wch_conversations"


class _PlainMessage(peewee.Model):
    id = peewee.BigAutoField()
    conversation = peewee.ForeignKeyField(_PlainConversation)
    direction = peewee.CharField()
    message_type = peewee.CharField()
    wa_message_id = peewee.CharField()
    content = _Json(null=True)
    status = peewee.CharField(default="sent")
    created_at = peewee.DateTimeField(default=lambda: _NOW)

    class Meta:
        table_name = "wp_wch_messages"


def measure(bench: Bench) -> Iterator[Row]:
    rows = bench.amounts.bulk
    with bench.installed() as database, _sites(database) as (plugin, plain), bare(database.url) as connection:
        Message = plugin.models.Message
        plugin.models.Conversation.create(id=1, customer_phone="+49", wa_conversation_id="conv.1")
        contents = [{"text": f"Where is my order {number}?"} for number in range(rows)]
        data = [
            {
                "conversation": 1,
                "direction": MessageDirection.INBOUND,
                "message_type": MessageType.TEXT,
                "wa_message_id": f"wamid.{number}",
                "content": content,
            }
            for number, content in enumerate(contents)
        ]
        plain_data = [{**row, "direction": "inbound", "message_type": "text"} for row in data]
        now = str(_NOW) if bench.family == "sqlite" else _NOW
        tuples = [
            (1, "inbound", "text", f"wamid.{number}", json.dumps(content), "sent", now)
            for number, content in enumerate(contents)
        ]
        insert = _INSERT.replace("%s", "?") if bench.family == "sqlite" else _INSERT

        def in_batches(model: type[peewee.Model], of: peewee.Database, what: list[dict[str, Any]]) -> None:
            with of.atomic():
                for batch in peewee.chunked(what, _BATCH):
                    model.insert_many(batch).execute()

        def by_hand() -> None:
            cursor = connection.cursor()
            cursor.execute("BEGIN")
            cursor.executemany(insert, tuples)
            cursor.execute("COMMIT")
            cursor.close()

        bench.say(f"inserting {rows:,} messages, and reading them")
        samples = interleaved(
            {
                "ours": _emptied(database, lambda: in_batches(Message, plugin.database, data)),
                "floor": _emptied(database, by_hand),
                _PEEWEE: _emptied(database, lambda: in_batches(_PlainMessage, plain, plain_data)),
            },
            rounds=_ROUNDS,
            warm_up=0,
        )
        yield from _rows(
            bench, f"insert_many of {rows:,} messages, {_BATCH:,} at a time", samples, "executemany of tuples"
        )
        _emptied(database, by_hand)()
        floor = _fetching(connection)
        for what, ours, theirs in (
            ("as models", lambda: list(Message.select()), lambda: list(_PlainMessage.select())),
            ("as tuples", lambda: list(Message.select().tuples()), lambda: list(_PlainMessage.select().tuples())),
        ):
            samples = interleaved(
                {"ours": _timed(ours), "floor": floor, _PEEWEE: _timed(theirs)}, rounds=_ROUNDS, warm_up=0
            )
            yield from _rows(bench, f"reading {rows:,} messages {what}", samples, "SELECT and fetchall")


def _rows(bench: Bench, figure: str, samples: dict[str, Sample], floor: str) -> Iterator[Row]:
    ours, theirs = samples["ours"], samples[_PEEWEE]
    note = f"floor: {floor} of the driver"
    yield Row(figure, bench.name, "s", ours, samples["floor"], Mark(2.0), {"peewee's own models": theirs}, note)
    note = "floor: peewee's own models; 0.5 x is twice as fast"
    mark = None if figure.endswith("tuples") else Mark(0.5)
    yield Row(f"{figure}, beside peewee's", bench.name, "s", ours, theirs, mark, note=note)


@contextmanager
def _sites(database: LiveDatabase) -> Iterator[tuple[Plugin, peewee.Database]]:
    """Ours, and peewee's, each with its models."""
    plugin, plain = Plugin(database.url), database.connect()
    with plain.bind_ctx([_PlainConversation, _PlainMessage]):
        yield plugin, plain
        plugin.database.close()


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    return lambda: timed(work)


def _emptied(database: LiveDatabase, work: Callable[[], object]) -> Callable[[], float]:
    """Have no messages before."""
    empty = "DELETE FROM wp_wch_messages" if database.family == "sqlite" else "TRUNCATE TABLE wp_wch_messages"

    def turn() -> float:
        database.execute(empty)
        return timed(work)

    return turn


def _fetching(connection: Any) -> Callable[[], float]:
    def fetch() -> None:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM wp_wch_messages")
        cursor.fetchall()
        cursor.close()

    return _timed(fetch)
