"""Builders and a file in memory for the tests of the SQLite dialect.

with memory() as file:
    file.run(DIALECT.render(None, [CreateTable(t.name, t)]))
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from wch_peewee.schema.base import Query
from wch_peewee.schema.objects import Column, ColumnType, Default, ForeignKey, Index, Table, bigint, integer
from wch_peewee.schema.operations import CreateTable
from wch_peewee.schema.sqlite.dialect import SQLiteDialect
from wch_peewee.schema.statements import Step

DIALECT = SQLiteDialect(sqlite3.sqlite_version_info)
ID = Column("id", bigint(unsigned=True), auto_increment=True)


def column(name: str, type_: ColumnType | None = None, **more: Any) -> Column:
    """Return a column; a default may be plain text."""
    if isinstance(more.get("default"), str):
        more["default"] = Default(more["default"])
    return Column(name, type_ or integer(), **more)


def table(*columns: Column, name: str = "t", indexes: Sequence[Index] = (), keys: Sequence[ForeignKey] = ()) -> Table:
    return Table(name, (ID, *columns), indexes=tuple(indexes), foreign_keys=tuple(keys))


class File:
    """A SQLite database that runs steps as the library's executor does: foreign keys off, then one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.execute("PRAGMA foreign_keys=ON")

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, params).fetchall()

    def run_query(self, query: Query) -> list[tuple[Any, ...]]:
        return self.execute(query.sql, query.params)

    def create(self, *tables: Table) -> None:
        for each in tables:
            self.run(DIALECT.render(None, [CreateTable(each.name, each)]))

    def run(self, steps: Iterable[Step]) -> None:
        self.execute("PRAGMA foreign_keys=OFF")
        self.execute("BEGIN IMMEDIATE")
        try:
            for step in steps:
                for statement in (*step.statements, *step.cleanup):
                    self.execute(DIALECT.escape(statement.sql))
            assert self.execute("PRAGMA foreign_key_check") == []
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")
        self.execute("PRAGMA foreign_keys=ON")
        assert self.execute("PRAGMA legacy_alter_table") == [(0,)]
        assert self.execute("PRAGMA integrity_check") == [("ok",)]

    def read(self, name: str = "t") -> Table:
        query = DIALECT.introspection([name])["tables"]
        found = DIALECT.read_schema([name], {"tables": self.run_query(query)}).table(name)
        assert found is not None
        return found

    def text(self, name: str) -> str:
        return str(self.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,))[0][0])


@contextmanager
def memory() -> Iterator[File]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield File(connection)


def read(*statements: str, name: str = "t") -> Table:
    """Run ``statements`` on SQLite and return the table ``name`` as it is stored then."""
    with memory() as file:
        for statement in statements:
            file.execute(statement)
        return file.read(name)
