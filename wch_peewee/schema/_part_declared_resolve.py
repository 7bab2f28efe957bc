"""From a prefix-free declaration to the tables of one installation on one engine.

resolve(tables, prefix="wp_", dialect=dialect, collation="utf8mb4_unicode_520_ci")
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .dialect import Dialect
from .naming import constraint_name
from .objects import ForeignKey, Schema, Table


def physical_name(key: str, prefix: str) -> str:
    """Name a declared table; unlike ``get_table_name`` it takes the tables of later migrations too."""
    return f"{prefix}wch_{key}"


def resolve(tables: Iterable[Table], *, prefix: str, dialect: Dialect, collation: str | None) -> Schema:
    return Schema(tuple(resolve_table(table, prefix=prefix, dialect=dialect, collation=collation) for table in tables))


def resolve_table(table: Table, *, prefix: str, dialect: Dialect, collation: str | None) -> Table:
    """Give ``table`` its full name, the site's collation, and what else the engine makes of it."""
    name = physical_name(table.name, prefix)
    keys = tuple(resolve_key(key, name, prefix) for key in table.foreign_keys)
    return dialect.adapt(replace(table, name=name, foreign_keys=keys, engine="InnoDB", collation=collation))


def resolve_key(key: ForeignKey, table: str, prefix: str) -> ForeignKey:
    """Name a foreign key after its full table, because such names are unique in a whole database."""
    name = constraint_name(table, "_".join(key.columns) + "_fk")
    return replace(key, referenced_table=physical_name(key.referenced_table, prefix), name=name)
