"""Ask a database one thing: run a read, say which tables are there.

present_tables(database, words, ["wp_wch_carts"])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from peewee import Database

from .statements import Query

if TYPE_CHECKING:
    from ..dialects.words import Words


def ask(database: Database, words: Words, query: Query) -> list[tuple[Any, ...]]:
    """Run one read and fetch everything."""
    sql = query.sql if query.params else words.wire(query.sql)
    return list(database.execute_sql(sql, query.params).fetchall())


def present_tables(database: Database, words: Words, names: Sequence[str]) -> tuple[str, ...]:
    """Say which of ``names`` exist, in the order given."""
    found = {row[0] for row in ask(database, words, words.presence(names))}
    return tuple(name for name in names if name in found)
