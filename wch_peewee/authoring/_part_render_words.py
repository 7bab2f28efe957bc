"""What a migration changes, in the few words of its docstring.

summary([AddColumn("messages", column, None)]) == ("messages get channel",)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..schema.compare import ChangePrimaryKey
from ..schema.objects import Column, Index
from ..schema.operations import (
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


def summary(operations: Sequence[Operation]) -> tuple[str, ...]:
    """Say what changes, one piece for each thing; columns that come or go together are one."""
    pieces: dict[str, None] = {}
    for operation in operations:
        for piece in _words(operation, operations):
            pieces[piece] = None
    return tuple(pieces)


def caution(operations: Sequence[Operation]) -> str:
    """Say in the rollback's docstring what it does not bring back, and what goes with it; empty when nothing."""
    lost = [f"{o.table}.{o.column}" for o in operations if isinstance(o, DropColumn)]
    lost += [f"the table {o.table}" for o in operations if isinstance(o, DropTable)]
    made = [o.table for o in operations if isinstance(o, CreateTable)]
    said = f"Take it back, but for the values of {_few(lost)}, which are gone." if lost else ""
    rows = f"The rows of {_few(made)} go with it." if made else ""
    return " ".join(part for part in (said, rows) if part)


def _few(names: Sequence[str]) -> str:
    return _listed(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more"


def _words(operation: Operation, operations: Sequence[Operation]) -> Iterator[str]:
    table = operation.table
    match operation:
        case CreateTable():
            yield f"a table {table}"
        case DropTable():
            yield f"no table {table}"
        case AddColumn():
            new = (o.column.name for o in operations if isinstance(o, AddColumn) and o.table == table)
            yield f"{table} get {_listed(new)}"
        case DropColumn():
            gone = (o.column for o in operations if isinstance(o, DropColumn) and o.table == table)
            yield f"{table} lose {_listed(gone)}"
        case RenameColumn(old=old, new=new):
            yield f"{table}.{old} is called {new}"
        case ModifyColumn(was=was, column=column):
            yield f"{table}.{column.name} {_listed(_differences(was, column))}"
        case AddIndex(index=index):
            yield f"{_index(index)} on {table} ({', '.join(index.columns)})"
        case RenameIndex(index=index, new=new):
            yield f"the index {index.name} of {table} is called {new}"
        case DropIndex(index=name):
            yield f"no index {name} on {table}"
        case AddForeignKey(foreign_key=key):
            yield f"{table}.{', '.join(key.columns)} refers to {key.referenced_table}"
        case DropForeignKey(foreign_key=key):
            yield f"{table}.{', '.join(key.columns)} refers to nothing"
        case ChangePrimaryKey(now=now):
            yield f"the primary key of {table} is ({', '.join(now)})"


def _differences(was: Column, now: Column) -> Iterator[str]:
    if was.type.name == now.type.name == "enum":
        new = [repr(value) for value in now.type.values if value not in was.type.values]
        gone = [repr(value) for value in was.type.values if value not in now.type.values]
        if new:
            yield f"can be {_listed(new)}"
        if gone:
            yield f"can no longer be {_listed(gone)}"
        if not new and not gone and was.type != now.type:
            yield "has its values in another order"
    elif was.type != now.type:
        yield f"becomes {now.type}"
    if was.nullable != now.nullable:
        yield "may be NULL" if now.nullable else "is NOT NULL"
    if was.default != now.default:
        yield f"defaults to {now.default}" if now.default is not None else "has no default"


def _index(index: Index) -> str:
    return "a unique index" if index.unique else "an index"


def _listed(words: Iterable[str]) -> str:
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last
