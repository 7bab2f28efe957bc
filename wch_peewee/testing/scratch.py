"""Scratch databases to examine migrations on: a SQLite file, or a database on a server; and their saved states."""

import contextlib
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import peewee as pw

from ..authoring.scratch import temporary_database
from ..database.connect import connected, open_database
from ..database.query import detect_dialect
from ..database.url import parse_url
from ..errors import ConfigurationError, DatabaseUnavailable
from .snapshots import quoted_name, table_names

SQLITE = "sqlite"


class ScratchDatabase:
    """A database that may be written to. It is connected only inside ``opened()``."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        with self.opened() as database:
            #: The engine and its version, for people.
            self.label = detect_dialect(database).label
            #: True for a server: statements travel there, so a client can die while one is under way.
            self.remote = not isinstance(database, pw.SqliteDatabase)

    @contextlib.contextmanager
    def opened(self) -> Iterator[pw.Database]:
        """Connect for the duration of the block. No connection may be open when a child process is forked."""
        with connected(open_database(parse_url(self.url))) as database:
            yield database

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[pw.Database]:
        """Connect once the server has ended the sessions of killed children: it finishes what they had sent.

        Raises DatabaseUnavailable after a minute.
        """
        with self.opened() as database:
            deadline = time.monotonic() + 60
            while self.remote and _others(database):
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable("A session of a killed child did not end within a minute.")
                time.sleep(0.01)
            yield database


def _others(database: pw.Database) -> bool:
    """Return True if another session of this account uses the same database."""
    own, name = database.execute_sql("SELECT CONNECTION_ID(), DATABASE()").fetchone()
    # Not information_schema.PROCESSLIST: on MySQL it fails while a session runs a statement with an emoji.
    sessions = database.execute_sql("SHOW FULL PROCESSLIST").fetchall()  # else it may cut a character
    return any(session[3] == name and session[0] != own for session in sessions)


def choose_engines(wanted: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the engines with these names; ``name=mysql://...`` is one of its own. None chooses all configured ones.

    These are SQLite and the servers of WCH_TEST_SERVERS, ``"mariadb=mysql://root@127.0.0.1:3306 mysql=..."``.
    Raises ConfigurationError for an unknown name, and for no name at all.
    """
    known = {engine.partition("=")[0]: engine for engine in (SQLITE, *os.environ.get("WCH_TEST_SERVERS", "").split())}
    if wanted is None:
        return tuple(known.values())
    chosen = []
    for name in wanted:
        if "=" not in name and name not in known:
            raise ConfigurationError(f"Unknown engine {name}; known: {', '.join(known)}. Name it in WCH_TEST_SERVERS.")
        chosen.append(known.get(name, name))
    if not chosen:
        raise ConfigurationError(f"No engine was given; known: {', '.join(known)}.")
    return tuple(chosen)


@contextlib.contextmanager
def scratch_database(engine: str) -> Iterator[ScratchDatabase]:
    """Create an empty database on an engine for the duration of the block. The account must be allowed to do that.

    Raises DatabaseUnavailable.
    """
    name, _, server = engine.partition("=")
    if not server:
        with tempfile.TemporaryDirectory(prefix="wch-examination-") as folder:
            yield ScratchDatabase(name, f"sqlite:///{Path(folder).resolve() / 'examined.db'}")
        return
    url = _with_database(server, f"wch_examination_{os.getpid()}_{secrets.token_hex(3)}")
    with temporary_database(parse_url(url)):
        yield ScratchDatabase(name, url)


def _with_database(server: str, name: str) -> str:
    parts = urlsplit(server)
    if parts.path.strip("/"):
        raise ConfigurationError("A server to examine on is given without a database: mysql://user@host:3306")
    return urlunsplit(parts._replace(path=f"/{name}"))


_GENERATED = ("VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT GENERATED")
#: Rows are restored unchanged: zero dates, zeros in counters, children before their parents.
_UNCHECKED = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, lock_wait_timeout = 60"


#: The CREATE statement of a table with its AUTO_INCREMENT, the columns that can be written, and the rows.
SavedTable = tuple[str, tuple[str, ...], tuple[tuple[Any, ...], ...]]
#: For SQLite a copy of the file beside it; else the tables by name, without views, triggers and routines.
SavedState = str | dict[str, SavedTable]


def save_state(database: pw.Database) -> SavedState:
    """Return the current state. It is restored once before: MySQL prints a table differently once it is recreated."""
    if isinstance(database, pw.SqliteDatabase):
        path = f"{database.database}.{secrets.token_hex(3)}.saved"
        with contextlib.closing(sqlite3.connect(path)) as copy:
            database.connection().backup(copy)
        return path
    saved: SavedState = {name: _read(database, name) for name in table_names(database)}
    _drop(database, list(saved))
    restore_state(database, saved)
    return {name: _read(database, name) for name in table_names(database)}


def restore_state(database: pw.Database, saved: SavedState) -> None:
    """Bring the database back to the saved state. On a server only the tables that differ are created again."""
    if isinstance(saved, str):
        database.execute_sql("PRAGMA synchronous = OFF")
        with contextlib.closing(sqlite3.connect(saved)) as copy:
            copy.backup(database.connection())
        return
    present = table_names(database)
    unchanged = {name for name in present if name in saved and _read(database, name) == saved[name]}
    _drop(database, [name for name in present if name not in unchanged])
    for name, table in saved.items():
        if name not in unchanged:
            _create(database, name, table)


def _drop(database: pw.Database, names: list[str]) -> None:
    database.execute_sql(_UNCHECKED)
    if names:
        database.execute_sql(f"DROP TABLE {', '.join(quoted_name(database, name) for name in names)}")


def _read(database: pw.Database, name: str) -> SavedTable:
    table = quoted_name(database, name)
    create = str(database.execute_sql(f"SHOW CREATE TABLE {table}").fetchone()[1])
    described = database.execute_sql(f"SHOW COLUMNS FROM {table}").fetchall()
    columns = tuple(str(row[0]) for row in described if not str(row[5]).upper().startswith(_GENERATED))
    listed = ", ".join(quoted_name(database, column) for column in columns)
    rows = database.execute_sql(f"SELECT {listed} FROM {table}").fetchall()
    return create, columns, tuple(sorted((tuple(row) for row in rows), key=repr))


def _create(database: pw.Database, name: str, table: SavedTable) -> None:
    create, columns, rows = table
    # Without parameters PyMySQL sends the text unchanged, percent signs included.
    database.execute_sql(create)
    if rows:
        listed = ", ".join(quoted_name(database, column).replace("%", "%%") for column in columns)
        slots = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
        into = quoted_name(database, name).replace("%", "%%")
        values = [value for row in rows for value in row]
        database.execute_sql(f"INSERT INTO {into} ({listed}) VALUES {slots}", values)
