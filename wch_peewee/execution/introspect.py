"""Reads the live schema: the only place that asks a database what it holds. It never writes."""

from __future__ import annotations

from collections.abc import Sequence

from ..database.query import Connection
from ..schema.objects import Schema
from ..schema.preconditions import Precondition
from ..schema.statements import Size


def introspect_schema(connection: Connection, names: Sequence[str], *, for_columns: bool = False) -> Schema:
    """Read the tables ``names``, as far as they exist, in canonical form.

    With ``for_columns`` parts that a change of columns does not need may be missing: foreign keys, triggers, checks.
    """
    first, *others = connection.dialect.introspection(names, for_columns=for_columns)
    tables = connection.query(first)
    if not tables:
        return Schema(())  # none of them is there: nothing else to ask
    return connection.dialect.read_schema(names, [tables, *(connection.query(query) for query in others)])


def count_rows(connection: Connection, precondition: Precondition) -> int:
    """Count the rows that conflict with ``precondition``."""
    return int(connection.query(connection.dialect.count_conflicts(precondition))[0][0])


def table_sizes(connection: Connection, names: Sequence[str]) -> dict[str, Size]:
    """Read the sizes of the tables ``names``, as far as they exist."""
    present = connection.present(names)
    rows = [row for query in connection.dialect.sizes(present) for row in connection.query(query)] if present else []
    return {str(row[0]): Size(int(row[1] or 0), int(row[2] or 0)) for row in rows}


def referencing_tables(connection: Connection, names: Sequence[str]) -> tuple[str, ...]:
    """Return the other tables of the database that have a foreign key to one of ``names``."""
    dialect = connection.dialect
    return dialect.read_referencing(names, connection.query(dialect.referencing(names)))
