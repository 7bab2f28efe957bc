"""The test kit's own guarantees for a test that takes ``database``."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import LiveDatabase
from tests.support.engines import Engine, EngineError, choose_engines
from tests.support.servers import PrivateServer
from tests.support.statements import Statements


@pytest.mark.parametrize("turn", [1, 2])
def test_a_fresh_database_is_empty(database: LiveDatabase, turn: int) -> None:
    assert database.tables() == []
    database.execute("CREATE TABLE left_behind (id INTEGER PRIMARY KEY)")
    assert database.tables() == ["left_behind"]


def test_two_databases_of_one_engine_do_not_see_each_other(engine: Engine, tmp_path: Path) -> None:
    with engine.fresh(tmp_path) as one, engine.fresh(tmp_path) as other:
        with one.statements() as seen_by_one, other.statements() as seen_by_other:
            one.execute("CREATE TABLE here (id INTEGER PRIMARY KEY)")
            other.execute("SELECT 2")
        assert (one.tables(), other.tables()) == (["here"], [])
        assert (len(seen_by_one.ddl), len(seen_by_other.ddl)) == (1, 0)
        assert seen_by_other.selects == ["SELECT 2"]


def test_a_database_is_gone_afterwards_whatever_was_left_open(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), engine.fresh(tmp_path) as database:
        database.execute("CREATE TABLE held (id INTEGER PRIMARY KEY)")
        other = database.connect()
        other.begin()
        other.execute_sql("SELECT * FROM held")
        raise ZeroDivisionError
    if engine.family != "sqlite":
        with engine.address().connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", [database.name])
            assert cursor.fetchall() == ()


def test_values_and_parameters_pass_through(database: LiveDatabase) -> None:
    assert database.execute("SELECT %s, %s", [7, "crêpe 🥞"]) == [(7, "crêpe 🥞")]


def test_connect_gives_an_independent_connection(database: LiveDatabase) -> None:
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    other = database.connect()
    with database.database.atomic():
        database.execute("INSERT INTO t VALUES (1)")
        assert list(other.execute_sql("SELECT * FROM t")) == []
    assert list(other.execute_sql("SELECT * FROM t")) == [(1,)]


def test_statements_are_those_of_the_block_on_every_connection(database: LiveDatabase) -> None:
    def select_in_a_thread() -> None:
        own = database.connect()
        own.execute_sql("SELECT 'thread'")
        own.close()

    earlier = database.connect()
    database.execute("SELECT 'before'")
    with database.statements() as seen:
        database.execute("SELECT 'inside'")
        earlier.execute_sql("CREATE TABLE one (id INTEGER PRIMARY KEY)")
        thread = threading.Thread(target=select_in_a_thread)
        thread.start()
        thread.join()
        earlier.execute_sql("INSERT INTO one VALUES (1)")
    database.execute("SELECT 'after'")
    assert seen.selects == ["SELECT 'inside'", "SELECT 'thread'"]
    assert seen.ddl == ["CREATE TABLE one (id INTEGER PRIMARY KEY)"]
    assert seen.writes == [*seen.ddl, "INSERT INTO one VALUES (1)"]


def test_statements_of_a_failed_block_are_kept(database: LiveDatabase) -> None:
    with pytest.raises(ZeroDivisionError), database.statements() as seen:
        database.execute("SELECT 1")
        raise ZeroDivisionError
    assert seen.selects == ["SELECT 1"]


@pytest.mark.families("mysql", "mariadb")
def test_statements_of_another_process_are_seen_on_servers(database: LiveDatabase) -> None:
    program = """
import sys
from playhouse.db_url import connect
database = connect(sys.argv[1])
database.execute_sql("SELECT 42")
database.close()
"""
    with database.statements() as seen:
        subprocess.run([sys.executable, "-c", program, database.url], check=True)
    assert seen.selects == ["SELECT 42"]


@pytest.mark.families("mysql", "mariadb")
def test_the_general_log_is_as_it_was(database: LiveDatabase) -> None:
    def settings() -> list[tuple[Any, ...]]:
        return database.execute("SELECT @@global.general_log, @@global.log_output")

    def settings_of_nobody() -> list[tuple[Any, ...]]:
        """Read the settings while no other worker has the log switched on."""
        assert database.execute("SELECT GET_LOCK('wch_test_general_log', 300)") == [(1,)]
        try:
            return settings()
        finally:
            database.execute("SELECT RELEASE_LOCK('wch_test_general_log')")

    before = settings_of_nobody()
    with database.statements():
        assert settings() == [(1, "TABLE")]
    assert settings_of_nobody() == before


def test_the_first_word_is_found_behind_comments_and_brackets() -> None:
    seen = Statements(["/* why */ (select 1)", "  Alter table t", "", "/* only */"])
    assert (len(seen.selects), len(seen.ddl)) == (1, 1)


def test_a_private_server_survives_being_killed(private_server: PrivateServer) -> None:
    address = private_server.address
    with address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE kept")
        cursor.execute("CREATE TABLE kept.t (id INTEGER PRIMARY KEY)")
        cursor.execute("INSERT INTO kept.t VALUES (1)")
    private_server.kill()
    private_server.start()
    assert private_server.address == address
    with address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kept.t")
        assert cursor.fetchall() == ((1,),)
    private_server.stop()
    private_server.remove()
    assert not private_server.folder.exists()


def test_a_private_server_leaves_the_temporary_tables_of_others_alone(
    private_server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A starting server removes #sql* from its tmpdir, and so does its installer: another server may be using them."""
    others = tmp_path / "#sql-temptable-1-2-3.MAI"
    others.touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with PrivateServer(private_server.program):
        assert others.exists()


@pytest.mark.parametrize(
    ("servers", "asked", "message"),
    [
        ("", "oracle", "engine oracle was asked for and is not there"),
        ("far=mysql://root:secret@127.0.0.1:1", "", "engine far was asked for and cannot be reached"),
        ("far=mysql://root:secret@127.0.0.1:1", "sqlite,far", "engine far was asked for and cannot be reached"),
        ("far=mysql://root@127.0.0.1:1", "mysql", "engine far was asked for and cannot be reached"),
        ("far=mysql://root@127.0.0.1:1", "near", "engine near was asked for and is not there"),
        ("mysql://root@127.0.0.1", "", "WCH_TEST_SERVERS has the form"),
        ("a=postgres://root@127.0.0.1", "", "WCH_TEST_SERVERS, a: a server is given as"),
        ("a=mysql://h:x", "", "WCH_TEST_SERVERS, a: a server is given as"),
    ],
)
def test_an_engine_that_was_asked_for_and_is_not_there_is_an_error(servers: str, asked: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        choose_engines(servers, asked)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_engines_are_picked_by_name_and_what_is_left_out_is_said() -> None:
    engines, left_out = choose_engines("far=mysql://root@127.0.0.1:1", "sqlite")
    assert [engine.name for engine in engines] == ["sqlite"]
    assert left_out == ["mariadb: not tested (was not asked for)", "mysql: not tested (was not asked for)"]
