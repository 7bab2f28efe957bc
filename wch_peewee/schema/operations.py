"""Changes to a schema, as values. A dialect renders them, ``execution.apply`` runs them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .objects import Column, ForeignKey, Index, Table

NamedParts = Literal["indexes", "foreign keys"]

_INTENTION = {"Created": "Create", "Added": "Add", "Changed": "Change", "Dropped": "Drop", "Renamed": "Rename"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One change to the table named ``table``."""

    table: str

    def outcome(self) -> tuple[str, ...]:
        """Return what has been done, in the words of WordPress's dbDelta: "Added column t.c"."""
        raise NotImplementedError

    def describe(self) -> tuple[str, ...]:
        """Return the same as an intention: "Add column t.c"."""
        lines = []
        for line in self.outcome():
            verb, _, rest = line.partition(" ")
            lines.append(f"{_INTENTION[verb]} {rest}")
        return tuple(lines)

    def applied_to(self, table: Table) -> Table:
        """Return ``table`` as it is after the change. ``apply_operations`` creates and drops tables, too."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class CreateTable(Operation):
    definition: Table

    def outcome(self) -> tuple[str, ...]:
        return (f"Created table {self.table}",)


@dataclass(frozen=True, slots=True)
class DropTable(Operation):
    def outcome(self) -> tuple[str, ...]:
        return (f"Dropped table {self.table}",)


@dataclass(frozen=True, slots=True)
class AddColumn(Operation):
    """A new column behind the column ``after``; None puts it first, and SQLite always puts it last."""

    column: Column
    after: str | None

    def outcome(self) -> tuple[str, ...]:
        return (f"Added column {self.table}.{self.column.name}",)

    def applied_to(self, table: Table) -> Table:
        names = [column.name for column in table.columns]
        at = names.index(self.after) + 1 if self.after in names else 0 if self.after is None else len(names)
        return replace(table, columns=(*table.columns[:at], self.column, *table.columns[at:]))


@dataclass(frozen=True, slots=True)
class ModifyColumn(Operation):
    """A change of the column ``was`` to the complete definition ``column`` of the same name."""

    was: Column
    column: Column

    def outcome(self) -> tuple[str, ...]:
        was, now, name = self.was, self.column, f"{self.table}.{self.column.name}"
        lines = []
        if was.type != now.type:
            lines.append(f"Changed type of {name} from {was.type} to {now.type}")
        if was.nullable != now.nullable:
            lines.append(f"Changed {name} from {_null(was)} to {_null(now)}")
        if was.default != now.default:
            lines.append(f"Changed default value of {name} from {_default(was)} to {_default(now)}")
        if was.auto_increment != now.auto_increment:
            lines.append(f"Changed {name} to {'' if now.auto_increment else 'not '}AUTO_INCREMENT")
        if was.collation != now.collation:
            lines.append(f"Changed collation of {name} from {was.collation} to {now.collation}")
        return tuple(lines)

    def applied_to(self, table: Table) -> Table:
        now = replace(self.column, source="")
        changed = replace(table, columns=tuple(now if c.name == self.was.name else c for c in table.columns))
        return _without_sources(changed, [c for c in table.columns if c.name == self.was.name])


@dataclass(frozen=True, slots=True)
class RenameColumn(Operation):
    """Another name for a column, which keeps everything else."""

    old: str
    new: str

    def outcome(self) -> tuple[str, ...]:
        return (f"Renamed column {self.table}.{self.old} to {self.new}",)

    def applied_to(self, table: Table) -> Table:
        def swap(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(self.new if name == self.old else name for name in names)

        table = _without_sources(table, [*table.columns, *table.indexes, *table.foreign_keys])
        return replace(
            table,
            columns=tuple(replace(c, name=self.new) if c.name == self.old else c for c in table.columns),
            primary_key=swap(table.primary_key),
            indexes=tuple(replace(index, columns=swap(index.columns)) for index in table.indexes),
            foreign_keys=tuple(replace(key, columns=swap(key.columns)) for key in table.foreign_keys),
        )


@dataclass(frozen=True, slots=True)
class DropColumn(Operation):
    column: str

    def outcome(self) -> tuple[str, ...]:
        return (f"Dropped column {self.table}.{self.column}",)

    def applied_to(self, table: Table) -> Table:
        return replace(table, columns=tuple(c for c in table.columns if c.name != self.column))


@dataclass(frozen=True, slots=True)
class AddIndex(Operation):
    index: Index

    def outcome(self) -> tuple[str, ...]:
        kind = "UNIQUE KEY" if self.index.unique else "KEY"
        columns = ",".join(f"`{column}`" for column in self.index.columns)
        return (f"Added index {self.table} {kind} `{self.index.name}` ({columns})",)

    def applied_to(self, table: Table) -> Table:
        return replace(table, indexes=(*table.indexes, self.index))


@dataclass(frozen=True, slots=True)
class DropIndex(Operation):
    index: str

    def outcome(self) -> tuple[str, ...]:
        return (f"Dropped index {self.table} KEY `{self.index}`",)

    def applied_to(self, table: Table) -> Table:
        table = _without_sources(table, [index for index in table.indexes if index.name == self.index])
        return replace(table, indexes=tuple(index for index in table.indexes if index.name != self.index))


@dataclass(frozen=True, slots=True)
class RenameIndex(Operation):
    """Another name for ``index``, which is given as it is on the live table."""

    index: Index
    new: str

    def outcome(self) -> tuple[str, ...]:
        return (f"Renamed index {self.table} KEY `{self.index.name}` to `{self.new}`",)

    def applied_to(self, table: Table) -> Table:
        table = _without_sources(table, [self.index])
        renamed = replace(self.index, name=self.new, source="")
        return replace(table, indexes=tuple(renamed if i.name == self.index.name else i for i in table.indexes))


@dataclass(frozen=True, slots=True)
class AddForeignKey(Operation):
    foreign_key: ForeignKey

    def outcome(self) -> tuple[str, ...]:
        key = self.foreign_key
        columns, referenced = (",".join(f"`{c}`" for c in names) for names in (key.columns, key.referenced_columns))
        return (f"Added foreign key {self.table} ({columns}) REFERENCES {key.referenced_table} ({referenced})",)

    def applied_to(self, table: Table) -> Table:
        return replace(table, foreign_keys=(*table.foreign_keys, self.foreign_key))


@dataclass(frozen=True, slots=True)
class DropForeignKey(Operation):
    foreign_key: ForeignKey

    def outcome(self) -> tuple[str, ...]:
        columns = ",".join(f"`{column}`" for column in self.foreign_key.columns)
        return (f"Dropped foreign key {self.table}.{self.foreign_key.name or f'({columns})'}",)

    def applied_to(self, table: Table) -> Table:
        table = _without_sources(table, [key for key in table.foreign_keys if key == self.foreign_key])
        return replace(table, foreign_keys=tuple(key for key in table.foreign_keys if key != self.foreign_key))


def _without_sources(table: Table, parts: Sequence[Column | Index | ForeignKey]) -> Table:
    """Return the table without the texts of ``parts``, which no longer say what is there."""
    gone = {part.source for part in parts}
    return replace(
        table,
        columns=tuple(replace(c, source="") if c.source in gone else c for c in table.columns),
        indexes=tuple(replace(i, source="") if i.source in gone else i for i in table.indexes),
        foreign_keys=tuple(replace(k, source="") if k.source in gone else k for k in table.foreign_keys),
    )


def apply_operations(tables: Mapping[str, Table], operations: Iterable[Operation]) -> dict[str, Table]:
    """Return the tables, by their names, as they are after the operations; changes to other tables are ignored."""
    after = dict(tables)
    for operation in operations:
        if isinstance(operation, CreateTable):
            after[operation.table] = operation.definition
        elif isinstance(operation, DropTable):
            after.pop(operation.table, None)
        elif (table := after.get(operation.table)) is not None:
            after[operation.table] = operation.applied_to(table)
    return after


def apply_to_table(table: Table, operations: Iterable[Operation]) -> Table:
    """Return one table as it is after the operations; one that is dropped is returned as it was."""
    return apply_operations({table.name: table}, operations).get(table.name, table)


def with_names(operation: Operation, parts: NamedParts, name: Callable[[str], str]) -> Operation:
    """Return the operation with ``name`` applied to the names of the indexes or foreign keys that it creates."""
    match operation:
        case CreateTable(definition=table) if parts == "indexes":
            indexes = tuple(replace(index, name=name(index.name)) for index in table.indexes)
            return replace(operation, definition=replace(table, indexes=indexes))
        case CreateTable(definition=table):
            keys = tuple(replace(key, name=name(key.name)) for key in table.foreign_keys)
            return replace(operation, definition=replace(table, foreign_keys=keys))
        case AddIndex(index=index) if parts == "indexes":
            return replace(operation, index=replace(index, name=name(index.name)))
        case AddForeignKey(foreign_key=key) if parts == "foreign keys":
            return replace(operation, foreign_key=replace(key, name=name(key.name)))
    return operation


def opaque_renames(operations: Iterable[Operation]) -> tuple[str, ...]:
    """Return what renamed indexes would lose on an engine that has to create them anew."""
    renamed = [operation.index for operation in operations if isinstance(operation, RenameIndex)]
    return tuple(f"index {index.name}: {word}" for index in renamed for word in index.opaque)


def reversal(operation: Operation) -> str:
    """Return in words how an operation is undone."""
    match operation:
        case CreateTable():
            return "dropping the table, with its rows"
        case AddColumn():
            return "dropping the column with its values"
        case ModifyColumn():
            return "changing the column back, if its values still fit"
        case RenameColumn() | RenameIndex():
            return "renaming it back"
        case AddIndex() | AddForeignKey():
            return "dropping it"
        case DropIndex() | DropForeignKey():
            return "adding it again, which checks every row"
        case DropColumn() | DropTable():
            return "impossible: its contents are lost, except in a backup"
    return "the migration's rollback"


def _null(column: Column) -> str:
    return "NULL" if column.nullable else "NOT NULL"


def _default(column: Column) -> str:
    return "none" if column.default is None else str(column.default)
