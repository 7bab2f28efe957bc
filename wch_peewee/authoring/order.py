"""The order of operations: one that every engine accepts."""

from collections.abc import Iterable, Sequence

from ..schema import operations as ops
from ..schema.objects import ForeignKey, Index, Schema
from ..schema.renames import ChangePrimaryKey

_Column = tuple[str, str]


def arrange(operations: Sequence[ops.Operation], before: Schema, after: Schema) -> tuple[ops.Operation, ...]:
    """Order the operations; ``before`` already has the new names of its columns.

    MySQL refuses to change the type of a column in a foreign key on either side, and to drop the last index that a
    foreign key can use: such a key is dropped first and added last. Indexes are added before others are dropped, so
    that this is rarely needed. A new table's foreign keys need the types and indexes of the tables that they refer to,
    and values of a dropped column may move into it.
    """
    retyped = {
        (operation.table, operation.column.name)
        for operation in operations
        if isinstance(operation, ops.ModifyColumn) and operation.was.type != operation.column.type
    }
    gone = [operation for operation in operations if isinstance(operation, ops.DropIndex)]
    added = [operation for operation in operations if isinstance(operation, ops.AddIndex)]
    again = [operation for operation in added if _has_to_wait(operation, before, gone)]
    first = [operation for operation in gone if _is_on(operation, before, retyped)]
    held = tuple(_held(before, after, retyped, gone, [add for add in added if add not in again]))
    return (
        *_of(operations, ops.RenameColumn),
        *_of(operations, ops.DropForeignKey),
        *(ops.DropForeignKey(table, key) for table, key in held),
        *_of(operations, ChangePrimaryKey),
        *first,
        *_of(operations, ops.AddColumn),
        *_of(operations, ops.ModifyColumn),
        *_of(operations, ops.RenameIndex),
        *(operation for operation in added if operation not in again),
        *(operation for operation in gone if operation not in first),
        *again,
        *_of(operations, ops.CreateTable),
        *_of(operations, ops.DropColumn),
        *(ops.AddForeignKey(table, key) for table, key in held if after.table(table)),
        *_of(operations, ops.AddForeignKey),
        *reversed(_of(operations, ops.DropTable)),
    )


def _of(operations: Iterable[ops.Operation], kind: type[ops.Operation]) -> list[ops.Operation]:
    return [operation for operation in operations if type(operation) is kind]


def _has_to_wait(adding: ops.AddIndex, before: Schema, gone: Iterable[ops.DropIndex]) -> bool:
    """Return True if an index to be dropped has its name or is equivalent: the step would find nothing to do."""
    table = before.table(adding.table)
    names = {operation.index for operation in gone if operation.table == adding.table}
    indexes = [index for index in table.indexes if index.name in names] if table else []
    return any(index.name == adding.index.name or index.serves(adding.index) for index in indexes)


def _is_on(operation: ops.DropIndex, before: Schema, columns: set[_Column]) -> bool:
    """Return True if the index has a column whose type changes. It is dropped first: the new type may not allow it."""
    table = before.table(operation.table)
    index = table.index(operation.index) if table else None
    return index is not None and any((operation.table, column) in columns for column in index.columns)


def _held(
    before: Schema, after: Schema, retyped: set[_Column], gone: Sequence[ops.DropIndex], added: Sequence[ops.AddIndex]
) -> Iterable[tuple[str, ForeignKey]]:
    """Yield the keys that are in the way of other changes; of tables to be dropped, too, because these are last."""
    indexes = [(o.table, index) for o in gone if (table := before.table(o.table)) and (index := table.index(o.index))]
    indexed = {(name, column) for name, index in indexes for column in index.columns}
    for table in before:
        now = after.table(table.name)
        dropped = {operation.index for operation in gone if operation.table == table.name}
        left = [index for index in table.indexes if index.name not in dropped]
        left += [operation.index for operation in added if operation.table == table.name]
        for key in table.foreign_keys:
            if now is not None and not any(key.serves(wanted) for wanted in now.foreign_keys):
                continue
            on = {(table.name, column) for column in key.columns}
            to = {(key.referenced_table, column) for column in key.referenced_columns}
            lacking = any(_leads(index, key) for index in table.indexes) and not any(_leads(i, key) for i in left)
            if (lacking or (on | to) & retyped) if now else to & (retyped | indexed):
                yield table.name, key


def _leads(index: Index, key: ForeignKey) -> bool:
    return index.columns[: len(key.columns)] == key.columns
