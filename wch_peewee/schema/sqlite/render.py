"""Operations as SQLite statements: an ALTER where SQLite has one, otherwise a rebuild of the table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ...errors import SchemaConflict
from .. import operations as ops
from ..objects import Column, ForeignKey, Index, Table
from ..statements import Statement, Step
from .base import as_stored, quote_name, quote_text
from .introspect import is_autoindex, rowid_name
from .parser import fold, has_comment
from .types import affinity, check, declared_type, write_default


def quote_names(names: Iterable[str]) -> str:
    return ", ".join(map(quote_name, names))


def create_table(table: Table, name: str | None = None) -> str:
    """Return the CREATE TABLE with UNIQUEs, but without indexes. Under another ``name`` sources are restated."""
    rowid = rowid_name(table)
    uniques = [index for index in table.indexes if is_autoindex(index.name)]
    void = {""}
    if (table.primary_key and rowid is None) or not all(index.source for index in uniques):
        void |= {index.source for index in uniques}  # all or none: their order numbers them

    def line(part: Column | Index | ForeignKey, rendered: str) -> str:
        return rendered if name is None or part.source in void else part.source

    columns = [line(column, column_definition(column, rowid=column.name == rowid)) for column in table.columns]
    clauses = [f"PRIMARY KEY ({quote_names(table.primary_key)})"] if table.primary_key and rowid is None else []
    clauses += [line(index, f"UNIQUE ({quote_names(index.columns)})") for index in uniques]
    clauses += [line(key, key.definition(quote_name)) for key in table.foreign_keys]
    # Keys that are part of a column's text come with it.
    lines = [*columns, *(clause for clause in clauses if clause not in columns)]
    return f"CREATE TABLE {quote_name(name or table.name)} (\n  " + ",\n  ".join(lines) + "\n)"


def create_indexes(table: Table) -> tuple[str, ...]:
    """Return the CREATE INDEX of each index that CREATE TABLE does not include."""
    return tuple(
        index.source or create_index(table.name, index) for index in table.indexes if not is_autoindex(index.name)
    )


def create_index(table: str, index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    return f"CREATE {unique}INDEX {quote_name(index.name)} ON {quote_name(table)} ({quote_names(index.columns)})"


def column_definition(column: Column, *, rowid: bool = False) -> str:
    """Return a column's complete definition; ``rowid`` makes it the rowid."""
    declared = "INTEGER" if rowid else declared_type(column.type)
    parts = [quote_name(column.name), declared]
    if not column.nullable:
        parts.append("NOT NULL")
    if rowid:
        parts.append("PRIMARY KEY AUTOINCREMENT" if column.auto_increment else "PRIMARY KEY")
    if column.default is not None:
        parts.append(f"DEFAULT {write_default(column.default, affinity(declared))}")
    condition = None if rowid else check(column.name, column.type)
    if condition is not None:
        parts.append(f"CHECK ({condition})")
    return " ".join(parts)


#: Runs in any case: off is SQLite's default, which a rollback does not restore.
RESTORE = Statement("PRAGMA legacy_alter_table=OFF")


def temporary_name(table: str) -> str:
    return f"{table}__rebuild"


def rebuild(before: Table, after: Table, sources: Mapping[str, str]) -> tuple[Statement, ...]:
    """Return the statements of a rebuild; ``sources`` maps columns of ``after`` to those of ``before`` that fill it."""
    name, temporary = before.name, temporary_name(before.name)
    # Qualified, because SQLite takes a quoted name that is not a column for a string.
    was, now = ({column.name: column.type for column in table.columns} for table in (before, after))
    copied = ", ".join(as_stored(f"old.{quote_name(old)}", was[old], now[new]) for new, old in sources.items())
    sql = [create_table(after, temporary)]
    if _has_auto_increment(before) and _has_auto_increment(after):
        # Before the rows: copying them raises the counter if necessary, and an empty table keeps its own.
        sql.append(
            f"INSERT INTO sqlite_sequence (name, seq) SELECT {quote_text(temporary)}, seq "
            f"FROM sqlite_sequence WHERE name = {quote_text(name)} COLLATE NOCASE"
        )
    sql.append(
        f"INSERT INTO {quote_name(temporary)} ({quote_names(sources)}) SELECT {copied} FROM {quote_name(name)} AS old"
    )
    sql.append(f"DROP TABLE {quote_name(name)}")
    rename = f"ALTER TABLE {quote_name(temporary)} RENAME TO {quote_name(name)}"
    return (
        *(Statement(text, name) for text in sql),
        # Otherwise RENAME fails if there is a view of the table, which does not exist at this point.
        Statement("PRAGMA legacy_alter_table=ON"),
        Statement(rename, name),
        *(Statement(text, name) for text in create_indexes(after)),
    )


