"""Ask a database one thing: run a read, say which tables are there.

present_tables(database, words, ["wp_wch_carts"])
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from peewee import Database, PeeweeException

from ..schema.statements import Query
from .connect import stands_alone

if TYPE_CHECKING:
    from ..schema.dialect import Words

T = TypeVar("T")

#: How often a read is sent that is broken off each time, and how many seconds apart at least and at most.
_TRIES, _APART = 20, (0.01, 0.1)


def run_query(database: Database, words: Words, query: Query) -> list[tuple[Any, ...]]:
    """Run one read and fetch everything."""
    sql = query.sql if query.params else words.escape(query.sql)
    return unbroken(lambda: list(database.execute_sql(sql, query.params).fetchall()), database, words)


def unbroken(read: Callable[[], T], database: Database, words: Words) -> T:
    """Call ``read``, one statement that changes nothing, and again where the server breaks it off.

    A Galera node breaks off what is in the way when a change of the schema comes in from another node, a SELECT
    outside of any transaction as well. Inside of one more is lost than the read, and the error is the caller's; so it
    is where that cannot be told, and behind the last try.
    """
    for _ in range(_TRIES - 1):
        try:
            return read()
        except PeeweeException as error:
            if not words.is_broken_off(error.args) or not stands_alone(database):
                raise
        time.sleep(random.uniform(*_APART))
    return read()


def present_tables(database: Database, words: Words, names: Sequence[str]) -> tuple[str, ...]:
    """Say which of ``names`` exist, in the order given."""
    found = {row[0] for row in run_query(database, words, words.presence(names))}
    return tuple(name for name in names if name in found)
