"""Installing: the result, the plan's statements are those that are sent, and a second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.accounts import account
from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.expected_schema import DECLARED, described
from tests.support.populate import populate
from tests.support.repair import delta
from tests.support.snapshots import definition, rows, snapshot
from wch_peewee import (
    Conversation,
    DatabaseManager,
    DeltaReport,
    MissingPrivileges,
    Plugin,
    SchemaConflict,
    SchemaTooNew,
    UnknownTable,
    WCH_Database_Manager,
)
from wch_peewee.schema.statements import Statement, Step

TABLES = [f"wp_wch_{key}" for key in DECLARED]
EVERYTHING = sorted([*TABLES, "wp_wch_migratehistory", "wp_wch_migrateledger", "wp_options"])
LOCKS = ("GET_LOCK", "BEGIN", "LOCK TABLES", "FOR UPDATE")


def versions(database: LiveDatabase, prefix: str = "wp_") -> list[tuple[Any, ...]]:
    return database.execute(f"SELECT option_name, option_value, autoload FROM {prefix}options")


def set_version(database: LiveDatabase, version: str | None) -> None:
    database.execute("DELETE FROM wp_options WHERE option_name = 'wch_db_version'")
    if version is not None:
        database.execute(
            "INSERT INTO wp_options (option_name, option_value, autoload) VALUES ('wch_db_version', %s, 'no')",
            (version,),
        )


def without_question(seen: list[str]) -> list[str]:
    """Leave out the transactions that only read, which is how the server that is written to is asked."""
    left = list(seen)
    while "BEGIN" in left:
        begin = left.index("BEGIN")
        end = left.index("ROLLBACK", begin)
        asked = left[begin + 1 : end]
        locks = any(word in sql.upper() for word in LOCKS for sql in asked)
        if locks or not all(sql.startswith(("SELECT ", "SHOW ")) for sql in asked):
            break
        del left[begin : end + 1]
    return left


def unchanging(seen: list[str]) -> list[str]:
    """Return the statements that a call without changes must not send."""
    verbs = ("CREATE", "ALTER", "DROP", "RENAME", "INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE")
    seen = without_question(seen)
    return [sql for sql in seen if sql.lstrip().upper().startswith(verbs) or any(word in sql.upper() for word in LOCKS)]


@pytest.mark.parametrize("key", DECLARED)
def test_the_tables_are_those_that_were_agreed_on(installed: LiveDatabase, key: str) -> None:
    assert described(installed, key) == DECLARED[key]


def test_installing_makes_the_six_tables_and_the_books_and_nothing_else(installed: LiveDatabase) -> None:
    assert installed.tables() == EVERYTHING
    assert versions(installed) == [("wch_db_version", "1.0.0", "no")]
    assert [row[1] for row in rows(installed, "wp_wch_migratehistory")] == ["001_initial_schema"]
    assert delta(installed) == DeltaReport()
    assert DatabaseManager(installed.database).plan().is_empty


@pytest.mark.families("mariadb", "mysql")
def test_what_the_server_prints(installed: LiveDatabase) -> None:
    for table in EVERYTHING:
        assert "ENGINE=InnoDB" in definition(installed, table)
        assert "utf8mb4_unicode_520_ci" in definition(installed, table)
    assert (
        "CONSTRAINT `wp_wch_messages_conversation_id_fk` FOREIGN KEY (`conversation_id`) "
        "REFERENCES `wp_wch_conversations` (`id`) ON DELETE CASCADE"
    ) in definition(installed, "wp_wch_messages")


@pytest.mark.families("mariadb", "mysql")
def test_the_site_s_own_collation_is_taken(database: LiveDatabase) -> None:
    """A join with the site's tables fails otherwise."""
    database.execute(
        "CREATE TABLE wp_options (option_id bigint unsigned PRIMARY KEY AUTO_INCREMENT, "
        "option_name varchar(191) NOT NULL UNIQUE, option_value longtext NOT NULL, "
        "autoload varchar(20) NOT NULL DEFAULT 'yes') COLLATE utf8mb4_general_ci"
    )
    database.execute("INSERT INTO wp_options (option_name, option_value) VALUES ('siteurl', '+1')")
    DatabaseManager(database.url).install()
    collations = database.execute(
        "SELECT DISTINCT COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
        "AND COLLATION_NAME <> 'utf8mb4_bin'"
    )
    assert collations == [("utf8mb4_general_ci",)]
    assert database.execute("SELECT * FROM wp_wch_carts JOIN wp_options ON option_value = customer_phone") == []
    assert delta(database) == DeltaReport()