def rebuild_obstacles(table: Table) -> tuple[str, ...]:
    """Return in words what a rebuild would lose; empty if the table can be rebuilt."""
    return (
        *table.opaque,
        *(f"column {column.name}: {word}" for column in table.columns for word in column.opaque),
        *(f"index {index.name}: {word}" for index in table.indexes for word in index.opaque),
        *map(str, table.foreign),
    )


def dangling(table: Table) -> tuple[tuple[str, str], ...]:
    """Return keys and indexes on columns that the table does not have, as (what it is, the column)."""
    known = {fold(column.name) for column in table.columns}
    keys = [("the primary key", table.primary_key)]
    keys += [(f"index {index.name}", index.columns) for index in table.indexes]
    keys += [(f"foreign key {key.name}".strip(), key.columns) for key in table.foreign_keys]
    return tuple((what, column) for what, columns in keys for column in columns if fold(column) not in known)


def _has_auto_increment(table: Table) -> bool:
    return any(column.auto_increment for column in table.columns)


def render_steps(table: Table | None, operations: Sequence[ops.Operation]) -> tuple[Step, ...]:
    """Render ``operations`` on ``table`` as it is now, None if it does not exist. Raises SchemaConflict."""
    steps: list[Step] = []
    rest = tuple(operations)
    if rest and isinstance(rest[0], ops.CreateTable):
        table = rest[0].definition
        sql = (create_table(table), *create_indexes(table))
        steps.append(Step(table.name, rest[:1], tuple(Statement(text, table.name) for text in sql), "CREATE"))
        rest = rest[1:]
    if not rest:
        return tuple(steps)
    if table is None:
        raise SchemaConflict(f"{rest[0].table} does not exist")
    # SQLite would take the name of a column that is not there for a string.
    strings = (
        f"{what} uses {column}, which is not there" for what, column in dangling(ops.apply_to_table(table, rest))
    )
    words = obstacles(table, rest) or tuple(strings)
    if words:
        raise SchemaConflict(f"{table.name} cannot be changed: {'; '.join(words)}", reasons=words)
    before, rebuilt, after = _split_at_rebuild(table, rest)
    if before:
        steps.append(_native(table.name, before))
    if rebuilt:
        steps.append(_rebuild(ops.apply_to_table(table, before), rebuilt))
    if after:
        steps.append(_native(table.name, after))
    return tuple(steps)


def obstacles(table: Table, operations: Sequence[ops.Operation]) -> tuple[str, ...]:
    """Return the reasons against ``operations`` on the live ``table``.

    An opaque table is never modified; opaque columns and indexes, and triggers, prevent only a rebuild. Dropping the
    whole table is always possible.
    """
    if all(isinstance(operation, ops.DropTable) for operation in operations):
        return ()
    _, rebuilt, _ = _split_at_rebuild(table, operations)
    words = rebuild_obstacles(table) if rebuilt else table.opaque + ops.opaque_renames(operations)
    there = {column.name for column in table.columns}
    after = ops.apply_to_table(table, operations)
    if rebuilt and not words:
        text = create_table(after, temporary_name(table.name))
        lost = (c.name for c in table.columns if c.source not in text and has_comment(c.source))
        words = tuple(f"column {name}: a comment" for name in lost if after.column(name))
    return words + tuple(f"{what} uses {column}" for what, column in dangling(after) if column in there)


