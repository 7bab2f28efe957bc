"""Two tables compared part by part, each part with a verdict; what to do about it is decided by those who read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from .objects import Column, ForeignKey, Index, Table, same_names

Part = TypeVar("Part", Column, Index, ForeignKey)

#: ``cosmetic``: it does the same work under another name, or with another comment or collation.
#: ``skipped``: it cannot be compared, because one side has what these values cannot restate.
Verdict = Literal["equal", "cosmetic", "different", "skipped"]


@dataclass(frozen=True, slots=True)
class Pair(Generic[Part]):
    """A column, index or foreign key on both sides, None on a side that lacks it. ``reason`` says why it is skipped."""

    wanted: Part | None
    found: Part | None
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TableComparison:
    """The parts of two tables: the wanted ones in their order, then those that were found beside them."""

    columns: tuple[Pair[Column], ...]
    indexes: tuple[Pair[Index], ...]
    foreign_keys: tuple[Pair[ForeignKey], ...]
    same_primary_key: bool


def compare_tables(wanted: Table, found: Table) -> TableComparison:
    """Compare two tables. Names are equal in whatever case, and the order of columns is not compared."""
    return TableComparison(
        tuple(_columns(wanted, found)),
        tuple(_indexes(wanted, found)),
        tuple(_foreign_keys(wanted, found)),
        same_names(wanted.primary_key, found.primary_key),
    )


def _columns(wanted: Table, found: Table) -> Iterator[Pair[Column]]:
    left = {column.name.lower(): column for column in found.columns}
    for column in wanted.columns:
        other = left.pop(column.name.lower(), None)
        if other is None:
            yield _alone(column, None, column.opaque)
        else:
            yield Pair(column, other, _column_verdict(column, other))
    for column in left.values():
        yield _alone(None, column, column.opaque)


def _column_verdict(wanted: Column, found: Column) -> Verdict:
    if _definition(wanted) != _definition(found):
        return "different"
    same = (wanted.name, wanted.collation, wanted.comment) == (found.name, found.collation, found.comment)
    return "equal" if same else "cosmetic"


def _definition(column: Column) -> tuple[object, ...]:
    return column.type, column.nullable, column.default, column.auto_increment


def _indexes(wanted: Table, found: Table) -> Iterator[Pair[Index]]:
    taken = set()
    for index in wanted.indexes:
        pair = _index_pair(index, found)
        taken.add(pair.found)
        yield pair
    for index in found.indexes:
        if index in taken:
            continue
        if any(index.serves(other) or other.serves(index) for other in wanted.indexes):
            yield Pair(None, index, "cosmetic")  # a second one for the same work
        else:
            yield _alone(None, index, index.opaque)


def _index_pair(index: Index, found: Table) -> Pair[Index]:
    """Prefer the index of the same name; take any that does the same work."""
    namesake = found.index(index.name)
    candidates = found.indexes if namesake is None else (namesake, *found.indexes)
    for other in candidates:
        if index.serves(other) and other.serves(index):
            return Pair(index, other, "equal" if other is namesake else "cosmetic")
    for other in candidates:
        if index.serves(other) or other.serves(index):
            return Pair(index, other, "skipped", ", ".join((*index.opaque, *other.opaque)))
    return _alone(index, None, index.opaque)


def _foreign_keys(wanted: Table, found: Table) -> Iterator[Pair[ForeignKey]]:
    taken = set()
    for key in wanted.foreign_keys:
        other = next((other for other in found.foreign_keys if other.serves(key)), None)
        if other is None:
            yield _alone(key, None)
        else:
            taken.add(other)
            yield Pair(key, other, "equal" if other.name == key.name else "cosmetic")
    for key in found.foreign_keys:
        if key not in taken:
            serves = any(key.serves(other) for other in wanted.foreign_keys)
            yield Pair(None, key, "cosmetic") if serves else _alone(None, key)


def _alone(wanted: Part | None, found: Part | None, opaque: tuple[str, ...] = ()) -> Pair[Part]:
    return Pair(wanted, found, "skipped" if opaque else "different", ", ".join(opaque))
