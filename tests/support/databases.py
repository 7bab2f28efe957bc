"""A new, empty database for one test. It is removed afterwards, whatever the test left open.

with engine.fresh(tmp_path) as database:
    database.execute("SELECT 1")
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import peewee
import pymysql

from tests.support.addresses import ServerAddress
from tests.support.statements import Statements, record_server, record_sqlite, watch_sqlite

# A random part beside the process id: a killed run's leftovers and other machines' runs keep their names.
_names = (f"wch_test_{os.getpid()}_{secrets.token_hex(3)}_{number}" for number in itertools.count(1))


class LiveDatabase:
    """One database: ``url`` for settings, ``database`` is an application's connected peewee Database."""

    prefix = "wp_"

    def __init__(self, engine: str, family: str, place: Path | tuple[ServerAddress, str]) -> None:
        self.engine = engine
        self.family = family
        self._place = place
        self._opened: list[peewee.Database] = []
        self.database = self.connect()

    def __repr__(self) -> str:
        return f"<{self.engine}: {self.name}>"

    @property
    def name(self) -> str:
        """The database's name on its server, or the path of the SQLite file."""
        return str(self._place) if isinstance(self._place, Path) else self._place[1]

    @property
    def url(self) -> str:
        if isinstance(self._place, Path):
            return f"sqlite:///{self._place}"
        address, name = self._place
        return address.url(name)

    @property
    def address(self) -> ServerAddress:
        """The server's address. Not for SQLite."""
        assert not isinstance(self._place, Path), "SQLite has no server"
        return self._place[0]

    @property
    def path(self) -> Path:
        """The SQLite file. Not for servers."""
        assert isinstance(self._place, Path), "only SQLite has a file"
        return self._place

    def connect(self) -> peewee.Database:
        """Open another connection, in its own peewee Database; it is closed when the test ends."""
        database: peewee.Database
        if isinstance(self._place, Path):
            database = peewee.SqliteDatabase(str(self._place), pragmas={"foreign_keys": 1})
        else:
            address, name = self._place
            database = peewee.MySQLDatabase(name, **address.arguments())
        database.connect()
        self._opened.append(database)
        return database

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement on ``database`` and return its rows. Parameters are %s on every engine."""
        if self.family == "sqlite" and params:
            sql = sql.replace("%s", "?")
        cursor = self.database.execute_sql(sql, tuple(params) or None)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def tables(self) -> list[str]:
        """Return the names of all tables and views, sorted."""
        if self.family == "sqlite":
            sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
        else:
            sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
        return sorted(str(name) for (name,) in self.execute(sql))

    def statements(self) -> AbstractContextManager[Statements]:
        """Record the statements that reach this database during the block (tests/support/statements.py)."""
        if isinstance(self._place, Path):
            return record_sqlite(self._place)
        address, name = self._place
        return record_server(address, name)

    def reopen(self) -> None:
        """Close what connect() has opened, and open a new session for ``database``."""
        self.close()
        self.database = self.connect()

    def close(self) -> None:
        """Close what connect() has opened in this thread."""
        for database in self._opened:
            database.close()
        self._opened.clear()


@contextmanager
def fresh_sqlite(engine: str, folder: Path) -> Iterator[LiveDatabase]:
    path = folder.resolve() / f"{next(_names)}.db"
    with watch_sqlite(path):
        database = LiveDatabase(engine, "sqlite", path)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def fresh_on_server(engine: str, family: str, address: ServerAddress) -> Iterator[LiveDatabase]:
    name = next(_names)
    with address.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    try:
        database = LiveDatabase(engine, family, (address, name))
        try:
            yield database
        finally:
            database.close()
    finally:
        _drop(address, name)


def _drop(address: ServerAddress, name: str) -> None:
    """Kill the connections that a failed test has left, whose transactions would block DROP, and drop the database."""
    with address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW FULL PROCESSLIST")
        for row in cursor.fetchall():
            if row[3] == name:
                try:
                    cursor.execute(f"KILL {row[0]}")
                except pymysql.Error as error:
                    if error.args[0] != 1094:  # gone by itself
                        raise
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
