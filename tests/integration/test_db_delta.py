"""Each kind of damage to a correct, populated schema: mended or refused in words, while the rest still happens.

After each: no row has changed, a second run sends nothing that writes or locks, and says the same again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.damage import Damage, named_rows
from tests.databases import LiveDatabase
from tests.engines import Engine
from tests.populate import populate
from tests.pristine import Pristine
from tests.statements import Statements
from wch_peewee import MODELS, DatabaseManager, DeltaReport, db_delta
from wch_peewee.naming import TABLES
from wch_peewee.schema.objects import ColumnType, Default, enum, varchar


@pytest.fixture(scope="module")
def populated(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pristine]:
    with engine.fresh(tmp_path_factory.mktemp("delta")) as database:
        DatabaseManager(database.url).install()
        populate(database)
        pristine = Pristine(database)
        yield pristine
        pristine.close()


@pytest.fixture
def site(populated: Pristine) -> LiveDatabase:
    """All six tables as they should be, with rows."""
    populated.restore()
    return populated.database


def delta(database: LiveDatabase, **options: Any) -> DeltaReport:
    return db_delta(MODELS, database.connect(), prefix=database.prefix, patience=5, **options)


def words(report: DeltaReport) -> list[str]:
    """What was done (``+``) and what was refused (``-``, or ``!`` where the models cannot work with it)."""
    refused = [f"{'!' if refusal.blocking else '-'} {refusal.what}" for refusal in report.refusals]
    lines = [f"+ {change}" for change in report.changes] + refused
    # SQLite's indexes bear their table's name, because they are unique in the file.
    return [re.sub(r"index (\w+) ((UNIQUE )?KEY .*?`)\1_", r"index \1 \2", line) for line in lines]


LOCKS = ("GET_LOCK", "BEGIN IMMEDIATE", "LOCK TABLES", "FOR UPDATE")


def mend(database: LiveDatabase) -> tuple[DeltaReport, Statements]:
    """Run db_delta, hold it to the laws, and return its report with what the server saw."""
    before = named_rows(database)
    planned = delta(database, dry_run=True)
    with database.statements() as seen:
        report = delta(database)
    assert seen.ddl == Statements(statement.removesuffix(";") for statement in planned.statements).ddl
    after = named_rows(database)
    for table, rows in before.items():
        names = rows[0] if rows else ()
        assert sorted(({name: row[name] for name in names} for row in after[table]), key=repr) == rows, table
    with database.statements() as seen_again:
        again = delta(database)
    assert (again.changes, again.refusals, again.extras) == ((), report.refusals, report.extras)
    assert seen_again.writes == []
    assert [each for each in seen_again if any(word in each.upper() for word in LOCKS)] == []
    return report, seen


def alters(seen: Statements) -> int:
    return len(seen.starting("ALTER"))


T = "wp_wch_"

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
        [f"+ Changed type of {T}conversations.status from enum('pending','active') to enum('pending','active','closed')"],
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
            f"+ Changed type of {T}messages.message_type from enum('text','interactive') to "
            "enum('text','interactive','image','document','template')",
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
    report, seen = mend(site)
    assert sorted(words(report)) == sorted(lines)
    assert delta(site) == DeltaReport()
    if site.family != "sqlite":
        assert alters(seen) == (on_mariadb if site.family == "mariadb" else on_mysql)
    else:
        # One table is rebuilt once, however much of it is wrong.
        assert sum(statement.count("__rebuild") for statement in seen.starting("CREATE")) <= 1
