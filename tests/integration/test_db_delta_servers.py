"""db_delta on servers, where SQLite has no equivalent: engines, collations, keys that hold columns."""

from __future__ import annotations

from collections.abc import Callable

import peewee
import pytest

from tests.integration.test_db_delta import MENDED
from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.repair import delta, repair, repair_beside_another, words
from tests.support.snapshots import schema
from wch_peewee import MODELS, DeltaReport
from wch_peewee.execution.session import read_session
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.objects import enum, text, varchar

T = "wp_wch_"


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
            (
                f"- Change type of {T}conversations.status from enum('Pending','active','closed') "
                "to enum('pending','active','closed')"
            ),
            (
                f"- Change type of {T}conversations.status from enum('Pending','active','closed') "
                "to enum('Pending','active','closed','pending'); "
                f"Change default value of {T}conversations.status from none to 'pending'"
            ),
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
        [f"+ Changed {T}carts.id to AUTO_INCREMENT"],
    ),
    "a key that no longer counts, held by the foreign key": (
        lambda d: d.sql("ALTER TABLE {conversations} MODIFY id bigint unsigned NOT NULL"),
        [f"+ Changed {T}conversations.id to AUTO_INCREMENT"],
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
            (
                f"- Change collation of {T}carts (customer_phone, coupon_code) "
                "from utf8mb4_general_ci to utf8mb4_unicode_520_ci"
            )
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
            "ALTER TABLE {broadcast_campaigns} MODIFY name varchar(60) CHARACTER SET latin1 COLLATE latin1_bin "
            "NOT NULL COMMENT 'what''s \\\\ 100%%'"
        ),
        [
            f"+ Changed type of {T}broadcast_campaigns.name from varchar(60) to varchar(200)",
            f"- Change collation of {T}broadcast_campaigns (name) from latin1_bin to utf8mb4_unicode_520_ci",
        ],
    ),
    "a timestamp, which a MODIFY could make rewrite itself": (
        lambda d: d.sql("ALTER TABLE {carts} MODIFY created_at timestamp NULL DEFAULT CURRENT_TIMESTAMP"),
        [f"! Change type of {T}carts.created_at from timestamp to datetime"],
    ),
    "a wider number without its default": (
        lambda d: d.sql("ALTER TABLE {broadcast_campaigns} MODIFY sent_count decimal(20, 0) NULL"),
        [f"- Change type of {T}broadcast_campaigns.sent_count from decimal(20,0) to int"],
    ),
    "partitions by the key": (
        lambda d: d.sql(
            "ALTER TABLE {carts} DROP INDEX customer_phone, DROP INDEX expires_at",
            "ALTER TABLE {carts} PARTITION BY KEY () PARTITIONS 2",
        ),
        [
            f"- Add index {T}carts UNIQUE KEY `customer_phone` (`customer_phone`)",
            f"+ Added index {T}carts KEY `expires_at` (`expires_at`)",
        ],
    ),
    "partitions": (
        lambda d: d.sql(
            "ALTER TABLE {carts} DROP INDEX customer_phone, DROP INDEX expires_at",
            "ALTER TABLE {carts} PARTITION BY HASH (id) PARTITIONS 2",
        ),
        [
            f"- Add index {T}carts UNIQUE KEY `customer_phone` (`customer_phone`)",
            f"+ Added index {T}carts KEY `expires_at` (`expires_at`)",
        ],
    ),
}


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize(("damage", "lines"), ON_SERVERS.values(), ids=ON_SERVERS)
def test_what_only_servers_can_be_brought_to(
    site: LiveDatabase, damage: Callable[[Damage], None], lines: list[str]
) -> None:
    repair_beside_another(site, damage, lines)


