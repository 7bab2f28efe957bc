"""A lock whose holder is gone is freed, "busy" says how to free it, and looking waits no longer than running."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import peewee
import pymysql
import pytest
from pymysql.cursors import SSCursor

from tests.support.accounts import account
from tests.support.bound import bound
from tests.support.command import wch
from tests.support.concurrency import eventually, running
from tests.support.databases import LiveDatabase
from tests.support.proxy import Fault, Proxy
from tests.support.servers import PrivateServer
from wch_peewee import Busy, Cart, DatabaseManager, DatabaseUnavailable, Plugin
from wch_peewee.database import driver
from wch_peewee.database.connect import connect, dedicated, open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution import lock
from wch_peewee.execution.lock import lock_name

pytestmark = pytest.mark.families("mysql", "mariadb")


class Working:
    """A run that stays ahead of its first statement, as in a long step of Python, until it is ``released``."""

    def __init__(self, url: str) -> None:
        self._reached, self._released = threading.Event(), threading.Event()
        self._manager = DatabaseManager(url)
        self._manager.before_statement = self._stay
        self.ending: Any = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._reached.wait(60)

    def _stay(self, statement: object) -> None:
        self._reached.set()
        assert self._released.wait(60)

    def _run(self) -> None:
        try:
            self.ending = self._manager.install().outcome
        except Exception as error:
            self.ending = error

    def release(self) -> Any:
        self._released.set()
        self._thread.join()
        return self.ending


# --- the holder of the lock


def test_a_run_that_works_in_python_for_longer_keeps_its_lock(
    database: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "IDLE", 1)
    first = Working(database.url)
    with pytest.raises(Busy, match="another run"):
        DatabaseManager(database.url, patience=3).install()
    assert first.release() == "installed"
    assert [thread.name for thread in threading.enumerate() if thread.name == "wch-heartbeat"] == []


def test_the_lock_of_a_machine_that_is_gone_is_freed(database: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket stays open, and nothing comes any more."""
    monkeypatch.setattr(lock, "IDLE", 2)
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 0.3)
    with Proxy(database.address) as proxy:
        first = Working(proxy.url(database.name))
        with pytest.raises(Busy, match="another run"):
            DatabaseManager(database.url, patience=0).install()
        proxy.strike(Fault("stall"))
        assert DatabaseManager(database.url, patience=30).install().outcome == "installed"
        ending = first.release()
    assert isinstance(ending, Busy), ending
    assert "the connection that held the migration lock is gone" in str(ending)


@contextmanager
def held(database: LiveDatabase, *statements: str) -> Iterator[peewee.Database]:
    """Hold the lock on a connection that has run the statements since."""
    other = database.connect()
    assert other.execute_sql("SELECT GET_LOCK(%s, 0)", (lock_name(database.name, "wp_"),)).fetchone() == (1,)
    for statement in statements:
        other.execute_sql(statement)
    yield other
    other.close()


def test_busy_names_the_holder_and_what_frees_the_lock(database: LiveDatabase) -> None:
    with held(database) as other:
        number = other.connection().thread_id()
        result = wch("activate", "--timeout", "0", "--quiet", database=database.url)
        assert (result.code, len(result.err.splitlines())) == (3, 1)
        words = (
            rf"another run, connection {number} \(root@\S+, idle for \d+ s\), is upgrading wp_wch_\*; waited 0 seconds"
        )
        found = re.search(
            rf"{words}; if its process is gone, this frees the lock: (KILL {number})$", result.err.strip()
        )
        assert found, result.err
        database.execute(found[1])
    assert wch("activate", database=database.url).code == 0


def test_busy_says_what_the_holder_does_without_its_values(database: LiveDatabase) -> None:
    statement = "SELECT SLEEP(60), 'it''s a \\'secret', \"secret\" FROM t"
    database.execute("CREATE TABLE t (id INT)")
    database.execute("INSERT INTO t VALUES (1)")
    with held(database) as other:
        connection = other.connection()
        number = connection.thread_id()
        busy = threading.Thread(target=lambda: _until_killed(connection, statement))
        busy.start()
        eventually(lambda: running(database, "SELECT SLEEP"))
        with pytest.raises(Busy, match=r"busy with SELECT SLEEP\(60\), \?+, \? FROM t for \d+ s\)") as caught:
            DatabaseManager(database.url, patience=0).install()
        assert "secret" not in str(caught.value)
        database.execute(f"KILL {number}")
        busy.join()


