"""What an operation asks of the rows that are there, beyond what the server needs to be told: a pure function.

demands(ModifyColumn("t", was, now))    # Requirement("fits", "t", ("name",), size=20)
"""

from __future__ import annotations

from collections.abc import Iterator

from .objects import Column, ColumnType
from .operations import AddColumn, AddForeignKey, AddIndex, DropColumn, ModifyColumn, Operation
from .preconditions import Requirement

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_LONGEST = {"tinytext": 255, "text": 65_535, "mediumtext": 16_777_215, "longtext": 4_294_967_295}


def demands(operation: Operation) -> Iterator[Requirement]:
    """Say what has to hold of the rows, or the operation fails or loses something."""
    match operation:
        case AddColumn(table, column):
            if not column.nullable and column.default is None and not column.auto_increment:
                yield Requirement("empty", table, (column.name,))
        case ModifyColumn(table, was, column):
            yield from _modified(table, was, column)
        case DropColumn(table, name):
            yield Requirement("no_values", table, (name,))
        case AddIndex(table, index):
            if index.unique:
                yield Requirement("no_duplicates", table, index.columns)
        case AddForeignKey(table, key):
            yield Requirement("no_orphans", table, key.columns, key)


def is_loss(requirement: Requirement) -> bool:
    """Say whether rows that stand against it are lost, where others make the operation fail."""
    return requirement.kind == "no_values"


def _modified(table: str, was: Column, now: Column) -> Iterator[Requirement]:
    if was.nullable and not now.nullable:
        yield Requirement("no_nulls", table, (was.name,))
    length, bounds = _length(now.type), _bounds(now.type)
    if length is not None and (longest := _length(was.type)) is not None and length < longest:
        yield Requirement("fits", table, (was.name,), size=length)
    if bounds is not None and (before := _bounds(was.type)) is not None and not _within(before, bounds):
        yield Requirement("in_range", table, (was.name,), bounds=bounds)
    if now.type.name == "enum" and not (was.type.name == "enum" and set(was.type.values) <= set(now.type.values)):
        yield Requirement("listed", table, (was.name,), values=now.type.values)


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _length(type_: ColumnType) -> int | None:
    return type_.size if type_.name in ("varchar", "char") else _LONGEST.get(type_.name)


def _bounds(type_: ColumnType) -> tuple[int, int] | None:
    bits = _BITS.get(type_.name)
    if bits is None:
        return None
    return (0, 2**bits - 1) if type_.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
