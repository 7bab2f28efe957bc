"""Record the statements that reach a database.

On servers the general log is read, which has the statements of every thread and process. On SQLite each connection
that this process opens through ``sqlite3.connect`` is traced; other processes are not seen.

    with database.statements() as seen:
        plugin.admin_init()
    assert seen.ddl == [] and len(seen.selects) == 1
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.addresses import ServerAddress


class Statements(list[str]):
    """The recorded statements in order; filled when the block ends."""

    def starting(self, *words: str) -> list[str]:
        """Return the statements whose first word, in capitals, is one of ``words``."""
        return [statement for statement in self if _first_word(statement) in words]

    @property
    def selects(self) -> list[str]:
        return self.starting("SELECT")

    @property
    def ddl(self) -> list[str]:
        return self.starting("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE")

    @property
    def writes(self) -> list[str]:
        """The statements that change a table or its rows."""
        return self.starting(
            "CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD"
        )


def _first_word(statement: str) -> str:
    text = statement.lstrip(" \t\r\n(")
    while text.startswith("/*") and not text.startswith(("/*!", "/*M!")):
        text = text.partition("*/")[2].lstrip(" \t\r\n(")
    return text.split(None, 1)[0].upper() if text else ""


# --- servers


class _LogSession:
    """The general log, switched on; shared by all open blocks of this process on one server."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self.blocks = 0
        self.read = 0
        self.connection = address.connection()
        self.guard = threading.RLock()
        # The switch is global: processes that test on the same server take turns.
        if self.query("SELECT GET_LOCK('wch_test_general_log', 300)") != ((1,),):
            raise RuntimeError("another process has been holding the server's general log for five minutes")
        ((self.output, self.was_on),) = self.query("SELECT @@global.log_output, @@global.general_log")
        self.query("SET GLOBAL log_output = 'TABLE'")
        self.query("SET GLOBAL general_log = ON")

    def query(self, sql: str, *params: Any) -> tuple[tuple[Any, ...], ...]:
        with self.guard, self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return tuple(cursor.fetchall())

    def connections_to(self, database: str) -> set[int]:
        return {row[0] for row in self.query("SHOW FULL PROCESSLIST") if row[3] == database}

    def close(self) -> None:
        try:
            self.query("SET GLOBAL general_log = %s", self.was_on)
            self.query("SET GLOBAL log_output = %s", self.output)
            # The table is a CSV file that is read from its beginning each time, to be counted, too: so this counts
            # what it has read itself. What was there before the first block is not known, and goes.
            _read[self.address] = _read.get(self.address, _MANY) + self.read
            if not self.was_on and _read[self.address] >= _MANY:
                self.query("TRUNCATE TABLE mysql.general_log")
                _read[self.address] = 0
        finally:
            self.connection.close()


#: To empty the log takes about as long as to read so many rows of it.
_MANY = 300
_read: dict[ServerAddress, int] = {}
_log_sessions: dict[ServerAddress, _LogSession] = {}
_log_sessions_guard = threading.RLock()


@contextmanager
def record_server(address: ServerAddress, database: str) -> Iterator[Statements]:
    """Record what the connections to this database send, also those opened during the block."""
    with _log_sessions_guard:
        session = _log_sessions.get(address) or _LogSession(address)
        _log_sessions[address] = session
        session.blocks += 1
    try:
        seen = Statements()
        begin, end = f"SELECT 'wch-begin-{uuid.uuid4()}'", f"SELECT 'wch-end-{uuid.uuid4()}'"
        ((since,),) = session.query("SELECT CAST(NOW(6) AS CHAR)")
        ids = session.connections_to(database)
        session.query(begin)
        try:
            yield seen
        finally:
            ids |= session.connections_to(database)
            session.query(end)
            rows = session.query(
                "SELECT thread_id, command_type, argument FROM mysql.general_log WHERE event_time >= %s", since
            )
            session.read += len(rows)
            log = [(row[0], row[1], _text(row[2])) for row in rows]
            seen.extend(_statements(log, ids, database, begin, end))
    finally:
        with _log_sessions_guard:
            session.blocks -= 1
            if session.blocks == 0:
                del _log_sessions[address]
                session.close()


def _statements(log: list[tuple[int, str, str]], ids: set[int], database: str, begin: str, end: str) -> Iterator[str]:
    texts = [text for _, _, text in log]
    if begin not in texts or end not in texts:
        raise RuntimeError("somebody else switched the server's general log off")
    ids = set(ids)
    for thread, command, text in log[texts.index(begin) + 1 : texts.index(end)]:
        if (command == "Connect" and f" on {database} " in text) or (command == "Init DB" and text == database):
            ids.add(thread)
        elif command in ("Query", "Execute") and thread in ids:
            yield text


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


# --- SQLite

_watched: dict[str, list[Statements]] = {}
_connect = sqlite3.connect


class _Connection(sqlite3.Connection):
    """A connection that warns if it is never closed, as in Python 3.13: such a test fails on every version."""

    def __del__(self) -> None:
        try:
            self.total_changes  # noqa: B018
        except sqlite3.ProgrammingError:
            return  # closed, or never opened
        warnings.warn(f"unclosed database in {self!r}", ResourceWarning, source=self, stacklevel=1)


def _traced_connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    if sys.version_info < (3, 13):
        kwargs.setdefault("factory", _Connection)
    connection: sqlite3.Connection = _connect(*args, **kwargs)
    if _watched:
        # A file name may be relative or a file: URI; SQLite knows what it opened.
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        if path in _watched:
            connection.set_trace_callback(lambda sql: _note(path, sql))
    return connection


def _note(path: str, sql: str) -> None:
    # What a trigger does is traced as a comment; nobody sent it.
    if not sql.startswith("--"):
        for seen in tuple(_watched.get(path, ())):
            seen.append(sql)


# peewee looks the function up in the module each time. An audit hook would be neater, but it sees the connection
# before it is ready.
sqlite3.connect = _traced_connect  # type: ignore[assignment]


@contextmanager
def watch_sqlite(path: Path) -> Iterator[None]:
    """Trace every new connection to this file during the block, for record_sqlite()."""
    _watched[str(path)] = []
    try:
        yield
    finally:
        del _watched[str(path)]


@contextmanager
def record_sqlite(path: Path) -> Iterator[Statements]:
    seen = Statements()
    _watched[str(path)].append(seen)
    try:
        yield seen
    finally:
        # By identity: equal lists are not the same block.
        _watched[str(path)] = [other for other in _watched[str(path)] if other is not seen]
