"""A WordPress network: every site by its prefix, in spite of one that fails, and again after a kill."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.wordpress_folders import make_options
from wch_peewee import ConfigurationError, DatabaseManager, DatabaseUnavailable, MigrationFailed, Plugin
from wch_peewee.database.driver import ServerDatabase
from wch_peewee.install.network import Network
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.models.namespace import TABLES
from wch_peewee.progress import SiteStarted
from wch_peewee.testing.child import Child, Point

#: id, spam, deleted, archived
SITES = [(1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (4, 0, 1, 0), (5, 1, 0, 0), (6, 0, 0, 1), (12, 0, 0, 0)]
PREFIXES = ["wp_", "wp_2_", "wp_3_", "wp_12_"]


@pytest.fixture
def network(database: LiveDatabase) -> LiveDatabase:
    """Seven sites, three of them not in use; WordPress's own tables are there for the others."""
    make_options(database, *PREFIXES)
    database.execute(
        "CREATE TABLE wp_blogs (blog_id BIGINT NOT NULL PRIMARY KEY, site_id BIGINT NOT NULL DEFAULT 1, "
        "domain VARCHAR(200) NOT NULL, path VARCHAR(100) NOT NULL, "
        "spam INT NOT NULL, deleted INT NOT NULL, archived INT NOT NULL)"
    )
    for number, *flags in SITES:
        database.execute(
            "INSERT INTO wp_blogs (blog_id, domain, path, spam, deleted, archived) VALUES (%s, %s, %s, %s, %s, %s)",
            [number, "example.com", "/" if number == 1 else f"/s{number}/", *flags],
        )
    return database


def tables_of(prefix: str) -> list[str]:
    return [f"{prefix}options", *(f"{prefix}wch_{name}" for name in (*TABLES, "migratehistory", "migrateledger"))]


def test_every_site_in_use_gets_its_own_tables(network: LiveDatabase) -> None:
    plugin = Plugin(network.url)
    report = plugin.activate(network_wide=True)
    assert report.ok
    assert [(result.site.blog_id, result.site.prefix) for result in report.results] == list(
        zip([1, 2, 3, 12], PREFIXES, strict=True)
    )
    assert network.tables() == sorted(["wp_blogs", *(table for prefix in PREFIXES for table in tables_of(prefix))])
    for prefix in PREFIXES:
        version = network.execute(f"SELECT option_value FROM {prefix}options WHERE option_name = 'wch_db_version'")
        assert version == [("1.0.0",)]
    with network.statements() as seen:
        again = plugin.activate(network_wide=True)
    assert {result.report.outcome for result in again.results if result.report} == {"current"}
    assert seen.ddl == []
    plugin.database.close()