def _until_killed(connection: Any, statement: str) -> None:
    with pytest.raises(pymysql.MySQLError), connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_account_that_may_not_see_the_holder_is_told_its_number(database: LiveDatabase) -> None:
    with held(database) as other, account(database, "ALL PRIVILEGES") as limited:
        number = other.connection().thread_id()
        words = rf"another run, connection {number}, is upgrading .*: KILL {number}$"
        with pytest.raises(Busy, match=words):
            DatabaseManager(limited.url(database.name), patience=0).install()


def test_an_account_that_may_not_see_who_blocks_is_told_what_it_lacks(site: LiveDatabase) -> None:
    site.execute("DROP INDEX expires_at ON wp_wch_carts")
    needed = r"PROCESS ON \*\.\*" if site.family == "mariadb" else r"SELECT ON performance_schema\.\*"
    with closing(site.connect()) as other, other.atomic(), account(site, "ALL PRIVILEGES") as limited:
        other.execute_sql("SELECT * FROM wp_wch_carts")
        manager = DatabaseManager(limited.url(site.name), patience=0.5)
        with pytest.raises(Busy, match=rf"locked wp_wch_carts .*this account may not see which: GRANT {needed} TO"):
            manager.install()


def test_a_heartbeat_disturbs_no_statement(database: LiveDatabase) -> None:
    own = open_database(parse_url(database.url))
    with closing(own):
        own.execute_sql("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)")
        own.execute_sql("INSERT INTO t VALUES (), (), ()")
        connection = own.connection()
        cursor = own.execute_sql("INSERT INTO t VALUES ()")
        connection.beat(0)
        assert connection.insert_id() == cursor.lastrowid == 4
        rows = connection.cursor(SSCursor)
        rows.execute("SELECT id FROM t ORDER BY id")
        assert rows.fetchone() == (1,)
        connection.beat(0)
        assert rows.fetchall() == [(2,), (3,), (4,)]
        rows.close()
        assert own.execute_sql("SELECT COUNT(*) FROM t").fetchone() == (4,)


def test_a_sign_of_life_comes_from_the_connection_that_works(database: LiveDatabase) -> None:
    own = open_database(parse_url(database.url))
    with closing(own):
        connection = own.connection()
        number = connection.thread_id()
        assert connection.is_alive(0.001)  # idle: it answers a ping
        with ThreadPoolExecutor(1) as pool:
            sleeping = pool.submit(own.connection().query, "SELECT SLEEP(60)")
            eventually(lambda: number in running(database, "SELECT SLEEP"))
            assert connection.is_alive(0.001)  # at work, as the server says on another connection
            database.execute(f"KILL {number}")
            with pytest.raises(pymysql.MySQLError):
                sleeping.result()
        assert not connection.is_alive(60)


# --- tables that somebody has locked


