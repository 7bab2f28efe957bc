"""A state of a database to come back to, cheaply: on a server only the tables that have changed are made anew.

    saved = settle(database)
    ...
    restore(database, saved)

It knows tables and rows. Views, triggers and routines that an examined migration makes are not taken back.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import peewee as pw

from .snapshots import quoted, table_names

_GENERATED = ("VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT GENERATED")
#: Rows go back as they were: zero dates, zeros in counters, children before their parents.
_AS_THEY_WERE = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, lock_wait_timeout = 60"


@dataclass(frozen=True, slots=True)
class _Table:
    """``text`` is the CREATE statement, its counter included; ``columns`` are those that can be written."""

    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """Of SQLite it is a copy of the file, beside it."""

    copy: str = ""
    tables: dict[str, _Table] = field(default_factory=dict)


def settle(database: pw.Database) -> Saved:
    """Save the state as it is, but for its wording: MySQL prints a table otherwise once it was made as printed."""
    saved = _save(database)
    if saved.copy:
        return saved
    _drop(database, list(saved.tables))
    restore(database, saved)
    return _save(database)


def _save(database: pw.Database) -> Saved:
    if isinstance(database, pw.SqliteDatabase):
        path = f"{database.database}.{secrets.token_hex(3)}.saved"
        with contextlib.closing(sqlite3.connect(path)) as copy:
            database.connection().backup(copy)
        return Saved(copy=path)
    return Saved(tables={name: _read(database, name) for name in table_names(database)})


def restore(database: pw.Database, saved: Saved) -> None:
    """Bring the database back to the saved state."""
    if saved.copy:
        database.execute_sql("PRAGMA synchronous = OFF")
        with contextlib.closing(sqlite3.connect(saved.copy)) as copy:
            copy.backup(database.connection())
        return
    there = table_names(database)
    good = {name for name in there if name in saved.tables and _read(database, name) == saved.tables[name]}
    _drop(database, [name for name in there if name not in good])
    for name, table in saved.tables.items():
        if name not in good:
            _make(database, name, table)


def _drop(database: pw.Database, names: list[str]) -> None:
    database.execute_sql(_AS_THEY_WERE)
    if names:
        database.execute_sql(f"DROP TABLE {', '.join(quoted(database, name) for name in names)}")


def _read(database: pw.Database, name: str) -> _Table:
    table = quoted(database, name)
    text = str(database.execute_sql(f"SHOW CREATE TABLE {table}").fetchone()[1])
    described = database.execute_sql(f"SHOW COLUMNS FROM {table}").fetchall()
    columns = tuple(str(row[0]) for row in described if not str(row[5]).upper().startswith(_GENERATED))
    listed = ", ".join(quoted(database, column) for column in columns)
    rows = database.execute_sql(f"SELECT {listed} FROM {table}").fetchall()
    return _Table(text, columns, tuple(sorted((tuple(row) for row in rows), key=repr)))


def _make(database: pw.Database, name: str, table: _Table) -> None:
    # Without parameters PyMySQL takes the text as it is, percent signs and all.
    database.execute_sql(table.text)
    if table.rows:
        listed = ", ".join(quoted(database, column).replace("%", "%%") for column in table.columns)
        slots = ", ".join(["(" + ", ".join(["%s"] * len(table.columns)) + ")"] * len(table.rows))
        values = [value for row in table.rows for value in row]
        into = quoted(database, name).replace("%", "%%")
        database.execute_sql(f"INSERT INTO {into} ({listed}) VALUES {slots}", values)