def test_all_sites_are_installed_over_one_connection(network: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new connection to a file reads its whole schema, the tables of all sites."""
    made = []
    for kind in (peewee.SqliteDatabase, ServerDatabase):

        def connect(self: Any, connect: Any = kind._connect) -> Any:
            made.append(self)
            return connect(self)

        monkeypatch.setattr(kind, "_connect", connect)
    assert Network(DatabaseManager(network.url)).install().ok
    assert len(made) == 1


def test_a_site_of_the_network_is_named_by_its_id(network: LiveDatabase) -> None:
    plugin = Plugin(network.url)
    plugin.activate(network_wide=True)
    plugin.site(2).models.Cart.create(customer_phone="+49", expires_at="2030-01-01 00:00:00", items=[])
    assert plugin.site(3).models.Cart.select().count() == 0
    assert network.execute("SELECT COUNT(*) FROM wp_2_wch_carts") == [(1,)]
    plugin.database.close()


def test_one_that_fails_does_not_keep_the_others(network: LiveDatabase) -> None:
    """A table of the second site cannot be repaired; the other sites are done."""
    DatabaseManager(network.url, prefix="wp_2_").run_migrations()
    network.execute("DROP TABLE wp_2_wch_messages")
    network.execute("CREATE TABLE wp_2_wch_messages (id BIGINT NOT NULL PRIMARY KEY)")
    network.execute("INSERT INTO wp_2_wch_messages (id) VALUES (1)")
    seen: list[SiteStarted] = []
    report = Network(DatabaseManager(network.url)).install(seen.append)
    assert [event.number for event in seen] == [1, 2, 3, 4]
    assert not report.ok
    (failure,) = report.failures
    assert failure.site.prefix == "wp_2_"
    assert [result.site.prefix for result in report.results if result.report] == ["wp_", "wp_3_", "wp_12_"]

    shown = wch("activate", "--network", database=network.url)
    assert shown.code == 2
    assert shown.out.splitlines()[-1] == "4 sites, 1 failed."
    assert [line.split()[1:3] for line in shown.out.splitlines()[1:5]] == [
        ["wp_", "current,"],
        ["wp_2_", "Error:"],
        ["wp_3_", "current,"],
        ["wp_12_", "current,"],
    ]
    document = json.loads(wch("activate", "--network", "--format", "json", database=network.url).out)
    assert (document["ok"], [site["error"] is None for site in document["sites"]]) == (False, [True, False, True, True])


def test_killed_half_way_it_is_repeated(network: LiveDatabase) -> None:
    network.close()
    url = network.url

    def activate() -> None:
        Plugin(url).activate(network_wide=True)

    with Child(activate, kill=Point(18, "after")) as child:
        assert child.end().killed
    with Child(activate) as child:
        assert child.end().failure is None
    status = Network(DatabaseManager(url)).status()
    assert [result.report.is_current for result in status.results if result.report] == [True] * 4


def test_a_server_that_is_gone_ends_it(network: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(manager: DatabaseManager) -> Any:
        if manager.prefix == "wp_2_":
            raise DatabaseUnavailable("cannot reach the server")
        raise MigrationFailed("no", migration="001", step=1, steps=1)

    monkeypatch.setattr(DatabaseManager, "install", install)
    report = Network(DatabaseManager(network.url)).install()
    assert [type(result.error) for result in report.results] == [MigrationFailed, DatabaseUnavailable]
    assert [site.blog_id for site in report.skipped] == [3, 12]
    assert not report.ok
    shown = wch("activate", "--network", database=network.url)
    assert (shown.code, shown.out.splitlines()[-1]) == (2, "2 sites, 2 failed, 2 not tried, for the same reason.")


def test_status_and_check_say_how_each_site_stands(network: LiveDatabase) -> None:
    for prefix in PREFIXES[:3]:
        DatabaseManager(network.url, prefix=prefix).install()
    network.execute("DROP TABLE wp_3_wch_carts")
    with network.statements() as seen:
        status = wch("status", "--network", database=network.url)
        check = wch("check", "--network", database=network.url)
    assert seen.writes == []
    assert (status.code, check.code) == (1, 1)
    assert [line.split(maxsplit=2)[2] for line in status.out.splitlines()[1:4]] == [
        "version 1.0.0",
        "version 1.0.0",
        "version 1.0.0; missing wp_3_wch_carts",
    ]
    assert "version none; pending 001_initial_schema" in status.out.splitlines()[4]
    assert [line.split(maxsplit=2)[2] for line in check.out.splitlines()[1:4]] == [
        "no differences",
        "no differences",
        "drift: Create table wp_3_wch_carts",
    ]
    assert wch("activate", "--network", database=network.url).code == 0
    assert wch("check", "--network", database=network.url).code == 0


def test_sites_come_and_go(network: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Plugin(network.url)
    with pytest.raises(ConfigurationError, match="table wp_7_options does not exist"):
        plugin.site_created(7)  # before WordPress has created it
    assert not [table for table in network.tables() if table.startswith("wp_7_")]
    make_options(network, "wp_7_")
    assert plugin.site_created(7).outcome == "installed"
    assert "wp_7_wch_carts" in network.tables()
    assert not plugin.site_deleted(7).removed
    assert "wp_7_wch_carts" in network.tables()
    monkeypatch.setenv("WCH_REMOVE_DATA", "true")
    network.execute("DROP TABLE wp_7_options")  # WordPress has dropped its own by then
    assert plugin.site_deleted(7).removed
    assert [table for table in network.tables() if table.startswith("wp_7_")] == []
    for main in (0, 1):
        with pytest.raises(ConfigurationError, match="main site"):
            plugin.site_deleted(main)
    with pytest.raises(ConfigurationError, match="whole number"):
        plugin.site_created(-1)
    plugin.database.close()


def test_the_whole_network_is_uninstalled_only_when_that_is_allowed(network: LiveDatabase) -> None:
    plugin = Plugin(network.url, remove_data=False)
    plugin.activate(network_wide=True)
    DatabaseManager(network.url, prefix="wp_4_").install()  # a site that is out of use, or somebody else's
    before = network.tables()
    assert not any(result.report.removed for result in plugin.uninstall(network_wide=True).results if result.report)
    assert network.tables() == before
    removed = wch("uninstall", "--network", "--yes", database=network.url, WCH_REMOVE_DATA="true")
    assert removed.code == 0
    assert [table for table in network.tables() if "wch_" in table] == [
        table for table in before if table.startswith("wp_4_wch_")
    ]
    plugin.database.close()


def test_a_row_of_blogs_without_tables_is_said_and_gets_none(network: LiveDatabase) -> None:
    """The row of a site that WordPress has not created, or has dropped; the other sites go on."""
    network.execute("DROP TABLE wp_3_options")
    network.execute("CREATE TABLE wp_posts (id BIGINT NOT NULL PRIMARY KEY)")
    before = [table for table in network.tables() if table.startswith("wp_3_")]
    for command in ("activate", "status", "check"):
        shown = wch(command, "--network", database=network.url)
        assert (shown.code, len(shown.out.splitlines())) == (78, 6)
        for line in shown.out.splitlines()[1:5]:
            assert ("table wp_3_options does not exist. WordPress's tables there have the prefix wp_;" in line) is (
                "wp_3_" in line
            )
            assert ("Error" in line) is ("wp_3_" in line)
    assert [table for table in network.tables() if table.startswith("wp_3_")] == before
    assert {f"{prefix}wch_carts" for prefix in ("wp_", "wp_2_", "wp_12_")} <= set(network.tables())
    alone = wch("activate", "--url", "example.com/s3", database=network.url)
    assert (alone.code, "table wp_3_options does not exist" in alone.err) == (78, True)
    assert wch("uninstall", "--network", "--yes", database=network.url, WCH_REMOVE_DATA="true").code == 0


def test_a_folder_of_migrations_that_is_wrong_is_said_for_each_site(network: LiveDatabase, tmp_path: Path) -> None:
    """Removing the tables needs no migrations, and works."""
    assert Network(DatabaseManager(network.url)).install().ok
    (tmp_path / "0001_x.py").touch()
    lost = Network(DatabaseManager(network.url, migrations=tmp_path, remove_data=True))
    for report in (lost.install(), lost.status(), lost.plan()):
        assert [type(result.error) for result in report.results] == [ConfigurationError] * len(PREFIXES)
    assert lost.uninstall().ok
    assert not [table for table in network.tables() if "wch" in table]


def test_migrations_that_vanish_meanwhile_are_said_for_each_site(network: LiveDatabase, tmp_path: Path) -> None:
    shutil.copytree(migrations_folder(), tmp_path, dirs_exist_ok=True)

    def deploy(event: SiteStarted) -> None:
        if event.number == 3:
            (tmp_path / "001_initial_schema.py").unlink()

    report = Network(DatabaseManager(network.url, migrations=tmp_path)).install(deploy)
    assert [result.error is None for result in report.results] == [True, True, False, False]
    assert "it was removed or its permissions changed" in str(report.results[2].error)


def test_without_a_network_it_is_said(database: LiveDatabase) -> None:
    with pytest.raises(ConfigurationError, match="Table wp_blogs does not exist: this is not a WordPress network"):
        Plugin(database.url).activate(network_wide=True)
    assert database.tables() == []


def test_a_site_is_picked_by_its_address(network: LiveDatabase) -> None:
    done = wch("activate", "--url", "https://example.com/s12", database=network.url)
    assert (done.code, "(prefix wp_12_)" in done.err) == (0, True)
    assert [table for table in network.tables() if "wch" in table] == sorted(tables_of("wp_12_")[1:])
    assert wch("status", "--url", "example.com/s12/", database=network.url).code == 0
    unknown = wch("activate", "--url", "example.com/nowhere", database=network.url)
    assert (unknown.code, unknown.out) == (78, "")
    assert unknown.err == "Error: The network has no site at example.com/nowhere/.\n"
