"""admin_init: one SELECT if everything is current, a repair if not, and no retry too soon after a failure."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.populate import populate
from tests.support.snapshots import snapshot
from wch_peewee import DatabaseManager, DatabaseUnavailable, Plugin, SchemaConflict, StatementFailed
from wch_peewee.install.plugin import VersionCheck
from wch_peewee.schema.statements import Statement


class Clock:
    """A clock that advances only when the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def broken(database: LiveDatabase) -> None:
    """Create a problem that cannot be repaired: a table with rows lacks a column that nothing can fill."""
    populate(database)
    Damage(database).drop_column("customer_profiles", "name")


def mended(database: LiveDatabase) -> None:
    database.execute("DELETE FROM wp_wch_customer_profiles")


def test_it_costs_one_select_when_current_and_verified(installed: LiveDatabase) -> None:
    plugin = Plugin(installed.database)
    plugin.admin_init()
    with installed.statements() as seen:
        reports = [plugin.admin_init() for _ in range(3)]
    assert len(seen) == len(seen.selects) == 3
    assert all("wp_options" in sql and "option_value" in sql for sql in seen)
    assert {(report.outcome, report.version, report.changed) for report in reports} == {("current", "1.0.0", False)}


def test_after_activate_it_need_not_verify(database: LiveDatabase) -> None:
    plugin = Plugin(database.database)
    plugin.activate()
    with database.statements() as seen:
        plugin.admin_init()
    assert len(seen) == len(seen.selects) == 1


def test_the_first_call_verifies_without_a_write_or_a_lock(installed: LiveDatabase) -> None:
    before = snapshot(installed)
    with installed.statements() as seen:
        report = Plugin(installed.database).admin_init()
    assert report.outcome == "current"
    assert seen.writes == []
    assert [sql for sql in seen if "LOCK" in sql.upper() or "BEGIN" in sql.upper()] == []
    assert snapshot(installed) == before


def test_it_installs_where_there_is_nothing(database: LiveDatabase) -> None:
    assert Plugin(database.database).admin_init().outcome == "installed"
    assert DatabaseManager(database.database).install().outcome == "current"


def test_a_table_that_was_lost_is_found_missing_and_made_anew(installed: LiveDatabase, clock: Clock) -> None:
    plugin = Plugin(installed.database, clock=clock)
    assert plugin.admin_init().outcome == "current"
    Damage(installed).sql("DROP TABLE {carts}")
    clock.now += 599
    assert plugin.admin_init().outcome == "current"
    clock.now += 2
    report = plugin.admin_init()
    assert (report.outcome, report.changes) == ("upgraded", ("Created table wp_wch_carts",))
    assert (report.version_before, report.version) == ("1.0.0", "1.0.0")
    clock.now += 1
    with installed.statements() as seen:
        assert plugin.admin_init().outcome == "current"
    assert len(seen) == 1


@pytest.mark.parametrize("every", [0.0, 5.0, 86400.0])
def test_how_often_it_verifies_is_a_setting(installed: LiveDatabase, clock: Clock, every: float) -> None:
    plugin = Plugin(installed.database, clock=clock, verify_every=every)
    plugin.admin_init()
    for later, verifies in ((every - 0.5, every == 0), (1.0, True), (every - 0.5, every == 0)):
        clock.now += max(later, 0.0)
        with installed.statements() as seen:
            plugin.admin_init()
        assert (len(seen) > 1) == verifies


def test_another_process_finds_the_lost_table_with_its_first_call(installed: LiveDatabase) -> None:
    Damage(installed).sql("DROP TABLE {messages}")
    assert Plugin(installed.database).admin_init().changes == ("Created table wp_wch_messages",)


def test_a_conflict_comes_with_what_is_done(installed: LiveDatabase) -> None:
    broken(installed)
    installed.execute("DROP TABLE wp_wch_carts")
    with pytest.raises(SchemaConflict) as caught:
        Plugin(installed.database).activate()
    words = "Done so far: Created table wp_wch_carts."
    assert (words in str(caught.value)) == ("wp_wch_carts" in installed.tables()) == (installed.family != "sqlite")


