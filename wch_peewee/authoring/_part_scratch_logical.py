"""Schemas without a prefix, so that what migrations have made can be compared with what models declare.

Both sides are what one engine holds, adapted by its dialect. What a model cannot speak of is left out: comments,
collations, names of foreign keys, and what makes a column odd that a migration's own SQL has made.

    logical_schema(introspect_schema(database, dialect, names), "wp_", dialect)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..schema._part_declared_resolve import physical_name, resolve
from ..schema.dialect import Dialect
from ..schema.objects import Column, ForeignKey, Schema, Table


def declared_schema(tables: Iterable[Table], prefix: str, dialect: Dialect) -> Schema:
    """Bring declared tables to the form of those that the engine gives back."""
    return logical_schema(resolve(tables, prefix=prefix, dialect=dialect, collation=None), prefix, dialect)


def logical_schema(live: Schema, prefix: str, dialect: Dialect) -> Schema:
    """Take prefix, names and everything else away that belongs to one installation."""
    mark = physical_name("", prefix)
    return Schema(tuple(_table(table, mark, dialect) for table in live))


def _table(table: Table, mark: str, dialect: Dialect) -> Table:
    in_front = dialect.index_name(table.name, "")
    return Table(
        table.name.removeprefix(mark),
        tuple(map(_column, table.columns)),
        primary_key=table.primary_key,
        indexes=tuple(replace(index, name=index.name.removeprefix(in_front)) for index in table.indexes),
        foreign_keys=tuple(_foreign_key(key, mark) for key in table.foreign_keys),
    )


def _column(column: Column) -> Column:
    return replace(column, collation=None, comment="")


def _foreign_key(key: ForeignKey, mark: str) -> ForeignKey:
    return replace(key, name="", referenced_table=key.referenced_table.removeprefix(mark))