#: Nothing that needs mending: name: statements
HARMLESS_ON_A_SERVER = {
    "a foreign key of another name": [
        "ALTER TABLE {messages} DROP FOREIGN KEY {messages}_conversation_id_fk",
        ("ALTER TABLE {messages} ADD CONSTRAINT _x FOREIGN KEY (conversation_id) REFERENCES {conversations} (id) "
        "ON DELETE CASCADE ON UPDATE RESTRICT"),
    ],
    "an index of another name": ["ALTER TABLE {carts} RENAME INDEX expires_at TO idx_expires"],
    "a column in another case": ["ALTER TABLE {carts} RENAME COLUMN coupon_code TO Coupon_Code"],
    "an indexed column in another case": ["ALTER TABLE {carts} RENAME COLUMN expires_at TO EXPIRES_AT"],
    "the foreign key's column in another case": [
        "ALTER TABLE {messages} RENAME COLUMN conversation_id TO Conversation_ID"
    ],
    "columns in another order": ["ALTER TABLE {carts} MODIFY items json NULL FIRST"],
    "a comment": ["ALTER TABLE {carts} MODIFY coupon_code varchar(50) NULL COMMENT 'it''s', COMMENT 'x'"],
    "a row format": ["ALTER TABLE {carts} ROW_FORMAT=COMPRESSED"],
    "a default of the table that no column has": ["ALTER TABLE {sync_queue} DEFAULT CHARACTER SET latin1"],
    "a table copied and renamed": [
        "CREATE TABLE copied LIKE {carts}",
        "INSERT INTO copied SELECT * FROM {carts}",
        "DROP TABLE {carts}",
        "RENAME TABLE copied TO {carts}",
    ],
}  # fmt: skip


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize("statements", HARMLESS_ON_A_SERVER.values(), ids=HARMLESS_ON_A_SERVER)
def test_what_only_looks_different_on_a_server(site: LiveDatabase, statements: list[str]) -> None:
    Damage(site).sql(*statements)
    assert repair(site)[0] == DeltaReport()


#: Attributes that the models work with: name: (column, definition, another one, what is said of both)
ATTRIBUTES = {
    "zerofill": ("{sync_queue}.entity_id", "bigint(15) unsigned ZEROFILL NOT NULL", "bigint ZEROFILL NULL", "zerofill"),
    "zerofill of a signed number": (
        "{broadcast_campaigns}.sent_count",
        "int(5) ZEROFILL NOT NULL DEFAULT 0",
        "int(5) ZEROFILL NOT NULL DEFAULT 7",
        "zerofill",
    ),
    "invisible": ("{carts}.coupon_code", "varchar(50) NULL INVISIBLE", "varchar(49) NULL INVISIBLE", "invisible"),
}
ON_MARIADB = {
    "compressed": ("{sync_queue}.error_message", "text COMPRESSED", "tinytext COMPRESSED", "compressed"),
    "compressed varchar": ("{carts}.coupon_code", "varchar(50) COMPRESSED", "varchar(49) COMPRESSED", "compressed"),
    "compressed json": (
        "{carts}.items",
        "longtext COMPRESSED CHECK (json_valid(items))",
        "longtext COMPRESSED NOT NULL CHECK (json_valid(items))",
        "compressed",
    ),
}