def test_the_second_time_nothing_is_written_or_locked(database: LiveDatabase) -> None:
    plugin = Plugin(database.database)
    first = plugin.activate()
    assert (first.outcome, first.version_before, first.version) == ("installed", None, "1.0.0")
    assert first.migrations == ("001_initial_schema",)
    before = snapshot(database)
    with database.statements() as seen:
        second, again = plugin.activate(), DatabaseManager(database.url).install()
        assert DatabaseManager(database.url).run_migrations() == ()
    assert unchanging(seen) == []
    assert (second.outcome, second.changed, again.outcome, again.changed) == ("current", False, "current", False)
    assert snapshot(database) == before


#: What is there before: name: how it comes about
BEFORE: dict[str, Callable[[LiveDatabase], Any]] = {
    "nothing": lambda database: None,
    "all of it": lambda database: install(database),
    "all but the version": lambda database: (install(database), set_version(database, None)),
    "all but the history": lambda database: (install(database), database.execute("DROP TABLE wp_wch_migratehistory")),
    "all but the options": lambda database: (install(database), database.execute("DROP TABLE wp_options")),
    "all but a child and an index": lambda database: (
        install(database),
        Damage(database).drop_index("carts", "expires_at"),
        Damage(database).sql("DROP TABLE {messages}"),
    ),
    "the tables alone": lambda database: delta(database),
    "one table": lambda database: delta_of(database, Conversation),
}