def test_a_failed_upgrade_is_not_tried_again_for_a_minute(installed: LiveDatabase, clock: Clock) -> None:
    broken(installed)
    installed.execute("UPDATE wp_options SET option_value = '0.9.0' WHERE option_name = 'wch_db_version'")
    plugin = Plugin(installed.database, clock=clock)
    with pytest.raises(SchemaConflict, match="customer_profiles"):
        plugin.admin_init()
    clock.now += 59
    before = snapshot(installed)
    with installed.statements() as seen:
        report = plugin.admin_init()
    assert (report.outcome, report.version, report.changed) == ("deferred", "0.9.0", False)
    assert "60 seconds" in report.reason
    assert "the models cannot use these tables" in report.reason
    assert len(seen) == 1
    assert snapshot(installed) == before
    clock.now += 2
    with pytest.raises(SchemaConflict):
        plugin.admin_init()
    mended(installed)
    assert plugin.admin_init().outcome == "deferred"
    clock.now += 61
    assert plugin.admin_init().outcome == "upgraded"
    assert plugin.admin_init().outcome == "current"


def test_activate_does_not_wait_for_the_minute_and_ends_it(installed: LiveDatabase, clock: Clock) -> None:
    broken(installed)
    installed.execute("DELETE FROM wp_options WHERE option_name = 'wch_db_version'")
    plugin = Plugin(installed.database, clock=clock, retry_after=3600)
    for call in (plugin.activate, plugin.activate, plugin.admin_init):
        with pytest.raises(SchemaConflict):
            call()
    assert plugin.admin_init().outcome == "deferred"
    mended(installed)
    assert plugin.activate().outcome == "upgraded"
    assert plugin.admin_init().outcome == "current"


def test_a_repair_that_failed_is_deferred_and_not_forgotten(installed: LiveDatabase, clock: Clock) -> None:
    """The stored version is current all the time."""

    def fail(statement: Statement) -> None:
        raise StatementFailed(f"the disk is full: {statement}")

    plugin = Plugin(installed.database, clock=clock)
    assert plugin.admin_init().outcome == "current"
    Damage(installed).sql("DROP TABLE {carts}")
    plugin.manager.before_statement = fail
    clock.now += 601
    with pytest.raises(StatementFailed, match="disk is full"):
        plugin.admin_init()
    clock.now += 30
    assert [plugin.admin_init().outcome for _ in range(2)] == ["deferred", "deferred"]
    clock.now += 31
    with pytest.raises(StatementFailed, match="disk is full"):
        plugin.admin_init()
    plugin.manager.before_statement = None
    clock.now += 61
    assert plugin.admin_init().changes == ("Created table wp_wch_carts",)
    assert plugin.admin_init().outcome == "current"


@pytest.mark.families("sqlite")
def test_a_verification_that_could_not_be_done_is_done_by_the_next_call(
    installed: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = Plugin(installed.database)

    def unreachable(check: VersionCheck, names: Sequence[str]) -> tuple[str, ...]:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(VersionCheck, "missing", unreachable)
    with pytest.raises(DatabaseUnavailable):
        plugin.admin_init()
    monkeypatch.undo()
    Damage(installed).sql("DROP TABLE {carts}")
    assert plugin.admin_init().changes == ("Created table wp_wch_carts",)


def test_many_threads_verify_once(installed: LiveDatabase, clock: Clock) -> None:
    plugin = Plugin(installed.url, clock=clock)
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def call() -> None:
        barrier.wait()
        try:
            outcomes.append(plugin.admin_init().outcome)
        finally:
            plugin.database.close()

    with installed.statements() as seen:
        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == ["current"] * 8
    verifications = [sql for sql in seen if "sqlite_master AS there" in sql or "information_schema.TABLES" in sql]
    assert len(verifications) == 1


@pytest.mark.families("mariadb", "mysql")
def test_a_database_that_is_gone_is_one_line(installed: LiveDatabase) -> None:
    plugin = Plugin(installed.url.replace(installed.name, f"{installed.name}_gone"))
    with pytest.raises(DatabaseUnavailable) as caught:
        plugin.admin_init()
    assert "\n" not in str(caught.value)


def test_after_uninstall_it_would_install_again(installed: LiveDatabase) -> None:
    """WordPress no longer calls admin_init once the plugin is removed."""
    plugin = Plugin(installed.database, remove_data=True)
    plugin.admin_init()
    plugin.uninstall()
    assert plugin.admin_init().outcome == "installed"