def attribute_is_kept(site: LiveDatabase, column: str, definition: str, another: str, has: str) -> None:
    hurt = Damage(site)
    table, name = hurt.said(column).split(".")
    told = (f"{table}.{name} has {has}",)
    hurt.sql(f"ALTER TABLE {table} MODIFY {name} {definition}")
    assert repair(site)[0] == DeltaReport(extras=told)
    hurt.sql(f"ALTER TABLE {table} MODIFY {name} {another}")
    before = schema(site)
    report, _ = repair(site)
    assert (report.changes, len(report.refusals), report.extras) == ((), 1, told)
    assert schema(site) == before


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize("attribute", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_what_works_with_the_models_is_no_conflict(site: LiveDatabase, attribute: tuple[str, str, str, str]) -> None:
    attribute_is_kept(site, *attribute)


@pytest.mark.families("mariadb")
@pytest.mark.parametrize("attribute", ON_MARIADB.values(), ids=ON_MARIADB)
def test_what_works_on_mariadb_is_no_conflict(site: LiveDatabase, attribute: tuple[str, str, str, str]) -> None:
    attribute_is_kept(site, *attribute)


@pytest.mark.families("mysql")
def test_the_json_of_mariadb_in_a_dump_is_no_conflict(site: LiveDatabase) -> None:
    as_mariadb = "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid({0}))"
    columns = {"items": "carts", "shipping_address": "carts", "content": "messages"}
    hurt = Damage(site)
    for column, key in columns.items():
        hurt.sql(f"ALTER TABLE {{{key}}} MODIFY {column} {as_mariadb.format(column)}")
    hurt.drop_column("carts", "coupon_code")
    before = schema(site, without=(f"{T}carts",))
    report, _ = repair(site)
    assert words(report) == [f"+ Added column {T}carts.coupon_code"]
    assert sorted(report.extras) == [
        f"{T}carts.items has the type longtext with the check {T}carts_chk_1 in place of json",
        f"{T}carts.shipping_address has the type longtext with the check {T}carts_chk_2 in place of json",
        f"{T}messages.content has the type longtext with the check {T}messages_chk_1 in place of json",
    ]
    assert schema(site, without=(f"{T}carts",)) == before
    hurt.sql(f"ALTER TABLE {{carts}} ALTER CHECK {T}carts_chk_1 NOT ENFORCED")
    assert words(delta(site)) == [f"- Change type of {T}carts.items from longtext to json"]


#: Of an application, on whose connection the schema is read.
MODES = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE"


@pytest.mark.families("mariadb", "mysql")
def test_the_modes_of_the_reader_change_nothing(site: LiveDatabase) -> None:
    Damage(site).sql(
        "ALTER TABLE {carts} ADD CHECK (customer_phone <> 'it''s \\\\'), "
        "ADD COLUMN crm varchar(99) AS (concat(customer_phone, '\\n')) STORED",
        "ALTER TABLE {carts} ADD COLUMN x varchar(9) DEFAULT (hex('\\\\'))",
    )
    expected = delta(site, dry_run=True)
    site.execute(f"SET SESSION sql_mode = '{MODES}', sql_quote_show_create = 0, lock_wait_timeout = 77")
    settings = "SELECT @@SESSION.sql_mode, @@SESSION.sql_quote_show_create, @@SESSION.lock_wait_timeout"
    before = site.execute(settings)
    try:
        assert (expected.changes, expected.refusals) == ((), ())
        assert (delta(site, dry_run=True), delta(site)) == (expected, expected)
        assert site.execute(settings) == before
    finally:
        site.reopen()


@pytest.mark.families("mariadb")
def test_a_document_column_without_its_check_is_told_and_kept(site: LiveDatabase) -> None:
    """CREATE TABLE ... AS SELECT makes such a column."""
    Damage(site).sql("ALTER TABLE {carts} MODIFY items longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL")
    assert words(repair(site)[0]) == [f"- Change type of {T}carts.items from longtext to json"]


#: Changes that copy or rebuild the table, or at least could.
COPYING: dict[str, Callable[[Damage], None]] = {
    "a column and an index": lambda d: (
        d.drop_column("conversations", "context"),
        d.drop_index("conversations", "last_message_at"),
    ),
    "NOT NULL": lambda d: d.column("conversations", "wa_conversation_id", nullable=True),
    "NOT NULL for a zero date": lambda d: d.column("conversations", "created_at", nullable=True),
    "a wider varchar": lambda d: d.column("conversations", "wa_conversation_id", type=varchar(40)),
    "another order of the enum": lambda d: d.column(
        "conversations", "status", type=enum("active", "pending", "closed")
    ),
    "a longer enum": lambda d: d.column("conversations", "status", type=enum("pending", "active")),
}


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize("damage", COPYING.values(), ids=COPYING)
def test_rows_of_sessions_that_are_not_strict_survive(site: LiveDatabase, damage: Callable[[Damage], None]) -> None:
    """WordPress writes zero dates and empty enums; a strict server refuses to copy such a table, or truncates them."""
    hurt = Damage(site)
    damage(hurt)
    # On a connection of its own: the site's is shared by the tests of this module.
    php = site.connect()
    php.execute_sql("SET SESSION sql_mode = ''")
    spoilt = "status = 'nonsense', created_at = '0000-00-00 00:00:00'"
    php.execute_sql(f"UPDATE {T}conversations SET {spoilt} WHERE id = 2")
    php.close()
    report, _ = repair(site)
    assert report.changes
    assert report.refusals == ()
    (row,) = site.execute(f"SELECT status, CAST(created_at AS char) FROM {T}conversations WHERE id = 2")
    assert row == ("", "0000-00-00 00:00:00")


#: What the servers call the ways to alter a table, cheapest first; NOCOPY is MariaDB's alone.
ALGORITHMS = {"mariadb": ("INSTANT", "NOCOPY", "INPLACE", "COPY"), "mysql": ("INSTANT", "INPLACE", "COPY")}


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize(
    "damage", [case[0] for case in MENDED.values() if case[2]], ids=[n for n, c in MENDED.items() if c[2]]
)
def test_each_alter_costs_what_the_plan_says(site: LiveDatabase, damage: Callable[[Damage], None]) -> None:
    """The server accepts the algorithm in the plan, and no cheaper one (errors 1845, 1846)."""
    damage(Damage(site))
    with read_session(site.database, our_names("wp_")) as context:
        steps = context.plan(logical_tables(MODELS)).steps
    for step in steps:
        ladder = ALGORITHMS[site.family]
        for statement in (*step.statements, *step.cleanup):
            if not statement.sql.startswith("ALTER TABLE"):
                site.execute(statement.sql)
                continue
            for cheaper in ladder[: ladder.index(step.cost)]:
                with pytest.raises(peewee.PeeweeException, match=r"\((1845|1846)"):
                    site.execute(f"{statement.sql}, ALGORITHM={cheaper}")
            site.execute(f"{statement.sql}, ALGORITHM={step.cost}")
    assert delta(site) == DeltaReport()
