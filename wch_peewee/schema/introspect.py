"""Read the live schema. The only place that asks a database what it holds; it never writes.

introspect_schema(database, dialect, ["wp_wch_carts"])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peewee import Database

from ..dialects.base import Dialect
from .copies import Size
from .objects import Schema
from .requirements import Requirement
from .statements import Query


def ask(database: Database, dialect: Dialect, query: Query) -> list[tuple[Any, ...]]:
    """Run one read and fetch everything."""
    sql = query.sql if query.params else dialect.wire(query.sql)
    return list(database.execute_sql(sql, query.params).fetchall())


def introspect_schema(database: Database, dialect: Dialect, names: Sequence[str]) -> Schema:
    """Read the tables ``names``, as far as they exist, in canonical form."""
    answers = [ask(database, dialect, query) for query in dialect.introspection(names)]
    return dialect.read_schema(names, answers)


def count_rows(database: Database, dialect: Dialect, requirement: Requirement) -> int:
    """Count the rows that stand against ``requirement``."""
    return int(ask(database, dialect, dialect.count(requirement))[0][0])


def table_sizes(database: Database, dialect: Dialect, names: Sequence[str]) -> dict[str, Size]:
    """Read how large the tables ``names`` are, as far as they exist."""
    present = present_tables(database, dialect, names)
    rows = [row for query in dialect.sizes(present) for row in ask(database, dialect, query)] if present else []
    return {str(row[0]): Size(int(row[1] or 0), int(row[2] or 0)) for row in rows}


def present_tables(database: Database, dialect: Dialect, names: Sequence[str]) -> tuple[str, ...]:
    """Say which of ``names`` exist, in the order given."""
    found = {row[0] for row in ask(database, dialect, dialect.presence(names))}
    return tuple(name for name in names if name in found)


def referencing_tables(database: Database, dialect: Dialect, names: Sequence[str]) -> tuple[str, ...]:
    """Name the other tables of the database that have a foreign key to one of ``names``."""
    return dialect.read_referencing(names, ask(database, dialect, dialect.referencing(names)))
