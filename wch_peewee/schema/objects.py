"""The values that describe a schema, in a canonical form that is the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .types import ColumnType, column_type, plain_literal

__all__ = [
    "PARTITIONING", "Column", "ColumnType", "Default", "Foreign", "ForeignKey", "Index", "Schema", "Table",
    "as_declared", "as_shown", "bigint", "boolean", "column_type", "datetime", "decimal", "enum", "integer", "json",
    "plain_default", "same_names", "text", "varchar",
]  # fmt: skip


def bigint(*, unsigned: bool = False) -> ColumnType:
    return ColumnType("bigint", unsigned=unsigned)


def integer() -> ColumnType:
    return ColumnType("int")


def boolean() -> ColumnType:
    """Return ``tinyint(1)``, which is how WordPress and MySQL spell a flag."""
    return ColumnType("tinyint", size=1)


def varchar(size: int) -> ColumnType:
    return ColumnType("varchar", size=size)


def text() -> ColumnType:
    return ColumnType("text")


def json() -> ColumnType:
    return ColumnType("json")


def enum(*values: str) -> ColumnType:
    return ColumnType("enum", values=values)


def datetime() -> ColumnType:
    """Return the type of a date and time in whole seconds, without a time zone."""
    return ColumnType("datetime")


def decimal(size: int, scale: int) -> ColumnType:
    """Return the type of numbers with ``size`` digits, of which ``scale`` are behind the point."""
    return ColumnType("decimal", size=size, scale=scale)


@dataclass(frozen=True, slots=True)
class Default:
    """The default value of a column: a literal's text, or an expression such as ``current_timestamp``."""

    text: str
    is_expression: bool = False

    def __str__(self) -> str:
        return self.text if self.is_expression else "'" + self.text.replace("'", "''") + "'"


def plain_default(type_: ColumnType, default: Default | None) -> Default | None:
    """Return a default in the one spelling that engines agree on; an expression stays what it is."""
    if default is None or default.is_expression:
        return default
    return replace(default, text=plain_literal(type_, default.text))


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    ``default=None`` means no default, which for a nullable column is NULL. ``collation`` is set only if it differs
    from the table's. ``opaque`` lists in words what the live column has that this value cannot restate; such a column
    is never modified. ``source`` is the text that SQLite keeps of it, which a rebuild of its table restates; a key that
    is part of that text has the same one. ``is_rowid`` marks SQLite's number that counts by itself, which has one type
    whatever was declared.
    """

    name: str
    type: ColumnType
    nullable: bool = False
    default: Default | None = None
    auto_increment: bool = False
    collation: str | None = None
    comment: str = ""
    opaque: tuple[str, ...] = ()
    source: str = field(default="", compare=False, repr=False)
    is_rowid: bool = field(default=False, compare=False, repr=False)

    @property
    def is_generated(self) -> bool:
        """True if the server computes the value, so that it cannot be written."""
        return any(words.endswith("generated value") for words in self.opaque)


def as_shown(text: str) -> str:
    """Return a text as the metadata of MySQL and MariaDB show it: ``?`` for each character beyond U+FFFF."""
    return re.sub("[^\0-\uffff]", "?", text)


def as_declared(found: Column, declared: Column) -> Column:
    """Return a live column as declared where it shows just what is left of that (see ``as_shown``)."""
    default = declared.default
    if default and found.default == replace(default, text=as_shown(default.text)):
        found = replace(found, default=default)
    if found.is_rowid and declared.auto_increment:
        return replace(found, type=declared.type)
    shown = {as_shown(value): value for value in declared.type.values}
    # ZEROFILL makes a number unsigned, and the column is never modified.
    unsigned = declared.type.unsigned if "zerofill" in found.opaque else found.type.unsigned
    values = tuple(shown.get(value, value) for value in found.type.values)
    return replace(found, type=replace(found.type, values=values, unsigned=unsigned))


def same_names(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return True for the same names in the same order; names compare without case, as in every engine."""
    return [name.lower() for name in one] == [name.lower() for name in other]


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index. ``opaque`` lists what this value cannot restate of a live one: a prefix, an expression."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    opaque: tuple[str, ...] = ()
    source: str = field(default="", compare=False, repr=False)

    def serves(self, wanted: Index) -> bool:
        """Return True if this index does the work of ``wanted``, whatever its name."""
        return not self.opaque and same_names(self.columns, wanted.columns) and self.unique == wanted.unique


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key. RESTRICT becomes NO ACTION, which in InnoDB is the same."""

    columns: tuple[str, ...]
    referenced_table: str
    referenced_columns: tuple[str, ...] = ("id",)
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    name: str = ""
    source: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        for event in ("on_delete", "on_update"):
            action = getattr(self, event).upper()
            object.__setattr__(self, event, "NO ACTION" if action == "RESTRICT" else action)

    def definition(self, quote: Callable[[str], str]) -> str:
        """Return the key as CREATE TABLE and ALTER TABLE have it; ``quote`` quotes a name."""
        own, referenced = (", ".join(map(quote, names)) for names in (self.columns, self.referenced_columns))
        text = f"CONSTRAINT {quote(self.name)} " if self.name else ""
        text += f"FOREIGN KEY ({own}) REFERENCES {quote(self.referenced_table)}"
        text += f" ({referenced})" if referenced else ""
        for event, action in (("DELETE", self.on_delete), ("UPDATE", self.on_update)):
            if action != "NO ACTION":
                text += f" ON {event} {action}"
        return text

    def serves(self, wanted: ForeignKey) -> bool:
        """Return True if this key does the work of ``wanted``: tools such as pt-online-schema-change rename keys."""
        return (
            same_names(self.columns, wanted.columns)
            and self.referenced_table == wanted.referenced_table
            and same_names(self.referenced_columns, wanted.referenced_columns)
            and self.on_delete == wanted.on_delete
            and self.on_update == wanted.on_update
        )


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something on a managed table that is not ours and has no value of its own: a trigger, a check, partitions."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


#: Every ALTER keeps it, but a partitioned table has no foreign keys, and its key is in each unique index.
PARTITIONING = Foreign("partitioning", "of its own")


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``opaque`` lists in words why a live one must not be modified; ``is_view`` marks a view of that name."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ("id",)
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    engine: str | None = None
    collation: str | None = None
    foreign: tuple[Foreign, ...] = ()
    opaque: tuple[str, ...] = ()
    is_view: bool = False

    @property
    def is_partitioned(self) -> bool:
        return PARTITIONING in self.foreign

    def column(self, name: str) -> Column | None:
        """Return the column of that name, in whatever case, or None."""
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)

    def index(self, name: str) -> Index | None:
        wanted = name.lower()
        return next((index for index in self.indexes if index.name.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables, parents before children."""

    tables: tuple[Table, ...]

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)


T = TypeVar("T")


def in_order(items: Iterable[T], parents: Callable[[T], Sequence[object]]) -> tuple[list[T], list[T]]:
    """Return the items, each behind its parents and else in their order, and those that refer to each other."""
    ordered, rest = list[T](), list(items)
    while True:
        free = next((item for item in rest if not any(one in rest and one != item for one in parents(item))), None)
        if free is None:
            return ordered, rest
        ordered.append(free)
        rest.remove(free)
