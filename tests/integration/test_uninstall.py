"""Uninstalling: only if allowed, exactly the managed tables of this prefix, and repeatable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.accounts import account
from tests.support.database_reset import SavedDatabase, restored_database, saved_database
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.expected_schema import DECLARED
from tests.support.populate import populate
from tests.support.snapshots import rows, snapshot
from wch_peewee import (
    ConfigurationError,
    DatabaseManager,
    MigrationFailed,
    MissingPrivileges,
    Plugin,
    SchemaConflict,
    StatementFailed,
)

OURS = [*(f"wp_wch_{key}" for key in DECLARED), "wp_wch_migratehistory", "wp_wch_migrateledger"]
#: Names that a pattern would take for ours.
DECOYS = ("wp_wch_backup", "wp_wchx_carts", "wpXwch_carts", "wp_wch_carts_old", "wch_carts", "xwp_wch_carts")


def fill(database: LiveDatabase) -> None:
    for prefix in ("wp_", "wp_2_"):
        DatabaseManager(database.url, prefix=prefix).install()
        populate(database, prefix=prefix)
    for name in DECOYS:
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, phone varchar(20))")
        database.execute(f"INSERT INTO {name} VALUES (1, '+1')")
    for name in ("siteurl", "wch_db_version_backup", "wch_settings", "WCH", "wch_db_versio"):
        database.execute(
            "INSERT INTO wp_options (option_name, option_value, autoload) VALUES (%s, 'kept', 'yes')", (name,)
        )


@pytest.fixture(scope="module")
def filled(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedDatabase]:
    with saved_database(engine, tmp_path_factory.mktemp("filled"), fill) as saved:
        yield saved


@pytest.fixture
def full(engine: Engine, request: pytest.FixtureRequest) -> LiveDatabase:
    """An installation with rows, beside similar tables, another prefix's installation and other options."""
    return restored_database(engine, request, fill, "filled")


def options(database: LiveDatabase) -> list[str]:
    return sorted(row[1] for row in rows(database, "wp_options"))


def test_exactly_what_is_ours_goes(full: LiveDatabase) -> None:
    before, names = snapshot(full), options(full)
    report = Plugin(full.url, remove_data=True).uninstall()
    assert (report.removed, sorted(report.tables), report.option) == (True, sorted(OURS), True)
    after = snapshot(full)
    assert set(before) - set(after) == set(OURS)
    assert {name: each for name, each in after.items() if name != "wp_options"} == {
        name: each for name, each in before.items() if name not in (*OURS, "wp_options")
    }
    assert options(full) == [name for name in names if name != "wch_db_version"]
    kept = [row for row in before["wp_options"][1] if row[1] != "wch_db_version"]
    assert after["wp_options"] == (before["wp_options"][0], kept)


def test_it_can_be_repeated_and_begun_again(full: LiveDatabase) -> None:
    plugin = Plugin(full.url, remove_data=True)
    plugin.uninstall()
    before = snapshot(full)
    with full.statements() as seen:
        report = plugin.uninstall()
    assert (report.removed, report.tables, report.option) == (True, (), False)
    assert "nothing was there" in report.reason
    assert seen.writes == []
    assert snapshot(full) == before
    assert plugin.activate().outcome == "installed"
    assert DatabaseManager(full.url, prefix="wp_2_").install().outcome == "current"


@pytest.mark.parametrize(
    "left", [OURS[1:], OURS[:1], ["wp_wch_migratehistory"], ["wp_wch_messages", "wp_wch_carts"], []]
)
def test_what_is_left_of_a_broken_installation_goes(full: LiveDatabase, left: list[str]) -> None:
    with unchecked(full):
        for name in OURS:
            if name not in left:
                full.execute(f"DROP TABLE {name}")
    report = DatabaseManager(full.url, remove_data=True).uninstall()
    assert (sorted(report.tables), report.option) == (sorted(left), True)
    assert not set(OURS) & set(full.tables())


