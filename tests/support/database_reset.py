"""Put a database back to how it was, cheaply: only what has changed is made anew.

saved = SavedDatabase(database)
...damage it...
saved.restore()
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.snapshots import definition, rows

Fill = Callable[[LiveDatabase], object]


@contextmanager
def saved_database(engine: Engine, folder: Path, fill: Fill) -> Iterator[SavedDatabase]:
    """Have a database that ``fill`` has filled, to be put back between tests; for a fixture of a whole module."""
    with engine.fresh(folder) as database:
        fill(database)
        saved = SavedDatabase(database)
        yield saved
        saved.close()


def restored_database(engine: Engine, request: pytest.FixtureRequest, fill: Fill, once: str) -> LiveDatabase:
    """Put back what the fixture ``once`` has made; no session of an earlier test is left.

    On SQLite it is made anew: that is quick, and a cursor that a test has left half read would keep a file from being
    put back.
    """
    if engine.family == "sqlite":
        database: LiveDatabase = request.getfixturevalue("database")
        fill(database)
        return database
    saved: SavedDatabase = request.getfixturevalue(once)
    saved.database.reopen()
    saved.restore()
    return saved.database


class SavedDatabase:
    """Remembers all tables of a database with their rows. Counters of AUTO_INCREMENT columns are put back roughly."""

    def __init__(self, database: LiveDatabase) -> None:
        self.database = database
        self._copy: sqlite3.Connection | None = None
        if database.family == "sqlite":
            self._copy = sqlite3.connect(":memory:", check_same_thread=False)
            database.database.connection().backup(self._copy)
        else:
            self._tables = {name: self._table(name) for name in database.tables()}

    def close(self) -> None:
        if self._copy is not None:
            self._copy.close()

    def restore(self) -> None:
        if self._copy is not None:
            self._copy.backup(self.database.database.connection())
            return
        execute = self.database.execute
        execute("SET SESSION foreign_key_checks = 0")
        # Triggers are in no table's definition.
        for (trigger,) in execute(
            "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
        ):
            execute(f"DROP TRIGGER `{trigger}`")
        # MariaDB refuses to drop a table's parent in some orders of a broken schema, so views first, then all at once.
        kinds = dict(
            execute("SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()")
        )
        for name, kind in kinds.items():
            if kind == "VIEW":
                execute(f"DROP VIEW `{name}`")
        there = {name for name, kind in kinds.items() if kind != "VIEW"}
        good = {name for name in there & set(self._tables) if self._table(name) == self._tables[name]}
        for name in sorted(there - good):
            execute(f"DROP TABLE `{name}`")
        for name in self._tables:
            if name not in good:
                self._make(name)
        execute("SET SESSION foreign_key_checks = 1")

    def _table(self, name: str) -> tuple[str, list[tuple[Any, ...]]]:
        return definition(self.database, name), rows(self.database, name)

    def _make(self, name: str) -> None:
        text, contents = self._tables[name]
        self.database.execute(text)
        if contents:
            slots = "(" + ", ".join(["%s"] * len(contents[0])) + ")"
            values = [value for row in contents for value in row]
            self.database.execute(f"INSERT INTO `{name}` VALUES " + ", ".join([slots] * len(contents)), values)
