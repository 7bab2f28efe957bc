"""The daily jobs beside a real WordPress, whose PHP writes the same rows with $wpdb all the while."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts import ROOT
from tests.support.page_examples import blocks_of
from tests.support.races import RACES, Edit, Ingest, Queue, Race, opened, run
from tests.support.wordpress import WordPressSite
from wch_peewee import CustomerProfile, Message, Plugin

PHONE = "+4915112345678"

#: A visit to the site: each table is written as the PHP plugin does, row by row, without transactions.
_VISIT = """
$p = $wpdb->prefix . 'wch_';
$messages = 0;
for ( $n = 0; $n < 25; $n++ ) {
    $moment = gmdate( 'Y-m-d H:i:s', strtotime( '2026-01-02 12:00:00 UTC' ) + 3600 * $n );
    $phone = '+49' . ( $n % 6 );
    $open = $wpdb->get_var( $wpdb->prepare(
        "SELECT id FROM {$p}conversations WHERE customer_phone = %s AND status <> 'closed'", $phone ) );
    if ( $open ) {
        $messages += $wpdb->query( $wpdb->prepare(
            "INSERT IGNORE INTO {$p}messages (conversation_id, direction, message_type, wa_message_id, created_at)
             VALUES (%d, 'inbound', 'text', %s, %s)", $open, "wamid.$n", $moment ) );
        $wpdb->query( $wpdb->prepare( "UPDATE {$p}conversations SET last_message_at = %s
             WHERE id = %d AND last_message_at < %s", $moment, $open, $moment ) );
        $wpdb->update( $p . 'conversations', array( 'context' => '{"visit":1}' ), array( 'id' => $open ) );
    }
    $wpdb->update( $p . 'messages', array( 'content' => '{"seen":1}' ), array( 'wa_message_id' => "wamid.$n" ) );
    $wpdb->update( $p . 'carts', array( 'coupon_code' => "C$n" ), array( 'customer_phone' => $n % 5 ) );
    $wpdb->update( $p . 'customer_profiles', array( 'wc_customer_id' => $n ), array( 'phone' => $phone ) );
    $wpdb->query( "UPDATE {$p}broadcast_campaigns SET delivered_count = delivered_count + 1" );
    $wpdb->query( "UPDATE {$p}sync_queue SET action = 'update' WHERE status = 'pending' ORDER BY id LIMIT 3" );
}
return $messages;
"""


@pytest.fixture
def site(wordpress: WordPressSite) -> WordPressSite:
    Plugin(wordpress.url).activate()
    return wordpress


@pytest.fixture
def end_visits(site: WordPressSite) -> Iterator[Callable[[], None]]:
    """Visit the site again and again, until the test calls this."""
    stop, troubles = threading.Event(), list[BaseException]()

    def visits() -> None:
        while not stop.is_set():
            try:
                site.php(_VISIT)
            except BaseException as error:
                troubles.append(error)
                return

    thread = threading.Thread(target=visits)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()
        assert troubles == []

    yield end
    end()


@pytest.mark.parametrize(
    "race",
    [pytest.param(race, marks=[] if race in (Ingest, Edit, Queue) else [pytest.mark.slow]) for race in RACES],
    ids=lambda race: race.__name__.lower(),
)
def test_php_beside_changes_nothing_of_what_is_promised(
    race: type[Race], site: WordPressSite, end_visits: Callable[[], None]
) -> None:
    faults = run(race, site.url, processes=4, size=25, kills=2, ended=end_visits)
    assert faults.clean, (str(faults), *faults.errors)


_EXPORT = """
require_once ABSPATH . 'wp-admin/includes/privacy-tools.php';
$groups = array();
foreach ( $exported['data'] as $datum ) {
    $groups[ $datum['group_id'] ]['group_label'] = $datum['group_label'];
    $groups[ $datum['group_id'] ]['items'][ $datum['item_id'] ] = $datum['data'];
}
$html = '';
foreach ( $groups as $id => $group ) {
    $html .= wp_privacy_generate_personal_data_export_group_html( $group, $id, count( $groups ) );
}
return $html;
"""


def test_wordpress_shows_what_is_exported(site: WordPressSite) -> None:
    with opened(site.url) as models:
        models.Message.ingest("wamid.1", phone=PHONE, content={"text": "Grüße 🍎"})
        exported: Any = models.CustomerProfile.export(PHONE)
        html = site.php(_EXPORT, exported=exported)
        assert "WhatsApp: customer profiles" in html
        assert PHONE in html
        assert "Grüße 🍎" in html
        assert models.CustomerProfile.erase(PHONE)["items_removed"] is True
        assert site.php(_EXPORT, exported=models.CustomerProfile.export(PHONE)) == ""


def test_the_exporter_of_the_page(site: WordPressSite) -> None:
    plugin = Plugin(site.url)
    message, _ = plugin.model(Message).ingest("wamid.1", phone=PHONE, content={"text": "Grüße"})
    (block,) = (one for one in blocks_of((ROOT / "docs" / "daily-jobs.md").read_text("utf-8")) if one.language == "php")
    answer = site.php(
        block.text
        + """
putenv( 'PATH=' . $path );
putenv( 'WCH_DATABASE_URL=' . $url );
$user = wp_insert_user( array( 'user_login' => 'ann', 'user_pass' => 'x', 'user_email' => 'ann@example.com' ) );
update_user_meta( $user, 'billing_phone', $phone );
$callback = apply_filters( 'wp_privacy_personal_data_exporters', array() )['wch']['callback'];
return array( $callback( 'ann@example.com', 1 ), $callback( 'bob@example.com', 1 ) );
""",
        path=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        url=site.url,
        phone=PHONE,
    )
    assert answer == [plugin.model(CustomerProfile).export(PHONE), {"data": [], "done": True}]
    assert f"wch-messages-{message.id}" in {item["item_id"] for item in answer[0]["data"]}