def install(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()
    populate(database)


def delta_of(database: LiveDatabase, *models: Any) -> None:
    from wch_peewee import db_delta

    db_delta(models, database.database)


@pytest.mark.parametrize("bring_about", BEFORE.values(), ids=BEFORE)
def test_the_plan_is_what_the_server_sees(database: LiveDatabase, bring_about: Callable[[LiveDatabase], Any]) -> None:
    bring_about(database)
    manager = DatabaseManager(database.database)
    planned = manager.plan()
    with database.statements() as seen:
        report = manager.install()
    words = ("CREATE", "ALTER", "DROP", "RENAME")
    steps = [forecast.work for forecast in planned.dry_run.steps if isinstance(forecast.work, Step)]
    sent = [each for step in steps for each in (*step.statements, *step.cleanup)]
    assert seen.ddl == [each.text for each in sent if each.sql.startswith(words)]
    assert planned.is_empty == (report.outcome == "current")
    assert (report.migrations, report.version_before) == (planned.pending, planned.version)
    for key in DECLARED:
        assert described(database, key) == DECLARED[key]
    assert ("wch_db_version", "1.0.0", "no") in versions(database)
    assert manager.plan().is_empty


@pytest.mark.parametrize("bring_about", BEFORE.values(), ids=BEFORE)
def test_reading_leaves_everything_as_it_is(database: LiveDatabase, bring_about: Callable[[LiveDatabase], Any]) -> None:
    bring_about(database)
    manager = DatabaseManager(database.url)
    before = snapshot(database)
    contents = database.path.read_bytes() if database.family == "sqlite" else b""
    with database.statements() as seen:
        manager.status(), manager.plan(), manager.row_counts()
        delta(database, dry_run=True)
    assert unchanging(seen) == []
    assert snapshot(database) == before
    if database.family == "sqlite":
        assert database.path.read_bytes() == contents
        assert [path for path in database.path.parent.iterdir() if path.name.startswith(database.path.name)] == [
            database.path
        ]


def test_reading_makes_no_file(tmp_path: Path) -> None:
    manager = DatabaseManager(f"sqlite:///{tmp_path}/none.db")
    assert manager.status().missing_tables == tuple(TABLES)
    assert not manager.plan().is_empty
    assert manager.row_counts() == {}
    assert manager.run_migrations.__doc__
    assert list(tmp_path.iterdir()) == []


def test_prefixes_do_not_see_each_other(database: LiveDatabase) -> None:
    """One begins with another, one is empty, one looks like a table of the first, and two have the greatest length."""
    prefixes = ("wp_", "wp_2_", "", "wp_wch_", "x" * 40 + "1", "x" * 40 + "2")
    for prefix in prefixes:
        before = snapshot(database)
        report = Plugin(database.url, prefix=prefix).activate()
        assert report.outcome == "installed"
        populate(database, conversations=1, prefix=prefix)
        assert {name: each for name, each in snapshot(database).items() if name in before} == before
    for prefix in prefixes:
        assert DatabaseManager(database.url, prefix=prefix).install().outcome == "current"
        for key in DECLARED:
            assert described(database, key, prefix=prefix) == DECLARED[key]
        before = snapshot(database)
        report = DatabaseManager(database.url, prefix=prefix, remove_data=True).uninstall()
        gone = {f"{prefix}wch_{key}" for key in (*DECLARED, "migratehistory", "migrateledger")}
        assert set(report.tables) == gone
        left = {name: each for name, each in before.items() if name not in (*gone, f"{prefix}options")}
        assert {name: each for name, each in snapshot(database).items() if name != f"{prefix}options"} == left


@pytest.mark.parametrize("version", [None, "", "0.9.0", "1.0", "0.0.1-alpha", "nonsense", "1.0.0-rc1"])
def test_an_older_version_or_none_is_brought_up_without_touching_the_tables(
    installed: LiveDatabase, version: str | None
) -> None:
    set_version(installed, version)
    before = snapshot(installed, without=("wp_options",))
    with installed.statements() as seen:
        report = Plugin(installed.database).admin_init()
    assert (report.outcome, report.version_before, report.version) == ("upgraded", version, "1.0.0")
    assert seen.ddl == []
    assert versions(installed) == [("wch_db_version", "1.0.0", "no")]
    assert snapshot(installed, without=("wp_options",)) == before


@pytest.mark.parametrize("version", ["1.0.1", "1.2.0", "1.0.0.1", "1.1.0-beta2", "2.0.0", "10.0.0", "2"])
def test_a_newer_version_is_left_alone(installed: LiveDatabase, version: str) -> None:
    set_version(installed, version)
    installed.execute("DROP TABLE wp_wch_carts")
    before = snapshot(installed)
    plugin = Plugin(installed.database)
    with installed.statements() as seen:
        reports = [plugin.activate(), plugin.admin_init(), plugin.manager.install()]
        assert plugin.manager.run_migrations() == ()
        assert plugin.manager.plan().plan.statements() == ()
        assert {access.model for access in plugin.manager.status().models if not access.readable} == {"Cart"}
    assert unchanging(seen) == []
    assert {(report.outcome, report.version, report.changed) for report in reports} == {("newer", version, False)}
    assert version in reports[0].reason
    assert snapshot(installed) == before


@pytest.mark.parametrize("version", ["2.0.0", "10.0.0", "2.0.0-beta1", "2"])
def test_a_newer_major_version_of_ours_is_an_error_and_left_alone(installed: LiveDatabase, version: str) -> None:
    set_version(installed, version)
    installed.execute("INSERT INTO wp_wch_migratehistory (name, migrated_at) VALUES ('002_more', '2030-01-01')")
    installed.execute("DROP TABLE wp_wch_carts")
    before = snapshot(installed)
    plugin = Plugin(installed.database)
    with installed.statements() as seen:
        for call in (plugin.activate, plugin.admin_init, plugin.manager.install, plugin.manager.run_migrations):
            with pytest.raises(SchemaTooNew, match=f"{version}.*1\\.0\\.0"):
                call()
    assert unchanging(seen) == []
    assert snapshot(installed) == before


def test_activate_repairs_whatever_the_version_says(installed: LiveDatabase) -> None:
    populate(installed)
    kept = rows(installed, "wp_wch_conversations")
    Damage(installed).sql("DROP TABLE {messages}", "DROP TABLE {carts}")
    report = Plugin(installed.database).activate()
    assert (report.outcome, report.migrations) == ("upgraded", ())
    assert report.changes == ("Created table wp_wch_messages", "Created table wp_wch_carts")
    assert installed.tables() == EVERYTHING
    assert rows(installed, "wp_wch_conversations") == kept


def test_what_the_models_cannot_work_with_is_an_error_and_no_version_is_written(database: LiveDatabase) -> None:
    install(database)
    Damage(database).drop_column("customer_profiles", "name")
    Damage(database).drop_index("carts", "expires_at")
    set_version(database, "0.9.0")
    with pytest.raises(SchemaConflict, match=r"wp_wch_customer_profiles\.name") as caught:
        Plugin(database.database).activate()
    assert len(caught.value.reasons) == 1
    assert versions(database)[0][1] == "0.9.0"
    # On servers the rest has happened all the same; in SQLite a run is one transaction, and all of it is undone.
    plan = DatabaseManager(database.database).plan().plan
    assert [step.table for step in plan.steps] == (["wp_wch_carts"] if database.family == "sqlite" else [])
    assert [refusal.blocking for refusal in plan.refusals] == [True]


@pytest.mark.families("mariadb", "mysql")
def test_what_somebody_without_our_lock_makes_meanwhile_is_taken_as_it_is(database: LiveDatabase) -> None:
    """The PHP plugin takes no lock. What was done before is reported nevertheless."""
    other = database.connect()

    def overtake(statement: Statement) -> None:
        if "wp_wch_carts" in statement.sql:
            manager.before_statement = None
            other.execute_sql(statement.sql)

    manager = DatabaseManager(database.url)
    manager.before_statement = overtake
    report = manager.install()
    assert report.outcome == "installed"
    made = {change.removeprefix("Created table ") for change in report.changes}
    assert made == set(EVERYTHING) - {"wp_wch_carts"}
    assert database.tables() == EVERYTHING
    assert manager.install().outcome == "current"


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize("missing", ["CREATE", "ALTER", "INDEX", "REFERENCES", "INSERT", "CREATE, INDEX"])
def test_missing_rights_are_said_before_anything_is_done(database: LiveDatabase, missing: str) -> None:
    rights = {"SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "INDEX", "REFERENCES"}
    with account(database, ", ".join(sorted(rights - set(missing.split(", "))))) as limited:
        manager = DatabaseManager(limited.url(database.name))
        for call in (manager.install, manager.run_migrations):
            with pytest.raises(MissingPrivileges) as caught:
                call()
            assert caught.value.missing == tuple(missing.split(", "))
            # The doctor wants DELETE, too: it is for every day, though not for upgrades.
            assert caught.value.grant.startswith(f"GRANT {missing}, DELETE ON ")
            assert limited.password not in str(caught.value)
        assert database.tables() == []
        # Who may grant runs what was said; then it works.
        for grant in caught.value.grant.split(";"):
            if grant.strip():
                database.execute(grant.replace("%", "%%"))
                database.execute(grant.replace("%", "%%").replace("@'%%'", "@'localhost'"))
        assert manager.install().outcome == "installed"


def test_the_names_that_wordpress_developers_know(installed: LiveDatabase) -> None:
    manager = WCH_Database_Manager(installed.url)
    assert manager.get_table_name("carts") == manager.get_table_name("wch_carts") == "wp_wch_carts"
    with pytest.raises(UnknownTable, match="conversations, messages, carts"):
        manager.get_table_name("cart")
    assert (manager.install().outcome, manager.run_migrations()) == ("current", ())
