"""Renaming an index on MySQL and MariaDB: only its name, where the server has a word for that (MariaDB from 10.5.2 on).

It gets an ALTER of its own: on MySQL a new column in the same statement would rebuild the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..objects import Table
from ..operations import CreateTable, DropTable, Operation, RenameIndex
from ..statements import Statement, Step
from .base import name
from .render import columns_list


def parts(operations: Sequence[Operation]) -> Iterator[RenameIndex | list[Operation]]:
    """Part the operations at each renaming of an index."""
    together: list[Operation] = []
    for operation in operations:
        if isinstance(operation, RenameIndex):
            if together:
                yield together
            yield operation
            together = []
        else:
            together.append(operation)
    if together:
        yield together


def after(table: Table, part: RenameIndex | Sequence[Operation]) -> Table:
    """Return the table as it is after that part."""
    for operation in [part] if isinstance(part, RenameIndex) else part:
        if not isinstance(operation, CreateTable | DropTable):
            table = operation.applied_to(table)
    return table


def rename_step(flavor: str, operation: RenameIndex, *, by_name: bool) -> Step:
    """Rename it; without ``by_name`` make it anew in one statement, so that a foreign key never lacks it."""
    old, new = name(operation.index.name), replace(operation.index, name=operation.new)
    clause = f"RENAME INDEX {old} TO {name(new.name)}"
    if not by_name:
        kind = "UNIQUE KEY" if new.unique else "KEY"
        clause = f"DROP INDEX {old}, ADD {kind} {name(new.name)} ({columns_list(new.columns)})"
    cost = "INPLACE" if flavor == "mysql" else "INSTANT" if by_name else "NOCOPY"
    sql = f"ALTER TABLE {name(operation.table)} {clause}"
    return Step(operation.table, (operation,), (Statement(sql, operation.table, clauses=clause),), cost)


def lost(operations: Sequence[Operation]) -> tuple[str, ...]:
    """Say what an index that has to be made anew under its new name would lose."""
    renamed = [operation.index for operation in operations if isinstance(operation, RenameIndex)]
    return tuple(f"index {index.name}: {word}" for index in renamed for word in index.opaque)
