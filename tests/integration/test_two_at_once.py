"""One upgrade at a time for each (database, prefix): fifty processes, ten threads, and runs that die meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.concurrency import Send, Transaction, Worker, all_at_once, eventually, running
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.migration_chain import NEWEST, SETTLED
from tests.support.populate import populate
from tests.support.snapshots import columns, schema
from wch_peewee import Busy, DatabaseManager, Plugin, WchError
from wch_peewee.database.driver import ServerDatabase
from wch_peewee.execution.lock import lock_name
from wch_peewee.execution.session import run_session
from wch_peewee.migrate.folder import MigrationFolder
from wch_peewee.migrate.runner import MigrationRouter
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.statements import Statement

ROOT = Path(__file__).parents[2]
CROWD = 50
READ = "SELECT COUNT(*) FROM wp_wch_messages"


def plugin(database: LiveDatabase, chain: Path, **options: Any) -> Plugin:
    return Plugin(database.url, migrations=chain, models=SETTLED, **options)


def manager(database: LiveDatabase, chain: Path, **options: Any) -> DatabaseManager:
    return DatabaseManager(database.url, migrations=chain, models=SETTLED, **options)


def empty(database: LiveDatabase, chain: Path) -> None:
    """An empty database."""


def old(database: LiveDatabase, chain: Path, prefix: str = "wp_") -> None:
    """Version 1.0.0 with rows; six migrations are pending."""
    DatabaseManager(database.url, prefix=prefix).run_migrations()
    populate(database, prefix=prefix)


def damaged(database: LiveDatabase, chain: Path) -> None:
    """The newest version with rows, without one table and one unique index."""
    old(database, chain)
    manager(database, chain).install()
    database.execute("DROP TABLE wp_wch_broadcast_campaigns")
    sqlite = database.family == "sqlite"
    database.execute(
        "DROP INDEX " + ("wp_wch_customer_profiles_phone" if sqlite else "phone ON wp_wch_customer_profiles")
    )


#: What is called, and on what.
CROWDS = [
    pytest.param("activate", empty, id="activate, empty"),
    pytest.param("activate", old, id="activate, old"),
    pytest.param("admin_init", old, id="admin_init, old"),
    pytest.param("activate", damaged, id="activate, damaged", marks=pytest.mark.slow),
    pytest.param("admin_init", empty, id="admin_init, empty", marks=pytest.mark.slow),
    pytest.param("admin_init", damaged, id="admin_init, damaged", marks=pytest.mark.slow),
]


def contents(database: LiveDatabase, prefix: str = "wp_") -> dict[str, list[Any]]:
    """Return the rows of the old database, under the column names of either version."""
    there = database.tables()
    if f"{prefix}wch_messages" not in there:
        return {}
    moved = f"{prefix}wch_message_bodies" in there
    of_messages = (
        (f"{prefix}wch_message_bodies", "message_id, content") if moved else (f"{prefix}wch_messages", "id, content")
    )
    agent = "agent_id" if moved else "assigned_agent_id"
    return {
        "conversations": columns(
            database, f"{prefix}wch_conversations", f"id, customer_phone, context, {agent}, created_at"
        ),
        "messages": columns(
            database, f"{prefix}wch_messages", "id, conversation_id, direction, wa_message_id, created_at"
        ),
        "bodies": columns(database, *of_messages),
        "carts": columns(database, f"{prefix}wch_carts", "*"),
        "profiles": columns(database, f"{prefix}wch_customer_profiles", "*"),
        "queue": columns(database, f"{prefix}wch_sync_queue", "*"),
    }


def assert_whole(database: LiveDatabase, chain: Path, rows: dict[str, list[Any]], prefix: str = "wp_") -> None:
    """Assert one history row per migration, the newest version, the schema of an undisturbed run, and the rows."""
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
    ours = {name: text for name, text in tables.items() if name in undisturbed}
    assert ours == undisturbed
    if rows:
        assert contents(database, prefix) == rows


# --- a crowd


@pytest.mark.parametrize(("call", "state"), CROWDS)
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
    assert endings == {"upgraded": 1, "current": 9}
    assert_whole(database, chain, rows)


# --- two sites


class Held:
    """A run in a thread, held before its first statement with the lock."""

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
    assert_whole(database, chain, rows["wp_"])


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


def test_the_command_says_busy_in_one_line_and_ends_with_3(database: LiveDatabase) -> None:
    """The first run has the lock and waits for a reader; the second waits a second for the first.

    On SQLite, where the file itself is locked, the test has the lock.
    """
    DatabaseManager(database.url).install()
    sqlite = database.family == "sqlite"
    database.execute("DROP INDEX " + ("wp_wch_messages_created_at" if sqlite else "created_at ON wp_wch_messages"))
    begin = "BEGIN IMMEDIATE" if sqlite else "BEGIN"
    with Transaction(database, READ, begin) as other, command(database, "activate") as first:
        eventually(lambda: sqlite or holder(database) is not None)
        with command(database, "activate", "--timeout", "1") as second:
            out, err = second.communicate(timeout=60)
        still_waiting = first.poll() is None
        other.end()
        said = first.communicate(timeout=60)
    assert (second.returncode, out) == (3, "")
    assert err.startswith("Error: another")
    assert len(err.splitlines()) == 1
    assert still_waiting
    assert (first.returncode, said[1]) == (0, "")
    assert DatabaseManager(database.url).plan().is_empty


def command(database: LiveDatabase, *arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "wch_peewee", "--quiet", "--database", database.url, *arguments]
    return subprocess.Popen(line, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def holder(database: LiveDatabase, prefix: str = "wp_") -> int | None:
    """The connection that holds the lock."""
    with database.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT IS_USED_LOCK(%s)", [lock_name(database.name, prefix)])
        ((number,),) = cursor.fetchall()
    return None if number is None else int(number)


# --- those that die


def test_the_lock_of_a_killed_process_goes_to_the_next(database: LiveDatabase, chain: Path) -> None:
    old(database, chain)
    rows = contents(database)

    def act(send: Send) -> None:
        mine = manager(database, chain)

        def stop(statement: Statement) -> None:
            send("I have it")
            signal.pause()

        mine.before_statement = stop
        mine.install()

    with Worker(act) as worker:
        assert worker.receive() == "I have it"
        with pytest.raises(Busy):
            manager(database, chain, patience=0).install()
        worker.kill()
        assert manager(database, chain, patience=20).install().outcome == "upgraded"
    assert_whole(database, chain, rows)


@pytest.mark.families("mysql", "mariadb")
def test_a_killed_clients_waiting_alter_is_waited_for(database: LiveDatabase, chain: Path) -> None:
    """It waits for a reader. MySQL keeps it queued and runs it later; MariaDB drops it with its client."""
    old(database, chain)
    rows = contents(database)

    def act(send: Send) -> None:
        with run_session(ServerDatabase(database.name, **database.address.arguments()), our_names("wp_")) as context:
            # For longer than a second, so that it is still there when its client is not.
            context.database.execute_sql("SET SESSION lock_wait_timeout = 60")
            MigrationRouter(context, MigrationFolder(chain)).run()

    with Transaction(database, READ), Worker(act) as worker:
        (number,) = eventually(lambda: waiting_alters(database))
        worker.kill()
        if database.family == "mysql":
            assert waiting_alters(database) == [number]
            assert holder(database) == number
        with pytest.raises(Busy):
            manager(database, chain, patience=1).install()
    assert manager(database, chain, patience=20).install().outcome == "upgraded"
    assert running(database, "ALTER") == {}
    assert_whole(database, chain, rows)


def waiting_alters(database: LiveDatabase) -> list[int]:
    return [number for number, state in running(database, "ALTER").items() if state.startswith("Waiting for table")]


@pytest.mark.slow
@pytest.mark.families("mysql", "mariadb")
def test_a_killed_clients_running_alter_is_waited_for(database: LiveDatabase, chain: Path) -> None:
    """The server continues to copy the table; the lock is free only when that is done."""
    old(database, chain)
    names = "entity_type, entity_id, action, created_at"
    for _ in range(17):
        database.execute(f"INSERT INTO wp_wch_sync_queue ({names}) SELECT {names} FROM wp_wch_sync_queue")
    rows = contents(database)
    widening = "ALTER TABLE `wp_wch_sync_queue` MODIFY COLUMN `attempts`"
    with Worker(lambda send: manager(database, chain).install().outcome) as worker:
        (number,) = eventually(lambda: running(database, widening))
        worker.kill()
        assert list(running(database, widening)) == [number], "it was through too soon for this test"
        first_to_run: list[dict[int, str]] = []
        mine = manager(database, chain)
        mine.before_statement = lambda statement: first_to_run.append(running(database, widening))
        assert mine.install().outcome == "upgraded"
    assert not any(first_to_run)
    assert_whole(database, chain, rows)


@pytest.mark.families("mysql", "mariadb")
def test_a_lost_lock_stops_the_run_before_its_next_statement(
    database: LiveDatabase, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's connection is killed at each of its statements in turn; the run never reconnects by itself."""
    connects: list[object] = []
    connect = ServerDatabase._connect
    monkeypatch.setattr(ServerDatabase, "_connect", lambda self: connects.append(self) or connect(self))
    number, killed = 0, True
    while killed:
        number, killed, prefix = number + 1, False, f"s{number}_"
        old(database, chain, prefix)
        rows = contents(database, prefix)
        asked: list[str] = []

        def kill(statement: Statement, at: int = number, prefix: str = prefix, asked: list[str] = asked) -> None:
            nonlocal killed
            assert not killed, "it went on"
            asked.append(statement.sql)
            if len(asked) == at:
                killed = True
                database.execute(f"KILL {holder(database, prefix)}")

        mine = manager(database, chain, prefix=prefix)
        mine.before_statement = kill
        connects.clear()
        failure = ""
        try:
            mine.install()
        except WchError as error:
            failure = str(error)
        assert killed == ("the connection was lost" in failure or "connection that held" in failure), failure
        assert len(connects) == 1  # one, to look and to run
        mine.before_statement = None
        assert mine.install().outcome == ("upgraded" if killed else "current")
        assert_whole(database, chain, rows, prefix)
    assert number > 8


