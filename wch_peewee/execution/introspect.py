"""Reads the live schema: the only place that asks a database what it holds. It never writes."""

from __future__ import annotations

from collections.abc import Sequence

from peewee import Database

from ..database.query import present_tables, run_query
from ..schema.dialect import Dialect
from ..schema.objects import Schema
from ..schema.preconditions import Precondition
from ..schema.statements import Size


def introspect_schema(
    database: Database, dialect: Dialect, names: Sequence[str], *, for_columns: bool = False
) -> Schema:
    """Read the tables ``names``, as far as they exist, in canonical form.

    With ``for_columns`` parts that a change of columns does not need may be missing: foreign keys, triggers, checks.
    """
    first, *others = dialect.introspection(names, for_columns=for_columns)
    tables = run_query(database, dialect, first)
    if not tables:
        return Schema(())  # none of them is there: nothing else to ask
    return dialect.read_schema(names, [tables, *(run_query(database, dialect, query) for query in others)])


def count_rows(database: Database, dialect: Dialect, precondition: Precondition) -> int:
    """Count the rows that conflict with ``precondition``."""
    return int(run_query(database, dialect, dialect.count(precondition))[0][0])


def table_sizes(database: Database, dialect: Dialect, names: Sequence[str]) -> dict[str, Size]:
    """Read the sizes of the tables ``names``, as far as they exist."""
    present = present_tables(database, dialect, names)
    rows = [row for query in dialect.sizes(present) for row in run_query(database, dialect, query)] if present else []
    return {str(row[0]): Size(int(row[1] or 0), int(row[2] or 0)) for row in rows}


def referencing_tables(database: Database, dialect: Dialect, names: Sequence[str]) -> tuple[str, ...]:
    """Return the other tables of the database that have a foreign key to one of ``names``."""
    return dialect.read_referencing(names, run_query(database, dialect, dialect.referencing(names)))
