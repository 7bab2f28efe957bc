"""Rows that PHP and the models share: each reads the other's, and odd rows survive everything."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bound import bound
from tests.support.command import wch
from tests.support.migration_chain import NEWEST
from tests.support.php_rows import LOCAL, ROWS, leave_behind, raw
from tests.support.populate import LATER, populate
from tests.support.wordpress import WordPressSite
from wch_peewee import (
    MODELS,
    BroadcastCampaign,
    Cart,
    Conversation,
    CustomerProfile,
    DatabaseManager,
    Message,
    MessageDirection,
    MessageStatus,
    Plugin,
    SyncQueueItem,
)

NOON = dt.datetime(2024, 5, 1, 12, 0, 0)

_INSERT = """
$when  = '2024-05-01 12:00:00';
$times = array( 'created_at' => $when, 'updated_at' => $when );
$p     = $wpdb->prefix . 'wch_';
$done  = array(
    $wpdb->insert( $p . 'conversations', array( 'customer_phone' => '+491', 'wa_conversation_id' => 'conv.1',
        'status' => 'active', 'last_message_at' => $when,
        'context' => wp_json_encode( array( 'mood' => '😀' ) ) ) + $times ),
    $wpdb->insert( $p . 'messages', array( 'conversation_id' => $wpdb->insert_id, 'direction' => 'inbound',
        'message_type' => 'text', 'wa_message_id' => 'wamid.1', 'created_at' => $when,
        'content' => wp_json_encode( array( 'text' => '100% "quoted" \\\\ 🍎' ), JSON_UNESCAPED_UNICODE ) ) ),
    $wpdb->insert( $p . 'carts', array( 'customer_phone' => '+491', 'items' => '[{"id":7}]',
        'expires_at' => $when ) + $times ),
    $wpdb->insert( $p . 'customer_profiles', array( 'phone' => '+491', 'name' => 'Zoë 🐍', 'wc_customer_id' => 1,
        'opt_in_marketing' => true, 'preferences' => '{"lang":"de"}' ) + $times ),
    $wpdb->insert( $p . 'broadcast_campaigns', array( 'name' => 'Frühling 🌷', 'template_name' => 't',
        'sent_count' => 3, 'scheduled_at' => $when ) + $times ),
    $wpdb->insert( $p . 'sync_queue', array( 'entity_type' => 'order', 'entity_id' => 7, 'action' => 'delete',
        'error_message' => 'Kaputt 🔥', 'created_at' => $when ) ),
);
return $done;
"""


@pytest.fixture
def site(wordpress: WordPressSite) -> Iterator[WordPressSite]:
    """A site with the managed tables, and the models bound to it."""
    plugin = Plugin(wordpress.url)
    plugin.activate()
    with bound(plugin.database, plugin.prefix):
        yield wordpress
    plugin.database.close()


def test_the_models_read_what_php_wrote(site: WordPressSite) -> None:
    assert site.php(_INSERT) == [1] * 6
    conversation = Conversation.get()
    assert (conversation.status, conversation.context, conversation.last_message_at) == ("active", {"mood": "😀"}, NOON)
    (message,) = conversation.messages
    assert message.direction is MessageDirection.INBOUND
    assert message.status is MessageStatus.SENT
    assert message.content == {"text": '100% "quoted" \\ 🍎'}
    assert (Cart.get().items, Cart.get().shipping_address) == ([{"id": 7}], None)
    profile = CustomerProfile.get()
    assert (profile.name, profile.opt_in_marketing, profile.saved_addresses) == ("Zoë 🐍", True, None)
    assert (BroadcastCampaign.get().name, BroadcastCampaign.get().sent_count) == ("Frühling 🌷", 3)
    assert (SyncQueueItem.get().error_message, SyncQueueItem.get().attempts) == ("Kaputt 🔥", 0)


def test_php_reads_what_the_models_wrote(site: WordPressSite) -> None:
    populate(site.database, conversations=2)
    read = site.php(
        "$rows = array();"
        'foreach ( $keys as $key ) { $rows[ $key ] = $wpdb->get_results( "SELECT * FROM {$wpdb->prefix}wch_$key" ); }'
        "return $rows;",
        keys=list(ROWS),
    )
    assert [len(rows) for rows in read.values()] == [2, 4, 2, 2, 2, 2]
    assert [json.loads(row["context"]) for row in read["conversations"]] == [
        {"step": number, "mood": "😀"} for number in range(2)
    ]
    assert [json.loads(row["content"])["text"] for row in read["messages"]] == [
        message.content["text"] for message in Message.select().order_by(Message.id)
    ]
    assert read["carts"][1]["expires_at"] == str(LATER)
    assert {row["name"] for row in read["customer_profiles"]} == {"Zoë 🐍"}
    assert [row["opt_in_marketing"] for row in read["customer_profiles"]] == ["0", "0"]
    assert [row["name"] for row in read["broadcast_campaigns"]] == ["Campaign 0", "Campaign 1"]
    assert read["sync_queue"][1]["attempts"] == "1"


def test_emoji_are_found_and_told_apart_by_both(site: WordPressSite) -> None:
    CustomerProfile.create(phone="1", name="🍎")
    CustomerProfile.create(phone="2", name="😀")
    assert [profile.phone for profile in CustomerProfile.select().where(CustomerProfile.name == "😀")] == ["2"]
    query = "SELECT phone FROM wp_wch_customer_profiles WHERE name = %s"
    code = "return $wpdb->get_col( $wpdb->prepare( $query, $name ) );"
    assert site.php(code, query=query, name="😀") == ["2"]


# --- what sessions that are not strict leave behind


def test_what_means_nothing_reads_as_none(site: WordPressSite) -> None:
    leave_behind(site)
    first, second, third = Conversation.select().order_by(Conversation.id)
    assert first.customer_phone == "+49 151 2345 6789 01"
    assert (first.status, first.context, first.last_message_at, first.created_at) == (None, None, None, None)
    assert first.updated_at == dt.datetime.fromisoformat(LOCAL)
    assert (second.status, second.assigned_agent_id, second.last_message_at, second.updated_at) == (None, 0, None, None)
    assert second.context == {"mood": "😀", "list": []}
    assert (third.status, third.context, third.created_at) == ("pending", None, None)
    one, two = Message.select().order_by(Message.id)
    assert (one.direction, one.message_type, one.status, one.content, one.created_at) == (None,) * 5
    # An enum without a default is given its first word when PHP leaves it out.
    assert (two.direction, two.message_type, two.content) == ("inbound", "text", {"text": "Grüße 🐍"})
    assert [cart.expires_at for cart in Cart] == [None, None]
    assert [(cart.items, cart.coupon_code) for cart in Cart] == [(None, ""), ([], None)]
    assert [bool(profile.opt_in_marketing) for profile in CustomerProfile] == [True, False]
    assert [campaign.status for campaign in BroadcastCampaign] == [None, "draft"]
    item, _ = SyncQueueItem.select().order_by(SyncQueueItem.id)
    assert (item.entity_type, item.action, item.status, item.processed_at) == (None, None, None, None)


def test_a_change_by_a_model_leaves_the_rest_of_an_odd_row_as_it_is(site: WordPressSite) -> None:
    leave_behind(site)
    before = {key: raw(site.database, key) for key in ROWS}
    for conversation in Conversation.select():
        conversation.customer_phone = "9"
        conversation.save()
    for message in Message.select():
        message.status = MessageStatus.READ
        message.save()
    for cart in Cart.select():
        cart.coupon_code = "X"
        cart.save()
    changed = {"conversations": ("customer_phone", "updated_at"), "messages": ("status",)}
    changed["carts"] = ("coupon_code", "updated_at")
    for key, rows in before.items():
        after = raw(site.database, key)
        for was, now in zip(rows, after, strict=True):
            assert {name for name in was if was[name] != now[name]} == set(changed.get(key, ()))


def test_odd_rows_survive_every_migration_and_every_way_back(wordpress: WordPressSite, chain: Path) -> None:
    Plugin(wordpress.url).activate()
    leave_behind(wordpress)
    before = {key: raw(wordpress.database, key) for key in ROWS}
    manager = DatabaseManager(wordpress.url, migrations=chain)
    for _ in range(2):
        manager.run_migrations()
        assert manager.status().version == NEWEST
        bodies = [row["content"] for row in raw(wordpress.database, "message_bodies")]
        assert bodies == [row["content"] for row in before["messages"]]
        for key, rows in before.items():
            now = raw(wordpress.database, key)
            kept = set(rows[0]) & set(now[0])
            assert [{name: row[name] for name in kept} for row in now] == [
                {name: row[name] for name in kept} for row in rows
            ]
        while manager.status().version != "1.0.0":
            manager.rollback(manager.status().applied[-1], allow_loss=True)
        assert {key: raw(wordpress.database, key) for key in ROWS} == before
    assert Plugin(wordpress.url).activate().outcome == "current"


def test_odd_rows_survive_that_we_take_phps_tables_over(wordpress: WordPressSite) -> None:
    wordpress.db_delta(wch("schema", "--format", "dbdelta", database=wordpress.url).out)
    leave_behind(wordpress)
    before = {key: raw(wordpress.database, key) for key in ROWS}
    report = Plugin(wordpress.url).activate()
    assert (report.outcome, report.refusals) == ("upgraded", ())
    assert {key: raw(wordpress.database, key) for key in ROWS} == before


#: What is wrong with a table, and what a mending over odd rows does to it. Most of these copy the table.
DRIFT = (
    "ALTER TABLE wp_wch_conversations MODIFY wa_conversation_id varchar(60) NOT NULL",
    "ALTER TABLE wp_wch_conversations MODIFY status enum('pending','active') NOT NULL DEFAULT 'active'",
    "ALTER TABLE wp_wch_conversations DROP INDEX last_message_at",
    "ALTER TABLE wp_wch_messages MODIFY created_at datetime NULL",
    "ALTER TABLE wp_wch_broadcast_campaigns MODIFY read_count smallint NOT NULL DEFAULT 0, DROP COLUMN delivered_count",
    "ALTER TABLE wp_wch_sync_queue MODIFY attempts tinyint NOT NULL, MODIFY status enum('pending') NOT NULL",
)


def test_odd_rows_survive_that_tables_are_mended(site: WordPressSite) -> None:
    for statement in DRIFT:
        site.database.execute(statement)
    leave_behind(site)
    before = {key: raw(site.database, key) for key in ROWS}
    report = Plugin(site.url).activate()
    assert report.refusals == ()
    for key, rows in before.items():
        for was, now in zip(rows, raw(site.database, key), strict=True):
            assert was.items() <= now.items()
    assert Plugin(site.url).activate().outcome == "current"
    assert len(MODELS) == len(ROWS)
