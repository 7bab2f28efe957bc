"""Actions in child processes, which can be held or killed with SIGKILL at one of their writes. Needs ``os.fork``."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Literal, NoReturn

import peewee as pw

from ..database.connection import ServerConnection
from ..errors import Busy, WchError

_WRITES = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "COMMIT", "WITH")

#: ``during``: the statement was sent to the server, its answer not yet read. SQLite has no such moment.
Moment = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a run: before, during or after the write with this number."""

    number: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} write {self.number}"


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a run: a statement that can change something, or a COMMIT, numbered from 1 in the order sent."""

    number: int
    sql: str

    def __str__(self) -> str:
        return " ".join(self.sql.split())


def is_write(sql: str) -> bool:
    """Return True if a statement can change something. A ``WITH`` may end in an UPDATE, so it counts."""
    return sql.lstrip().upper().startswith(_WRITES)


def watch(callback: Callable[[Point, Write], None]) -> None:
    """Call back before, during and after each write, for the rest of this process.

    Statements that bypass peewee's ``execute_sql`` and ``commit`` are not seen.
    """
    count = 0
    in_flight: Write | None = None
    database_class: Any = pw.Database
    connection_class: Any = ServerConnection
    execute, commit, read = database_class.execute_sql, database_class.commit, connection_class._read_query_result

    def around(call: Callable[..., Any], sql: str, *arguments: Any, **options: Any) -> Any:
        nonlocal count, in_flight
        count += 1
        write = Write(count, sql)
        callback(Point(write.number, "before"), write)
        in_flight = write
        try:
            result = call(*arguments, **options)
        finally:
            in_flight = None
        callback(Point(write.number, "after"), write)
        return result

    def execute_sql(database: pw.Database, sql: str, *arguments: Any, **options: Any) -> Any:
        if is_write(sql):
            return around(execute, sql, database, sql, *arguments, **options)
        return execute(database, sql, *arguments, **options)

    def commit_(database: pw.Database) -> Any:
        return around(commit, "COMMIT", database)

    def read_query_result(connection: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal in_flight
        if in_flight is not None:
            write, in_flight = in_flight, None
            callback(Point(write.number, "during"), write)
        return read(connection, *arguments, **options)

    database_class.execute_sql = execute_sql
    database_class.commit = commit_
    connection_class._read_query_result = read_query_result


#: The point before the child begins.
START = Point(0, "before")


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a child. ``kind`` is its class, ``busy`` and ``known`` are True for Busy and WchError."""

    kind: str
    text: str
    trace: str = ""
    busy: bool = False
    known: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"

    @property
    def full(self) -> str:
        """The error with its traceback, which a WchError does not need."""
        return str(self) if self.known else f"{self}\n{self.trace}"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a child, and the writes that it had begun by then."""

    killed: bool
    failure: Failure | None
    writes: tuple[Write, ...]


class Child:
    """A forked process that runs an action. It is killed at ``kill``, and stops at ``hold`` until ``go_on()``."""

    def __init__(self, action: Callable[[], object], *, kill: Point | None = None, hold: Point | None = None) -> None:
        self._writes: list[Write] = []
        self._failure: Failure | None = None
        self._held = self._ended = False
        self._ending: Ending | None = None
        fork = multiprocessing.get_context("fork")
        # The child sends each write, its failure, and None when it is held; any answer releases it.
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=_run, args=(theirs, action, kill, hold))
        with warnings.catch_warnings():
            # Python 3.12 and newer warn of threads in the parent; the child uses nothing that they might lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ending is None:
            self._process.kill()
            self.end()

    def reach_hold(self, timeout: float = 60) -> bool:
        """Wait until the child is held; return False if it ended or the time was up before."""
        deadline = time.monotonic() + timeout
        while not self._held and self._receive(deadline):
            pass
        return self._held

    def go_on(self) -> None:
        """Release a held child."""
        with contextlib.suppress(BrokenPipeError):
            self._pipe.send(None)

    def ends_within(self, seconds: float) -> bool:
        """Wait at most ``seconds`` for the end; return True if it came."""
        deadline = time.monotonic() + seconds
        while self._receive(deadline):
            pass
        return self._ended

    def end(self, timeout: float = 120) -> Ending:
        """Wait for the end. A child that takes longer than ``timeout`` seconds is killed, and this is its failure."""
        if self._ending is None:
            late = not self.ends_within(timeout)
            if late:
                self._process.kill()
                self._failure = Failure("Timeout", f"it had not ended after {timeout:g} seconds and was killed")
            self._process.join()
            self._pipe.close()
            status = self._process.exitcode or 0
            killed = status < 0 and not late
            if status > 0 and self._failure is None:
                self._failure = Failure("Exit", f"it ended with status {status}")
            self._ending = Ending(killed, self._failure, tuple(self._writes))
        return self._ending

    def _receive(self, deadline: float) -> bool:
        """Receive one message; return False if the child has ended or the time is up."""
        if self._ended or not self._pipe.poll(max(0, deadline - time.monotonic())):
            return False
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            self._ended = True
            return False
        if isinstance(message, Write):
            self._writes.append(message)
        elif isinstance(message, Failure):
            self._failure = message
        else:
            self._held = True
        return True


def _run(
    pipe: Connection[object, object], action: Callable[[], object], kill: Point | None, hold: Point | None
) -> NoReturn:
    """Run the action in the child, and send messages to its parent."""

    def wait() -> None:
        pipe.send(None)
        pipe.recv()

    def on_write(point: Point, write: Write) -> None:
        if point.moment == "before":
            pipe.send(write)
        if point == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if point == hold:
            wait()

    status = 1
    try:
        watch(on_write)
        if hold == START:
            wait()
        action()
        status = 0
    except BaseException as error:
        known = isinstance(error, WchError)
        pipe.send(Failure(type(error).__name__, str(error), traceback.format_exc(), isinstance(error, Busy), known))
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        # Not sys.exit, which would run the parent's atexit handlers and flush its files.
        os._exit(status)
