"""Databases to measure on, the bare driver's connection to them, and the statements that somebody sends.

with place.fresh() as database:
    connection = bare_connection(database.url)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import peewee
import pymysql

from wch_peewee.database.url import parse_url

#: A statement and its parameters.
Sent = tuple[str, tuple[Any, ...]]


def bare_connection(url: str) -> Any:
    """Connect through the driver alone, set as the library sets its sessions; in autocommit."""
    target = parse_url(url)
    if target.scheme == "sqlite":
        return sqlite3.connect(target.path, isolation_level=None)
    return pymysql.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        database=target.name,
        charset="utf8mb4",
        collation="utf8mb4_unicode_520_ci",
        autocommit=True,
    )


@contextmanager
def bare(url: str) -> Iterator[Any]:
    """The same for a block."""
    connection = bare_connection(url)
    try:
        yield connection
    finally:
        connection.close()


def send(connection: Any, statements: Sequence[Sent], may_fail: Collection[Sent] = ()) -> None:
    """Send them one after the other, and fetch what there is to fetch."""
    cursor = connection.cursor()
    for sent in statements:
        sql, parameters = sent
        try:
            cursor.execute(sql, parameters) if parameters else cursor.execute(sql)
        except (pymysql.Error, sqlite3.Error):
            if sent not in may_fail:
                raise
            continue
        if cursor.description:
            cursor.fetchall()
    cursor.close()


class Sending(list[Sent]):
    """The statements that peewee's databases of this process sent, in order, as they went to the driver."""

    def __init__(self) -> None:
        super().__init__()
        #: Those that ended in an error: a look at a table that is not there yet, for one.
        self.failed: list[Sent] = []

    def starting(self, *words: str) -> list[Sent]:
        return [sent for sent in self if sent[0].lstrip().split(None, 1)[0].upper() in words]

    def reading_schema(self) -> list[Sent]:
        """Those that ask what tables there are and what they are like."""
        return [sent for sent in self if "information_schema." in sent[0] or "sqlite_master WHERE" in sent[0]]


@contextmanager
def listening() -> Iterator[Sending]:
    """Note what is sent during the block, by any of peewee's databases; not for a block that is timed."""
    sent = Sending()
    original = peewee.Database.execute_sql

    def execute_sql(self: peewee.Database, sql: str, params: Any = None, *rest: Any, **options: Any) -> Any:
        # Without parameters the driver takes the text as it is; with some, even none, PyMySQL formats it.
        formatted = params is not None and not params and not isinstance(self, peewee.SqliteDatabase)
        sent.append((sql.replace("%%", "%") if formatted else sql, tuple(params or ())))
        try:
            return original(self, sql, params, *rest, **options)  # type: ignore[no-untyped-call]
        except peewee.PeeweeException:
            sent.failed.append(sent[-1])
            raise

    peewee.Database.execute_sql = execute_sql  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        peewee.Database.execute_sql = original  # type: ignore[method-assign]
