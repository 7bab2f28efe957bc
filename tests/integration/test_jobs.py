"""The daily jobs one by one, on every engine: what each call does and returns, alone and inside a transaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import peewee
import pytest

from benchmarks.desk import fill, keys_of, reads
from tests.support.command import wch
from tests.support.database_classes import CLASSES
from tests.support.databases import LiveDatabase
from wch_peewee import Busy, ConfigurationError, InvalidValue, Message, Plugin, retrying, utc_now
from wch_peewee.models.jobs import carts
from wch_peewee.progress import BatchDone

PHONE = "+4915112345678"
OTHER = "+491511234567"
NOON = datetime(2026, 1, 2, 12, 0, 0)


@pytest.fixture
def plugin(installed: LiveDatabase) -> Iterator[Plugin]:
    plugin = Plugin(installed.url)
    yield plugin
    plugin.database.close()


@pytest.fixture
def shop(plugin: Plugin) -> Any:
    return plugin.models


def hours(number: float) -> datetime:
    return NOON + timedelta(hours=number)


# --- conversations


def test_a_conversation_is_opened_once_and_again_after_it_is_closed(shop: Any) -> None:
    first = shop.Conversation.get_or_open(PHONE, wa_conversation_id="conv.1", context={"a": 1})
    assert (first.status, first.wa_conversation_id, first.context) == ("pending", "conv.1", {"a": 1})
    assert shop.Conversation.get_or_open(PHONE, wa_conversation_id="conv.2").id == first.id
    assert (first.close(), first.status, first.close()) == (True, "closed", False)
    assert shop.Conversation.get_or_open(PHONE).id != first.id
    assert shop.CustomerProfile.get().phone == PHONE


def test_a_conversation_goes_to_the_agent_who_takes_it_first(shop: Any) -> None:
    shop.Conversation.get_or_open(PHONE)
    one, two = shop.Conversation.get(), shop.Conversation.get()
    assert (one.assign(7), two.assign(8)) == (True, False)
    assert (one.status, two.assigned_agent_id, one.is_dirty(), two.is_dirty()) == ("active", 7, False, False)
    assert (two.assign(8), two.assigned_agent_id, two.assign(None)) == (True, 8, True)
    assert (two.assign("8"), two.assigned_agent_id, two.assign(9)) == (True, 8, True)  # from a form
    two.close()
    assert two.assign(8) is False


def test_taking_a_conversation_keeps_what_is_not_saved_yet(shop: Any) -> None:
    conversation = shop.Conversation.get_or_open(PHONE)
    shop.Conversation.update(assigned_agent_id=None, status="active").execute()
    conversation.context["step"] = 2
    assert (conversation.assign(7), conversation.status) == (True, "active")
    assert conversation.save() == 1
    row = shop.Conversation.get()
    assert (row.context, row.assigned_agent_id, row.status) == ({"step": 2}, 7, "active")


# --- messages


def test_a_webhook_is_one_message_however_often_it_is_delivered(shop: Any) -> None:
    message, is_new = shop.Message.ingest("wamid.1", phone=PHONE, content={"text": "hi"}, created_at=hours(1))
    again, is_new_again = shop.Message.ingest("wamid.1", phone=PHONE, content={"text": "hi"}, created_at=hours(1))
    assert (is_new, is_new_again, again.id, again.content) == (True, False, message.id, {"text": "hi"})
    assert (message.direction, message.message_type, message.status) == ("inbound", "text", "sent")
    shop.Message.ingest("wamid.0", phone=PHONE, created_at=hours(0))
    conversation = shop.Conversation.get()
    assert (message.conversation_id, conversation.last_message_at) == (conversation.id, hours(1))
    shop.Message.ingest("wamid.2", phone=PHONE, created_at=hours(2).replace(tzinfo=UTC).isoformat())
    assert shop.Conversation.get().last_message_at == hours(2)


def test_a_late_delivery_opens_nothing(shop: Any) -> None:
    shop.Message.ingest("wamid.1", phone=PHONE)
    shop.Conversation.get().close()
    assert shop.Message.ingest("wamid.1", phone=PHONE)[1] is False
    assert shop.Conversation.select().count() == 1


def test_many_are_stored_as_one_is(shop: Any) -> None:
    shop.Message.ingest("wamid.1", phone=PHONE, created_at=hours(1))
    rows = [
        {"wa_message_id": "wamid.1", "phone": PHONE, "created_at": hours(9)},
        {"wa_message_id": "wamid.3", "phone": OTHER, "created_at": hours(3), "content": {"text": "three"}},
        {"wa_message_id": "wamid.3", "phone": OTHER, "created_at": hours(3)},
        {"wa_message_id": "wamid.2", "phone": PHONE, "created_at": hours(2), "direction": "outbound"},
        {"wa_message_id": "wamid.0", "phone": PHONE, "created_at": hours(0)},
    ]
    new = shop.Message.ingest_many(rows, batch=4)
    assert [(row.wa_message_id, row.direction) for row in new] == [
        ("wamid.3", "inbound"),
        ("wamid.2", "outbound"),
        ("wamid.0", "inbound"),
    ]
    assert new[0].content == {"text": "three"}
    latest = {row.customer_phone: row.last_message_at for row in shop.Conversation.select()}
    assert latest[PHONE] == hours(2)
    assert shop.Message.ingest_many(iter(rows)) == shop.Message.ingest_many([]) == []


def test_names_that_are_the_same_to_the_server_are_one_message(shop: Any, installed: LiveDatabase) -> None:
    """``ingest_many`` ended in the server's error, however often the webhook came."""
    shop.Message.ingest("wamid.a", phone=PHONE)
    names = ["wamid.A", "wamid.b", "wamid.B", "wamid.c"]
    new = shop.Message.ingest_many({"wa_message_id": name, "phone": PHONE} for name in names)
    is_exact = installed.family == "sqlite"
    assert [row.wa_message_id for row in new] == (names if is_exact else ["wamid.b", "wamid.c"])
    assert shop.Message.ingest("wamid.C", phone=PHONE)[1] is is_exact


