"""The six tables as WCH's PHP plugin creates them, with rows from its non-strict sessions.

    PhpPlugin(database).install()
    PhpPlugin(database).fill()

Later versions add columns and tables to version 1.0.0, and widen types.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.databases import LiveDatabase

#: Without the foreign key, which dbDelta cannot make.
_TABLES = {
    "conversations": """
        customer_phone varchar(20) NOT NULL,
        wa_conversation_id varchar(100) NOT NULL,
        status enum('pending','active','closed') NOT NULL DEFAULT 'pending',
        assigned_agent_id bigint(20) unsigned NULL,
        context json NULL,
        last_message_at datetime NOT NULL,
        created_at datetime NOT NULL,
        updated_at datetime NOT NULL,
        PRIMARY KEY (id), KEY customer_phone (customer_phone), KEY last_message_at (last_message_at)""",
    "messages": """
        conversation_id bigint(20) unsigned NOT NULL,
        direction enum('inbound','outbound') NOT NULL,
        message_type enum('text','interactive','image','document','template') NOT NULL,
        wa_message_id varchar(100) NOT NULL,
        content json NULL,
        status enum('sent','delivered','read','failed') NOT NULL DEFAULT 'sent',
        created_at datetime NOT NULL,
        PRIMARY KEY (id), UNIQUE KEY wa_message_id (wa_message_id),
        KEY conversation_id (conversation_id), KEY created_at (created_at)""",
    "carts": """
        customer_phone varchar(20) NOT NULL,
        items json NULL,
        coupon_code varchar(50) NULL,
        shipping_address json NULL,
        expires_at datetime NOT NULL,
        created_at datetime NOT NULL,
        updated_at datetime NOT NULL,
        PRIMARY KEY (id), UNIQUE KEY customer_phone (customer_phone), KEY expires_at (expires_at)""",
    "customer_profiles": """
        phone varchar(20) NOT NULL,
        wc_customer_id bigint(20) unsigned NULL,
        name varchar(100) NOT NULL,
        saved_addresses json NULL,
        preferences json NULL,
        opt_in_marketing tinyint(1) NOT NULL DEFAULT 0,
        created_at datetime NOT NULL,
        updated_at datetime NOT NULL,
        PRIMARY KEY (id), UNIQUE KEY phone (phone), KEY wc_customer_id (wc_customer_id)""",
    "broadcast_campaigns": """
        name varchar(200) NOT NULL,
        template_name varchar(100) NOT NULL,
        audience_filter json NULL,
        status enum('draft','scheduled','sending','completed','failed') NOT NULL DEFAULT 'draft',
        scheduled_at datetime NULL,
        sent_count int(11) NOT NULL DEFAULT 0,
        delivered_count int(11) NOT NULL DEFAULT 0,
        read_count int(11) NOT NULL DEFAULT 0,
        created_at datetime NOT NULL,
        updated_at datetime NOT NULL,
        PRIMARY KEY (id), KEY status (status), KEY scheduled_at (scheduled_at)""",
    "sync_queue": """
        entity_type enum('product','order','inventory') NOT NULL,
        entity_id bigint(20) unsigned NOT NULL,
        action enum('create','update','delete') NOT NULL,
        status enum('pending','processing','completed','failed') NOT NULL DEFAULT 'pending',
        attempts int(11) NOT NULL DEFAULT 0,
        error_message text NULL,
        created_at datetime NOT NULL,
        processed_at datetime NULL,
        PRIMARY KEY (id), KEY entity_type_id (entity_type, entity_id), KEY status (status),
        KEY created_at (created_at)""",
}

_OPTIONS = """
    CREATE TABLE {p}options (
        option_id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
        option_name varchar(191) NOT NULL DEFAULT '',
        option_value longtext NOT NULL,
        autoload varchar(20) NOT NULL DEFAULT 'yes',
        PRIMARY KEY (option_id), UNIQUE KEY option_name (option_name), KEY autoload (autoload)
    )"""

_CHARSET = " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"

_ZERO = "0000-00-00 00:00:00"
_DAY = "2024-02-29 12:00:00"

#: What a session that is not strict stores: cut values, '' for an unknown enum value, zero dates.
_ROWS = (
    ("conversations", 1, "+491511234567890123456", "wa-1", "nonsense", None, None, _ZERO, _DAY, "soon"),
    ("conversations", 2, "+49151", "wa-2", "active", 7, '{"a": "🍎"}', _DAY, _DAY, _DAY),
    ("messages", 1, 1, "inbound", "text", "wamid.1", None, "sent", _ZERO),
    ("messages", 2, 2, "sideways", "fax", "wamid.2", '{"text": "100% 🍎 \\\\ {}"}', "read", _DAY),
    ("carts", 1, "+49151", "[]", None, None, _ZERO, _DAY, _DAY),
    ("customer_profiles", 1, "+49151", None, "Zoë 🐍", None, None, 0, _DAY, _ZERO),
    ("broadcast_campaigns", 1, "Spring", "hello", None, "", None, 1, 1, 0, _DAY, _DAY),
    ("sync_queue", 1, "product", 9, "update", "pending", 3, "x", _DAY, _ZERO),
)

#: Messages whose conversations are gone: PHP deletes conversations alone.
_ORPHANS = (
    ("messages", 11, 77, "inbound", "text", "wamid.11", None, "sent", _DAY),
    ("messages", 12, 77, "outbound", "text", "wamid.12", None, "sent", "2024-03-01 00:00:00"),
    ("messages", 13, 0, "inbound", "text", "wamid.13", None, "sent", _ZERO),
)


class PhpPlugin:
    """The PHP plugin on one site's database."""

    def __init__(self, database: LiveDatabase, prefix: str = "wp_") -> None:
        self.database = database
        self.prefix = prefix

    def install(self, version: str | None = "1.0.0") -> None:
        """Create WordPress's options table and the six tables, and write the version."""
        self.run(_OPTIONS + _CHARSET)
        for name, text in _TABLES.items():
            table = f"CREATE TABLE {self.prefix}wch_{name} (id bigint(20) unsigned NOT NULL AUTO_INCREMENT,{text}\n)"
            self.run(table + _CHARSET)
        if version is not None:
            self.write_version(version)

    def write_version(self, version: str) -> None:
        self.run("DELETE FROM {p}options WHERE option_name = 'wch_db_version'")
        columns = "option_name, option_value, autoload"
        self.run(f"INSERT INTO {{p}}options ({columns}) VALUES ('wch_db_version', '{version}', 'yes')")

    def fill(self) -> None:
        self._insert(_ROWS)

    def lose_conversations(self) -> None:
        """Insert three messages of two conversations that do not exist."""
        self._insert(_ORPHANS)

    def run(self, *statements: str) -> None:
        """Run statements with WordPress's session settings; ``{p}`` stands for the prefix."""
        with self._loosely():
            for statement in statements:
                self.database.execute(statement.format(p=self.prefix))

    def _insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._loosely():
            for table, *values in rows:
                slots = ", ".join(["%s"] * len(values))
                self.database.execute(f"INSERT INTO {self.prefix}wch_{table} VALUES ({slots})", values)

    @contextmanager
    def _loosely(self) -> Iterator[None]:
        modes = self.database.execute("SELECT @@SESSION.sql_mode")[0][0]
        self.database.execute("SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'")
        try:
            # The driver passes the server's warnings on.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            self.database.execute("SET SESSION sql_mode = %s", (modes,))
