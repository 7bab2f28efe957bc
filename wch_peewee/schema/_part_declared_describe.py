"""The declared schema for other eyes: as plain values for programs, and as the statements that make it.

It says what is declared, not what a database holds; that is ``introspect``'s business.

    describe_schema(logical_tables(MODELS), "wp_")["tables"][0]["columns"]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._part_declared_resolve import physical_name, resolve, resolve_key
from .dialect import Dialect
from .objects import Column, ForeignKey, Index, Table
from .operations import CreateTable
from .statements import Statement


def describe_schema(tables: Iterable[Table], prefix: str) -> dict[str, Any]:
    """Return the declared tables as plain lists, dicts and strings, alike for every engine."""
    return {"prefix": prefix, "tables": [_table(table, prefix) for table in tables]}


def create_statements(
    tables: Iterable[Table], *, prefix: str, dialect: Dialect, collation: str | None
) -> tuple[Statement, ...]:
    """Return what makes the tables where nothing is there yet, parents first."""
    desired = resolve(tables, prefix=prefix, dialect=dialect, collation=collation)
    steps = [step for table in desired for step in dialect.render(None, [CreateTable(table.name, table)])]
    return tuple(statement for step in steps for statement in step.statements)


def _table(table: Table, prefix: str) -> dict[str, Any]:
    name = physical_name(table.name, prefix)
    return {
        "key": table.name,
        "name": name,
        "columns": [_column(column) for column in table.columns],
        "primary_key": list(table.primary_key),
        "indexes": [_index(index) for index in table.indexes],
        "foreign_keys": [_foreign_key(resolve_key(key, name, prefix)) for key in table.foreign_keys],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type.name,
        "size": column.type.size,
        "unsigned": column.type.unsigned,
        "values": list(column.type.values),
        "nullable": column.nullable,
        "default": None if column.default is None else column.default.text,
        "auto_increment": column.auto_increment,
    }


def _index(index: Index) -> dict[str, Any]:
    return {"name": index.name, "columns": list(index.columns), "unique": index.unique}


def _foreign_key(key: ForeignKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "columns": list(key.columns),
        "referenced_table": key.referenced_table,
        "referenced_columns": list(key.referenced_columns),
        "on_delete": key.on_delete,
        "on_update": key.on_update,
    }
