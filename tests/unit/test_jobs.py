"""What the daily jobs refuse, in one line and before anything is sent; and which functions can be retried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wch_peewee import ConfigurationError, InvalidValue, Plugin, retrying
from wch_peewee.models.tables import MODELS

PHONE = "+4915112345678"
LONG_AGO = datetime(2020, 1, 1)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    plugin = Plugin(f"sqlite:///{tmp_path}/wch.db")
    plugin.activate()
    yield plugin
    plugin.database.close()


@pytest.fixture
def shop(plugin: Plugin) -> Any:
    models: Any = plugin.models
    models.Message.ingest("wamid.old", phone=PHONE, created_at=LONG_AGO)
    models.Conversation.get_or_open(PHONE).close()
    models.Cart.create(customer_phone=PHONE, expires_at=LONG_AGO)
    models.SyncQueueItem.enqueue("order", 1, "create")
    models.BroadcastCampaign.create(name="spring", template_name="t")
    return models


def edited(shop: Any, phone: Any, **options: Any) -> None:
    with shop.Cart.edit(phone, **options):
        raise AssertionError("the block must not be reached")


def rows(shop: Any) -> list[Any]:
    return [list(getattr(shop, model.__name__).select().tuples()) for model in MODELS]


NOT_WHOLE: tuple[Any, ...] = (-1, "x", None, 2.5, True)
NO_SPANS: tuple[Any, ...] = (5, None, "1", timedelta(-1), timedelta.max)
LIMITED: dict[str, Callable[[Any, Any], Any]] = {
    "claim": lambda shop, limit: shop.SyncQueueItem.claim("w", limit),
    "recent": lambda shop, limit: shop.Conversation.recent(limit),
    "inbox": lambda shop, limit: shop.Conversation.inbox(7, limit=limit),
    "last_messages": lambda shop, limit: shop.Conversation.get().last_messages(limit),
}
BATCHED: dict[str, Callable[[Any, Any], Any]] = {
    "ingest_many": lambda shop, batch: shop.Message.ingest_many([{"wa_message_id": "a", "phone": PHONE}], batch=batch),
    "prune": lambda shop, batch: shop.Message.prune(datetime(2021, 1, 1), batch=batch),
    "prune conversations": lambda shop, batch: shop.Message.prune(
        datetime(2021, 1, 1), batch=batch, conversations=True
    ),
    "expire": lambda shop, batch: shop.Cart.expire(batch=batch),
}
SPANS: dict[str, Callable[[Any, Any], Any]] = {
    "requeue_stale": lambda shop, value: shop.SyncQueueItem.requeue_stale(value),
    "stale": lambda shop, value: shop.SyncQueueItem.stale(value),
    "retry_due": lambda shop, value: shop.SyncQueueItem.retry_due(delay=value),
    "edit": lambda shop, value: edited(shop, PHONE, lifetime=value),
}
OF_A_PHONE: dict[str, Callable[[Any, Any], Any]] = {
    "get_or_open": lambda shop, phone: shop.Conversation.get_or_open(phone),
    "ingest": lambda shop, phone: shop.Message.ingest("wamid.1", phone=phone),
    "send": lambda shop, phone: shop.Message.send(phone=phone),
    "edit": edited,
    "upsert": lambda shop, phone: shop.CustomerProfile.upsert(phone),
    "export": lambda shop, phone: shop.CustomerProfile.export(phone),
    "erase": lambda shop, phone: shop.CustomerProfile.erase(phone),
}
OTHER: dict[str, Callable[[Any], Any]] = {
    "count, text": lambda shop: shop.BroadcastCampaign.count(1, sent="x"),
    "count, a part": lambda shop: shop.BroadcastCampaign.count(1, sent=2.5),
    "count, too much": lambda shop: shop.BroadcastCampaign.count(1, read=2**31),
    "ingest_many, no mappings": lambda shop: shop.Message.ingest_many(["wamid.1"]),
    "get_or_open, closed": lambda shop: shop.Conversation.get_or_open(PHONE, status="closed"),
    "get_or_open, misspelt": lambda shop: shop.Conversation.get_or_open(PHONE, colour="red"),
    "recent, a number": lambda shop: shop.Conversation.recent(after=5),
    "sent_as, empty": lambda shop: shop.Message.send(phone=PHONE).sent_as(" "),
    "advance, empty": lambda shop: shop.Message.advance("", "read"),
    "expire, empty": lambda shop: shop.Cart.expire(""),
}


@pytest.mark.parametrize("call", LIMITED)
def test_a_limit_is_a_whole_number(call: str, shop: Any) -> None:
    """SQLite takes -1 for no limit, servers call it a syntax error."""
    for value in NOT_WHOLE:
        with pytest.raises(InvalidValue, match=r"limit is .*; expected a whole number, 0 or more"):
            LIMITED[call](shop, value)
    assert list(LIMITED[call](shop, 0)) == []
    assert shop.SyncQueueItem.get().status == "pending"


@pytest.mark.parametrize("call", BATCHED)
def test_a_batch_has_at_least_one_row(call: str, shop: Any) -> None:
    """``ingest_many(rows, batch=-1)`` stored nothing and said nothing, ``prune(batch=0)`` deleted nothing."""
    before = rows(shop)
    for value in (*NOT_WHOLE, 0):
        with pytest.raises(InvalidValue, match=r"batch is .*; expected a whole number, 1 or more"):
            BATCHED[call](shop, value)
    assert rows(shop) == before
    assert BATCHED[call](shop, "1")  # as requests bring numbers


@pytest.mark.parametrize("call", SPANS)
def test_a_span_of_time_is_a_timedelta(call: str, shop: Any) -> None:
    for value in NO_SPANS:
        with pytest.raises(InvalidValue, match="expected a timedelta from 0 to 365,000 days"):
            SPANS[call](shop, value)


def test_a_long_delay_grows_no_further_than_dates_do(shop: Any) -> None:
    shop.SyncQueueItem.claim("w")[0].fail("no")
    assert shop.SyncQueueItem.retry_due(delay=timedelta(days=10_000)) == 0


@pytest.mark.parametrize("call", OF_A_PHONE)
def test_without_a_phone_there_is_no_person(call: str, shop: Any) -> None:
    """``erase("")`` would erase what belongs to nobody, and write into each campaign."""
    before = rows(shop)
    for phone in ("", " ", None, 5):
        with pytest.raises(InvalidValue, match=r"phone is .*; expected a text that is not empty"):
            OF_A_PHONE[call](shop, phone)
    assert rows(shop) == before


@pytest.mark.parametrize("call", [call for call in OF_A_PHONE if call not in ("export", "erase")])
def test_a_phone_is_written_as_it_is_spelt(call: str, shop: Any) -> None:
    """A ``+`` in a query string arrives as a blank, and would make a second person of one."""
    before = rows(shop)
    for phone, words in {
        " 49": "no blanks",
        "49\n": "no blanks",
        "1" * 21: r"^phone: .* 21 characters",
        5: "type int",
    }.items():
        with pytest.raises(InvalidValue, match=words):
            OF_A_PHONE[call](shop, phone)
    assert rows(shop) == before


@pytest.mark.parametrize("call", OTHER)
def test_what_does_not_fit_is_said_in_one_line(call: str, shop: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        OTHER[call](shop)
    assert len(str(caught.value).splitlines()) == 1
    assert shop.BroadcastCampaign.get().sent_count == 0


@pytest.mark.parametrize("before", ["2021-01-01", date(2021, 1, 1), datetime(2021, 1, 1, tzinfo=UTC)], ids=repr)
@pytest.mark.parametrize("conversations", [False, True])
def test_progress_of_a_moment_however_it_is_given(before: Any, conversations: bool, shop: Any) -> None:
    seen: list[Any] = []
    shop.Conversation.update(last_message_at=LONG_AGO).execute()
    assert shop.Message.prune(before, conversations=conversations, progress=seen.append) == 1
    assert [event.fraction for event in seen] == [0.0]


async def coroutine(plugin: Any) -> int:
    return 1


def generator(plugin: Any) -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("function", [coroutine, generator, "shop"])
def test_what_would_run_after_its_transaction_is_refused(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="needs a plain function"):
        retrying(function)
    with pytest.raises(ConfigurationError, match="needs a plain function"):
        retrying(patience=1.0)(function)
    assert not asyncio.iscoroutinefunction(retrying(lambda plugin: 1))


def test_an_argument_may_be_called_first(plugin: Plugin) -> None:
    @retrying
    def named(plugin: Plugin, first: int) -> int:
        return first

    assert named(plugin, first=3) == 3
