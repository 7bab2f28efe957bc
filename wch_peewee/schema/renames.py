"""The operations that lead from one schema to another, for ``wch new``, and the renames that its author names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import ConfigurationError
from . import operations as ops
from .diff import Pair, compare_tables
from .objects import Column, ForeignKey, Index, Schema, Table

_NUMBERS, _TEXTS = {"whole", "decimal", "real"}, {"text", "enum", "json"}


@dataclass(frozen=True, slots=True)
class Renames:
    """New names of columns and indexes, by (table, old name)."""

    columns: dict[tuple[str, str], str] = field(default_factory=dict)
    indexes: dict[tuple[str, str], str] = field(default_factory=dict)

    def inverse(self) -> Renames:
        def turned(names: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
            return {(table, new): old for (table, old), new in names.items()}

        return Renames(turned(self.columns), turned(self.indexes))


@dataclass(frozen=True, slots=True)
class Question:
    """The question whether the column ``gone`` of ``table`` is one of ``candidates`` now."""

    table: str
    gone: str
    candidates: tuple[str, ...]

    def __str__(self) -> str:
        ways = [f"--rename {self.table}.{self.gone}:{new}" for new in self.candidates]
        return (
            f"{self.table}.{self.gone} was removed, and {' and '.join(self.candidates)} "
            f"{'was' if len(self.candidates) == 1 else 'were'} added: use {' or '.join(ways)}, "
            f"or --drop {self.table}.{self.gone} if it is not needed"
        )


def parse_renames(words: Iterable[str], before: Schema, after: Schema) -> Renames:
    """Return the renames from texts ``table.old:new``, of a column or else an index. Raises ConfigurationError."""
    renames = Renames()
    for word in words:
        name, colon, new = word.partition(":")
        table, dot, old = name.partition(".")
        if not (colon and dot and table and old and new):
            raise ConfigurationError(
                f"--rename {word} is not valid; expected table.old:new, as in messages.note:remark."
            )
        was, now = before.table(table), after.table(table)
        if was is None or now is None:
            known = ", ".join(t.name for t in after if before.table(t.name))
            raise ConfigurationError(f"--rename {word}: unknown table {table}; expected one of {known}.")
        if old in _gone_columns(was, now) and new in _gone_columns(now, was):
            renames.columns[table, old] = new
        elif was.index(old) and not now.index(old) and now.index(new) and not was.index(new):
            renames.indexes[table, old] = new
        else:
            raise ConfigurationError(
                f"--rename {word}: {old} must be only in the migrations, and {new} only in the models; "
                f"removed from {table}: {_list(_gone_columns(was, now))}, added: {_list(_gone_columns(now, was))}."
            )
    return renames


def questions(before: Schema, after: Schema, renames: Renames, dropped: Iterable[str]) -> tuple[Question, ...]:
    """Return what only the author can decide; ``dropped`` are columns, as ``table.column``, whose values may go."""
    dropped = set(dropped)
    found = []
    for was in before:
        now = after.table(was.name)
        if now is None:
            continue
        taken = {new for (table, _), new in renames.columns.items() if table == was.name}
        for gone in _gone_columns(was, now):
            if (was.name, gone) in renames.columns or f"{was.name}.{gone}" in dropped:
                continue
            kind = _kind(was.column(gone))
            new_ones = (new for new in _gone_columns(now, was) if new not in taken)
            candidates = tuple(new for new in new_ones if _kind(now.column(new)) == kind)
            if candidates:
                found.append(Question(was.name, gone, candidates))
    return tuple(found)


def rename_columns(before: Schema, renames: Renames) -> Schema:
    """Return the schema with its columns renamed, in indexes and foreign keys as well."""
    return Schema(tuple(_renamed_table(table, renames) for table in before))


def _renamed_table(table: Table, renames: Renames) -> Table:
    for (name, old), new in renames.columns.items():
        if name == table.name:
            table = ops.RenameColumn(name, old, new).applied_to(table)
    return replace(table, foreign_keys=tuple(_renamed_key(key, renames) for key in table.foreign_keys))


def _renamed_key(key: ForeignKey, renames: Renames) -> ForeignKey:
    columns = tuple(renames.columns.get((key.referenced_table, name), name) for name in key.referenced_columns)
    return replace(key, referenced_columns=columns)


def _gone_columns(was: Table, now: Table) -> tuple[str, ...]:
    return tuple(column.name for column in was.columns if now.column(column.name) is None and not column.opaque)


def _kind(column: Column | None) -> str:
    """Return what the values of a column are: those of one kind could live on in another column."""
    assert column is not None
    family = column.type.family or column.type.name
    return "number" if family in _NUMBERS else "text" if family in _TEXTS else family


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"


@dataclass(frozen=True, slots=True)
class ChangePrimaryKey(ops.Operation):
    """Another primary key. There is no step for it, but the author has to know."""

    was: tuple[str, ...]
    now: tuple[str, ...]

    def outcome(self) -> tuple[str, ...]:
        return (f"Changed primary key of {self.table} from ({', '.join(self.was)}) to ({', '.join(self.now)})",)


def operations_between(before: Schema, after: Schema, renames: Renames) -> tuple[ops.Operation, ...]:
    """Return what leads from ``before`` to ``after``, in no special order; empty if they agree."""
    found: list[ops.Operation] = [ops.RenameColumn(table, old, new) for (table, old), new in renames.columns.items()]
    before = rename_columns(before, renames)
    for table in after:
        was = before.table(table.name)
        found += [ops.CreateTable(table.name, table)] if was is None else _table_operations(was, table, renames)
    found += [ops.DropTable(table.name) for table in before if after.table(table.name) is None]
    return tuple(found)


def _table_operations(was: Table, now: Table, renames: Renames) -> Iterator[ops.Operation]:
    comparison = compare_tables(now, was)
    yield from _column_operations(now.name, comparison.columns)
    if not comparison.same_primary_key:
        yield ChangePrimaryKey(now.name, was.primary_key, now.primary_key)
    yield from _index_operations(was, now, comparison.indexes, renames)
    keys = [pair for pair in comparison.foreign_keys if pair.verdict == "different"]
    yield from (ops.DropForeignKey(now.name, pair.found) for pair in keys if pair.found is not None)
    yield from (ops.AddForeignKey(now.name, pair.wanted) for pair in keys if pair.wanted is not None)


def _column_operations(table: str, pairs: tuple[Pair[Column], ...]) -> Iterator[ops.Operation]:
    previous = None
    for pair in pairs:
        # A migration's own SQL can create what no model can declare, such as a generated column.
        if pair.verdict == "skipped":
            continue
        if pair.wanted is None:
            assert pair.found is not None
            yield ops.DropColumn(table, pair.found.name)
            continue
        if pair.found is None:
            yield ops.AddColumn(table, pair.wanted, previous)
        elif pair.verdict != "equal":
            yield ops.ModifyColumn(table, pair.found, pair.wanted)
        previous = pair.wanted.name


def _index_operations(
    was: Table, now: Table, pairs: tuple[Pair[Index], ...], renames: Renames
) -> Iterator[ops.Operation]:
    equal = {pair.found for pair in pairs if pair.verdict == "equal"}
    gone = [index for index in was.indexes if not index.opaque and index not in equal]
    new = [pair.wanted for pair in pairs if pair.wanted and not pair.wanted.opaque and pair.verdict != "equal"]
    for index in tuple(gone):
        target = _renamed_to(index, was, new, now, renames)
        if target is not None:
            yield ops.RenameIndex(now.name, index, target.name)
            gone.remove(index)
            new.remove(target)
    yield from (ops.DropIndex(now.name, index.name) for index in gone)
    yield from (ops.AddIndex(now.name, index) for index in new)


def _renamed_to(index: Index, was: Table, new: list[Index], now: Table, renames: Renames) -> Index | None:
    candidates = [c for c in new if c.serves(index) and was.index(c.name) is None]
    if (said := renames.indexes.get((now.name, index.name))) is not None:
        return next((candidate for candidate in candidates if candidate.name == said), None)
    if now.index(index.name) is not None:
        return None  # another index has its name now
    return candidates[0] if candidates else None
