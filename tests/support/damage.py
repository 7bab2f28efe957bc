"""Damage to live tables, as hand-written SQL, interrupted runs and other plugins cause it.

Damage(database).column("conversations", "customer_phone", type=varchar(14))
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import peewee

from tests.support.databases import LiveDatabase
from wch_peewee.database.query import Connection, detect_dialect
from wch_peewee.execution.context import RunContext, RunOptions
from wch_peewee.execution.introspect import introspect_schema
from wch_peewee.execution.session import run_session
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.objects import Table
from wch_peewee.schema.operations import DropColumn, DropForeignKey, DropIndex, ModifyColumn, Operation, RenameColumn


class Damage:
    """Changes to the tables of one database; tables are named by their keys, indexes by their plain names."""

    def __init__(self, database: LiveDatabase) -> None:
        self.database = database
        self.dialect = detect_dialect(database.database)
        self._context: RunContext | None = None

    def table(self, key: str) -> Table:
        """Read a table with the library's introspection."""
        found = self.find(key)
        assert found is not None, key
        return found

    def find(self, key: str) -> Table | None:
        name = our_names(self.database.prefix).known(key)
        return introspect_schema(Connection(self.database.database, self.dialect), [name]).table(name)

    def change(self, *operations: Operation) -> None:
        """Run operations on a table, by its full name, without the checks of a plan."""
        if self._context is not None:
            self._context.change(operations[0].table, operations)
            return
        with self._open() as context:
            context.change(operations[0].table, operations)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Run the changes of the block on one connection. On SQLite each has its own: a failed one is rolled back."""
        if self.database.family == "sqlite":
            yield
            return
        with self._open() as self._context:
            yield
        self._context = None

    def _open(self) -> AbstractContextManager[RunContext]:
        return run_session(self.database.database, our_names(self.database.prefix), RunOptions(patience=5))

    def sql(self, *statements: str) -> None:
        """Run statements without foreign key checks. {carts} stands for that table's full name."""
        off, on = self._checks
        self.database.execute(off)
        try:
            for statement in statements:
                self.database.execute(self.said(statement))
        finally:
            self.database.execute(on)

    def said(self, text: str) -> str:
        return text.format_map(_Names(self.database.prefix))

    def column(self, key: str, name: str, **changes: Any) -> None:
        """Change the definition of a column."""
        table = self.table(key)
        was = table.column(name)
        assert was is not None, name
        self.change(ModifyColumn(table.name, was, replace(was, **changes)))

    def drop_column(self, key: str, name: str) -> None:
        """Drop a column and the indexes on it alone, which servers drop implicitly and SQLite does not."""
        table = self.table(key)
        alone = [index.name for index in table.indexes if index.columns == (name,)]
        self.change(*(DropIndex(table.name, index) for index in alone), DropColumn(table.name, name))

    def rename_column(self, key: str, old: str, new: str) -> None:
        self.change(RenameColumn(self.table(key).name, old, new))

    def drop_index(self, key: str, name: str) -> None:
        self.change(DropIndex(self.table(key).name, self.index(key, name)))

    def index(self, key: str, name: str) -> str:
        """Return the name of an index on this engine."""
        return self.dialect.index_name(our_names(self.database.prefix).known(key), name)

    def drop_key(self) -> None:
        """Drop the foreign key of the messages table."""
        table = self.table("messages")
        self.change(DropForeignKey(table.name, table.foreign_keys[0]))

    @property
    def _checks(self) -> tuple[str, str]:
        if self.database.family == "sqlite":
            return "PRAGMA foreign_keys = 0", "PRAGMA foreign_keys = 1"
        return "SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1"


class _Names(dict[str, str]):
    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def __missing__(self, key: str) -> str:
        return our_names(self.prefix).known(key)


def named_rows(database: LiveDatabase) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table as dictionaries, sorted. Views that have become unreadable are left out."""
    result = {}
    for table in database.tables():
        try:
            cursor = database.database.execute_sql(f"SELECT * FROM {table}")
        except peewee.PeeweeException:
            assert table in _views(database), f"{table} cannot be read any more"
            continue
        names = [column[0].lower() for column in cursor.description]
        result[table] = sorted((dict(zip(names, row, strict=True)) for row in cursor.fetchall()), key=repr)
    return result


def _views(database: LiveDatabase) -> set[str]:
    if database.family == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'view'"
    else:
        sql = "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"
    return {name for (name,) in database.execute(sql)}
