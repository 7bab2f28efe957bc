"""A connection that knows its dialect, and the reads that are sent over it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from peewee import Database, PeeweeException

from ..schema.base import BaseDialect, Query
from .connect import stands_alone

if TYPE_CHECKING:
    from ..schema.dialect import Dialect

T = TypeVar("T")

#: How often a read is sent that is broken off each time, and how many seconds apart at least and at most.
_TRIES, _APART = 20, (0.01, 0.1)


def run_query(database: Database, dialect: BaseDialect, query: Query) -> list[tuple[Any, ...]]:
    """Run one read and return all rows."""
    sql = query.sql if query.params else dialect.escape(query.sql)
    return unbroken(lambda: list(database.execute_sql(sql, query.params).fetchall()), database, dialect)


def unbroken(read: Callable[[], T], database: Database, dialect: BaseDialect) -> T:
    """Call ``read``, one statement that changes nothing, and repeat it if the server aborts it.

    A Galera node aborts what conflicts with a schema change from another node, even a SELECT outside any transaction.
    Inside a transaction more is lost than the read, and the error is the caller's; so it is if that cannot be told, and
    after the last attempt.
    """
    for _ in range(_TRIES - 1):
        try:
            return read()
        except PeeweeException as error:
            if not dialect.is_aborted(error.args) or not stands_alone(database):
                raise
        time.sleep(random.uniform(*_APART))
    return read()


@dataclass(frozen=True, slots=True)
class Connection:
    """A peewee database and the dialect of its engine."""

    database: Database
    dialect: Dialect

    def query(self, query: Query) -> list[tuple[Any, ...]]:
        """Run one read and return all rows."""
        return run_query(self.database, self.dialect, query)

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those tables of ``names`` that exist, in the order given."""
        found = {row[0] for row in self.query(self.dialect.presence(names))}
        return tuple(name for name in names if name in found)