def test_a_message_that_does_not_fit_leaves_nothing(shop: Any) -> None:
    for values in ({"status": "eaten"}, {"phone": "1" * 21}, {"text": "x"}, {"conversation": 1}):
        with pytest.raises(InvalidValue):
            shop.Message.ingest("wamid.1", **{"phone": PHONE, **values})
    assert shop.Conversation.select().count() == shop.CustomerProfile.select().count() == 0


def test_a_message_is_sent_and_then_named(shop: Any) -> None:
    message = shop.Message.send(phone=PHONE, content={"text": "hello"})
    assert (message.direction, message.wa_message_id[:7]) == ("outbound", "unsent.")
    same = shop.Message.get()
    assert (message.sent_as("wamid.1"), message.sent_as("wamid.1"), same.sent_as("wamid.2")) == (True, True, False)
    assert (shop.Message.get().wa_message_id, message.is_dirty()) == ("wamid.1", False)
    assert same.sent_as("wamid.1") is True
    named = shop.Message.get()
    assert (named.sent_as("wamid.2"), named.sent_as("wamid.1")) == (False, True)
    with pytest.raises(InvalidValue, match=r"wamid\.1', the name of another message"):
        shop.Message.send(phone=PHONE).sent_as("wamid.1")


@pytest.mark.parametrize(
    ("statuses", "moved", "ends"),
    [
        (["delivered", "read"], [True, True], "read"),
        (["read", "delivered", "sent"], [True, False, False], "read"),
        (["read", "read"], [True, False], "read"),
        (["delivered", "failed"], [True, False], "delivered"),
        (["failed", "delivered", "read"], [True, False, False], "failed"),
    ],
)
def test_a_status_moves_forward_only(shop: Any, statuses: list[str], moved: list[bool], ends: str) -> None:
    shop.Message.send(phone=PHONE).sent_as("wamid.1")
    assert [shop.Message.advance("wamid.1", status) for status in statuses] == moved
    assert shop.Message.get().status == ends


