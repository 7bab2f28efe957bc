"""One upgrader at a time for each (database, prefix): fifty processes, ten threads, and those that die meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.crowd import Say, Worker, all_at_once, eventually, running
from tests.databases import LiveDatabase
from tests.engines import Engine
from tests.populate import populate
from tests.snapshots import columns, definition, schema
from wch_peewee import BroadcastCampaign, Busy, CustomerProfile, DatabaseManager, Plugin, WchError
from wch_peewee.database import ServerDatabase
from wch_peewee.migrate.folder import MigrationFolder
from wch_peewee.migrate.lock import lock_name
from wch_peewee.migrate.router import MigrationRouter
from wch_peewee.migrations_folder import migrations_folder
from wch_peewee.schema.statements import Statement
from wch_peewee.workspace import open_workspace

ROOT = Path(__file__).parents[2]
CHAIN = Path(__file__).parent.parent / "chain"
CROWD = 50
NEWEST = "2.0.1"

#: Tables that the chain leaves as they are: the models of the others are those of version 1.0.0.
SETTLED = (CustomerProfile, BroadcastCampaign)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The shipped first migration, and the chain's six behind it."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in (migrations_folder() / "001_initial_schema.py", *CHAIN.glob("0*.py")):
        shutil.copy(file, folder)
    return folder


def plugin(database: LiveDatabase, chain: Path, **options: Any) -> Plugin:
    return Plugin(database.url, migrations=chain, models=SETTLED, **options)


def manager(database: LiveDatabase, chain: Path, **options: Any) -> DatabaseManager:
    return DatabaseManager(database.url, migrations=chain, models=SETTLED, **options)


def empty(database: LiveDatabase, chain: Path) -> None:
    """Nothing is there."""


def old(database: LiveDatabase, chain: Path, prefix: str = "wp_") -> None:
    """Version 1.0.0 with rows; six migrations are pending."""
    DatabaseManager(database.url, prefix=prefix).run_migrations()
    populate(database, prefix=prefix)


def damaged(database: LiveDatabase, chain: Path) -> None:
    """The newest version with rows, and without a table, a key and an index that belong there."""
    old(database, chain)
    manager(database, chain).install()
    database.execute("DROP TABLE wp_wch_broadcast_campaigns")
    sqlite = database.family == "sqlite"
    database.execute("DROP INDEX " + ("wp_wch_customer_profiles_phone" if sqlite else "phone ON wp_wch_customer_profiles"))


STATES = [empty, old, damaged]


def contents(database: LiveDatabase, prefix: str = "wp_") -> dict[str, list[Any]]:
    """The rows of the old database, by the names that they have before and after."""
    there = database.tables()
    if f"{prefix}wch_messages" not in there:
        return {}
    moved = f"{prefix}wch_message_bodies" in there
    of_messages = (f"{prefix}wch_message_bodies", "message_id, content") if moved else (f"{prefix}wch_messages", "id, content")
    agent = "agent_id" if moved else "assigned_agent_id"
    return {
        "conversations": columns(database, f"{prefix}wch_conversations", f"id, customer_phone, context, {agent}, created_at"),
        "messages": columns(database, f"{prefix}wch_messages", "id, conversation_id, direction, wa_message_id, created_at"),
        "bodies": columns(database, *of_messages),
        "carts": columns(database, f"{prefix}wch_carts", "*"),
        "profiles": columns(database, f"{prefix}wch_customer_profiles", "*"),
        "queue": columns(database, f"{prefix}wch_sync_queue", "*"),
    }


def assert_whole(database: LiveDatabase, chain: Path, rows: dict[str, list[Any]], prefix: str = "wp_") -> None:
    """One history row for each migration, the newest version, the schema of an undisturbed run, and the rows."""
    history = database.execute(f"SELECT name FROM {prefix}wch_migratehistory ORDER BY id")
    assert history == [(name,) for name in MigrationFolder(chain).names]
    option = database.execute(f"SELECT option_value FROM {prefix}options WHERE option_name = 'wch_db_version'")
    assert option == [(NEWEST,)]
    manager(database, chain, prefix="undisturbed_").install()
    tables = schema(database)
    undisturbed = {
        name.replace("undisturbed_", prefix): text.replace("undisturbed_", prefix)
        for name, text in tables.items()
        if name.startswith("undisturbed_")
    }
    assert {name: text for name, text in tables.items() if name.startswith(prefix)} == undisturbed
    if rows:
        assert contents(database, prefix) == rows


# --- a crowd


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("call", ["activate", "admin_init"])
def test_of_fifty_processes_one_upgrades(
    database: LiveDatabase, chain: Path, call: str, state: Callable[[LiveDatabase, Path], None]
) -> None:
    state(database, chain)
    rows = contents(database)

    def act() -> str:
        return str(getattr(plugin(database, chain, patience=120), call)().outcome)

    endings = Counter(all_at_once(CROWD, act))
    assert endings == {"installed" if state is empty else "upgraded": 1, "current": CROWD - 1}
    assert_whole(database, chain, rows)


def test_those_with_little_patience_come_back_busy_and_nothing_worse(database: LiveDatabase, chain: Path) -> None:
    old(database, chain)
    rows = contents(database)

    def act() -> str:
        mine = plugin(database, chain, patience=0)
        try:
            return str((mine.activate if os.getpid() % 2 else mine.admin_init)().outcome)
        except Busy:
            return "busy"

    endings = Counter(all_at_once(CROWD, act))
    assert endings["upgraded"] <= 1
    assert endings["upgraded"] + endings["current"] + endings["busy"] == CROWD, endings
    # The one who had the lock may have been kept out of a table by those who looked.
    plugin(database, chain).activate()
    assert_whole(database, chain, rows)


@pytest.mark.parametrize("shared", [True, False], ids=["one plugin", "a plugin each"])
@pytest.mark.parametrize("call", ["activate", "admin_init"])
def test_of_ten_threads_one_upgrades(database: LiveDatabase, chain: Path, call: str, shared: bool) -> None:
    old(database, chain)
    rows = contents(database)
    start = threading.Barrier(10)
    plugins = [plugin(database, chain)] * 10 if shared else [plugin(database, chain) for _ in range(10)]

    def act(mine: Plugin) -> str:
        start.wait()
        try:
            return str(getattr(mine, call)().outcome)
        finally:
            mine.database.close()

    with ThreadPoolExecutor(10) as pool:
        endings = Counter(pool.map(act, plugins))
    assert endings["upgraded"] == 1
    if shared and call == "admin_init":
        # The plugin looks for missing tables once for all of its threads, and a current version is enough for the others.
        assert endings["current"] == 9
    else:
        assert endings == {"upgraded": 1, "current": 9}
    assert_whole(database, chain, rows)


# --- two sites


class Held:
    """A run in a thread, held ahead of its first statement with the lock in its hand."""

    def __init__(self, run: DatabaseManager) -> None:
        self._held = threading.Event()
        self._released = threading.Event()
        run.before_statement = self._hold
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(run.install)
        assert self._held.wait(60)

    def _hold(self, statement: Statement) -> None:
        self._held.set()
        assert self._released.wait(60)

    @property
    def is_held(self) -> bool:
        return not self._future.done()

    def release(self) -> str:
        self._released.set()
        outcome = self._future.result().outcome
        self._pool.shutdown()
        return str(outcome)


@pytest.mark.families("mysql", "mariadb")
def test_two_prefixes_upgrade_side_by_side(database: LiveDatabase, chain: Path) -> None:
    for prefix in ("wp_", "wp_2_"):
        old(database, chain, prefix)
    rows = {prefix: contents(database, prefix) for prefix in ("wp_", "wp_2_")}
    first = Held(manager(database, chain))
    assert manager(database, chain, prefix="wp_2_", patience=0).install().outcome == "upgraded"
    with pytest.raises(Busy, match="another run"):
        manager(database, chain, patience=0).install()
    assert first.is_held
    assert first.release() == "upgraded"
    assert_whole(database, chain, rows["wp_2_"], "wp_2_")
    for table in (name for name in database.tables() if name.startswith(("wp_2_", "undisturbed_"))):
        assert "wp_" in definition(database, table) or "undisturbed_" in definition(database, table)
    assert contents(database) == rows["wp_"]


def test_two_databases_upgrade_side_by_side(
    database: LiveDatabase, chain: Path, engine: Engine, tmp_path: Path
) -> None:
    with engine.fresh(tmp_path) as other:
        old(database, chain)
        first = Held(manager(database, chain))
        assert manager(other, chain, patience=0).install().outcome == "installed"
        assert first.is_held
        assert first.release() == "upgraded"
        assert_whole(other, chain, {})
    assert_whole(database, chain, contents(database))
