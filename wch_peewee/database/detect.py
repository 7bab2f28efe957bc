"""Detection of the engine and version behind a connection; what is not known to be safe is refused."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import peewee as pw

from ..errors import UnsupportedServer
from ..schema.base import BaseDialect, Failure

if TYPE_CHECKING:
    from ..schema.dialect import Dialect

SUPPORTED = "SQLite 3.35 or newer, MySQL 8.0.13 or newer, MariaDB 10.4 or newer"

#: They speak MySQL's protocol, but their DDL or locks differ in ways that are not tested here.
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


#: Where a connection keeps what its server has answered: behind one connection it stays the same.
_ASKED = "_wch_peewee_dialect"


def detect_dialect(database: pw.Database) -> Dialect:
    """Return the dialect of the open ``database``, detected once per connection. Raises UnsupportedServer."""
    if isinstance(database, pw.SqliteDatabase):
        row = database.execute_sql("SELECT sqlite_version()").fetchone()
        return sqlite_dialect(str(row[0]))
    connection = database.connection()
    known: Dialect | None = getattr(connection, _ASKED, None)
    if known is None:
        row = database.execute_sql("SELECT VERSION(), @@version_comment, @@lower_case_table_names").fetchone()
        known = mysql_dialect(str(row[0]), str(row[1]), fold_names=bool(int(row[2])))
        with contextlib.suppress(AttributeError):  # a driver whose connections take no notes
            setattr(connection, _ASKED, known)
    return known


def failure_of(database: pw.Database, error: pw.PeeweeException) -> Failure:
    """Return the meaning of a driver's error, even if the server has not been detected yet."""
    return base_dialect(database).failure(error.args)


def base_dialect(database: pw.Database) -> BaseDialect:
    """Return the part of the dialect that needs no detection."""
    if isinstance(database, pw.SqliteDatabase):
        from ..schema.sqlite.base import SQLiteBase

        return SQLiteBase()
    from ..schema.mysql.base import MySQLBase

    return MySQLBase()


def sqlite_dialect(version: str) -> Dialect:
    # Each engine's dialect is some ten milliseconds to import, and a process uses one.
    from ..schema.sqlite.dialect import SQLiteDialect

    return _checked(SQLiteDialect(_numbers(version)), (3, 35))


def mysql_dialect(version: str, comment: str = "", *, fold_names: bool = False) -> Dialect:
    """Choose the flavor from the server's version text."""
    from ..schema.mysql.dialect import MySQLDialect

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
