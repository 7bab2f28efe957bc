"""Operations as MySQL and MariaDB statements, in as few ALTERs as keep each change's cheapest algorithm.

A column is always restated whole: a MODIFY that leaves something out loses it. A new table is one
statement, keys and foreign keys inside, so that no kill leaves half of one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ...errors import SchemaConflict
from .. import operations as ops
from ..objects import Column, ColumnType, ForeignKey, Index, Table
from ..preconditions import Precondition
from ..statements import Statement, Step
from .algorithms import bytes_per_character, cost, dearest
from .base import quote_name, quote_text

_CHARACTER = {"varchar", "char", "text", "tinytext", "mediumtext", "longtext", "enum", "set"}
_COLUMN_OPERATIONS = (ops.AddColumn, ops.ModifyColumn, ops.RenameColumn, ops.DropColumn)
_UNCHECKED = Statement("SET SESSION foreign_key_checks = 0")
_CHECKED = Statement("SET SESSION foreign_key_checks = 1")


def columns_list(columns: Sequence[str]) -> str:
    return ", ".join(quote_name(column) for column in columns)


def render_steps(flavor: str, table: Table | None, operations: Sequence[ops.Operation]) -> tuple[Step, ...]:
    steps: list[Step] = []
    rest = tuple(operations)
    if rest and isinstance(rest[0], ops.CreateTable):
        table, rest = rest[0].definition, rest[1:]
        steps.append(_create(table))
    if rest and table is None:
        raise SchemaConflict(f"{rest[0].table} is not there; nothing of it can be changed")
    for batch in _batches(rest):
        assert table is not None
        steps += _render_batch(flavor, table, batch)
        table = ops.apply_to_table(table, batch)
    return tuple(steps)


def _batches(operations: Sequence[ops.Operation]) -> list[list[ops.Operation]]:
    """Part the operations behind a renaming, where one speaks of the column that was renamed."""
    batches: list[list[ops.Operation]] = []
    renamed: set[str] = set()
    for operation in operations:
        if not batches or renamed & _columns_of(operation):
            batches.append([])
            renamed = set()
        batches[-1].append(operation)
        if isinstance(operation, ops.RenameColumn):
            renamed |= {operation.old, operation.new}
    return batches


def _columns_of(operation: ops.Operation) -> set[str]:
    match operation:
        case ops.AddColumn(column=column, after=after):
            return {column.name, after or ""}
        case ops.ModifyColumn(column=column) | ops.DropColumn(column=column):
            return {column if isinstance(column, str) else column.name}
        case ops.RenameColumn(old=old, new=new):
            return {old, new}
        case ops.AddIndex(index=index):
            return set(index.columns)
        case ops.AddForeignKey(foreign_key=key):
            return set(key.columns)
    return set()


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
    # Keys go before what they hold on to and come after what they need.
    phases: tuple[Callable[[ops.Operation, str], bool], ...] = (
        lambda operation, _: isinstance(operation, ops.DropForeignKey),
        lambda operation, _: isinstance(operation, ops.DropIndex),
        lambda operation, price: isinstance(operation, _COLUMN_OPERATIONS) and price == "INSTANT",
        lambda operation, price: isinstance(operation, _COLUMN_OPERATIONS) and price == "METADATA",
        lambda operation, price: isinstance(operation, _COLUMN_OPERATIONS) and price not in ("INSTANT", "METADATA"),
        lambda operation, _: isinstance(operation, ops.AddIndex),
    )
    prices = _prices(flavor, table, operations)
    for belongs in phases:
        members = [(operation, price) for operation, price in prices if belongs(operation, price)]
        if members:
            steps.append(_alter(flavor, table, members))
    steps += [
        _add_foreign_key(flavor, operation) for operation in operations if isinstance(operation, ops.AddForeignKey)
    ]
    return steps


def _prices(flavor: str, table: Table, operations: Sequence[ops.Operation]) -> list[tuple[ops.Operation, str]]:
    """Price each operation; a new column costs what the new one in front of it costs, or it would come before it."""
    prices: list[tuple[ops.Operation, str]] = []
    added: dict[str | None, str] = {}
    for operation in operations:
        price = cost(flavor, table, operation)
        if isinstance(operation, ops.AddColumn):
            price = dearest([price, added.get(operation.after, price)])
            added[operation.column.name] = price
        prices.append((operation, price))
    return prices


def _create(table: Table) -> Step:
    lines = [column_definition(column) for column in table.columns]
    if table.primary_key:
        lines.append(f"PRIMARY KEY ({columns_list(table.primary_key)})")
    lines += [_index(index) for index in table.indexes]
    lines += [_foreign_key(key) for key in table.foreign_keys]
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
    price = dearest([price for _, price in members])
    price = "INPLACE" if price == "METADATA" else price
    if flavor == "mysql" and any(map(_changes_counting, operations)):
        # 1833: a foreign key of another table holds even that in place while keys are checked.
        return Step(table.name, operations, (_UNCHECKED, alter), price, cleanup=(_CHECKED,))
    return Step(table.name, operations, (alter,), price)


def _changes_counting(operation: ops.Operation) -> bool:
    return isinstance(operation, ops.ModifyColumn) and operation.was.auto_increment != operation.column.auto_increment


def _add_foreign_key(flavor: str, operation: ops.AddForeignKey) -> Step:
    """Add the key without copying the table: checked, the ALTER copies it and blocks every writer meanwhile.

    Unchecked, orphans go unseen; they are counted before (the plan) and after (``recheck``).
    """
    table, key = operation.table, operation.foreign_key
    adding = f"ADD {_foreign_key(key)}"
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
    if isinstance(operation, ops.DropForeignKey):
        return f"DROP FOREIGN KEY {quote_name(operation.foreign_key.name)}"
    raise AssertionError(f"no clause for {operation!r}")


def column_definition(column: Column) -> str:
    words = [quote_name(column.name), column_type(column.type)]
    if column.collation and column.type.name in _CHARACTER:
        words.append(f"CHARACTER SET {charset(column.collation)} COLLATE {column.collation}")
    words.append("NULL" if column.nullable else "NOT NULL")
    if column.default is not None:
        expression = column.default.text if column.default.text == "current_timestamp" else f"({column.default.text})"
        words.append("DEFAULT " + (expression if column.default.is_expression else quote_text(column.default.text)))
    if column.auto_increment:
        words.append("AUTO_INCREMENT")
    if column.comment:
        words.append("COMMENT " + quote_text(column.comment))
    return " ".join(words)


def column_type(type_: ColumnType) -> str:
    if type_.name == "enum":
        return "enum(" + ",".join(quote_text(value) for value in type_.values) + ")"
    text = type_.name if type_.size is None else f"{type_.name}({type_.size})"
    return text + " unsigned" if type_.unsigned else text


def _index(index: Index) -> str:
    return f"{'UNIQUE KEY' if index.unique else 'KEY'} {quote_name(index.name)} ({columns_list(index.columns)})"


def _foreign_key(key: ForeignKey) -> str:
    sql = (
        f"CONSTRAINT {quote_name(key.name)} FOREIGN KEY ({columns_list(key.columns)}) "
        f"REFERENCES {quote_name(key.referenced_table)} ({columns_list(key.referenced_columns)})"
    )
    if key.on_delete != "NO ACTION":
        sql += f" ON DELETE {key.on_delete}"
    if key.on_update != "NO ACTION":
        sql += f" ON UPDATE {key.on_update}"
    return sql


def charset(collation: str) -> str:
    """Name a collation's charset, with which its own name begins."""
    return collation.split("_")[0]


