"""peewee's database classes that an application can have, and how a test opens each on a database of its own."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import peewee
import pytest
from playhouse.shortcuts import ReconnectMixin

from tests.support.databases import LiveDatabase

T = TypeVar("T")

SERVERS = ("mysql", "mariadb")


class ReconnectingMySQLDatabase(ReconnectMixin, peewee.MySQLDatabase):  # type: ignore[misc]
    """As peewee's documentation has it."""


@dataclass(frozen=True)
class DatabaseClass:
    """One class: where it is, the module of its driver, which has to be installed, and the options it is given."""

    name: str
    module: str
    families: tuple[str, ...]
    driver: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def is_async(self) -> bool:
        return self.module == "playhouse.pwasyncio"

    def load(self) -> Any:
        if self.driver:
            pytest.importorskip(self.driver, reason=f"{self.driver}, the driver of {self.name}, is not installed")
        return getattr(importlib.import_module(self.module), self.name)

    @contextmanager
    def open(self, place: LiveDatabase, **options: Any) -> Iterator[Any]:
        """Yield a database of that class at the place of a test's own; it and its pool are closed afterwards."""
        options = {**self.options, **options}
        if place.family == "sqlite":
            options.setdefault("pragmas", {"foreign_keys": 1})
        else:
            options |= place.address.arguments()
        database = self.load()(place.name, **options)
        if hasattr(database, "unpause"):
            # The writer's thread connects now, and not while an upgrade holds the file.
            database.pause()
            database.unpause()
        try:
            yield database
        finally:
            if not self.is_async:
                database.close()
            for close in ("close_all", "stop"):
                getattr(database, close, lambda: None)()


CLASSES = (
    DatabaseClass("SqliteDatabase", "peewee", ("sqlite",)),
    DatabaseClass("PooledSqliteDatabase", "playhouse.pool", ("sqlite",)),
    DatabaseClass("APSWDatabase", "playhouse.apsw_ext", ("sqlite",), "apsw"),
    DatabaseClass("CySqliteDatabase", "playhouse.cysqlite_ext", ("sqlite",), "cysqlite"),
    DatabaseClass("PooledCySqliteDatabase", "playhouse.cysqlite_ext", ("sqlite",), "cysqlite"),
    DatabaseClass(
        "SqlCipherDatabase", "playhouse.sqlcipher_ext", ("sqlite",), "sqlcipher3", {"passphrase": "it's secret"}
    ),
    DatabaseClass("SqliteQueueDatabase", "playhouse.sqliteq", ("sqlite",)),
    DatabaseClass("AsyncSqliteDatabase", "playhouse.pwasyncio", ("sqlite",), "aiosqlite", {"pool_size": 2}),
    DatabaseClass("MySQLDatabase", "peewee", SERVERS),
    DatabaseClass("PooledMySQLDatabase", "playhouse.pool", SERVERS),
    DatabaseClass("ReconnectingMySQLDatabase", __name__, SERVERS),
    DatabaseClass("MySQLConnectorDatabase", "playhouse.mysql_ext", SERVERS, "mysql.connector", {"use_pure": True}),
    DatabaseClass("PooledMySQLConnectorDatabase", "playhouse.mysql_ext", SERVERS, "mysql.connector"),
    DatabaseClass("MariaDBConnectorDatabase", "playhouse.mysql_ext", ("mariadb",), "mariadb"),
    DatabaseClass("PooledMariaDBConnectorDatabase", "playhouse.mysql_ext", ("mariadb",), "mariadb"),
    DatabaseClass("AsyncMySQLDatabase", "playhouse.pwasyncio", SERVERS, "aiomysql"),
)
PLAIN = {family: next(one for one in CLASSES if family in one.families) for family in ("sqlite", *SERVERS)}


def call(database: Any, function: Callable[[], T]) -> T:
    """Call a function that asks the database; one of asyncio does it in a loop of its own, whose pool is closed."""
    if not hasattr(database, "aexecute_sql"):
        return function()

    async def in_loop() -> T:
        try:
            result: T = await database.run(function)
            return result
        finally:
            await database.close_pool()

    return asyncio.run(in_loop())
