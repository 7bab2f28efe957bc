"""Everything that differs between two schemas, drops and renames included, as operations.

Unlike ``schema.diff`` it judges nothing: it says what brings the one to the other. In what order that can be done is
``arrange``'s business, and what it asks of the rows that of ``recipes``. Tables carry their keys.

    compare(before, after, Renames())
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .objects import Index, Schema, Table, same_names
from .operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropTable,
    ModifyColumn,
    Operation,
    RenameColumn,
    RenameIndex,
)
from .renames import Renames, renamed


@dataclass(frozen=True, slots=True)
class ChangePrimaryKey(Operation):
    """No step does it, but the author has to know."""

    was: tuple[str, ...]
    now: tuple[str, ...]

    def outcome(self) -> tuple[str, ...]:
        return (f"Changed primary key of {self.table} from ({', '.join(self.was)}) to ({', '.join(self.now)})",)


def compare(before: Schema, after: Schema, renames: Renames) -> tuple[Operation, ...]:
    """Say what leads from ``before`` to ``after``: nothing when they agree."""
    found: list[Operation] = [RenameColumn(table, old, new) for (table, old), new in renames.columns.items()]
    before = renamed(before, renames)
    for table in after:
        was = before.table(table.name)
        found += [CreateTable(table.name, table)] if was is None else _table(was, table, renames)
    found += [DropTable(table.name) for table in before if after.table(table.name) is None]
    return tuple(found)


def _table(was: Table, now: Table, renames: Renames) -> Iterator[Operation]:
    previous = None
    for column in now.columns:
        old = was.column(column.name)
        if old is None:
            # What a migration's own SQL has made, a generated column for one, no model can declare.
            if column.opaque:
                continue
            yield AddColumn(now.name, column, previous)
        elif replace(old, opaque=()) != replace(column, opaque=()):
            yield ModifyColumn(now.name, old, column)
        previous = column.name
    for old in was.columns:
        if now.column(old.name) is None and not old.opaque:
            yield DropColumn(now.name, old.name)
    if not same_names(was.primary_key, now.primary_key):
        yield ChangePrimaryKey(now.name, was.primary_key, now.primary_key)
    yield from _indexes(was, now, renames)
    for key in was.foreign_keys:
        if not any(key.serves(wanted) for wanted in now.foreign_keys):
            yield DropForeignKey(now.name, key)
    for key in now.foreign_keys:
        if not any(there.serves(key) for there in was.foreign_keys):
            yield AddForeignKey(now.name, key)


def _indexes(was: Table, now: Table, renames: Renames) -> Iterator[Operation]:
    gone = [index for index in was.indexes if not index.opaque and not _there(index, now)]
    new = [index for index in now.indexes if not index.opaque and not _there(index, was)]
    for index in tuple(gone):
        target = _renamed_to(index, was, new, now, renames)
        if target is not None:
            yield RenameIndex(now.name, index, target.name)
            gone.remove(index)
            new.remove(target)
    for index in gone:
        yield DropIndex(now.name, index.name)
    for index in new:
        yield AddIndex(now.name, index)


def _there(index: Index, table: Table) -> bool:
    same = table.index(index.name)
    return same is not None and same.serves(index)


def _renamed_to(index: Index, was: Table, new: list[Index], now: Table, renames: Renames) -> Index | None:
    candidates = [c for c in new if c.serves(index) and was.index(c.name) is None]
    if (said := renames.indexes.get((now.name, index.name))) is not None:
        return next((candidate for candidate in candidates if candidate.name == said), None)
    if now.index(index.name) is not None:
        return None  # another one has its name now
    return candidates[0] if candidates else None
