"""Operations as MySQL and MariaDB statements, in as few ALTERs as keep the cheapest algorithm of each change."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...errors import SchemaConflict
from .. import operations as ops
from ..objects import Column, ColumnType, Default, Index, Table
from ..preconditions import Precondition
from ..statements import Statement, Step
from ..types import LONGEST_KEY, beyond, longest_key
from .algorithms import bytes_per_character, cost_of, highest_cost
from .base import quote_name, quote_text

_UNCHECKED = Statement("SET SESSION foreign_key_checks = 0")
_CHECKED = Statement("SET SESSION foreign_key_checks = 1")


def columns_list(columns: Sequence[str]) -> str:
    return ", ".join(quote_name(column) for column in columns)


def render_steps(
    flavor: str, table: Table | None, operations: Sequence[ops.Operation], *, renames_indexes: bool = True
) -> tuple[Step, ...]:
    """Render operations on ``table``, None if it does not exist. Not every server ``renames_indexes``."""
    steps: list[Step] = []
    rest = tuple(operations)
    if rest and isinstance(rest[0], ops.CreateTable):
        table, rest = rest[0].definition, rest[1:]
        steps.append(_create(table))
    if rest and table is None:
        raise SchemaConflict(f"{rest[0].table} does not exist")
    for batch in _batches(rest):
        assert table is not None
        if isinstance(batch[0], ops.RenameIndex):
            steps.append(_rename_index(flavor, batch[0], by_name=renames_indexes))
        else:
            steps += _render_batch(flavor, table, batch)
        table = ops.apply_to_table(table, batch)
    return tuple(steps)


def _batches(operations: Sequence[ops.Operation]) -> list[list[ops.Operation]]:
    """Split the operations so that each renaming is alone: others may use the old name, or the new one."""
    batches: list[list[ops.Operation]] = []
    for operation in operations:
        neighbours = [operation, *batches[-1]] if batches else []
        if not batches or any(isinstance(one, ops.RenameColumn | ops.RenameIndex) for one in neighbours):
            batches.append([])
        batches[-1].append(operation)
    return batches


def _render_batch(flavor: str, table: Table, operations: Sequence[ops.Operation]) -> list[Step]:
    steps = [
        Step(
            operation.table,
            (operation,),
            (Statement(f"DROP TABLE {quote_name(operation.table)}", operation.table),),
            "DROP",
        )
        for operation in operations
        if isinstance(operation, ops.DropTable)
    ]
    costs = _costs(flavor, table, operations)
    for phase in _PHASES:
        members = [(operation, cost) for operation, cost in costs if _phase(table, operation, cost) == phase]
        if members:
            steps.append(_alter(flavor, table, members))
    steps += [
        _add_foreign_key(flavor, operation) for operation in operations if isinstance(operation, ops.AddForeignKey)
    ]
    return steps


#: Keys are dropped before what they depend on, and added after it. A copy changes no NULL in a key's column (1832).
_PHASES = ("drop foreign keys", "drop indexes", "INSTANT", "METADATA", "of keys", "other columns", "add indexes")


def _phase(table: Table, operation: ops.Operation, cost: str) -> str:
    match operation:
        case ops.DropForeignKey():
            return "drop foreign keys"
        case ops.DropIndex():
            return "drop indexes"
        case ops.AddIndex():
            return "add indexes"
        case ops.ModifyColumn(_, was) if cost == "INPLACE" and any(
            was.name in key.columns for key in table.foreign_keys
        ):
            return "of keys"
        case ops.AddColumn() | ops.ModifyColumn() | ops.RenameColumn() | ops.DropColumn():
            return cost if cost in ("INSTANT", "METADATA") else "other columns"
    return ""


def _costs(flavor: str, table: Table, operations: Sequence[ops.Operation]) -> list[tuple[ops.Operation, str]]:
    """Return the cost of each operation. A new column costs at least as much as the new one that it follows."""
    costs: list[tuple[ops.Operation, str]] = []
    added: dict[str | None, str] = {}
    for operation in operations:
        cost = cost_of(flavor, table, operation)
        if isinstance(operation, ops.AddColumn):
            cost = highest_cost([cost, added.get(operation.after, cost)])
            added[operation.column.name] = cost
        costs.append((operation, cost))
    return costs


def _create(table: Table) -> Step:
    """Return one statement, keys and foreign keys included, so that a kill leaves all of the table or nothing."""
    lines = [column_definition(column) for column in table.columns]
    if table.primary_key:
        lines.append(f"PRIMARY KEY ({columns_list(table.primary_key)})")
    lines += [_index(index) for index in table.indexes]
    lines += [key.definition(quote_name) for key in table.foreign_keys]
    options = f" ENGINE={table.engine}" if table.engine else ""
    if table.collation:
        options += f" DEFAULT CHARSET={charset(table.collation)} COLLATE={table.collation}"
    sql = f"CREATE TABLE {quote_name(table.name)} (\n  " + ",\n  ".join(lines) + f"\n){options}"
    return Step(table.name, (ops.CreateTable(table.name, table),), (Statement(sql, table.name),), "CREATE")


def _alter(flavor: str, table: Table, members: list[tuple[ops.Operation, str]]) -> Step:
    operations = tuple(operation for operation, _ in members)
    clauses = [_clause(operation) for operation in operations]
    joined = ", ".join(clauses)
    alter = Statement(f"ALTER TABLE {quote_name(table.name)} {joined}", table.name, clauses=joined)
    cost = highest_cost([cost for _, cost in members])
    cost = "INPLACE" if cost == "METADATA" else cost
    if flavor == "mysql" and any(map(_changes_auto_increment, operations)):
        # 1833: a foreign key of another table prevents even that while keys are checked.
        return Step(table.name, operations, (_UNCHECKED, alter), cost, cleanup=(_CHECKED,))
    return Step(table.name, operations, (alter,), cost)


def _changes_auto_increment(operation: ops.Operation) -> bool:
    return isinstance(operation, ops.ModifyColumn) and operation.was.auto_increment != operation.column.auto_increment


def _add_foreign_key(flavor: str, operation: ops.AddForeignKey) -> Step:
    """Add the key with checks off: with checks on, the ALTER copies the table and blocks writers.

    The server does not see orphans then. They are counted before, by the plan, and after, by ``recheck``.
    """
    table, key = operation.table, operation.foreign_key
    adding = f"ADD {key.definition(quote_name)}"
    return Step(
        table,
        (operation,),
        (_UNCHECKED, Statement(f"ALTER TABLE {quote_name(table)} {adding}", table, clauses=adding)),
        "INSTANT" if flavor == "mariadb" else "INPLACE",
        cleanup=(_CHECKED,),
        recheck=Precondition("no_orphans", table, key.columns, key),
        undo=(Statement(f"ALTER TABLE {quote_name(table)} DROP FOREIGN KEY {quote_name(key.name)}", table),),
    )


def _clause(operation: ops.Operation) -> str:
    if isinstance(operation, ops.AddColumn):
        place = " FIRST" if operation.after is None else f" AFTER {quote_name(operation.after)}"
        return f"ADD COLUMN {column_definition(operation.column)}{place}"
    if isinstance(operation, ops.ModifyColumn):
        return f"MODIFY COLUMN {column_definition(operation.column)}"
    if isinstance(operation, ops.RenameColumn):
        return f"RENAME COLUMN {quote_name(operation.old)} TO {quote_name(operation.new)}"
    if isinstance(operation, ops.DropColumn):
        return f"DROP COLUMN {quote_name(operation.column)}"
    if isinstance(operation, ops.AddIndex):
        return f"ADD {_index(operation.index)}"
    if isinstance(operation, ops.DropIndex):
        return f"DROP INDEX {quote_name(operation.index)}"
    assert isinstance(operation, ops.DropForeignKey)
    return f"DROP FOREIGN KEY {quote_name(operation.foreign_key.name)}"


def conversion(live: Table, wanted: Table) -> str:
    """Return the statement that changes engine, collation and columns of ``live`` to those of ``wanted``.

    CONVERT TO CHARACTER SET would also make a text a mediumtext, and on MariaDB give JSON another collation.
    """
    clauses = [] if wanted.engine == live.engine else [f"ENGINE={wanted.engine}"]
    if wanted.collation and wanted.collation != live.collation:
        clauses.append(f"DEFAULT CHARACTER SET {charset(wanted.collation)} COLLATE {wanted.collation}")
    clauses += [f"MODIFY {column_definition(column)}" for column in wanted.columns if column not in live.columns]
    return f"ALTER TABLE {quote_name(live.name)} {', '.join(clauses)};"


def column_definition(column: Column) -> str:
    """Return the complete definition: what a MODIFY leaves out is lost."""
    words = [quote_name(column.name), column_type(column.type)]
    if column.collation and column.type.has_collation:
        words.append(f"CHARACTER SET {charset(column.collation)} COLLATE {column.collation}")
    words.append("NULL" if column.nullable else "NOT NULL")
    if column.default is not None:
        words.append(f"DEFAULT {_default(column.type, column.default)}")
    if column.auto_increment:
        words.append("AUTO_INCREMENT")
    if column.comment:
        words.append("COMMENT " + quote_text(column.comment))
    return " ".join(words)


def _default(type_: ColumnType, default: Default) -> str:
    if not default.is_expression:
        return quote_text(default.text)
    if default.text != "current_timestamp":
        return f"({default.text})"
    return f"{default.text}({type_.size})" if type_.size else default.text


def column_type(type_: ColumnType) -> str:
    return f"enum({','.join(map(quote_text, type_.values))})" if type_.values else str(type_)


def _index(index: Index) -> str:
    return f"{'UNIQUE KEY' if index.unique else 'KEY'} {quote_name(index.name)} ({columns_list(index.columns)})"


def charset(collation: str) -> str:
    """Return the charset of a collation, whose name begins with it."""
    return collation.split("_")[0]


def _rename_index(flavor: str, operation: ops.RenameIndex, *, by_name: bool) -> Step:
    """Rename an index; without ``by_name`` create it anew in one statement, so that a foreign key always has it."""
    old, new = quote_name(operation.index.name), replace(operation.index, name=operation.new)
    clause = f"RENAME INDEX {old} TO {quote_name(new.name)}"
    if not by_name:
        clause = f"DROP INDEX {old}, ADD {_index(new)}"
    cost = "INPLACE" if flavor == "mysql" else "INSTANT" if by_name else "NOCOPY"
    sql = f"ALTER TABLE {quote_name(operation.table)} {clause}"
    return Step(operation.table, (operation,), (Statement(sql, operation.table, clauses=clause),), cost)


def obstacles(table: Table, operation: ops.Operation) -> Iterator[str]:
    """Yield the reasons against ``operation`` on the live ``table``."""
    if table.is_partitioned:
        yield from _partition_obstacles(table, operation)
    if isinstance(operation, ops.AddColumn | ops.ModifyColumn):
        now = operation.column
        if now.type.name == "timestamp" and not now.nullable and now.default is None:
            yield (
                f"{now.name} needs a default: as a timestamp NOT NULL without one, it changes with every UPDATE of "
                "its row if explicit_defaults_for_timestamp is off"
            )
    if isinstance(operation, ops.ModifyColumn) and operation.column.type.values != operation.was.type.values:
        collation = operation.column.collation or table.collation or ""
        if not collation.endswith("_bin") and (reason := beyond(operation.column.type)):
            yield reason  # error 1291
    if isinstance(operation, ops.AddIndex | ops.ModifyColumn):
        result = operation.applied_to(table)
        for index in result.indexes:
            columns = [column for name in index.columns if (column := result.column(name)) and not index.opaque]
            if sum(_length(table, column) for column in columns) > LONGEST_KEY:
                longest = max(columns, key=lambda column: _length(table, column))
                yield f"{longest.name} is {longest.type}, too long for the index {index.name}"


def _partition_obstacles(table: Table, operation: ops.Operation) -> Iterator[str]:
    """Yield what no server does with a partitioned table. It is partitioned by columns of its primary key."""
    key = ", ".join(table.primary_key)
    if isinstance(operation, ops.AddForeignKey):
        yield "the table is partitioned, and such a table has no foreign keys"
    elif isinstance(operation, ops.AddIndex):
        there = {name.lower() for name in operation.index.columns}
        if operation.index.unique and not there.issuperset(map(str.lower, table.primary_key)):
            yield f"the table is partitioned, and each unique index of such a table has to contain {key}"
    elif isinstance(operation, ops.ModifyColumn | ops.RenameColumn | ops.DropColumn):
        result = operation.applied_to(table)
        if any(result.column(name) != table.column(name) for name in table.primary_key):
            yield f"the table is partitioned by {key}"


def _length(table: Table, column: Column) -> int:
    return longest_key(column.type, bytes_per_character(column.collation or table.collation))
