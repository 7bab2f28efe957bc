"""The lease with simulated database errors: busy, lost, and a cluster that stands still."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import peewee as pw
import pytest
from pymysql.constants import SERVER_STATUS

from wch_peewee.database import connect
from wch_peewee.database.query import Connection
from wch_peewee.errors import Busy
from wch_peewee.execution import lease as module
from wch_peewee.execution.lease import FREE, Lease, lease
from wch_peewee.models.namespace import WCH
from wch_peewee.schema.mysql.dialect import MySQLDialect

DEADLOCK = pw.OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")
LOCK_WAIT = pw.OperationalError(1205, "Lock wait timeout exceeded; try restarting transaction")
LOST = pw.OperationalError(2013, "Lost connection to MySQL server during query")
DENIED = pw.OperationalError(1142, "DELETE command denied to user 'wp'@'%' for table `db`.`wp_options`")
NO_QUORUM = pw.OperationalError(1047, "WSREP has not yet prepared node for application use")

OTHERS = "0123456789abcdef:7:4711:web2"


class Clock:
    """A clock that advances only while somebody sleeps or a statement is blocked."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Row:
    """The one row of the options table, with as much of peewee's Database as a lease uses."""

    def __init__(self, value: str | None = None) -> None:
        self.value = value
        self.sent: list[str] = []
        #: For a statement's first word: what happens in its place, one for each time; None is what it says.
        self.instead: dict[str, list[Exception | Callable[[], object] | None]] = {}
        self.connections = 0
        self._closed = True

    def is_closed(self) -> bool:
        return self._closed

    def in_transaction(self) -> bool:
        return False

    def connection(self) -> Any:
        return SimpleNamespace(server_status=SERVER_STATUS.SERVER_STATUS_AUTOCOMMIT)

    def connect(self) -> None:
        assert self._closed
        self.connections += 1
        self._closed = False

    def close(self) -> None:
        self._closed = True

    def execute_sql(self, sql: str, parameters: tuple[str, ...] = ()) -> Any:
        word = sql.split()[0]
        self.sent.append(word)
        happens = self.instead[word].pop(0) if self.instead.get(word) else None
        if isinstance(happens, Exception):
            raise happens
        if happens is not None:
            happens()
        return _Answer(self._changed(word, sql, parameters), self.value)

    def _changed(self, word: str, sql: str, parameters: tuple[str, ...]) -> int:
        if word in ("SELECT", "SET"):
            return 0
        assert WCH.lease_option in parameters
        if word == "INSERT":
            if self.value is not None:
                return 0
            self.value = parameters[1]
            return 1
        known = parameters[-1]
        fits = self.value is not None and (
            self.value.startswith(known.removesuffix("%")) if "LIKE" in sql else self.value == known
        )
        if fits:
            self.value = parameters[0] if word == "UPDATE" else None
        return int(fits)


class _Answer:
    def __init__(self, rowcount: int, value: str | None) -> None:
        self.rowcount = rowcount
        self._value = value

    def fetchone(self) -> tuple[str] | None:
        return None if self._value is None else (self._value,)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(connect, "time", clock)
    return clock


def leased(row: Row) -> Lease:
    return Lease(Connection(row, MySQLDialect("mariadb", (10, 11, 19))), "wp_options", WCH.lease_option)  # type: ignore[arg-type]


def held(row: Row) -> Lease:
    mine = leased(row)
    mine.acquire(ttl=20, timeout=60)
    return mine


def hold(row: Row) -> Any:
    connection = Connection(row, MySQLDialect("mariadb", (10, 11, 19)))  # type: ignore[arg-type]
    return lease(connection, "wp_options", WCH.lease_option, ttl=20, timeout=60)


@pytest.mark.parametrize("error", [DEADLOCK, LOCK_WAIT], ids=["deadlock", "lock wait"])
def test_a_lost_race_for_the_row_means_not_mine(error: Exception) -> None:
    row = Row()
    row.instead["INSERT"] = [error, error]
    held(row).check()
    assert row.sent.count("INSERT") == 3


def test_a_look_at_the_row_that_is_broken_off_is_made_again() -> None:
    row = Row()
    mine = held(row)
    row.instead = {"UPDATE": [DEADLOCK], "SELECT": [DEADLOCK]}
    mine.check()
    assert row.sent[-3:] == ["UPDATE", "SELECT", "SELECT"]


def test_a_certification_failure_of_the_takeover_means_not_mine() -> None:
    row = Row(OTHERS)
    row.instead["UPDATE"] = [DEADLOCK, DEADLOCK]
    held(row).check()
    assert row.sent.count("UPDATE") == 4  # two that failed, the takeover, and check() itself


def test_another_one_is_quicker_with_the_takeover() -> None:
    row = Row(OTHERS)
    row.instead["UPDATE"] = [lambda: setattr(row, "value", "fedcba9876543210:1:12:web3")]
    mine = leased(row)
    with pytest.raises(
        Busy, match=r"another run on this cluster \(process 12 on web3\) is upgrading; waited 3\d seconds"
    ):
        mine.acquire(ttl=20, timeout=30)


def test_any_other_error_is_one() -> None:
    row = Row()
    row.instead["INSERT"] = [DENIED]
    with pytest.raises(pw.OperationalError, match="denied"):
        held(row)


