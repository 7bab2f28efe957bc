"""Retries without a server: the check before each attempt, and which reads are repeated."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import peewee
import pytest
from pymysql.constants import SERVER_STATUS

from wch_peewee import Busy
from wch_peewee.database import connect, query
from wch_peewee.database.query import Connection, retry_aborted, retry_while_blocked, run_query
from wch_peewee.errors import duration
from wch_peewee.schema.base import Query
from wch_peewee.schema.mysql.base import MySQLBase


class Held:
    """An action that fails with a lock error for the first ``tries`` attempts."""

    def __init__(self, tries: int, *error: object) -> None:
        self.left = tries
        self.error = error or ("database is locked",)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise peewee.OperationalError(*self.error)
        return "done"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(query, "_PAUSE", (0.0, 0.0))


@pytest.fixture
def database() -> Iterator[peewee.Database]:
    database = peewee.SqliteDatabase(":memory:")
    database.connect()
    yield database
    database.close()


def attempt(action: Held, database: peewee.Database, lost_at: int = 0, patience: float = 60) -> tuple[str, int]:
    """Run the action; the lock is lost before attempt ``lost_at``. Return the result and the number of lock checks."""
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == lost_at:
            raise Busy("the lock was lost")

    done = retry_while_blocked(action, Connection.detect(database), tables=["t"], patience=patience, check=check)
    return done, looks


def test_the_lock_is_looked_at_ahead_of_each_try(database: peewee.Database) -> None:
    assert attempt(Held(3), database) == ("done", 4)


def test_a_lock_that_is_lost_while_it_waits_stops_it_before_the_next_try(database: peewee.Database) -> None:
    action = Held(3)
    with pytest.raises(Busy, match="the lock was lost"):
        attempt(action, database, lost_at=3)
    assert action.calls == 2


def test_without_patience_it_is_tried_once(database: peewee.Database) -> None:
    action = Held(1)
    with pytest.raises(Busy, match="has locked t for 0 seconds"):
        attempt(action, database, patience=0)
    assert action.calls == 1


def test_what_is_not_a_lock_is_not_tried_again(database: peewee.Database) -> None:
    calls: list[None] = []

    def action() -> None:
        calls.append(None)
        raise peewee.OperationalError("no such table: t")

    with pytest.raises(peewee.OperationalError, match="no such table"):
        retry_while_blocked(action, Connection.detect(database), tables=["t"], patience=60)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (0.5, "0.5 seconds"), (1, "1 second"), (1.0, "1 second"), (60.0, "60 seconds")],
)
def test_one_second_is_no_plural(seconds: float, words: str) -> None:
    assert duration(seconds) == words


# --- reads that a server breaks off

DEADLOCK = (1213, "Deadlock found when trying to get lock; try restarting transaction")


def test_a_read_that_is_broken_off_is_sent_again(database: peewee.Database) -> None:
    read = Held(3, *DEADLOCK)
    assert retry_aborted(read, database, MySQLBase()) == "done"
    assert read.calls == 4


def test_a_read_that_is_broken_off_each_time_comes_to_an_end(database: peewee.Database) -> None:
    read = Held(1_000, *DEADLOCK)
    with pytest.raises(peewee.OperationalError, match="Deadlock"):
        retry_aborted(read, database, MySQLBase())
    assert read.calls < 100


class Server(peewee.MySQLDatabase):
    """A server connection with a status; its first query fails with a deadlock."""

    def __init__(self, **status: int) -> None:
        super().__init__("shop")
        self._session = SimpleNamespace(**status)
        self.sent: list[str] = []

    def is_closed(self) -> bool:
        return False

    def close(self) -> bool:
        return True

    def connection(self) -> Any:
        return self._session

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        self.sent.append(sql)
        if len(self.sent) == 1:
            raise peewee.OperationalError(*DEADLOCK)
        return SimpleNamespace(fetchall=lambda: [("1.0.0",)])


_AUTOCOMMIT, _IN_TRANSACTION = SERVER_STATUS.SERVER_STATUS_AUTOCOMMIT, SERVER_STATUS.SERVER_STATUS_IN_TRANS


def test_with_autocommit_a_question_is_asked_again() -> None:
    server = Server(server_status=_AUTOCOMMIT)
    assert run_query(server, MySQLBase(), Query("SELECT 1")) == [("1.0.0",)]
    assert server.sent == ["SELECT 1", "SELECT 1"]


@pytest.mark.parametrize(
    "status",
    [{"server_status": _AUTOCOMMIT | _IN_TRANSACTION}, {"server_status": 0}, {}],
    ids=["in a transaction", "without autocommit", "a driver that does not tell"],
)
def test_where_more_may_be_lost_it_is_the_caller_s(status: dict[str, int]) -> None:
    """With autocommit off a transaction may have begun, and its writes are lost with the read."""
    server = Server(**status)
    with pytest.raises(peewee.OperationalError, match="Deadlock"):
        run_query(server, MySQLBase(), Query("SELECT 1"))
    assert server.sent == ["SELECT 1"]


@pytest.mark.parametrize("error", [(1205, "Lock wait timeout exceeded"), (2013, "Lost connection"), (1146, "No table")])
def test_another_error_of_a_read_is_the_caller_s(database: peewee.Database, error: tuple[int, str]) -> None:
    read = Held(1, *error)
    with pytest.raises(peewee.OperationalError, match=error[1]):
        retry_aborted(read, database, MySQLBase())
    assert read.calls == 1