def test_an_applications_own_statement_does_not_wait_for_ever(
    site: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wch_peewee.database.driver.TABLE_WAIT", 1)
    plugin = Plugin(site.url)
    with closing(site.connect()) as other:
        other.execute_sql("LOCK TABLES wp_options WRITE, wp_wch_carts WRITE")
        with pytest.raises(Busy, match="another session held a lock for too long"):
            plugin.admin_init()
        with bound(plugin.database, plugin.prefix), pytest.raises(peewee.OperationalError, match="1205"):
            Cart.select().count()
        plugin.database.close()


@pytest.mark.parametrize(
    "command",
    ["status", "check", "plan", "activate", "migrate", "repair", "rollback --yes", "uninstall --yes"],
)
def test_a_command_waits_for_a_locked_table_as_long_as_it_is_told(site: LiveDatabase, command: str) -> None:
    with closing(site.connect()) as other:
        other.execute_sql("LOCK TABLES wp_options WRITE")
        number = other.connection().thread_id()
        result = wch(*command.split(), "--timeout", "1", "--quiet", database=site.url, WCH_REMOVE_DATA="true")
    assert (result.code, len(result.err.splitlines())) == (3, 1), result
    words = rf"another session has locked wp_options for \d+ seconds \(.*connection {number} \(root@"
    assert re.search(words, result.err), result.err


def test_a_table_that_is_freed_in_time_is_read(site: LiveDatabase) -> None:
    with closing(site.connect()) as other:
        other.execute_sql("LOCK TABLES wp_options WRITE, wp_wch_migratehistory WRITE")
        connection = other.connection()
        release = threading.Timer(2, lambda: connection.query("UNLOCK TABLES"))
        release.start()
        assert DatabaseManager(site.url).status().is_current
        release.join()


# --- too many connections


@contextmanager
def crowded(database: LiveDatabase) -> Iterator[tuple[str, pymysql.Connection[Any]]]:
    """An account that may have one connection, and has it."""
    with account(database, "ALL PRIVILEGES") as limited:
        # With %% for PyMySQL: both hosts of the account.
        for host in ("%%", "localhost"):
            database.execute(f"ALTER USER '{limited.user}'@'{host}' WITH MAX_USER_CONNECTIONS 1")
        connection = limited.connection()
        try:
            yield limited.url(database.name), connection
        finally:
            if connection.open:
                connection.close()


def test_room_for_a_connection_is_waited_for(site: LiveDatabase) -> None:
    with crowded(site) as (url, connection):
        with pytest.raises(Busy, match=r"too many connections; waited 1 seconds \(.*max_user_connections"):
            DatabaseManager(url, patience=1).status()
        with pytest.raises(Busy, match="too many connections; waited 0 seconds"):
            DatabaseManager(url, patience=0).install()
        # An application's own does not wait.
        with pytest.raises(DatabaseUnavailable, match="max_user_connections"):
            Plugin(url).admin_init()
        threading.Timer(1, connection.close).start()
        assert DatabaseManager(url).status().is_current


def test_a_full_server_is_waited_for(own_server: PrivateServer) -> None:
    with own_server.address.connection() as first, first.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS full")
        cursor.execute("CREATE USER IF NOT EXISTS guest@'127.0.0.1'")
        cursor.execute("GRANT ALL ON full.* TO guest@'127.0.0.1'")
        cursor.execute("SET GLOBAL max_connections = 10")
        address = replace(own_server.address, user="guest")
        guests = []
        with pytest.raises(pymysql.OperationalError, match="Too many connections"):
            while True:
                guests.append(address.connection())
        manager = DatabaseManager(address.url("full"), patience=1)
        with pytest.raises(Busy, match=r"too many connections; waited 1 seconds \(Too many connections\)"):
            manager.install()
        for guest in guests:
            guest.close()
        assert manager.install().outcome == "installed"
        manager.database.close()
        cursor.execute("SET GLOBAL max_connections = DEFAULT")


def test_a_question_for_which_there_is_no_room_ends_nothing(
    site: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says so is alive."""
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 0.2)
    with crowded(site) as (url, connection):
        connection.close()
        own = dedicated(open_database(parse_url(url)), patience=60)
        with closing(own):
            connect(own)
            assert own.execute_sql("SELECT SLEEP(1.5)").fetchall() == ((0,),)


# --- the sockets


def test_a_statement_that_the_server_does_not_take_ends(
    database: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wch_peewee.database.connection._WRITING", 0.5)
    with Proxy(database.address) as proxy, closing(open_database(parse_url(proxy.url(database.name)))) as own:
        own.connect()
        proxy.strike(Fault("stall"))
        with pytest.raises(peewee.OperationalError, match=r"gone away.*timed out"):
            own.execute_sql("SELECT %s", ("x" * 2**25,))


def test_a_timeout_of_an_application_keeps_its_meaning(database: LiveDatabase) -> None:
    own = driver.ServerDatabase(database.name, **database.address.arguments(), read_timeout=1)
    with closing(own), pytest.raises(peewee.OperationalError, match="timed out"):
        own.execute_sql("SELECT SLEEP(30)")


def test_a_peer_that_is_gone_is_noticed_by_the_system(database: LiveDatabase) -> None:
    with closing(open_database(parse_url(database.url))) as own:
        sock = own.connection().sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


def test_over_a_unix_socket_a_working_server_is_waited_for_too(
    own_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 0.2)
    url = f"mysql://root@localhost/mysql?unix_socket={own_server.folder / 'socket'}"
    with closing(open_database(parse_url(url))) as own:
        assert own.execute_sql("SELECT SLEEP(1)").fetchall() == ((0,),)