@pytest.mark.families("mysql", "mariadb")
def test_a_lock_that_was_let_go_stops_the_run(database: LiveDatabase, chain: Path) -> None:
    """The connection is open, but the lock is lost: also before rows are written."""
    old(database, chain)
    rows = contents(database)
    with run_session(database.connect(), our_names("wp_")) as context:
        context.database.execute_sql("SELECT RELEASE_LOCK(%s)", (lock_name(database.name, "wp_"),))
        before = schema(database)
        with pytest.raises(Busy, match="lost"):
            MigrationRouter(context, MigrationFolder(chain)).run()
        with pytest.raises(Busy, match="lost"):
            context.write(lambda: pytest.fail("it was written"), "wp_options")
    assert schema(database) == before
    assert manager(database, chain).install().outcome == "upgraded"
    assert_whole(database, chain, rows)


@pytest.mark.families("mysql", "mariadb")
def test_somebody_who_takes_no_lock_may_do_the_same_in_the_same_moment(database: LiveDatabase, chain: Path) -> None:
    """As PHP may: what is about to be added exists already."""
    old(database, chain)
    rows = contents(database)
    overtaken: list[str] = []

    def overtake(statement: Statement) -> None:
        if statement.sql not in overtaken and statement.sql.startswith(("CREATE", "ALTER")) and "ADD" in statement.sql:
            overtaken.append(statement.sql)
            database.execute(statement.sql.replace("%", "%%"))

    mine = manager(database, chain)
    mine.before_statement = overtake
    assert mine.install().outcome == "upgraded"
    assert len(overtaken) == 2  # a column and an index
    assert_whole(database, chain, rows)
