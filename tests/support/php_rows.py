"""Rows written by PHP through ``$wpdb``, with values that only WordPress's non-strict sessions accept.

leave_behind(site)
"""

from __future__ import annotations

import warnings
from typing import Any

from tests.support.databases import LiveDatabase
from tests.support.wordpress import WordPressSite

ZERO = "0000-00-00 00:00:00"
LOCAL = "2024-03-31 02:30:00"  # does not exist in some time zones, and is a time like any other in a column

#: For each table the rows that are handed to ``$wpdb->insert``. What the columns hold then is another matter.
ROWS: dict[str, list[dict[str, Any]]] = {
    "conversations": [
        {
            "customer_phone": "+49 151 2345 6789 0123 4567",  # 20 fit
            "wa_conversation_id": "conv.🍎",
            "status": "archived",  # no such word: ''
            "context": None,
            "last_message_at": "not yet",  # no such time: zero
            "created_at": ZERO,
            "updated_at": LOCAL,
        },
        {
            "customer_phone": "",
            "wa_conversation_id": "",
            "status": "",
            "assigned_agent_id": 0,
            "context": '{"mood":"😀","list":[]}',
            "last_message_at": "2024-02-30 10:00:00",  # no such day: zero
            "created_at": LOCAL,
            "updated_at": "2024-00-00 00:00:00",
        },
        {"customer_phone": "1", "wa_conversation_id": "the rest is left out"},
    ],
    "messages": [
        {
            "conversation_id": 1,
            "direction": "sideways",
            "message_type": "sticker",
            "wa_message_id": "wamid.1",
            "content": None,
            "status": "played",
            "created_at": "",
        },
        {"conversation_id": 2, "wa_message_id": "wamid.🍎", "content": '{"text":"Grüße 🐍"}', "created_at": LOCAL},
    ],
    "carts": [
        {"customer_phone": "2", "items": None, "coupon_code": "", "expires_at": ZERO, "created_at": ZERO},
        {"customer_phone": "🍎" * 30, "items": "[]", "coupon_code": None, "shipping_address": "null"},
    ],
    "customer_profiles": [
        {"phone": "3", "name": "Zoë 🐍" * 30, "opt_in_marketing": 2, "created_at": ZERO, "updated_at": ZERO},
        {"phone": "4", "wc_customer_id": 1, "name": "", "saved_addresses": '"text"', "preferences": "[1]"},
    ],
    "broadcast_campaigns": [
        {"name": "", "template_name": "", "status": "paused", "scheduled_at": ZERO, "sent_count": 99999999999},
        {"name": "Frühling 🌷", "template_name": "t", "audience_filter": "7", "created_at": LOCAL},
    ],
    "sync_queue": [
        {"entity_type": "coupon", "entity_id": -1, "action": "", "status": "lost", "attempts": "x", "processed_at": ""},
        {"entity_type": "order", "entity_id": 7, "action": "delete", "error_message": "🔥" * 20000},
    ],
}

# Without wpdb's own look at lengths and characters, as query() and prepare() go without it.
_INSERT = """
foreach ( $rows as $table => $list ) {
    foreach ( $list as $row ) {
        $names = implode( ', ', array_keys( $row ) );
        $values = array();
        foreach ( $row as $value ) {
            $values[] = null === $value ? 'NULL' : $wpdb->prepare( is_int( $value ) ? '%d' : '%s', $value );
        }
        $sql = "INSERT INTO {$wpdb->prefix}wch_$table ($names) VALUES (" . implode( ', ', $values ) . ')';
        if ( 1 !== $wpdb->query( $sql ) ) {
            throw new Exception( $wpdb->last_error );
        }
    }
}
"""


def leave_behind(site: WordPressSite) -> None:
    """Insert ``ROWS`` with PHP."""
    site.php(_INSERT, rows=ROWS)


def leave_behind_without_php(database: LiveDatabase) -> None:
    """Insert the same rows in a session with PHP's settings, without PHP."""
    connection = database.connect()
    connection.execute_sql("SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'")
    for table, rows in ROWS.items():
        for row in rows:
            slots = ", ".join(["%s"] * len(row))
            sql = f"INSERT INTO wp_wch_{table} ({', '.join(row)}) VALUES ({slots})"
            with warnings.catch_warnings(action="ignore"):
                connection.execute_sql(sql, tuple(row.values()))


def raw(database: LiveDatabase, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table, oldest first, each value as the bytes that the server sends."""
    name = f"wp_wch_{table}"
    columns = [
        column
        for (column,) in database.execute(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s "
            "ORDER BY ORDINAL_POSITION",
            [name],
        )
    ]
    texts = ", ".join(f"CAST(`{column}` AS BINARY)" for column in columns)
    return [
        dict(zip(columns, row, strict=True)) for row in database.execute(f"SELECT {texts} FROM `{name}` ORDER BY id")
    ]