def _split_at_rebuild(
    table: Table, operations: Sequence[ops.Operation]
) -> tuple[tuple[ops.Operation, ...], tuple[ops.Operation, ...], tuple[ops.Operation, ...]]:
    """Split into operations before the one rebuild, those that it does, and those after it."""
    operations = tuple(operations)
    state, native = table, True
    for operation in operations:
        native = native and not _needs_rebuild(state, operation)
        state = ops.apply_to_table(state, [operation])
    if native:
        return operations, (), ()
    renames = [isinstance(operation, ops.RenameColumn) for operation in operations]
    first, last = renames.index(False), len(renames) - renames[::-1].index(False)
    return operations[:first], operations[first:last], operations[last:]


def _needs_rebuild(table: Table, operation: ops.Operation) -> bool:
    if isinstance(operation, ops.AddColumn):
        column = operation.column
        filled = column.nullable if column.default is None else not column.default.is_expression
        return not filled or column.auto_increment or column.name in table.primary_key
    if isinstance(operation, ops.DropColumn):
        used = set(table.primary_key).union(
            *(index.columns for index in table.indexes), *(key.columns for key in table.foreign_keys)
        )
        # The columns of an opaque index are not known.
        return operation.column in used or any(index.opaque for index in table.indexes)
    if isinstance(operation, ops.DropIndex):
        return is_autoindex(operation.index)
    if isinstance(operation, ops.RenameIndex):
        return is_autoindex(operation.index.name)
    return isinstance(operation, (ops.ModifyColumn, ops.AddForeignKey, ops.DropForeignKey)) and not _is_void(operation)


def _is_void(operation: ops.Operation) -> bool:
    """Return True for another type of a number that counts by itself, which has one type in SQLite."""
    match operation:
        case ops.ModifyColumn(_, was, column):
            return was.auto_increment and column.auto_increment
    return False


def _native(table: str, operations: tuple[ops.Operation, ...]) -> Step:
    return Step(table, operations, tuple(Statement(sql, o.table) for o in operations for sql in _alter(o)), "ALTER")


def _alter(operation: ops.Operation) -> tuple[str, ...]:
    if isinstance(operation, ops.RenameIndex):  # SQLite has no statement for it
        made = create_index(operation.table, replace(operation.index, name=operation.new))
        return (f"DROP INDEX {quote_name(operation.index.name)}", made)
    return () if _is_void(operation) else (_one_alter(operation),)


def _one_alter(operation: ops.Operation) -> str:
    table = quote_name(operation.table)
    if isinstance(operation, ops.AddColumn):
        return f"ALTER TABLE {table} ADD COLUMN {column_definition(operation.column)}"
    if isinstance(operation, ops.RenameColumn):
        return f"ALTER TABLE {table} RENAME COLUMN {quote_name(operation.old)} TO {quote_name(operation.new)}"
    if isinstance(operation, ops.DropColumn):
        return f"ALTER TABLE {table} DROP COLUMN {quote_name(operation.column)}"
    if isinstance(operation, ops.AddIndex):
        return create_index(operation.table, operation.index)
    if isinstance(operation, ops.DropIndex):
        return f"DROP INDEX {quote_name(operation.index)}"
    assert isinstance(operation, ops.DropTable)
    return f"DROP TABLE {table}"


def _rebuild(table: Table, operations: tuple[ops.Operation, ...]) -> Step:
    sources: dict[str, str | None] = {column.name: column.name for column in table.columns}
    for operation in operations:
        if isinstance(operation, ops.AddColumn):
            sources[operation.column.name] = None
        elif isinstance(operation, ops.RenameColumn):
            sources[operation.new] = sources.pop(operation.old)
        elif isinstance(operation, ops.ModifyColumn):
            sources[operation.column.name] = sources.pop(operation.was.name)
        elif isinstance(operation, ops.DropColumn):
            sources.pop(operation.column)
    copied = {name: source for name, source in sources.items() if source is not None}
    statements = rebuild(table, ops.apply_to_table(table, operations), copied)
    return Step(table.name, operations, statements, "REBUILD", cleanup=(RESTORE,))
