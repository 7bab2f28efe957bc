"""The declared and the live tables in one picture: both joined, and marks on what is on one side only.

tables, marks = compare(desired, actual)
marks.columns["wp_wch_carts", "items"]    # ("missing", "missing")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeVar

from ._part_declared_resolve import physical_name, resolve_key
from .objects import Column, ForeignKey, Index, Schema, Table

T = TypeVar("T", Index, ForeignKey)

#: ``extra`` is what is there and not declared.
Mark = Literal["", "missing", "differs", "extra"]


@dataclass(frozen=True, slots=True)
class Marks:
    """What is not as declared; what is, is not listed. The texts say in words what is different."""

    tables: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}))
    columns: Mapping[tuple[str, str], tuple[Mark, str]] = field(default_factory=lambda: MappingProxyType({}))
    indexes: Mapping[tuple[str, str], Mark] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[tuple[str, tuple[str, ...]], Mark] = field(default_factory=lambda: MappingProxyType({}))
    #: the picture is of a live database, whether or not something differs
    live: bool = False


def named(tables: Iterable[Table], prefix: str) -> Schema:
    """Give declared tables, and their foreign keys, the full names of one installation."""
    return Schema(
        tuple(
            replace(
                table,
                name=physical_name(table.name, prefix),
                foreign_keys=tuple(resolve_key(key, table.name, prefix) for key in table.foreign_keys),
            )
            for table in tables
        )
    )


def compare(desired: Schema, actual: Schema) -> tuple[Schema, Marks]:
    """Join both sides; ``desired`` is resolved for the engine that ``actual`` was read from."""
    tables: list[Table] = []
    missing: dict[str, Mark] = {}
    columns: dict[tuple[str, str], tuple[Mark, str]] = {}
    indexes: dict[tuple[str, str], Mark] = {}
    keys: dict[tuple[str, tuple[str, ...]], Mark] = {}
    for table in desired:
        live = actual.table(table.name)
        if live is None:
            missing[table.name] = "missing"
            tables.append(table)
            continue
        columns.update({(table.name, name): mark for name, mark in _column_marks(table, live)})
        extra_indexes = _without(live.indexes, table.indexes)
        extra_keys = _without(live.foreign_keys, table.foreign_keys)
        indexes.update({(table.name, index.name): "missing" for index in _without(table.indexes, live.indexes)})
        keys.update({(table.name, key.columns): "missing" for key in _without(table.foreign_keys, live.foreign_keys)})
        indexes.update({(table.name, index.name): "extra" for index in extra_indexes})
        for key in extra_keys:
            keys.setdefault((table.name, key.columns), "extra")
        tables.append(
            replace(
                table,
                columns=(*table.columns, *(c for c in live.columns if table.column(c.name) is None)),
                indexes=(*table.indexes, *extra_indexes),
                foreign_keys=(*table.foreign_keys, *(k for k in extra_keys if keys[table.name, k.columns] == "extra")),
            )
        )
    return Schema(tuple(tables)), Marks(missing, columns, indexes, keys, live=True)


def _column_marks(table: Table, live: Table) -> Iterable[tuple[str, tuple[Mark, str]]]:
    for column in table.columns:
        actual = live.column(column.name)
        if actual is None:
            yield column.name, ("missing", "missing")
        elif words := "; ".join(_differing(column, actual)):
            yield column.name, ("differs", words)
    for column in live.columns:
        if table.column(column.name) is None:
            yield column.name, ("extra", "not declared")


def _differing(column: Column, actual: Column) -> Iterable[str]:
    if actual.type != column.type:
        yield f"is {actual.type}"
    if actual.nullable != column.nullable:
        yield "is NULL" if actual.nullable else "is NOT NULL"
    if actual.default != column.default:
        yield "has no default" if actual.default is None else f"has default {actual.default}"
    if actual.auto_increment != column.auto_increment:
        yield "counts by itself" if actual.auto_increment else "does not count by itself"


def _without(ours: tuple[T, ...], theirs: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(one for one in ours if not any(one.serves(other) or other.serves(one) for other in theirs))