@pytest.mark.parametrize("allowed", [None, "", "false", "0", "no", "off"])
def test_without_leave_nothing_happens_and_it_says_so(
    full: LiveDatabase, allowed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WCH_REMOVE_DATA", raising=False)
    if allowed is not None:
        monkeypatch.setenv("WCH_REMOVE_DATA", allowed)
    before = snapshot(full)
    with full.statements() as seen:
        report = Plugin(full.url).uninstall()
    assert (report.removed, report.tables, report.option) == (False, (), False)
    assert "WCH_REMOVE_DATA" in report.reason
    assert list(seen) == []
    assert snapshot(full) == before
    Plugin(full.url).deactivate()
    assert snapshot(full) == before


@pytest.mark.parametrize("nonsense", ["maybe", "2", "tru", "yes please"])
def test_a_setting_that_says_neither_is_an_error(
    full: LiveDatabase, nonsense: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WCH_REMOVE_DATA", nonsense)
    before = snapshot(full)
    with pytest.raises(ConfigurationError, match="WCH_REMOVE_DATA"):
        Plugin(full.url).uninstall()
    assert snapshot(full) == before


def test_an_explicit_word_wins_over_the_environment(full: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCH_REMOVE_DATA", "true")
    assert not Plugin(full.url, remove_data=False).uninstall().removed
    monkeypatch.setenv("WCH_REMOVE_DATA", "false")
    assert Plugin(full.url, remove_data=True).uninstall().removed


COMMANDS = pytest.mark.parametrize("command", ["uninstall", "rollback"])


def removal(url: str, command: str) -> object:
    manager = DatabaseManager(url, remove_data=True)
    return manager.uninstall() if command == "uninstall" else manager.rollback("001_initial_schema", allow_loss=True)


@COMMANDS
def test_somebody_s_foreign_key_to_ours_is_named_before_anything_is_dropped(full: LiveDatabase, command: str) -> None:
    full.execute(
        "CREATE TABLE crm_notes (id int PRIMARY KEY, conversation_id bigint unsigned, "
        "FOREIGN KEY (conversation_id) REFERENCES wp_wch_conversations (id))"
    )
    before = snapshot(full)
    with pytest.raises((SchemaConflict, MigrationFailed), match="crm_notes") as caught:
        removal(full.url, command)
    assert snapshot(full) == before
    for drop in re.findall("ALTER TABLE .*?;", str(caught.value)) or ["DROP TABLE crm_notes"]:
        full.execute(drop)
    removal(full.url, command)
    assert not set(OURS[:-2]) & set(full.tables())


@pytest.fixture
def crm(full: LiveDatabase) -> Iterator[str]:
    """Another database, whose table notes refers to conversations."""
    name = f"{full.name}_crm"
    full.execute(f"CREATE DATABASE {name}")
    try:
        full.execute(
            f"CREATE TABLE {name}.notes (id int PRIMARY KEY, conversation_id bigint unsigned, "
            f"FOREIGN KEY (conversation_id) REFERENCES {full.name}.wp_wch_conversations (id))"
        )
        yield name
    finally:
        full.execute(f"DROP DATABASE {name}")


@pytest.mark.families("mariadb", "mysql")
@COMMANDS
def test_somebody_s_foreign_key_from_another_database_is_named_as_well(
    full: LiveDatabase, crm: str, command: str
) -> None:
    before = snapshot(full)
    with pytest.raises((SchemaConflict, MigrationFailed), match=f"{crm}.notes") as caught:
        removal(full.url, command)
    assert snapshot(full) == before
    (drop,) = re.findall("ALTER TABLE .*?;", str(caught.value))
    full.execute(drop)
    removal(full.url, command)
    assert not set(OURS[:-2]) & set(full.tables())


@pytest.mark.families("mariadb", "mysql")
@COMMANDS
@pytest.mark.parametrize(
    ("referenced", "column"), [("conversations", "id"), ("messages", "id"), ("customer_profiles", "phone")]
)
def test_a_foreign_key_that_the_account_cannot_see_is_found_before_anything_is_dropped(
    full: LiveDatabase, crm: str, command: str, referenced: str, column: str
) -> None:
    ours = f"wp_wch_{referenced}"
    full.execute(f"DROP TABLE {crm}.notes")
    full.execute(f"CREATE TABLE {crm}.notes LIKE {ours}")
    full.execute(f"ALTER TABLE {crm}.notes ADD FOREIGN KEY ({column}) REFERENCES {full.name}.{ours} ({column})")
    ledger = ("wp_wch_migrateledger",)  # a rollback that has begun is in it
    before = snapshot(full, without=ledger)
    with account(full, "ALL") as limited:
        url = limited.url(full.name)
        with pytest.raises((SchemaConflict, MigrationFailed), match=f"to {ours}. Nothing was dropped"):
            removal(url, command)
        assert snapshot(full, without=ledger) == before
        full.execute(f"DROP TABLE {crm}.notes")
        removal(url, command)
    assert not set(OURS[:-2]) & set(full.tables())


@pytest.mark.families("mariadb", "mysql")
def test_without_alter_it_stops_half_way_and_says_so(full: LiveDatabase, crm: str) -> None:
    with account(full, "SELECT, INSERT, UPDATE, DELETE, DROP") as limited:
        manager = DatabaseManager(limited.url(full.name), remove_data=True)
        with pytest.raises(StatementFailed) as caught:
            manager.uninstall()
        left = [name for name in OURS if name in full.tables()]
        assert left == ["wp_wch_conversations"]
        assert caught.value.in_place == tuple(f"Dropped table {name}" for name in reversed(OURS) if name not in left)
        full.execute(f"DROP TABLE {crm}.notes")
        assert manager.uninstall().tables == ("wp_wch_conversations",)
    assert not set(OURS) & set(full.tables())


@pytest.mark.families("mariadb", "mysql")
@pytest.mark.parametrize("missing", ["DROP", "DELETE"])
def test_missing_rights_are_said_before_anything_is_dropped(full: LiveDatabase, missing: str) -> None:
    rights = ["SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "INDEX", "REFERENCES", "DELETE", "DROP"]
    rights.remove(missing)
    before = snapshot(full)
    with account(full, ", ".join(rights)) as limited, pytest.raises(MissingPrivileges) as caught:
        Plugin(limited.url(full.name), remove_data=True).uninstall()
    assert caught.value.missing == (missing,)
    assert snapshot(full) == before


def test_the_children_go_first(full: LiveDatabase) -> None:
    with full.statements() as seen:
        Plugin(full.url, remove_data=True).uninstall()
    dropped = [name for sql in seen.starting("DROP") for name in OURS if f"`{name}`" in sql or f'"{name}"' in sql]
    assert len(seen.starting("DROP")) == len(dropped) == len(OURS)
    assert dropped.index("wp_wch_messages") < dropped.index("wp_wch_conversations")


def test_a_view_in_a_table_s_place_is_no_table_of_ours(full: LiveDatabase) -> None:
    full.execute("ALTER TABLE wp_wch_carts RENAME TO kept")
    full.execute("CREATE VIEW wp_wch_carts AS SELECT * FROM kept")
    before = snapshot(full)
    with pytest.raises(SchemaConflict, match="wp_wch_carts"):
        Plugin(full.url, remove_data=True).uninstall()
    assert snapshot(full) == before


@contextmanager
def unchecked(database: LiveDatabase) -> Iterator[None]:
    """Disable foreign key checks for the block."""
    sqlite = database.family == "sqlite"
    database.execute("PRAGMA foreign_keys = 0" if sqlite else "SET SESSION foreign_key_checks = 0")
    try:
        yield
    finally:
        database.execute("PRAGMA foreign_keys = 1" if sqlite else "SET SESSION foreign_key_checks = 1")
