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
from tests.snapshots import schema
from tests.statements import Statements
from wch_peewee import MODELS, DatabaseManager, DeltaReport, db_delta
from wch_peewee.naming import TABLES
from wch_peewee.schema.objects import ColumnType, Default, ForeignKey, Index, bigint, enum, text, varchar
from wch_peewee.schema.operations import AddForeignKey, AddIndex


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
        [
            f"+ Changed type of {T}conversations.status from enum('pending','active') to enum('pending','active','closed')"
        ],
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


#: name: (damage, lines); the last line of each is a neighbour that is mended all the same
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
            f"- Change type of {T}conversations.status from enum('pending','active','closed','archived') "
            "to enum('pending','active','closed')"
        ],
    ),
    "another value of an enum": (
        lambda d: d.column("conversations", "status", type=enum("pending", "active", "archived")),
        [
            f"+ Changed type of {T}conversations.status from enum('pending','active','archived') "
            "to enum('pending','active','archived','closed')",
            f"- Change type of {T}conversations.status from enum('pending','active','archived','closed') "
            "to enum('pending','active','closed')",
        ],
    ),
    "a text instead of an enum": (
        lambda d: d.column("conversations", "status", type=text(), default=None),
        [
            f"- Change type of {T}conversations.status from text to enum('pending','active','closed')",
            f"- Change default value of {T}conversations.status from none to 'pending'",
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
            d.change(AddForeignKey(f"{T}messages", ForeignKey(("conversation_id",), f"{T}conversations", name="theirs"))),
        ),
        [f"- Add foreign key {T}messages (conversation_id) REFERENCES {T}conversations"],
    ),
    "the column of the foreign key renamed": (
        lambda d: d.rename_column("messages", "conversation_id", "conversation"),
        [
            f"! Add column {T}messages.conversation_id",
            f"- Add foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
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
    hurt = Damage(site)
    damage(hurt)
    hurt.drop_column("broadcast_campaigns", "scheduled_at")
    rest = f"+ Added column {T}broadcast_campaigns.scheduled_at"
    index = f"+ Added index {T}broadcast_campaigns KEY `scheduled_at` (`scheduled_at`)"
    report, _ = mend(site)
    assert sorted(words(report)) == sorted([*lines, rest, index])
    assert all(": " in str(refusal) and refusal.reason for refusal in report.refusals)


#: What only servers can be brought to.
ON_SERVERS: dict[str, tuple[Callable[[Damage], None], list[str]]] = {
    "a text where an index is missing": (
        lambda d: (d.drop_index("messages", "wa_message_id"), d.column("messages", "wa_message_id", type=text())),
        [
            f"- Change type of {T}messages.wa_message_id from text to varchar(100)",
            f"- Add index {T}messages UNIQUE KEY `wa_message_id` (`wa_message_id`)",
        ],
    ),
    "an enum that differs in case": (
        lambda d: (
            d.sql("UPDATE {conversations} SET status = 'active'"),
            d.column("conversations", "status", type=enum("Pending", "active", "closed"), default=None),
        ),
        [
            f"- Change type of {T}conversations.status from enum('Pending','active','closed') "
            "to enum('pending','active','closed')",
            f"- Change type of {T}conversations.status from enum('Pending','active','closed') "
            "to enum('Pending','active','closed','pending'); "
            f"Change default value of {T}conversations.status from none to 'pending'",
        ],
    ),
    "the type of the foreign key": (
        lambda d: (
            d.drop_key(),
            d.sql(
                "ALTER TABLE {messages} MODIFY conversation_id int unsigned NOT NULL",
                "ALTER TABLE {conversations} MODIFY id int unsigned NOT NULL AUTO_INCREMENT",
                "ALTER TABLE {messages} ADD CONSTRAINT k FOREIGN KEY (conversation_id) REFERENCES {conversations} (id) "
                "ON DELETE CASCADE",
            ),
        ),
        [
            f"- Change type of {T}conversations.id from int unsigned to bigint unsigned",
            f"- Change type of {T}messages.conversation_id from int unsigned to bigint unsigned",
        ],
    ),
    "the type of the key, the foreign key gone": (
        lambda d: (
            d.drop_key(),
            d.sql(
                "ALTER TABLE {messages} MODIFY conversation_id int unsigned NOT NULL",
                "ALTER TABLE {conversations} MODIFY id int unsigned NOT NULL AUTO_INCREMENT",
            ),
        ),
        [
            f"+ Changed type of {T}conversations.id from int unsigned to bigint unsigned",
            f"+ Changed type of {T}messages.conversation_id from int unsigned to bigint unsigned",
            f"+ Added foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
        ],
    ),
    "a key that no longer counts": (
        lambda d: d.sql("ALTER TABLE {carts} MODIFY id bigint unsigned NOT NULL"),
        [f"+ Changed {T}carts.id to count by itself"],
    ),
    "a key that no longer counts, held by the foreign key": (
        lambda d: d.sql("ALTER TABLE {conversations} MODIFY id bigint unsigned NOT NULL"),
        [f"+ Changed {T}conversations.id to count by itself"],
    ),
    "no primary key": (
        lambda d: d.sql("ALTER TABLE {carts} MODIFY id bigint unsigned NOT NULL, DROP PRIMARY KEY"),
        [f"! Change primary key of {T}carts from () to (id)"],
    ),
    "a primary key of two columns": (
        lambda d: d.sql("ALTER TABLE {carts} DROP PRIMARY KEY, ADD PRIMARY KEY (id, customer_phone)"),
        [f"! Change primary key of {T}carts from (id, customer_phone) to (id)"],
    ),
    "MyISAM": (
        lambda d: d.sql("ALTER TABLE {carts} ENGINE=MyISAM"),
        [f"- Change engine of {T}carts from MyISAM to InnoDB"],
    ),
    "a MyISAM child": (
        lambda d: (d.drop_key(), d.sql("ALTER TABLE {messages} ENGINE=MyISAM")),
        [
            f"- Change engine of {T}messages from MyISAM to InnoDB",
            f"- Add foreign key {T}messages (conversation_id) REFERENCES {T}conversations",
        ],
    ),
    "a MyISAM parent": (
        lambda d: (d.drop_key(), d.sql("ALTER TABLE {conversations} ENGINE=MyISAM")),
        [
            f"- Change engine of {T}conversations from MyISAM to InnoDB",
            f"- Add foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
        ],
    ),
    "a MyISAM parent whose child is gone": (
        lambda d: d.sql("DROP TABLE {messages}", "ALTER TABLE {conversations} ENGINE=MyISAM"),
        [
            f"+ Created table {T}messages",
            f"- Change engine of {T}conversations from MyISAM to InnoDB",
            f"- Add foreign key {T}messages (`conversation_id`) REFERENCES {T}conversations (`id`)",
        ],
    ),
    "another collation": (
        lambda d: d.sql("ALTER TABLE {carts} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"),
        [
            f"- Change collation of {T}carts (customer_phone, coupon_code) "
            "from utf8mb4_general_ci to utf8mb4_unicode_520_ci"
        ],
    ),
    "another collation, and a column missing": (
        lambda d: d.sql(
            "ALTER TABLE {carts} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, DROP COLUMN coupon_code"
        ),
        [
            f"+ Added column {T}carts.coupon_code",
            f"- Change collation of {T}carts (customer_phone) from utf8mb4_general_ci to utf8mb4_unicode_520_ci",
        ],
    ),
    "another charset of one column, and a type too short": (
        lambda d: d.sql(
            "ALTER TABLE {broadcast_campaigns} MODIFY name varchar(60) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL "
            "COMMENT 'what''s \\\\ 100%%'"
        ),
        [
            f"+ Changed type of {T}broadcast_campaigns.name from varchar(60) to varchar(200)",
            f"- Change collation of {T}broadcast_campaigns (name) from latin1_bin to utf8mb4_unicode_520_ci",
        ],
    ),
    "partitions": (
        lambda d: d.sql(
            "ALTER TABLE {carts} DROP INDEX customer_phone, DROP INDEX expires_at",
            "ALTER TABLE {carts} PARTITION BY HASH (id) PARTITIONS 2",
        ),
        [
            f"- Add index {T}carts UNIQUE KEY `customer_phone` (`customer_phone`)",
            f"- Add index {T}carts KEY `expires_at` (`expires_at`)",
        ],
    ),
}


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize(("damage", "lines"), ON_SERVERS.values(), ids=ON_SERVERS)
def test_what_only_servers_can_be_brought_to(
    site: LiveDatabase, damage: Callable[[Damage], None], lines: list[str]
) -> None:
    test_what_is_refused_and_the_rest_that_still_happens(site, damage, lines)


#: Things on our tables that are somebody else's: name: (families, statements, what is said of them)
FOREIGN: dict[str, tuple[str, list[str], str]] = {
    "a column": ("all", ["ALTER TABLE {carts} ADD COLUMN crm_id bigint NULL"], "{carts} has a column crm_id"),
    "a column in the way": (
        "servers",
        ["ALTER TABLE {carts} ADD COLUMN crm_id bigint NOT NULL"],
        "{carts} has a column crm_id, which is NOT NULL without a default, so that inserts through the models fail",
    ),
    "a generated column": (
        "all",
        ["ALTER TABLE {carts} ADD COLUMN is_new int GENERATED ALWAYS AS (length(customer_phone)) VIRTUAL"],
        "{carts} has a column is_new",
    ),
    "a stored column": (
        "servers",
        ["ALTER TABLE {carts} ADD COLUMN phone2 varchar(40) GENERATED ALWAYS AS (concat(customer_phone, 'x')) STORED"],
        "{carts} has a column phone2",
    ),
    "an index": ("all", ["CREATE INDEX crm ON {carts} (created_at, customer_phone)"], "{carts} has an index crm"),
    "an index on a prefix": ("servers", ["CREATE INDEX crm ON {carts} (customer_phone(5))"], "{carts} has an index crm"),
    "an index on an expression": ("sqlite", ["CREATE INDEX crm ON {carts} (lower(customer_phone))"], "{carts} has an index crm"),
    "a functional index": ("mysql", ["CREATE INDEX crm ON {carts} ((lower(customer_phone)))"], "{carts} has an index crm"),
    "a part of an index": ("sqlite", ["CREATE INDEX crm ON {carts} (created_at) WHERE id > 1"], "{carts} has an index crm"),
    "a full-text index": ("servers", ["CREATE FULLTEXT INDEX crm ON {carts} (customer_phone)"], "{carts} has an index crm"),
    "a trigger": (
        "servers",
        ["CREATE TRIGGER crm BEFORE INSERT ON {carts} FOR EACH ROW SET NEW.coupon_code = 'X'"],
        "{carts} has a trigger crm",
    ),
    "a trigger in SQLite": (
        "sqlite",
        ["CREATE TRIGGER crm AFTER INSERT ON {carts} BEGIN DELETE FROM {sync_queue} WHERE id = 0; END"],
        "{carts} has a trigger crm",
    ),
    "a check": ("servers", ["ALTER TABLE {carts} ADD CONSTRAINT crm CHECK (length(customer_phone) > 2)"], "{carts} has a check crm"),
    "a foreign key of ours to theirs": (
        "servers",
        [
            "CREATE TABLE crm (id bigint unsigned PRIMARY KEY)",
            "ALTER TABLE {carts} ADD COLUMN crm_id bigint unsigned NULL, ADD CONSTRAINT crm FOREIGN KEY (crm_id) REFERENCES crm (id)",
        ],
        "{carts} has a foreign key crm on (crm_id)",
    ),
    "what the server writes by itself": (
        "servers",
        ["ALTER TABLE {carts} MODIFY updated_at datetime NOT NULL DEFAULT current_timestamp ON UPDATE current_timestamp"],
        "{carts}.updated_at has on update current_timestamp",
    ),
    "a view of it": ("all", ["CREATE VIEW crm AS SELECT customer_phone, coupon_code FROM {carts}"], ""),
    "a foreign key of theirs to ours": (
        "servers",
        ["CREATE TABLE crm (phone varchar(20) COLLATE utf8mb4_unicode_520_ci, FOREIGN KEY (phone) REFERENCES {carts} (customer_phone))"],
        "",
    ),
    "a foreign key of theirs to ours in SQLite": (
        "sqlite",
        ["CREATE TABLE crm (cart integer REFERENCES {carts} (id) ON DELETE CASCADE)", "INSERT INTO crm VALUES (1)"],
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("where", "statements", "said"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_somebody_else_s_is_reported_and_left_alone(
    site: LiveDatabase, where: str, statements: list[str], said: str
) -> None:
    families = {"all": site.family, "servers": "mysql" if site.family == "mysql" else "mariadb"}.get(where, where)
    if site.family != families:
        pytest.skip(f"{site.family} has no such thing")
    hurt = Damage(site)
    hurt.sql(*statements)
    before = schema(site)
    report, seen = mend(site)
    expected = [hurt.said(said)] if said else []
    assert [extra.removesuffix("()") for extra in report.extras] == expected
    assert (report.changes, seen.ddl, schema(site)) == ((), [], before)

    # Beside it our own things are mended, as far as that loses nothing of it.
    hurt.sql("ALTER TABLE {carts} DROP COLUMN shipping_address")
    hurt.drop_index("carts", "expires_at")
    report, _ = mend(site)
    assert len(report.changes) == 2
    assert [extra.removesuffix("()") for extra in report.extras] == expected
    assert not report.refusals or "updated_at" in str(report.refusals)


@pytest.mark.parametrize(("where", "statements", "said"), FOREIGN.values(), ids=FOREIGN)
def test_a_type_is_mended_beside_it_or_refused_for_its_sake(
    site: LiveDatabase, where: str, statements: list[str], said: str
) -> None:
    families = {"all": site.family, "servers": "mysql" if site.family == "mysql" else "mariadb"}.get(where, where)
    if site.family != families:
        pytest.skip(f"{site.family} has no such thing")
    hurt = Damage(site)
    hurt.column("carts", "customer_phone", type=varchar(15))
    hurt.sql(*statements)
    rest = {name: text for name, text in schema(site).items() if name != "wp_wch_carts"}
    report, _ = mend(site)
    assert {name: text for name, text in schema(site).items() if name != "wp_wch_carts"} == rest
    what = "type of wp_wch_carts.customer_phone from varchar(15) to varchar(20)"
    assert any(what in line for line in (*report.changes, *map(str, report.refusals)))
    if said:
        assert hurt.said(said) in [extra.removesuffix("()") for extra in report.extras]
    if site.family != "sqlite" and where != "servers":
        assert not report.refusals
