"""A host built on pluggy: it adds the specification, registers a Plugin, and calls the hooks."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pluggy
import pytest

from tests.support.databases import LiveDatabase
from tests.support.expected_schema import DECLARED
from wch_peewee import DatabaseManager, Plugin, hookspecs
from wch_peewee.install import hooks

TABLES = [f"wp_wch_{key}" for key in DECLARED]


def host(*plugins: object) -> pluggy.PluginManager:
    manager = pluggy.PluginManager("wch")
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    manager.check_pending()
    return manager


def test_the_markers_are_those_that_pluggy_makes() -> None:
    """They are written by hand, so that pluggy is optional."""

    def hook() -> None:
        pass

    ours, theirs = hookspecs.hookimpl(hook).wch_impl, pluggy.HookimplMarker("wch")(hook).wch_impl
    assert ours == theirs
    ours, theirs = hookspecs.hookspec(hook).wch_spec, pluggy.HookspecMarker("wch")(hook).wch_spec
    assert ours == theirs


def test_a_host_installs_looks_after_and_removes(database: LiveDatabase) -> None:
    plugin = Plugin(database.url, remove_data=True)
    manager = host(plugin)
    (report,) = manager.hook.activate()
    assert report.outcome == "installed"
    assert [report.outcome for report in manager.hook.admin_init()] == ["current"]
    manager.hook.deactivate()
    assert DatabaseManager(database.url).status().missing_tables == ()
    (report,) = manager.hook.uninstall()
    ours = sorted([*TABLES, "wp_wch_migratehistory", "wp_wch_migrateledger"])
    assert (report.removed, sorted(report.tables)) == (True, ours)
    assert database.tables() == ["wp_options"]
    plugin.database.close()


def test_several_plugins_each_look_after_their_own(database: LiveDatabase) -> None:
    manager = host(*(Plugin(database.url, prefix=prefix, remove_data=prefix == "wp_") for prefix in ("wp_", "wp_2_")))
    assert [report.outcome for report in manager.hook.activate()] == ["installed", "installed"]
    assert sorted(report.removed for report in manager.hook.uninstall()) == [False, True]
    assert DatabaseManager(database.url, prefix="wp_2_").status().missing_tables == ()
    assert set(DatabaseManager(database.url).status().missing_tables) == set(TABLES)


def test_an_unregistered_plugin_is_left_out(database: LiveDatabase) -> None:
    plugin = Plugin(database.url)
    manager = host(plugin)
    manager.unregister(plugin)
    assert manager.hook.activate() == []
    assert database.tables() == []


@pytest.fixture
def in_the_environment(database: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> LiveDatabase:
    monkeypatch.setenv("WCH_DATABASE_URL", database.url)
    monkeypatch.setenv("WCH_TABLE_PREFIX", "env_")
    monkeypatch.setenv("WCH_REMOVE_DATA", "true")
    return database


def test_the_module_of_the_entry_point_works_on_what_the_environment_names(in_the_environment: LiveDatabase) -> None:
    manager = host(hooks)
    (report,) = manager.hook.activate()
    assert report.outcome == "installed"
    assert DatabaseManager(in_the_environment.url, prefix="env_").status().missing_tables == ()
    manager.hook.admin_init()
    with in_the_environment.statements() as seen:
        assert [report.outcome for report in manager.hook.admin_init()] == ["current"]
    asked = [sql for sql in seen.selects if sql != "SELECT 1 FROM sqlite_master LIMIT 1"]  # it connects each time
    assert len(asked) == 1, "it remembers between the calls"
    assert seen.writes == []
    manager.hook.deactivate()
    assert manager.hook.uninstall()[0].removed
    assert in_the_environment.tables() == ["env_options"]


def test_another_environment_is_another_installation(
    in_the_environment: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = host(hooks)
    manager.hook.activate()
    monkeypatch.setenv("WCH_TABLE_PREFIX", "env2_")
    monkeypatch.setenv("WCH_REMOVE_DATA", "false")
    assert [report.outcome for report in manager.hook.admin_init()] == ["installed"]
    assert not manager.hook.uninstall()[0].removed
    monkeypatch.setenv("WCH_TABLE_PREFIX", "env_")
    assert [report.outcome for report in manager.hook.admin_init()] == ["current"]


def test_the_entry_point_is_that_module(
    in_the_environment: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an installed distribution declares it, whether it is installed here or not."""
    setup = ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg")
    installed = tmp_path / "declared-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[wch]\n{setup['options.entry_points']['wch'].strip()}\n")
    monkeypatch.syspath_prepend(tmp_path)
    manager = host()
    assert manager.load_setuptools_entrypoints("wch") == 1
    assert manager.get_plugin("wch_peewee") is hooks
    assert [report.outcome for report in manager.hook.activate()] == ["installed"]


def test_the_sites_of_a_network_come_and_go(in_the_environment: LiveDatabase) -> None:
    manager = host(hooks, Plugin(in_the_environment.url, prefix="two_", remove_data=False))
    assert [report.outcome for report in manager.hook.site_created(blog_id=7)] == ["installed", "installed"]
    assert DatabaseManager(in_the_environment.url, prefix="env_7_").status().missing_tables == ()
    assert sorted(report.removed for report in manager.hook.site_deleted(blog_id=7)) == [False, True]
    assert DatabaseManager(in_the_environment.url, prefix="two_7_").status().missing_tables == ()
    assert len(DatabaseManager(in_the_environment.url, prefix="env_7_").status().missing_tables) == len(TABLES)


def test_the_hooks_connections_are_closed_when_the_process_ends(in_the_environment: LiveDatabase) -> None:
    """Python 3.13 warns of a SQLite connection that is never closed."""
    program = "from wch_peewee.install import hooks; hooks.activate(); hooks.admin_init()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
