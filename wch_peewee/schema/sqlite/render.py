"""Write tables, columns, indexes and foreign keys as SQLite's DDL.

Each function writes one definition from one object. An opaque object cannot be written; whoever calls
sees to that. What order statements come in is ``sqlite_change``'s business.

    create_table(table) == 'CREATE TABLE "wp_wch_carts" (...)'
"""

from __future__ import annotations

from collections.abc import Iterable

from ..objects import Column, ForeignKey, Index, Table
from .base import quote_name
from .defaults import write_default
from .introspect import is_autoindex, rowid_name
from .types import affinity, check, declared_type


def quote_names(names: Iterable[str]) -> str:
    return ", ".join(map(quote_name, names))


def create_table(table: Table, name: str | None = None) -> str:
    """Write the table under its own name or another, UNIQUEs included, indexes apart."""
    rowid = rowid_name(table)
    lines = [column_definition(column, rowid=column.name == rowid) for column in table.columns]
    if table.primary_key and rowid is None:
        lines.append(f"PRIMARY KEY ({quote_names(table.primary_key)})")
    lines += [f"UNIQUE ({quote_names(index.columns)})" for index in table.indexes if is_autoindex(index.name)]
    lines += [foreign_key_definition(key) for key in table.foreign_keys]
    return f"CREATE TABLE {quote_name(name or table.name)} (\n  " + ",\n  ".join(lines) + "\n)"


def create_indexes(table: Table) -> tuple[str, ...]:
    """Write the table's indexes, except those that come with the table itself."""
    return tuple(create_index(table.name, index) for index in table.indexes if not is_autoindex(index.name))


def create_index(table: str, index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    return f"CREATE {unique}INDEX {quote_name(index.name)} ON {quote_name(table)} ({quote_names(index.columns)})"


def column_definition(column: Column, *, rowid: bool = False) -> str:
    """Write a column with everything that stands at it; ``rowid`` makes it the rowid."""
    declared = "INTEGER" if rowid else declared_type(column.type)
    parts = [quote_name(column.name), declared]
    if not column.nullable:
        parts.append("NOT NULL")
    if rowid:
        parts.append("PRIMARY KEY AUTOINCREMENT" if column.auto_increment else "PRIMARY KEY")
    if column.default is not None:
        parts.append(f"DEFAULT {write_default(column.default, affinity(declared))}")
    condition = None if rowid else check(column.name, column.type)
    if condition is not None:
        parts.append(f"CHECK ({condition})")
    return " ".join(parts)


def foreign_key_definition(key: ForeignKey) -> str:
    text = f"CONSTRAINT {quote_name(key.name)} " if key.name else ""
    text += f"FOREIGN KEY ({quote_names(key.columns)}) REFERENCES {quote_name(key.referenced_table)}"
    if key.referenced_columns:
        text += f" ({quote_names(key.referenced_columns)})"
    for event, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update)):
        if action != "NO ACTION":
            text += f" ON {event} {action}"
    return text
