"""Each kind of damage to a correct, populated schema is repaired or refused, and other repairs still happen.

After each: rows are unchanged, and a second run sends nothing that writes or locks, and reports the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.repair import alters, delta, repair, repair_beside_another, words
from wch_peewee import DeltaReport
from wch_peewee.models.namespace import TABLES
from wch_peewee.schema.objects import ColumnType, Default, ForeignKey, Index, bigint, enum, text, varchar
from wch_peewee.schema.operations import AddForeignKey, AddIndex

T = "wp_wch_"
STATUS = enum("pending", "active", "closed")
FOREIGN_KEY = ForeignKey(("conversation_id",), f"{T}conversations", on_delete="CASCADE", name="theirs")

#: name: (damage, lines, ALTERs on MariaDB, ALTERs on MySQL)
MENDED: dict[str, tuple[Callable[[Damage], None], list[str], int, int]] = {
    "a column, NULL": (
        lambda d: d.drop_column("carts", "coupon_code"),
        [f"+ Added column {T}carts.coupon_code"],
        1,
        1,
    ),
    "a column with a default": (
        lambda d: d.drop_column("customer_profiles", "opt_in_marketing"),
        [f"+ Added column {T}customer_profiles.opt_in_marketing"],
        1,
        1,
    ),
    "several columns": (
        lambda d: [d.drop_column("conversations", name) for name in ("status", "context", "assigned_agent_id")],
        [f"+ Added column {T}conversations.{name}" for name in ("status", "assigned_agent_id", "context")],
        1,
        1,
    ),
    "an index": (
        lambda d: d.drop_index("carts", "expires_at"),
        [f"+ Added index {T}carts KEY `expires_at` (`expires_at`)"],
        1,
        1,
    ),
    "an index of two columns": (
        lambda d: d.drop_index("sync_queue", "entity_type_id"),
        [f"+ Added index {T}sync_queue KEY `entity_type_id` (`entity_type`,`entity_id`)"],
        1,
        1,
    ),
    "a unique index": (
        lambda d: d.drop_index("carts", "customer_phone"),
        [f"+ Added index {T}carts UNIQUE KEY `customer_phone` (`customer_phone`)"],
        1,
        1,
    ),
    "the foreign key": (
        lambda d: d.drop_key(),
        [f"+ Added foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)"],
        1,
        1,
    ),
    "the foreign key and its index": (
        lambda d: (d.drop_key(), d.drop_index("messages", "conversation_id")),
        [
            f"+ Added index {T}messages KEY `conversation_id` (`conversation_id`)",
            f"+ Added foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
        ],
        2,
        2,
    ),
    "a shorter varchar": (
        lambda d: d.column("conversations", "customer_phone", type=varchar(14)),
        [f"+ Changed type of {T}conversations.customer_phone from varchar(14) to varchar(20)"],
        1,
        1,
    ),
    "a shorter varchar, beyond 255 bytes": (
        lambda d: d.column("conversations", "wa_conversation_id", type=varchar(40)),
        [f"+ Changed type of {T}conversations.wa_conversation_id from varchar(40) to varchar(100)"],
        1,
        1,
    ),
    "a shorter enum": (
        lambda d: d.column("conversations", "status", type=enum("pending", "active")),
        [f"+ Changed type of {T}conversations.status from {enum('pending', 'active')} to {STATUS}"],
        1,
        1,
    ),
    "an enum in another order": (
        lambda d: d.column("messages", "direction", type=enum("outbound", "inbound")),
        [f"+ Changed type of {T}messages.direction from enum('outbound','inbound') to enum('inbound','outbound')"],
        1,
        1,
    ),
    "a smaller integer": (
        lambda d: d.column("sync_queue", "entity_id", type=ColumnType("int", unsigned=True)),
        [f"+ Changed type of {T}sync_queue.entity_id from int unsigned to bigint unsigned"],
        1,
        1,
    ),
    "a smaller text": (
        lambda d: d.column("sync_queue", "error_message", type=ColumnType("tinytext")),
        [f"+ Changed type of {T}sync_queue.error_message from tinytext to text"],
        1,
        1,
    ),
    "another default": (
        lambda d: d.column("broadcast_campaigns", "sent_count", default=Default("5")),
        [f"+ Changed default value of {T}broadcast_campaigns.sent_count from '5' to '0'"],
        1,
        1,
    ),
    "no default": (
        lambda d: d.column("conversations", "status", default=None),
        [f"+ Changed default value of {T}conversations.status from none to 'pending'"],
        1,
        1,
    ),
    "a default that is none of ours": (
        lambda d: d.column("conversations", "created_at", default=Default("current_timestamp", True)),
        [f"+ Changed default value of {T}conversations.created_at from current_timestamp to none"],
        1,
        1,
    ),
    "NULL allowed": (
        lambda d: d.column("messages", "wa_message_id", nullable=True),
        [f"+ Changed {T}messages.wa_message_id from NULL to NOT NULL"],
        1,
        1,
    ),
    "NULL forbidden": (
        lambda d: (d.sql("UPDATE {carts} SET coupon_code = ''"), d.column("carts", "coupon_code", nullable=False)),
        [f"+ Changed {T}carts.coupon_code from NOT NULL to NULL"],
        1,
        1,
    ),
    "much of one table": (
        lambda d: (
            d.drop_key(),
            d.drop_index("messages", "created_at"),
            d.drop_column("messages", "status"),
            d.column("messages", "wa_message_id", type=varchar(70)),
            d.column("messages", "created_at", nullable=True),
            d.column("messages", "message_type", type=enum("text", "interactive")),
        ),
        [
            (
                f"+ Changed type of {T}messages.message_type from enum('text','interactive') to "
                "enum('text','interactive','image','document','template')"
            ),
            f"+ Changed type of {T}messages.wa_message_id from varchar(70) to varchar(100)",
            f"+ Added column {T}messages.status",
            f"+ Changed {T}messages.created_at from NULL to NOT NULL",
            f"+ Added index {T}messages KEY `created_at` (`created_at`)",
            f"+ Added foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
        ],
        4,
        5,
    ),
    "a table": (lambda d: d.sql("DROP TABLE {carts}"), [f"+ Created table {T}carts"], 0, 0),
    "the child": (lambda d: d.sql("DROP TABLE {messages}"), [f"+ Created table {T}messages"], 0, 0),
    "the parent, leaving orphans": (
        lambda d: d.sql("DROP TABLE {conversations}"),
        [f"+ Created table {T}conversations"],
        0,
        0,
    ),
    "all of them": (
        lambda d: d.sql(*(f"DROP TABLE {{{key}}}" for key in reversed(TABLES))),
        [f"+ Created table {T}{key}" for key in TABLES],
        0,
        0,
    ),
}


@pytest.mark.parametrize(("damage", "lines", "on_mariadb", "on_mysql"), MENDED.values(), ids=MENDED)
def test_what_is_mended(
    site: LiveDatabase, damage: Callable[[Damage], None], lines: list[str], on_mariadb: int, on_mysql: int
) -> None:
    damage(Damage(site))
    report, seen = repair(site)
    assert sorted(words(report)) == sorted(lines)
    assert delta(site) == DeltaReport()
    if site.family != "sqlite":
        assert alters(seen) == (on_mariadb if site.family == "mariadb" else on_mysql)
    else:
        # One table is rebuilt once, however much of it is wrong.
        assert sum(statement.count("__rebuild") for statement in seen.starting("CREATE")) <= 1


#: name: (damage, lines)
REFUSED: dict[str, tuple[Callable[[Damage], None], list[str]]] = {
    "a column that nothing can fill": (
        lambda d: d.drop_column("customer_profiles", "name"),
        [f"! Add column {T}customer_profiles.name"],
    ),
    "a unique index over duplicates": (
        lambda d: (
            d.drop_index("carts", "customer_phone"),
            d.sql("UPDATE {carts} SET customer_phone = '+1' WHERE id < 3"),
        ),
        [f"- Add index {T}carts UNIQUE KEY `customer_phone` (`customer_phone`)"],
    ),
    "the foreign key over orphans": (
        lambda d: (d.drop_key(), d.sql("DELETE FROM {conversations} WHERE id = 2")),
        [f"- Add foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)"],
    ),
    "the foreign key, whose parent is gone": (
        lambda d: (d.drop_key(), d.sql("DROP TABLE {conversations}")),
        [
            f"+ Created table {T}conversations",
            f"- Add foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
        ],
    ),
    "NOT NULL over NULLs": (
        lambda d: (
            d.column("conversations", "wa_conversation_id", nullable=True, default=Default("x")),
            d.sql("UPDATE {conversations} SET wa_conversation_id = NULL WHERE id = 2"),
        ),
        [
            f"+ Changed default value of {T}conversations.wa_conversation_id from 'x' to none",
            f"- Change {T}conversations.wa_conversation_id from NULL to NOT NULL",
        ],
    ),
    "a longer varchar": (
        lambda d: d.column("conversations", "customer_phone", type=varchar(60)),
        [f"- Change type of {T}conversations.customer_phone from varchar(60) to varchar(20)"],
    ),
    "a larger integer": (
        lambda d: d.column("sync_queue", "attempts", type=bigint()),
        [f"- Change type of {T}sync_queue.attempts from bigint to int"],
    ),
    "a larger text": (
        lambda d: d.column("sync_queue", "error_message", type=ColumnType("longtext")),
        [f"- Change type of {T}sync_queue.error_message from longtext to text"],
    ),
    "an extra value of an enum": (
        lambda d: d.column("conversations", "status", type=enum("pending", "active", "closed", "archived")),
        [
            (f"- Change type of {T}conversations.status from enum('pending','active','closed','archived') "
            "to enum('pending','active','closed')")
        ],
    ),
    "another value of an enum": (
        lambda d: d.column("conversations", "status", type=enum("pending", "active", "archived")),
        [
            (f"+ Changed type of {T}conversations.status from enum('pending','active','archived') "
            "to enum('pending','active','archived','closed')"),
            (f"- Change type of {T}conversations.status from enum('pending','active','archived','closed') "
            "to enum('pending','active','closed')"),
        ],
    ),
    "a text instead of an enum": (
        lambda d: d.column("conversations", "status", type=text(), default=None),
        [
            f"- Change type of {T}conversations.status from text to enum('pending','active','closed')",
        ],
    ),
    "a number instead of a text": (
        lambda d: (
            d.sql("UPDATE {conversations} SET customer_phone = '49'"),
            d.column("conversations", "customer_phone", type=bigint()),
        ),
        [f"! Change type of {T}conversations.customer_phone from bigint to varchar(20)"],
    ),
    "an index of that name, on something else": (
        lambda d: (
            d.drop_index("carts", "expires_at"),
            d.change(AddIndex(f"{T}carts", Index(d.index("carts", "expires_at"), ("created_at",)))),
        ),
        [f"- Add index {T}carts KEY (expires_at) `expires_at`"],
    ),
    "a unique index where a plain one is declared": (
        lambda d: (
            d.drop_index("carts", "expires_at"),
            d.sql("UPDATE {carts} SET expires_at = created_at"),
            d.sql("UPDATE {carts} SET expires_at = '2030-01-01 00:00:00' WHERE id = 1"),
            d.sql("UPDATE {carts} SET expires_at = '2031-01-01 00:00:00' WHERE id = 2"),
            d.change(AddIndex(f"{T}carts", Index(d.index("carts", "expires_at"), ("expires_at",), unique=True))),
        ),
        [f"- Add index {T}carts KEY (expires_at) `expires_at`"],
    ),
    "a foreign key that does something else": (
        lambda d: (
            d.drop_key(),
            d.change(AddForeignKey(f"{T}messages", replace(FOREIGN_KEY, on_delete="NO ACTION"))),
        ),
        [f"- Add foreign key {T}messages (conversation_id) REFERENCES {T}conversations"],
    ),
    "the column of the foreign key renamed": (
        lambda d: d.rename_column("messages", "conversation_id", "conversation"),
        [
            f"! Add column {T}messages.conversation_id",
            f"- Add foreign key {T}messages (conversation_id) REFERENCES {T}conversations",
            f"- Add index {T}messages KEY (conversation_id) `conversation_id`",
        ],
    ),
    "a column renamed, whose values stay behind": (
        lambda d: d.rename_column("carts", "coupon_code", "coupon"),
        [f"+ Added column {T}carts.coupon_code"],
    ),
    "the primary key renamed": (
        lambda d: d.rename_column("sync_queue", "id", "nr"),
        [
            f"! Add column {T}sync_queue.id",
            f"! Change primary key of {T}sync_queue from (nr) to (id)",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "lines"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_the_rest_that_still_happens(
    site: LiveDatabase, damage: Callable[[Damage], None], lines: list[str]
) -> None:
    repair_beside_another(site, damage, lines)