def split_at_renames(operations: Sequence[ops.Operation]) -> Iterator[list[ops.Operation]]:
    """Split the operations so that each renaming of an index is alone."""
    together: list[ops.Operation] = []
    for operation in operations:
        if isinstance(operation, ops.RenameIndex):
            if together:
                yield together
            yield [operation]
            together = []
        else:
            together.append(operation)
    if together:
        yield together


def rename_step(flavor: str, operation: ops.RenameIndex, *, by_name: bool) -> Step:
    """Rename it; without ``by_name`` make it anew in one statement, so that a foreign key never lacks it."""
    old, new = quote_name(operation.index.name), replace(operation.index, name=operation.new)
    clause = f"RENAME INDEX {old} TO {quote_name(new.name)}"
    if not by_name:
        kind = "UNIQUE KEY" if new.unique else "KEY"
        clause = f"DROP INDEX {old}, ADD {kind} {quote_name(new.name)} ({columns_list(new.columns)})"
    cost = "INPLACE" if flavor == "mysql" else "INSTANT" if by_name else "NOCOPY"
    sql = f"ALTER TABLE {quote_name(operation.table)} {clause}"
    return Step(operation.table, (operation,), (Statement(sql, operation.table, clauses=clause),), cost)


def lost(operations: Sequence[ops.Operation]) -> tuple[str, ...]:
    """Say what an index that has to be made anew under its new name would lose."""
    renamed = [operation.index for operation in operations if isinstance(operation, ops.RenameIndex)]
    return tuple(f"index {index.name}: {word}" for index in renamed for word in index.opaque)


#: InnoDB's limit for the key of one index, in bytes
_LONGEST_KEY = 3072
_UNBOUNDED = {"tinytext", "text", "mediumtext", "longtext", "json", "tinyblob", "blob", "mediumblob", "longblob"}


def obstacles(table: Table, operations: Sequence[ops.Operation]) -> tuple[str, ...]:
    return (*table.opaque, *(words for operation in operations for words in _against(table, operation)))


def _against(table: Table, operation: ops.Operation) -> Iterator[str]:
    if isinstance(operation, ops.ModifyColumn) and operation.column.type.values != operation.was.type.values:
        yield from _same_values(operation.column, operation.column.collation or table.collation or "")
    elif isinstance(operation, ops.AddIndex):
        there = [column for name in operation.index.columns if (column := table.column(name))]
        length = sum(_length(table, column) for column in there)
        if length > _LONGEST_KEY:
            longest = max(there, key=lambda column: _length(table, column))
            yield f"{longest.name} is {longest.type}, too long for an index"


def _same_values(column: Column, collation: str) -> Iterator[str]:
    """An enum's values compare as its collation says: 'Sent' and 'sent' are one, and an error (1291) as two."""
    if collation.endswith("_bin"):
        return
    seen: dict[str, str] = {}
    for value in column.type.values:
        other = seen.setdefault(value.casefold(), value)
        if other != value:
            yield f"{value!r} is to the server the same as {other!r}"


def _length(table: Table, column: Column) -> int:
    if column.type.name in _UNBOUNDED:
        return _LONGEST_KEY + 1
    if column.type.name in ("varchar", "char"):
        return (column.type.size or 0) * bytes_per_character(column.collation or table.collation)
    return 8
