"""Tables that WCH's PHP plugin has created: they are adopted, rows stay, and the version never decreases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bound import bound
from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.expected_schema import DECLARED, described
from tests.support.php_tables import PhpPlugin
from tests.support.snapshots import rows
from wch_peewee import (
    ConfigurationError,
    Conversation,
    DatabaseManager,
    Message,
    MigrationFailed,
    Plugin,
    SchemaTooNew,
)
from wch_peewee.models.namespace import TABLES

pytestmark = pytest.mark.families("mysql", "mariadb")

HISTORY = [("001_initial_schema",)]


def all_rows(database: LiveDatabase) -> dict[str, Any]:
    return {key: rows(database, f"wp_wch_{key}") for key in TABLES}


def option(database: LiveDatabase, name: str = "wch_db_version") -> list[Any]:
    return database.execute("SELECT option_value, autoload FROM wp_options WHERE option_name = %s", (name,))


def history(database: LiveDatabase) -> list[Any]:
    return database.execute("SELECT name FROM wp_wch_migratehistory ORDER BY id")


def foreign_keys(database: LiveDatabase) -> list[Any]:
    return database.execute(
        "SELECT REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
        "WHERE CONSTRAINT_SCHEMA = DATABASE()"
    )


def settled(database: LiveDatabase) -> None:
    """Assert that nothing is left to do, and that nothing is sent."""
    plugin = Plugin(database.database)
    with database.statements() as seen:
        outcomes = [plugin.activate().outcome, plugin.admin_init().outcome, plugin.admin_init().outcome]
    assert outcomes == ["current"] * 3
    assert seen.ddl == []
    assert plugin.manager.status().is_current


def test_version_1_0_0_gets_its_foreign_key_and_a_history(database: LiveDatabase, php: PhpPlugin) -> None:
    before = all_rows(database)
    report = Plugin(database.url).activate()
    assert (report.outcome, report.version_before, report.version, report.adopted) == (
        "upgraded",
        "1.0.0",
        "1.0.0",
        "1.0.0",
    )
    assert [change.partition(" (")[0] for change in report.changes] == [
        "Created table wp_wch_migratehistory",
        "Created table wp_wch_migrateledger",
        "Added foreign key wp_wch_messages",
    ]
    assert (report.refusals, report.extras) == ((), ())
    for key in DECLARED:
        assert described(database, key) == DECLARED[key]
    assert all_rows(database) == before
    assert option(database) == [("1.0.0", "yes")]
    assert history(database) == HISTORY
    settled(database)


def test_what_php_left_reads_as_nothing(database: LiveDatabase, php: PhpPlugin) -> None:
    plugin = Plugin(database.url)
    plugin.activate()
    with bound(plugin.database, plugin.prefix):
        cut = Conversation.get_by_id(1)
        assert (cut.customer_phone, cut.status, cut.context) == ("+4915112345678901234", None, None)
        assert (cut.last_message_at, cut.updated_at) == (None, None)
        message = Message.get_by_id(2)
        assert (message.direction, message.message_type) == (None, None)
        assert message.content == {"text": "100% 🍎 \\ {}"}
        assert message.conversation.context == {"a": "🍎"}
    plugin.database.close()


@pytest.mark.parametrize("version", [None, "", "0.9.0", "1.0"])
def test_an_older_version_or_none_is_adopted_too(database: LiveDatabase, version: str | None) -> None:
    php = PhpPlugin(database)
    php.install(version)
    php.fill()
    before = all_rows(database)
    assert Plugin(database.database).admin_init().outcome == "upgraded"
    assert [value for value, _ in option(database)] == ["1.0.0"]
    assert all_rows(database) == before
    settled(database)


def test_php_writes_its_own_version_back(database: LiveDatabase, php: PhpPlugin) -> None:
    """PHP does that on each activation."""
    Plugin(database.url).activate()
    php.write_version("0.9.0")
    report = Plugin(database.database).admin_init()
    assert (report.outcome, report.version, report.changes, report.adopted) == ("upgraded", "1.0.0", (), None)
    settled(database)


# --- orphans


@pytest.fixture
def orphaned(database: LiveDatabase, php: PhpPlugin) -> dict[str, Any]:
    """Three messages without their conversation; returns the rows."""
    php.lose_conversations()
    return all_rows(database)


def test_orphans_are_counted_and_keep_the_key_out(database: LiveDatabase, orphaned: dict[str, Any]) -> None:
    plugin = Plugin(database.url)
    for _ in range(2):
        report = plugin.activate()
        (refusal,) = report.refusals
        assert "there are 3 rows of wp_wch_messages" in str(refusal)
        assert "wch repair --orphans" in str(refusal)
    assert all_rows(database) == orphaned
    assert foreign_keys(database) == []
    assert [(one.value, one.rows) for one in plugin.manager.orphans()] == [(0, 1), (77, 2)]
    plugin.database.close()


def test_a_report_changes_nothing(database: LiveDatabase, orphaned: dict[str, Any]) -> None:
    assert wch("activate", database=database.url).code == 1
    shown = wch("repair", "--dry-run", database=database.url)
    assert (shown.code, shown.out.splitlines()[:2]) == (
        1,
        [
            "Found 1 row of wp_wch_messages with conversation_id 0, which is not in wp_wch_conversations",
            "Found 2 rows of wp_wch_messages with conversation_id 77, which is not in wp_wch_conversations",
        ],
    )
    assert wch("repair", database=database.url).code == 1
    assert all_rows(database) == orphaned


def test_orphans_are_deleted_when_somebody_says_so(database: LiveDatabase, orphaned: dict[str, Any]) -> None:
    wch("activate", database=database.url)
    unasked = wch("repair", "--orphans", "delete", database=database.url)
    assert (unasked.code, all_rows(database)) == (2, orphaned)
    done = wch("repair", "--orphans=delete", "--yes", database=database.url)
    assert (done.code, done.out.splitlines()[0]) == (0, "Deleted 3 rows without a parent")
    assert foreign_keys(database) == [("wp_wch_conversations",)]
    left = [row for row in orphaned["messages"] if row[0] < 10]
    assert all_rows(database) == {**orphaned, "messages": left}
    assert wch("repair", "--orphans=delete", database=database.url).out.splitlines() == ["Success: Nothing to do."]
    settled(database)


def test_orphans_get_a_conversation_again(database: LiveDatabase, orphaned: dict[str, Any]) -> None:
    wch("activate", database=database.url)
    done = wch("repair", "--orphans=reattach", database=database.url)
    assert (done.code, done.out.splitlines()[0]) == (0, "Reattached 3 rows")
    assert foreign_keys(database) == [("wp_wch_conversations",)]
    assert len(database.execute("SELECT id FROM wp_wch_messages")) == 5
    plugin = Plugin(database.url)
    with bound(plugin.database, plugin.prefix):
        rescued = Conversation.get_by_id(77)
        assert (rescued.status, rescued.wa_conversation_id) == ("closed", "reattached-77")
        assert [message.wa_message_id for message in rescued.messages.order_by(Message.id)] == ["wamid.11", "wamid.12"]
        assert Message.get_by_id(13).conversation.wa_conversation_id == "reattached-0"
    plugin.database.close()
    settled(database)


@pytest.mark.parametrize("mode", ["delete", "reattach"])
def test_many_orphans(database: LiveDatabase, php: PhpPlugin, mode: Any) -> None:
    """More than one batch of messages, and of conversations."""
    Plugin(database.url).activate()
    php.run("ALTER TABLE {p}wch_messages DROP FOREIGN KEY " + _key(database))
    php.run(
        "INSERT INTO {p}wch_messages (conversation_id, direction, message_type, wa_message_id, created_at) "
        "SELECT 1000 + n DIV 2, 'inbound', 'text', CONCAT('many.', n), '2024-01-01' FROM ("
        "SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM "
        + ", ".join(f"({' UNION '.join(f'SELECT {n} AS d' for n in range(10))}) AS {name}" for name in "abc")
        + ", (SELECT 0 AS d UNION SELECT 1 UNION SELECT 2) AS e) AS numbers"
    )
    report = DatabaseManager(database.url).repair(mode)
    assert (report.orphans, report.deleted + report.reattached) == (3000, 3000)
    assert foreign_keys(database) == [("wp_wch_conversations",)]
    assert len(database.execute("SELECT id FROM wp_wch_messages")) == (2 if mode == "delete" else 3002)


def _key(database: LiveDatabase) -> str:
    ((name,),) = database.execute(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()"
    )
    return str(name)


def test_a_repair_does_not_run_ahead_of_the_migrations(database: LiveDatabase, php: PhpPlugin) -> None:
    with pytest.raises(ConfigurationError, match="001_initial_schema is pending; run wch activate first"):
        DatabaseManager(database.url).repair("delete")


# --- other structures

#: What somebody has added and widened.
MORE = (
    "ALTER TABLE {p}wch_messages ADD COLUMN wa_status varchar(10) NOT NULL DEFAULT 'x'",
    "ALTER TABLE {p}wch_carts ADD COLUMN reminder_sent datetime NULL, ADD KEY reminder (reminder_sent)",
    "CREATE TABLE {p}wch_reengagement_log (id int PRIMARY KEY)",
)
WIDER = (
    "ALTER TABLE {p}wch_messages MODIFY wa_message_id varchar(150) NOT NULL",
    "ALTER TABLE {p}wch_carts MODIFY coupon_code varchar(80) NULL",
    "ALTER TABLE {p}wch_sync_queue MODIFY entity_type enum('product','order','inventory','coupon') NOT NULL",
)


def test_additions_are_left_alone(database: LiveDatabase, php: PhpPlugin) -> None:
    php.run(*MORE)
    before = all_rows(database)
    report = Plugin(database.url).activate()
    assert (report.outcome, report.version, report.adopted) == ("upgraded", "1.0.0", "1.0.0")
    assert report.refusals == ()
    assert set(report.extras) == {
        "wp_wch_messages has a column wa_status",
        "wp_wch_carts has a column reminder_sent",
        "wp_wch_carts has an index reminder",
    }
    assert all_rows(database) == before
    assert foreign_keys(database) == [("wp_wch_conversations",)]
    settled(database)


def test_wider_types_are_kept_and_said(database: LiveDatabase, php: PhpPlugin) -> None:
    php.run(*WIDER)
    before = all_rows(database)
    report = Plugin(database.url).activate()
    assert report.outcome == "upgraded"
    said = "\n".join(map(str, report.refusals))
    assert "it is kept" in said
    assert "it is not changed" in said
    assert all_rows(database) == before


def test_a_newer_release_of_ours_is_told_from_php(database: LiveDatabase, php: PhpPlugin) -> None:
    """Its migrations are in the history, whoever created the tables."""
    Plugin(database.url).activate()
    php.write_version("2.4.0")
    database.execute("INSERT INTO wp_wch_migratehistory (name, migrated_at) VALUES ('002_more', '2030-01-01')")
    plugin = Plugin(database.url)
    for call in (plugin.activate, plugin.admin_init, plugin.manager.run_migrations, plugin.manager.repair):
        with pytest.raises(SchemaTooNew, match=r"2\.4\.0"):
            call()
    plugin.database.close()


def test_a_conflict_is_refused_in_words_and_the_version_stays(database: LiveDatabase, php: PhpPlugin) -> None:
    php.run("ALTER TABLE {p}wch_messages DROP COLUMN wa_message_id")
    before = all_rows(database)
    with pytest.raises(MigrationFailed, match="wa_message_id is NOT NULL without a default"):
        Plugin(database.url).activate()
    assert option(database) == [("1.0.0", "yes")]
    assert all_rows(database) == before


def test_the_same_version_with_less(database: LiveDatabase, php: PhpPlugin) -> None:
    php.run(
        "ALTER TABLE {p}wch_carts DROP COLUMN coupon_code, MODIFY customer_phone varchar(15) NOT NULL",
        "ALTER TABLE {p}wch_sync_queue DROP KEY entity_type_id",
        "DROP TABLE {p}wch_broadcast_campaigns",
    )
    report = Plugin(database.url).activate()
    assert (report.outcome, report.refusals) == ("upgraded", ())
    assert {key: described(database, key) for key in DECLARED} == DECLARED
    settled(database)


@pytest.mark.parametrize("version", ["1.0.0", "2.4.0"])
def test_uninstalled_nothing_of_ours_is_left(database: LiveDatabase, php: PhpPlugin, version: str) -> None:
    Plugin(database.url).activate()
    php.write_version(version)
    assert DatabaseManager(database.url, remove_data=True).uninstall().removed
    assert database.tables() == ["wp_options"]
    assert database.execute("SELECT option_name FROM wp_options") == []
