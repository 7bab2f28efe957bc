"""A database as a value, for comparisons: the definitions and rows of all tables.

before = snapshot(database)
"""

from __future__ import annotations

from typing import Any

from tests.support.databases import LiveDatabase
from wch_peewee.testing import snapshots


def snapshot(database: LiveDatabase, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the definition and the sorted rows of every table except ``without``."""
    names = [name for name in database.tables() if name not in without]
    return {name: (definition(database, name), rows(database, name)) for name in names}


def schema(database: LiveDatabase, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    return {name: definition(database, name) for name in database.tables() if name not in without}


def definition(database: LiveDatabase, table: str) -> str:
    """Return the CREATE statement that the engine prints, without the AUTO_INCREMENT counter."""
    return snapshots.table_definition(database.database, table)


def rows(database: LiveDatabase, table: str) -> list[tuple[Any, ...]]:
    return columns(database, snapshots.quoted_name(database.database, table), "*")


def columns(database: LiveDatabase, table: str, names: str) -> list[tuple[Any, ...]]:
    return sorted(database.execute(f"SELECT {names} FROM {table}"), key=repr)
