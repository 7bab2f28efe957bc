"""A connection that knows its dialect: detection, and the reads that are sent over it."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import peewee
from peewee import Database, PeeweeException, SqliteDatabase

from ..errors import Busy, UnsupportedServer, duration
from ..schema.base import BaseDialect, Failure, Query
from .connect import attempts, in_transaction, is_autocommitted, patience_of

if TYPE_CHECKING:
    from ..schema.dialect import Dialect


T = TypeVar("T")

#: How often a read that the server aborts is sent, and the shortest and longest pause in between, in seconds.
_ATTEMPTS, _PAUSE = 20, (0.01, 0.1)

#: A table that a read names, in the server's quotes.
_READ_TABLE = re.compile(r"\b(?:FROM|JOIN) `([^`]+)`")


def run_query(
    database: Database, dialect: BaseDialect, query: Query, *, by_writer: bool = False
) -> list[tuple[Any, ...]]:
    """Run one read and return all rows; ``by_writer`` as in ``Connection``.

    On a run's own connection it waits for tables that another session has locked, then raises Busy, as a write does.
    """
    sql = query.sql if query.params else dialect.escape(query.sql)

    def read() -> list[tuple[Any, ...]]:
        own = by_writer and not in_transaction(database)
        with by_the_writer(database) if own else contextlib.nullcontext():
            cursor = database.execute_sql(sql, query.params)
            # peewee translates what the first row needs; a damaged page of a SQLite file may lie behind it.
            with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
                return list(cursor.fetchall())

    try:
        return retry_aborted(read, database, dialect)
    except PeeweeException as error:
        patience = patience_of(database)
        if not patience or dialect.failure(error.args) != "waiting" or in_transaction(database):
            raise
    tables = _READ_TABLE.findall(query.sql)
    return retry_while_blocked(read, Connection.detect(database), tables=tables, patience=patience)


@contextlib.contextmanager
def by_the_writer(database: Database) -> Iterator[None]:
    """Read in a transaction for the block: every proxy sends that to the server that is written to."""
    database.begin()
    try:
        yield
    finally:
        with contextlib.suppress(PeeweeException):
            database.rollback()


def retry_aborted(read: Callable[[], T], database: Database, dialect: BaseDialect) -> T:
    """Call ``read``, one statement that changes nothing, and repeat it if the server aborts it.

    A Galera node aborts what conflicts with a schema change from another node, even a SELECT outside any transaction.
    The error is raised after the last attempt, and at once if the read is, or may be, part of a transaction: then more
    than the read is lost.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return read()
        except PeeweeException as error:
            if not dialect.is_aborted(error.args) or not is_autocommitted(database):
                raise
        time.sleep(random.uniform(*_PAUSE))
    return read()


@dataclass(frozen=True, slots=True)
class Connection:
    """A peewee database and the dialect of its engine.

    With ``by_writer`` each read is a transaction, as what it says decides what is written: a proxy that splits reads
    from writes sends a transaction to the server that is written to, by whatever rules it goes otherwise.
    """

    database: Database
    dialect: Dialect
    by_writer: bool = False

    @classmethod
    def detect(cls, database: Database) -> Connection:
        """Return the connection of an open ``database``. Raises UnsupportedServer."""
        return cls(database, detect_dialect(database))

    def query(self, query: Query) -> list[tuple[Any, ...]]:
        """Run one read and return all rows."""
        return run_query(self.database, self.dialect, query, by_writer=self.by_writer)

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those tables of ``names`` that exist, in the order given."""
        found = {row[0] for row in self.query(self.dialect.presence(names))}
        return tuple(name for name in names if name in found)


def retry_while_blocked(
    action: Callable[[], T],
    connection: Connection,
    *,
    tables: Sequence[str],
    patience: float,
    check: Callable[[], None] | None = None,
) -> T:
    """Call ``action``, one statement, and retry it while another session's lock prevents it.

    ``tables`` are the one it writes to and those that may block it through a foreign key. ``check`` is called
    before each attempt, because our own lock can be lost in the meantime. Raises Busy, which names the
    holder if the server tells.
    """
    begun, what = time.monotonic(), tables[0] if tables else "rows"
    for _ in attempts(patience, lambda: f"Another session has locked {what}{_holders(connection, tables)}"):
        if check is not None:
            check()
        try:
            return action()
        except PeeweeException as error:
            if connection.dialect.failure(error.args) != "waiting":
                raise
            cause = error
    blocked = Busy(
        f"another session has locked {what} for {duration(round(time.monotonic() - begun))}"
        f"{_holders(connection, tables)}; the statement was not run; try again later"
    )
    blocked.of_statement = True
    raise blocked from cause


def _holders(connection: Connection, tables: Sequence[str]) -> str:
    dialect = connection.dialect
    query = dialect.blockers(tables) if tables else None
    # The account may lack the rights for it, and asking must not become the failure.
    try:
        words = "" if query is None else dialect.read_blockers(tables[0], connection.query(query))
        return f" ({words})" if words else ""
    except PeeweeException as error:
        denied = dialect.failure(error.args) == "denied"
        return f" (this account may not see which: GRANT {dialect.blockers_grant} TO it)" if denied else ""


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


#: The attribute of a driver's connection that holds the dialect once it has been detected.
_DIALECT = "_wch_peewee_dialect"


def detect_dialect(database: Database) -> Dialect:
    """Return the dialect of the open ``database``, detected once per connection. Raises UnsupportedServer."""
    if isinstance(database, SqliteDatabase):
        row = database.execute_sql("SELECT sqlite_version()").fetchone()
        return sqlite_dialect(str(row[0]))
    connection = database.connection()
    known: Dialect | None = getattr(connection, _DIALECT, None)
    if known is None:
        row = database.execute_sql("SELECT VERSION(), @@version_comment, @@lower_case_table_names").fetchone()
        known = mysql_dialect(str(row[0]), str(row[1]), fold_names=bool(int(row[2])))
        with contextlib.suppress(AttributeError):  # the connections of some drivers accept no attributes
            setattr(connection, _DIALECT, known)
    return known


def failure_of(database: Database, error: PeeweeException) -> Failure:
    """Return the meaning of a driver's error, even if the server has not been detected yet."""
    # The MariaDB connector has the number beside its arguments.
    number = getattr(getattr(error, "orig", None), "errno", None)
    return base_dialect(database).failure(error.args if number is None else (number, *error.args))


def base_dialect(database: Database) -> BaseDialect:
    """Return the part of the dialect that needs no detection."""
    if isinstance(database, SqliteDatabase):
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
        # MariaDB's banners may begin with 5.5.5-, for compatibility with old replicas.
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