def test_a_beat_that_loses_to_a_certification_failure_is_no_loss() -> None:
    row = Row()
    mine = held(row)
    row.instead["UPDATE"] = [DEADLOCK]
    mine.check()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (OTHERS, "taken over by another run (process 4711 on web2); this run has stopped, run the command again"),
        (None, "taken over by another run; this run has stopped"),
        (FREE, "taken over by another run; this run has stopped"),
        ("1700000000", "taken over by another run; this run has stopped"),  # WordPress's own upgrader
    ],
)
def test_whoever_has_lost_it_is_told(value: str | None, words: str) -> None:
    row = Row()
    mine = held(row)
    row.value = value
    with pytest.raises(Busy) as caught:
        mine.check()
    assert words in str(caught.value)
    mine.release()
    assert row.value == value


def test_a_node_that_takes_no_statements_ends_the_run() -> None:
    row = Row()
    mine = held(row)
    row.instead["UPDATE"] = [NO_QUORUM]
    with pytest.raises(Busy, match=r"cannot be renewed \(WSREP has not yet prepared node .*\); run "):
        mine.check()


# --- waiting


def test_a_silent_holder_is_waited_for_and_then_taken_over(clock: Clock) -> None:
    row = Row(OTHERS)
    begun = clock.now
    held(row).check()
    assert 20 <= clock.now - begun < 21
    assert "INSERT" not in row.sent


def test_a_holder_that_lives_is_left_alone() -> None:
    beats = itertools.count()
    row = Row(OTHERS)
    row.instead["SELECT"] = [lambda: setattr(row, "value", f"0123456789abcdef:{next(beats)}:1:web2")] * 10000
    with pytest.raises(Busy):
        held(row)
    assert "UPDATE" not in row.sent


def test_a_standstill_of_the_cluster_is_not_silence(clock: Clock) -> None:
    """An ALTER of 1000 seconds blocks the SELECT; after it the holder's heartbeat continues."""
    row = Row(OTHERS)
    row.instead["SELECT"] = [
        None,
        lambda: clock.sleep(1000),
        lambda: setattr(row, "value", "0123456789abcdef:8:4711:web2"),
    ]
    mine = leased(row)
    with pytest.raises(Busy):
        mine.acquire(ttl=20, timeout=1010)
    assert "UPDATE" not in row.sent


def test_a_standstill_that_ends_our_statements_is_not_silence_either(clock: Clock) -> None:
    def stand_still() -> None:
        clock.sleep(30)
        raise LOCK_WAIT

    row = Row(OTHERS)
    row.instead["SELECT"] = [None, *[stand_still] * 5]
    mine = leased(row)
    with pytest.raises(Busy, match="process 4711 on web2"):
        mine.acquire(ttl=20, timeout=150)
    assert "UPDATE" not in row.sent


def test_a_free_one_is_taken_at_once(clock: Clock) -> None:
    row = Row(FREE)
    begun = clock.now
    held(row).check()
    assert clock.now == begun


# --- the connection


def test_a_lost_connection_is_made_again() -> None:
    row = Row()
    mine = held(row)
    row.instead["UPDATE"] = [LOST]
    mine.check()
    assert row.connections == 2
    assert row.sent.count("SET") == 2


def test_an_insert_whose_answer_was_lost_is_recognised() -> None:
    row = Row()

    def lose() -> None:
        row.value = None
        row._changed("INSERT", "INSERT", (WCH.lease_option, mine._next()))
        raise LOST

    row.instead["INSERT"] = [lose]
    mine = leased(row)
    mine.acquire(ttl=20, timeout=0.5)
    mine.check()


def test_it_is_renewed_only_while_the_server_works_for_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[Callable[[], object]] = []
    monkeypatch.setattr(module, "heartbeat", lambda beat, **_: beats.append(beat) or contextlib.nullcontext())
    row, alive = Row(), True
    connection = Connection(row, MySQLDialect("mariadb", (10, 11, 19)))  # type: ignore[arg-type]
    with lease(
        connection, "wp_options", WCH.lease_option, ttl=20, timeout=60, is_alive=lambda within: alive and within == 10
    ):
        before = row.value
        beats[0]()
        renewed = row.value
        assert renewed != before
        alive = False
        beats[0]()
        assert row.value == renewed


# --- the end


def test_it_is_given_back() -> None:
    row = Row()
    with hold(row) as mine:
        mine.check()
    assert row.value is None
    assert row.is_closed()


def test_giving_it_back_is_tried_again_after_a_deadlock() -> None:
    row = Row()
    row.instead["DELETE"] = [DEADLOCK, DEADLOCK]
    with hold(row):
        pass
    assert row.value is None


def test_an_account_that_may_not_delete_leaves_a_free_one() -> None:
    row = Row()
    row.instead["DELETE"] = [DENIED]
    with hold(row):
        pass
    assert row.value == FREE


def test_the_error_of_a_run_that_has_lost_it_is_about_that() -> None:
    row = Row()
    with pytest.raises(Busy, match="taken over by another run") as caught, hold(row):
        row.value = OTHERS
        raise ZeroDivisionError("the column was there already")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert row.value == OTHERS


@pytest.mark.parametrize("trouble", [None, NO_QUORUM, LOST], ids=["ours", "no quorum", "lost"])
def test_any_other_error_stays_what_it_is(trouble: Exception | None) -> None:
    row = Row()
    with pytest.raises(ZeroDivisionError), hold(row):
        row.instead["SELECT"] = [trouble]
        raise ZeroDivisionError
