"""Find out which engine in which version a connection speaks to, and refuse what is not known to be safe.

dialect = detect_dialect(database)
"""

from __future__ import annotations

import re

import peewee as pw

from .dialects.base import Dialect, Failure
from .dialects.mysql import MySQLDialect
from .dialects.sqlite import SQLiteDialect
from .errors import UnsupportedServer

SUPPORTED = "SQLite 3.35 or newer, MySQL 8.0.13 or newer, MariaDB 10.4 or newer"

#: They speak MySQL's protocol, and their DDL or locks differ in ways that nobody has tested here.
_LOOKALIKES = (
    "tidb",
    "vitess",
    "planetscale",
    "oceanbase",
    "singlestore",
    "memsql",
    "doris",
    "starrocks",
    "clickhouse",
)


def detect_dialect(database: pw.Database) -> Dialect:
    """Ask the open ``database`` who it is. Raises UnsupportedServer."""
    if isinstance(database, pw.SqliteDatabase):
        row = database.execute_sql("SELECT sqlite_version()").fetchone()
        return sqlite_dialect(str(row[0]))
    row = database.execute_sql("SELECT VERSION(), @@version_comment, @@lower_case_table_names").fetchone()
    return mysql_dialect(str(row[0]), str(row[1]), fold_names=bool(int(row[2])))


def failure_of(database: pw.Database, error: pw.PeeweeException) -> Failure:
    """Say what a driver's error means, also where the server has not been asked who it is."""
    return assumed_dialect(database).failure(error.args)


def assumed_dialect(database: pw.Database) -> Dialect:
    """Take the dialect without asking, for what is the same in every version: one SELECT, the meaning of errors."""
    return SQLiteDialect((3, 35)) if isinstance(database, pw.SqliteDatabase) else MySQLDialect("mysql", (8, 0, 13))


def sqlite_dialect(version: str) -> Dialect:
    return _checked(SQLiteDialect(_numbers(version)), (3, 35))


def mysql_dialect(version: str, comment: str = "", *, fold_names: bool = False) -> Dialect:
    """Choose the flavor from the server's own words."""
    words = f"{version} {comment}".lower()
    lookalike = next((name for name in _LOOKALIKES if name in words), None)
    if lookalike:
        raise UnsupportedServer(f"The server is {lookalike} ({version}), which is not supported; use {SUPPORTED}.")
    if "mariadb" in words:
        # Old replication-compatible banners put 5.5.5- in front.
        return _checked(
            MySQLDialect("mariadb", _numbers(version.removeprefix("5.5.5-")), fold_names=fold_names), (10, 4)
        )
    return _checked(MySQLDialect("mysql", _numbers(version), fold_names=fold_names), (8, 0, 13))


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    if match is None:
        raise UnsupportedServer(f"The server calls its version {version!r}, which cannot be read; use {SUPPORTED}.")
    return tuple(int(part) for part in match[0].split("."))


def _checked(dialect: Dialect, oldest: tuple[int, ...]) -> Dialect:
    if dialect.version < oldest:
        raise UnsupportedServer(f"{dialect.label} is too old; use {SUPPORTED}.")
    return dialect