def test_a_status_that_comes_while_its_message_is_named(
    plugin: Plugin, shop: Any, installed: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not found by the update and found by what follows, it was reported as there already, and the status was lost."""
    number = shop.Message.send(phone=PHONE).id
    other, run = Plugin(installed.url), plugin.database.execute_sql

    def execute_sql(sql: str, *arguments: Any, **options: Any) -> Any:
        cursor = run(sql, *arguments, **options)
        if sql.startswith("UPDATE"):
            other.models.Message.get_by_id(number).sent_as("wamid.1")
        return cursor

    monkeypatch.setattr(plugin.database, "execute_sql", execute_sql)
    assert (shop.Message.advance("wamid.1", "read"), shop.Message.get().status) == (True, "read")
    other.database.close()


def test_the_status_of_a_message_that_a_snapshot_shows_as_it_was(
    plugin: Plugin, shop: Any, installed: LiveDatabase
) -> None:
    if installed.family == "sqlite":
        pytest.skip("a SQLite transaction that has read cannot write once another one has written")
    shop.Message.ingest("wamid.1", phone=PHONE)
    other = Plugin(installed.url)
    with plugin.database.atomic():
        assert shop.Message.get().status == "sent"  # the snapshot begins
        other.models.Message.advance("wamid.1", "read")
        if installed.engine == "mariadb11":  # innodb_snapshot_isolation
            with pytest.raises(peewee.OperationalError, match="1020"):
                shop.Message.advance("wamid.1", "delivered")
        else:
            assert shop.Message.advance("wamid.1", "delivered") is False
    other.database.close()


def test_the_status_of_a_message_that_is_not_stored(shop: Any) -> None:
    assert shop.Message.advance("wamid.1", "read") is None
    with pytest.raises(InvalidValue, match="played"):
        shop.Message.advance("wamid.1", "played")


# --- carts


def test_a_cart_is_edited_in_one_go(shop: Any) -> None:
    with shop.Cart.edit(PHONE, lifetime=timedelta(hours=2)) as cart:
        cart.items.append({"sku": "tea"})
    with shop.Cart.edit(PHONE) as cart:
        assert abs(cart.expires_at - utc_now() - timedelta(hours=2)) < timedelta(minutes=1)
        cart.items.append({"sku": "pot"})
        cart.expires_at = NOON
    with pytest.raises(ZeroDivisionError), shop.Cart.edit(PHONE) as cart:
        cart.items.clear()
        raise ZeroDivisionError
    (cart,) = shop.Cart.select()
    assert (cart.items, cart.expires_at) == ([{"sku": "tea"}, {"sku": "pot"}], NOON)
    assert not shop.Cart._meta.database.in_transaction()


def test_an_edit_within_an_edit_has_the_same_cart(shop: Any) -> None:
    """The outer block would write what it had read, and lose what the inner one had added."""
    with shop.Cart.edit(PHONE) as outer:
        outer.items.append("tea")
        with shop.Cart.edit(OTHER) as other, shop.Cart.edit(PHONE) as inner:
            other.items.append("cup")
            inner.items.append("pot")
        assert inner is outer
    assert {cart.customer_phone: cart.items for cart in shop.Cart} == {PHONE: ["tea", "pot"], OTHER: ["cup"]}
    with shop.Cart.edit(PHONE) as later:
        assert later is not outer


def test_an_expiry_that_the_block_sets_stays_even_if_it_is_as_before(shop: Any) -> None:
    with shop.Cart.edit(PHONE) as cart:
        cart.expires_at = NOON
    with shop.Cart.edit(PHONE) as cart:
        cart.expires_at = NOON
    assert shop.Cart.get().expires_at == NOON


def test_a_cart_that_is_revived_meanwhile_ends_no_cleanup(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        shop.Cart.create(customer_phone=str(number), expires_at=hours(number))
    delete, first = carts.delete_rows, []

    def delete_rows(model: Any, ids: Any, *conditions: Any) -> int:
        if not first:
            first.extend(ids)
            shop.Cart.update(expires_at=hours(9)).where(shop.Cart.id.in_(ids)).execute()
        return delete(model, ids, *conditions)

    monkeypatch.setattr(carts, "delete_rows", delete_rows)
    assert (shop.Cart.expire(hours(5), batch=1), [cart.id for cart in shop.Cart]) == (3, first)


def test_expired_carts_go(shop: Any) -> None:
    for number in range(5):
        shop.Cart.create(customer_phone=str(number), expires_at=hours(number))
    assert (shop.Cart.expire(hours(3), batch=2), shop.Cart.select().count()) == (3, 2)
    assert (shop.Cart.expire(), shop.Cart.expire()) == (2, 0)


# --- the queue


def test_an_item_is_claimed_completed_failed_and_tried_again(shop: Any) -> None:
    items = [shop.SyncQueueItem.enqueue("order", number, "create") for number in range(3)]
    one, two = shop.SyncQueueItem.claim("worker 1", 2)
    assert [(item.id, item.status, item.attempts) for item in (one, two)] == [
        (item.id, "processing", 1) for item in items[:2]
    ]
    assert [item.id for item in shop.SyncQueueItem.claim("worker 2", 2)] == [items[2].id]
    assert shop.SyncQueueItem.claim("worker 3") == []
    assert shop.SyncQueueItem.get_by_id(one.id).error_message == "claimed by worker 1"
    assert (one.complete(), one.complete(), one.fail("late")) == (True, False, False)
    assert two.fail(ValueError("no such order \ud83d" + "🍎" * 20_000)) is True
    assert (two.status, shop.SyncQueueItem.get_by_id(two.id).error_message[:13]) == ("failed", "no such order")
    assert shop.SyncQueueItem.retry_due() == 0
    assert (shop.SyncQueueItem.retry_due(attempts=1, delay=timedelta(0)), two.attempts) == (0, 1)
    assert shop.SyncQueueItem.retry_due(delay=timedelta(0)) == 1
    (again,) = shop.SyncQueueItem.claim("worker 1")
    assert (again.id, again.attempts, two.complete(), again.complete()) == (two.id, 2, False, True)
    assert shop.SyncQueueItem.get_by_id(two.id).error_message is None


def test_a_retry_waits_longer_each_time(shop: Any) -> None:
    for attempts in range(1, 5):
        item = shop.SyncQueueItem.enqueue("order", attempts, "create")
        item.status, item.attempts, item.processed_at = "failed", attempts, utc_now() - timedelta(minutes=3)
        item.save()
    assert shop.SyncQueueItem.retry_due(delay=timedelta(minutes=1)) == 2


@pytest.mark.families("mysql", "mariadb")
def test_items_whose_status_nobody_knows_are_shown(shop: Any, installed: LiveDatabase) -> None:
    shop.SyncQueueItem.enqueue("order", 1, "create")
    installed.execute("SET SESSION sql_mode = ''")  # as WordPress has it
    installed.execute("UPDATE wp_wch_sync_queue SET status = 'retrying'")
    items = wch("queue", "--database", installed.url, "--format", "json").json["items"]
    assert {name: one["count"] for name, one in items.items() if one["count"]} == {"unknown": 1}


def test_an_item_of_a_dead_worker_is_put_back(shop: Any) -> None:
    shop.SyncQueueItem.enqueue("order", 1, "create")
    (lost,) = shop.SyncQueueItem.claim("worker 1")
    assert shop.SyncQueueItem.requeue_stale(timedelta(minutes=5)) == 0
    assert shop.SyncQueueItem.requeue_stale(timedelta(0)) == 1
    (found,) = shop.SyncQueueItem.claim("worker 2")
    assert (found.id, found.attempts, lost.complete(), found.complete()) == (lost.id, 2, False, True)


@pytest.mark.families("mysql", "mariadb")
def test_a_server_without_skip_locked_gives_each_item_to_one_worker(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def render(self: Any, ctx: Any) -> Any:  # MariaDB 10.5 says the same of SKIP LOCKED: error 1064
        return ctx.literal("FOR UPDATE SKIP LOOKED" if self._skip_locked else "FOR UPDATE")

    monkeypatch.setattr(peewee.ForUpdate, "__sql__", render)
    for number in range(3):
        shop.SyncQueueItem.enqueue("order", number, "create")
    assert [len(shop.SyncQueueItem.claim("w", 2)) for _ in range(3)] == [2, 1, 0]


# --- campaigns and customers


def test_a_campaign_is_started_once_and_counted(shop: Any) -> None:
    campaign = shop.BroadcastCampaign.create(name="spring", template_name="t")
    same = shop.BroadcastCampaign.get()
    assert (campaign.complete(), campaign.start(), same.start(), same.complete()) == (False, True, False, True)
    assert campaign.status == "sending"
    assert shop.BroadcastCampaign.count(campaign.id, sent=2, read=1) is True
    assert shop.BroadcastCampaign.count(campaign.id, sent=1) is True
    assert (shop.BroadcastCampaign.count(campaign.id), shop.BroadcastCampaign.count(999, sent=1)) == (False, False)
    row = shop.BroadcastCampaign.get()
    assert (row.sent_count, row.delivered_count, row.read_count, row.status) == (3, 0, 1, "completed")


def test_a_profile_is_made_or_changed(shop: Any) -> None:
    assert shop.CustomerProfile.upsert(PHONE).name == ""
    shop.CustomerProfile.upsert(PHONE, name="Zoë", preferences={"lang": "de"})
    row = shop.CustomerProfile.upsert(PHONE, opt_in_marketing=True)
    assert (row.name, row.preferences, row.opt_in_marketing) == ("Zoë", {"lang": "de"}, True)
    with pytest.raises(InvalidValue):
        shop.CustomerProfile.upsert(PHONE, name="x" * 101)


def of_a_person(shop: Any) -> None:
    for phone in (PHONE, OTHER):
        shop.CustomerProfile.upsert(phone, name="Zoë", saved_addresses=[{"city": "Köln"}])
        shop.Message.ingest(f"wamid.{phone}", phone=phone, content={"text": "hi"})
        shop.Conversation.get_or_open(phone).close()
        shop.Message.ingest(f"wamid.2{phone}", phone=phone)
        with shop.Cart.edit(phone) as cart:
            cart.items.append({"sku": "tea"})
    audience = {"phones": [PHONE, OTHER], "by": {PHONE: 1, OTHER: 2}, "note": f"not {PHONE}, {OTHER}"}
    shop.BroadcastCampaign.create(name="spring", template_name="t", audience_filter=audience)
    item = shop.SyncQueueItem.enqueue("order", 1, "create")
    (item,) = shop.SyncQueueItem.claim("w")
    item.fail(f"{OTHER}0 or {OTHER}: no such person as {PHONE}.")


def test_everything_of_a_person_is_exported_and_erased(shop: Any) -> None:
    of_a_person(shop)
    document = shop.CustomerProfile.export(OTHER)
    groups = [item["group_id"] for item in document["data"]]
    assert sorted(groups) == sorted(
        [
            *("wch_customer_profiles", "wch_carts", "wch_conversations", "wch_conversations", "wch_messages"),
            *("wch_messages", "wch_broadcast_campaigns", "wch_sync_queue"),
        ]
    )
    assert document["done"] is True
    profile = {pair["name"]: pair["value"] for pair in document["data"][0]["data"]}
    assert (profile["name"], profile["saved_addresses"], profile["wc_customer_id"]) == ("Zoë", '[{"city": "Köln"}]', "")
    erased = shop.CustomerProfile.erase(OTHER)
    assert (erased["items_removed"], erased["items_retained"], erased["done"]) == (True, False, True)
    assert set(erased["messages"]) == {
        "wp_wch_messages: 2 rows",
        "wp_wch_conversations: 2 rows",
        "wp_wch_carts: 1 row",
        "wp_wch_customer_profiles: 1 row",
        "wp_wch_broadcast_campaigns: 1 row",
        "wp_wch_sync_queue: 1 row",
    }
    assert shop.CustomerProfile.export(OTHER) == {"data": [], "done": True}
    assert len(shop.CustomerProfile.export(PHONE)["data"]) == 8
    assert shop.BroadcastCampaign.get().audience_filter == {
        "phones": [PHONE],
        "by": {PHONE: 1},
        "note": f"not {PHONE}, [erased]",
    }
    assert shop.SyncQueueItem.get().error_message == f"{OTHER}0 or [erased]: no such person as {PHONE}."
    again = shop.CustomerProfile.erase(OTHER)
    assert (again["items_removed"], again["messages"]) == (False, [])
    assert shop.CustomerProfile.select().count() == 1


def test_an_export_names_nobody_else(shop: Any) -> None:
    of_a_person(shop)
    assert PHONE not in str(shop.CustomerProfile.export(OTHER))


@pytest.mark.parametrize("document", [PHONE, [int(PHONE), {"a": int(PHONE)}], {"n": 2**70, "p": [PHONE]}], ids=repr)
def test_documents_that_only_php_writes_are_erased_too(document: Any, shop: Any, installed: LiveDatabase) -> None:
    """One of them kept everything of the person from being erased."""
    phone = PHONE if PHONE in str(document) else str(int(PHONE))
    shop.BroadcastCampaign.create(name="spring", template_name="t")
    installed.execute(f"UPDATE wp_wch_broadcast_campaigns SET audience_filter = '{json.dumps(document)}'")
    shop.CustomerProfile.upsert(phone)
    assert shop.CustomerProfile.erase(phone)["messages"] == [
        "wp_wch_customer_profiles: 1 row",
        "wp_wch_broadcast_campaigns: 1 row",
    ]
    assert phone not in str(installed.execute("SELECT audience_filter FROM wp_wch_broadcast_campaigns"))


# --- retention and the reads


def test_old_messages_go_in_batches(shop: Any) -> None:
    for number in range(7):
        shop.Message.ingest(str(number), phone=PHONE, created_at=hours(number // 2))
    seen: list[BatchDone] = []
    assert shop.Message.prune(hours(3), batch=4, progress=seen.append) == 6
    assert [(event.rows, event.table) for event in seen] == [(4, "wp_wch_messages"), (6, "wp_wch_messages")]
    assert ([message.wa_message_id for message in shop.Message], seen[-1].fraction <= 1) == (["6"], True)
    assert shop.Message.prune(hours(3)) == 0


def test_old_conversations_go_one_by_one(shop: Any) -> None:
    for phone, hour, closed in (("1", 0, True), ("2", 0, False), ("3", 1, True), ("4", 9, True)):
        for number in range(3):
            shop.Message.ingest(f"{phone}.{number}", phone=phone, created_at=hours(hour))
        conversation = shop.Conversation.get_or_open(phone)
        shop.Conversation.update(last_message_at=hours(hour)).where(shop.Conversation.id == conversation.id).execute()
        if closed:
            conversation.close()
    seen: list[BatchDone] = []
    assert shop.Message.prune(hours(5), batch=2, conversations=True, progress=seen.append) == 2
    assert [row.customer_phone for row in shop.Conversation.select().order_by(shop.Conversation.id)] == ["2", "4"]
    assert (shop.Message.select().count(), len(seen)) == (6, 2)


def test_a_conversation_with_a_later_message_stays_whole(shop: Any) -> None:
    """PHP may have stored one and not moved ``last_message_at``; the messages before it were deleted."""
    for number, hour in enumerate((0, 1, 9)):
        shop.Message.ingest(str(number), phone=PHONE, created_at=hours(hour))
    shop.Conversation.update(status="closed", last_message_at=hours(1)).execute()
    assert shop.Message.prunable(hours(5), conversations=True).count() == 0
    assert (shop.Message.prune(hours(5), conversations=True), shop.Message.select().count()) == (0, 3)


def test_the_reads_of_an_agents_desk(shop: Any) -> None:
    for number in range(6):
        shop.Message.ingest(str(number), phone=str(number), created_at=hours(24 * number))
    shop.Conversation.update(last_message_at=NOON).execute()
    for number in range(6):
        moment = hours(number // 2)
        shop.Conversation.update(last_message_at=moment).where(shop.Conversation.id == number + 1).execute()
    page = list(shop.Conversation.recent(3))
    rest = list(shop.Conversation.recent(after=page[-1]))
    assert [row.id for row in page + rest] == [6, 5, 4, 3, 2, 1]
    assert [row.id for row in shop.Conversation.inbox(None, limit=2)] == [6, 5]
    page[0].assign(7)
    page[1].assign(7)
    page[1].close()
    assert [row.id for row in shop.Conversation.inbox(7)] == [6]
    assert [row.id for row in shop.Conversation.inbox(7, "closed", "active")] == [6, 5]
    for number in range(10, 15):
        shop.Message.ingest(str(number), phone="0", created_at=hours(1))
    assert [row.wa_message_id for row in shop.Conversation.get_or_open("0").last_messages(3)] == ["12", "13", "14"]
    shop.Message.send(phone="0", created_at=hours(1))
    days = shop.Message.per_day(NOON, hours(25))
    assert days == {date(2026, 1, 2): {"inbound": 6, "outbound": 1}, date(2026, 1, 3): {"inbound": 1}}
    assert len(shop.Message.per_day(NOON)) == 6


def test_pages_go_on_through_phps_zero_dates(shop: Any, installed: LiveDatabase) -> None:
    for number in range(4):
        shop.Message.ingest(str(number), phone=str(number), created_at=NOON)
    if installed.family != "sqlite":
        installed.execute("SET SESSION sql_mode = ''")  # as WordPress has it
    installed.execute("UPDATE wp_wch_conversations SET last_message_at = '0000-00-00 00:00:00' WHERE id < 4")
    found, after = [], None
    while page := list(shop.Conversation.recent(1, after=after)):
        found.append(page[0].id)
        after = page[-1]
    assert found == [4, 3, 2, 1]


# --- transactions


def test_a_call_joins_the_callers_transaction(plugin: Plugin, shop: Any) -> None:
    with pytest.raises(ZeroDivisionError), plugin.database.atomic():
        shop.Message.ingest("wamid.1", phone=PHONE)
        shop.Message.advance("wamid.1", "read")
        shop.SyncQueueItem.enqueue("order", 1, "create")
        assert len(shop.SyncQueueItem.claim("w")) == 1
        with shop.Cart.edit(PHONE) as cart:
            cart.items.append(1)
        raise ZeroDivisionError
    for model in (shop.Message, shop.Conversation, shop.SyncQueueItem, shop.Cart, shop.CustomerProfile):
        assert model.select().count() == 0


def test_a_callers_older_snapshot_opens_no_second_conversation(
    plugin: Plugin, shop: Any, installed: LiveDatabase
) -> None:
    other = Plugin(installed.url).models
    if installed.family == "sqlite":
        pytest.skip("a SQLite transaction that has read cannot write once another one has written")
    isolation = installed.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
    with plugin.database.atomic():
        assert shop.Conversation.select().count() == 0  # the snapshot begins
        other.Message.ingest("wamid.1", phone=PHONE)
        if isolation == [("innodb_snapshot_isolation", "ON")]:  # MariaDB since 11.6
            with pytest.raises(peewee.OperationalError, match="1020"):
                shop.Message.ingest("wamid.2", phone=PHONE)
        else:
            assert shop.Message.ingest("wamid.2", phone=PHONE)[1] is True
            assert shop.Message.ingest("wamid.1", phone=PHONE)[1] is False
    assert other.Conversation.select().count() == 1


def test_a_bound_model_and_that_of_a_site_are_the_same(plugin: Plugin, shop: Any) -> None:
    assert plugin.model(Message).ingest("wamid.1", phone=PHONE)[1] is True
    assert shop.Message.ingest("wamid.1", phone=PHONE)[1] is False


# --- retrying


def failing(*errors: Exception) -> Callable[[Any], int]:
    waiting = list(errors)
    calls = []

    def function(owner: Any) -> int:
        calls.append(owner)
        if waiting:
            raise waiting.pop(0)
        return len(calls)

    return function


def locked(database: LiveDatabase, number: int = 1213) -> peewee.OperationalError:
    return peewee.OperationalError(*(["database is locked"] if database.family == "sqlite" else [number, "said"]))


def test_what_others_lock_is_tried_again(plugin: Plugin, installed: LiveDatabase) -> None:
    errors = [locked(installed, number) for number in (1213, 1020, 1205)]
    assert retrying(failing(*errors))(plugin) == 4
    assert retrying(failing(*errors))(plugin.database) == 4
    assert retrying(failing(*errors))(plugin.models.Cart) == 4
    with pytest.raises(Busy, match="try again later"):
        retrying(patience=0.0)(failing(*errors))(plugin)
    with pytest.raises(peewee.IntegrityError):
        retrying(failing(peewee.IntegrityError(1062, "said")))(plugin)


def test_within_a_transaction_nothing_is_tried_again(plugin: Plugin, installed: LiveDatabase) -> None:
    with pytest.raises(peewee.OperationalError), plugin.database.atomic():
        retrying(failing(locked(installed)))(plugin)
    # Not one of peewee's: it would be committed by another BEGIN.
    plugin.database.execute_sql("BEGIN")
    plugin.models.Message.ingest("wamid.1", phone=PHONE)
    plugin.database.execute_sql("ROLLBACK")
    assert plugin.models.Message.select().count() == 0


@pytest.mark.families("mysql", "mariadb")
def test_patience_is_shorter_than_the_servers_own(plugin: Plugin, installed: LiveDatabase) -> None:
    """A server waits 50 seconds for a lock, whatever the caller has asked for."""
    plugin.models.Cart.create(customer_phone=PHONE, expires_at=NOON)
    other = Plugin(installed.url)

    @retrying(patience=1)
    def edit(plugin: Plugin) -> None:
        waits.append(plugin.database.execute_sql("SELECT @@innodb_lock_wait_timeout").fetchone())
        plugin.models.Cart.update(coupon_code="y").execute()

    waits: list[Any] = []
    with other.database.atomic():
        other.models.Cart.update(coupon_code="x").execute()
        with pytest.raises(Busy, match=r"another session locked the rows for \d+ seconds?"):
            edit(plugin)
    other.database.close()
    edit(plugin)
    assert set(waits) == {(1,)}
    assert plugin.database.execute_sql("SELECT @@innodb_lock_wait_timeout").fetchone() == (50,)


@pytest.mark.families("mysql", "mariadb")
def test_a_call_is_committed_with_autocommit_off(plugin: Plugin, shop: Any, installed: LiveDatabase) -> None:
    campaign = shop.BroadcastCampaign.create(name="spring", template_name="t")
    plugin.database.execute_sql("SET autocommit = 0")
    shop.Message.ingest("wamid.1", phone=PHONE)
    assert shop.Message.advance("wamid.1", "read") is True
    assert (shop.BroadcastCampaign.count(campaign.id, sent=1), campaign.start()) == (True, True)
    item = shop.SyncQueueItem.enqueue("order", 1, "create")
    assert shop.SyncQueueItem.select().count() == 1  # begins a transaction, and the driver does not notice
    assert shop.SyncQueueItem.claim("w") == [item]
    with shop.Cart.edit(PHONE) as cart:
        cart.items.append("tea")
        assert plugin.database.in_transaction()
    plugin.database.close()  # what is not committed is gone
    assert (shop.Message.get().status, shop.SyncQueueItem.get(), shop.Cart.get().items) == ("read", item, ["tea"])
    assert shop.SyncQueueItem.get().status == "processing"
    assert (shop.BroadcastCampaign.get().sent_count, shop.BroadcastCampaign.get().status) == (1, "sending")


@pytest.mark.families("mysql", "mariadb")
def test_an_export_is_of_one_moment_whatever_isolation_a_session_has(
    plugin: Plugin, shop: Any, installed: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Plugin(installed.url)
    shop.Message.ingest("wamid.1", phone=PHONE)
    plugin.database.execute_sql("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    send = plugin.database.execute_sql

    def erase_first(sql: str, *arguments: Any) -> Any:
        if "wch_carts" in sql:  # after the profile has been read
            other.models.CustomerProfile.erase(PHONE)
        return send(sql, *arguments)

    monkeypatch.setattr(plugin.database, "execute_sql", erase_first)
    groups = [item["group_id"] for item in shop.CustomerProfile.export(PHONE)["data"]]
    assert groups == ["wch_customer_profiles", "wch_conversations", "wch_messages"]
    other.database.close()


def leaves_no_lock_and_no_snapshot(plugin: Plugin, other: Plugin) -> None:
    """The driver does not notice that a SELECT has begun a transaction, nor that a statement has failed in one."""
    message, conversation, queue = plugin.models.Message, plugin.models.Conversation, plugin.models.SyncQueueItem
    first, second = (message.ingest(name, phone=PHONE)[0] for name in ("wamid.1", "wamid.2"))
    unsent, item = message.send(phone=PHONE), queue.enqueue("order", 1, "create")
    plugin.database.execute_sql("SET autocommit = 0")
    other.database.execute_sql("SET innodb_lock_wait_timeout = 1")

    def write(name: str) -> None:
        rows = other.models.Message.update(content={"by": name}).where(other.models.Message.wa_message_id == name)
        assert rows.execute() == 1

    assert message.advance("wamid.1", "sent") is False
    write("wamid.1")
    with pytest.raises(InvalidValue):
        unsent.sent_as("wamid.2")
    write(unsent.wa_message_id)
    found = conversation.get()
    assert [one.id for one in found.last_messages(2)] == [second.id, unsent.id]
    new = other.models.Message.ingest("wamid.3", phone=PHONE)[0]
    assert [one.id for one in found.last_messages(2)] == [unsent.id, new.id]
    assert (queue.select().count(), queue.claim("w")) == (1, [item])
    assert first.conversation_id == found.id


@pytest.mark.families("mysql", "mariadb")
def test_a_call_leaves_no_lock_and_no_snapshot_with_autocommit_off(plugin: Plugin, installed: LiveDatabase) -> None:
    other = Plugin(installed.url)
    leaves_no_lock_and_no_snapshot(plugin, other)
    other.database.close()


@pytest.mark.families("mysql", "mariadb")
def test_a_call_in_a_task_leaves_none_either(plugin: Plugin, installed: LiveDatabase) -> None:
    pytest.importorskip("aiomysql")
    (kind,) = (one for one in CLASSES if one.name == "AsyncMySQLDatabase")

    async def main(own: Any) -> None:
        try:
            await own.run(leaves_no_lock_and_no_snapshot, Plugin(own), plugin)
        finally:
            await own.close_pool()

    with kind.open(installed) as own:
        asyncio.run(main(own))


def test_what_has_no_database_is_said() -> None:
    with pytest.raises(ConfigurationError, match="expected a model, a row, a Plugin or a peewee Database"):
        retrying(failing())("shop.db")
    with pytest.raises(ConfigurationError, match=r"plugin\.bind\(\)"):
        Message.ingest("wamid.1", phone=PHONE)


@pytest.mark.families("sqlite")
def test_a_pause_in_an_event_loop_stops_no_other_task(database: LiveDatabase) -> None:
    pytest.importorskip("aiosqlite")
    pwasyncio = pytest.importorskip("playhouse.pwasyncio")
    own = pwasyncio.AsyncSqliteDatabase(database.name)
    ticks = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    async def main() -> int:
        ticking = asyncio.create_task(tick())
        number: int = await own.run(retrying(failing(*[locked(database)] * 5)), own)
        ticking.cancel()
        await own.close_pool()
        return number

    assert asyncio.run(main()) == 6
    assert len(ticks) > 20


def test_each_read_of_a_desk_uses_a_key(installed: LiveDatabase) -> None:
    fill(installed, 20_000)
    plugin = Plugin(installed.url)
    for name, query in reads(plugin.models, 20_000).items():
        keys = keys_of(installed, query)
        assert "last_message_at" in keys or "created_at" in keys or "conversation_id" in keys, (name, keys)
    plugin.database.close()


def test_a_message_without_a_name_or_a_phone_is_refused(shop: Any) -> None:
    """Else all messages without a name would count as one, and the later ones be lost."""
    for row in ({"phone": PHONE}, {"wa_message_id": "", "phone": PHONE}, {"wa_message_id": "wamid.1", "phone": ""}):
        with pytest.raises(InvalidValue, match="expected a text that is not empty"):
            shop.Message.ingest_many([{"wa_message_id": "wamid.2", "phone": PHONE}, row])
    with pytest.raises(InvalidValue, match="CustomerProfile has no field colour; its fields are"):
        shop.CustomerProfile.upsert(PHONE, colour="red")
    with pytest.raises(InvalidValue, match="CustomerProfile has no field save; its fields are"):
        shop.CustomerProfile.upsert(PHONE, save=True)  # not a column, though an attribute of the model
    assert (shop.Message.select().count(), shop.CustomerProfile.select().count()) == (0, 0)
