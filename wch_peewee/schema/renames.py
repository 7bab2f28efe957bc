"""The difference between a declared and a live schema: a pure comparison that knows no engine.

It answers in three kinds: changes to make (with what they ask of the rows), refusals with a reason in
words, and things found that are not ours. The enemy is the phantom difference, reported where there is
none; so names of foreign keys, the order of columns, comments, and who named an index are not compared.

    diff_schemas(desired, actual).changes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..errors import ConfigurationError
from .objects import Column, ColumnType, ForeignKey, Index, Schema, Table, same_names
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
from .preconditions import Precondition
from .type_changes import alike, reconcile_type

_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "json"), "text"),
}


@dataclass(frozen=True, slots=True)
class Renames:
    """``columns`` maps (table, old) to the new name, ``indexes`` likewise."""

    columns: dict[tuple[str, str], str] = field(default_factory=dict)
    indexes: dict[tuple[str, str], str] = field(default_factory=dict)

    def inverse(self) -> Renames:
        def turned(names: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
            return {(table, new): old for (table, old), new in names.items()}

        return Renames(turned(self.columns), turned(self.indexes))


@dataclass(frozen=True, slots=True)
class Question:
    """Is the column ``gone`` of ``table`` one of ``candidates`` now?"""

    table: str
    gone: str
    candidates: tuple[str, ...]

    def __str__(self) -> str:
        ways = [f"--rename {self.table}.{self.gone}:{new}" for new in self.candidates]
        return (
            f"{self.table}.{self.gone} is gone, and {' and '.join(self.candidates)} "
            f"{'is' if len(self.candidates) == 1 else 'are'} new: say {' or '.join(ways)}, "
            f"or --drop {self.table}.{self.gone} if its values may go"
        )


def parse_renames(words: Iterable[str], before: Schema, after: Schema) -> Renames:
    """Read ``table.old:new``, of a column or else of an index. Raises ConfigurationError."""
    renames = Renames()
    for word in words:
        name, colon, new = word.partition(":")
        table, dot, old = name.partition(".")
        if not (colon and dot and table and old and new):
            raise ConfigurationError(
                f"--rename {word} cannot be read; expected table.old:new, as messages.note:remark."
            )
        was, now = before.table(table), after.table(table)
        if was is None or now is None:
            known = ", ".join(t.name for t in after if before.table(t.name))
            raise ConfigurationError(f"--rename {word}: there is no table {table}; there are {known}.")
        if old in _gone_columns(was, now) and new in _gone_columns(now, was):
            renames.columns[table, old] = new
        elif was.index(old) and not now.index(old) and now.index(new) and not was.index(new):
            renames.indexes[table, old] = new
        else:
            raise ConfigurationError(
                f"--rename {word}: {old} has to be in the migrations alone, and {new} in the models alone; "
                f"gone from {table} is {_list(_gone_columns(was, now))}, new is {_list(_gone_columns(now, was))}."
            )
    return renames


def questions(before: Schema, after: Schema, renames: Renames, dropped: Iterable[str]) -> tuple[Question, ...]:
    """Say what only the author knows; ``dropped`` are the columns, as ``table.column``, that he says may go."""
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
            candidates = tuple(
                new for new in _gone_columns(now, was) if new not in taken and _alike(was, gone, now, new)
            )
            if candidates:
                found.append(Question(was.name, gone, candidates))
    return tuple(found)


def renamed(before: Schema, renames: Renames) -> Schema:
    """Return the schema with its columns renamed, wherever they stand."""
    return Schema(tuple(_renamed_table(table, renames) for table in before))


def _renamed_table(table: Table, renames: Renames) -> Table:
    for (name, old), new in renames.columns.items():
        if name == table.name:
            table = RenameColumn(name, old, new).applied_to(table)
    return replace(table, foreign_keys=tuple(_referring(key, renames) for key in table.foreign_keys))


def _referring(key: ForeignKey, renames: Renames) -> ForeignKey:
    columns = tuple(renames.columns.get((key.referenced_table, name), name) for name in key.referenced_columns)
    return replace(key, referenced_columns=columns)


def _gone_columns(was: Table, now: Table) -> tuple[str, ...]:
    return tuple(column.name for column in was.columns if now.column(column.name) is None and not column.opaque)


def _alike(was: Table, gone: str, now: Table, new: str) -> bool:
    """Say whether the values of the one could live on in the other."""
    old_column, new_column = was.column(gone), now.column(new)
    assert old_column is not None
    assert new_column is not None
    return _kind(old_column.type) == _kind(new_column.type)


def _kind(type_: ColumnType) -> str:
    return _KINDS.get(type_.name, type_.name)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"


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


_WITH_COLLATION = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"}


@dataclass(slots=True)
class ColumnFindings:
    """``refusals`` are (what, reason, blocking)."""

    operations: list[tuple[Operation, tuple[Precondition, ...]]] = field(default_factory=list)
    refusals: list[tuple[str, str, bool]] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)


def diff_columns(table: Table, live: Table) -> ColumnFindings:
    found = ColumnFindings()
    previous: str | None = None
    # Names compare in whatever case.
    declared = {column.name.lower() for column in table.columns}
    there = {column.name.lower(): column for column in live.columns}
    for column in table.columns:
        actual = there.get(column.name.lower())
        if actual is None:
            if _missing(found, table, live, column, previous):
                previous = column.name
        else:
            _differing(found, live, column, actual)
            previous = actual.name
    _collations(found, table, live, there)
    for actual in live.columns:
        if actual.name.lower() not in declared:
            required = (
                not actual.nullable and actual.default is None and not actual.auto_increment and not actual.opaque
            )
            warning = (
                ", which is NOT NULL without a default, so that inserts through the models fail" if required else ""
            )
            found.extras.append(f"{live.name} has a column {actual.name}{warning}")
        elif actual.opaque:
            found.extras.append(f"{live.name}.{actual.name} has {', '.join(actual.opaque)}")
    return found


def _missing(found: ColumnFindings, table: Table, live: Table, column: Column, previous: str | None) -> bool:
    if column.name in table.primary_key:
        reason = "it is the primary key, and rows cannot be given one unasked; rename the column that took its place"
        found.refusals.append((f"Add column {live.name}.{column.name}", reason, True))
        return False
    if column.type.name in _WITH_COLLATION and table.collation and live.collation != table.collation:
        column = replace(column, collation=table.collation)
    fills_itself = column.nullable or column.default is not None
    requires = () if fills_itself else (Precondition("empty", live.name, (column.name,)),)
    found.operations.append((AddColumn(live.name, column, previous), requires))
    return True


def _differing(found: ColumnFindings, live: Table, column: Column, actual: Column) -> None:
    if _looks(column) == _looks(actual):
        return
    table = live.name
    verdict = reconcile_type(actual.type, column.type)
    fits = alike(verdict.target, column.type)
    # A default belongs to its type: an int takes no 'sent', and MySQL gives no text a literal one.
    defaulted = column.default is None or fits
    # Only a number that leads a key can count by itself; what is wrong with either is refused as such.
    can_count = fits and same_names(live.primary_key[:1], (actual.name,))
    target = replace(
        actual,
        type=verdict.target,
        nullable=column.nullable,
        default=column.default if defaulted else actual.default,
        auto_increment=column.auto_increment and (can_count or actual.auto_increment),
    )
    name = f"{table}.{actual.name}"
    if verdict.reason:
        found.refusals.append(
            (f"Change type of {name} from {actual.type} to {column.type}", verdict.reason, verdict.blocking)
        )
    if not defaulted and column.default != actual.default:
        (what,) = ModifyColumn(table, actual, replace(actual, default=column.default)).describe()
        found.refusals.append((what, f"it goes with the type {column.type}", verdict.blocking))
    if target == actual:
        return
    operation = ModifyColumn(table, actual, target)
    if actual.opaque:
        what = "; ".join(operation.describe())
        found.refusals.append((what, f"the column has {', '.join(actual.opaque)}, which the change would lose", False))
        return
    requires = []
    if target.type != actual.type and _may_be_referenced(live, actual.name):
        requires.append(Precondition("unreferenced", table, (actual.name,)))
    if actual.nullable and not target.nullable:
        requires.append(Precondition("no_nulls", table, (actual.name,)))
    found.operations.append((operation, tuple(requires)))


def _looks(column: Column) -> tuple[object, ...]:
    """Return all that is compared."""
    return column.type, column.nullable, column.default, column.auto_increment


def _may_be_referenced(live: Table, column: str) -> bool:
    """Say whether a foreign key of any table may refer to the column: it needs an index, and InnoDB takes any."""
    return column in live.primary_key or any(column in index.columns for index in live.indexes)


def _collations(found: ColumnFindings, table: Table, live: Table, there: Mapping[str, Column]) -> None:
    """Refuse to convert: it copies the table, and a unique key can collide in the other collation."""
    if not table.collation:
        return
    others: dict[str, list[str]] = {}
    for column in table.columns:
        actual = there.get(column.name.lower())
        if actual is None or not {actual.type.name, column.type.name} <= _WITH_COLLATION:
            continue
        collation = actual.collation or live.collation
        if collation and collation != table.collation:
            others.setdefault(collation, []).append(actual.name)
    for collation, names in others.items():
        what = f"Change collation of {live.name} ({', '.join(names)}) from {collation} to {table.collation}"
        charset = table.collation.split("_")[0]
        reason = (
            "it copies the table and can make unique keys collide; joins with the site's tables need it, and "
            f"ALTER TABLE {live.name} CONVERT TO CHARACTER SET {charset} COLLATE {table.collation} does it"
        )
        found.refusals.append((what, reason, False))


@dataclass(frozen=True, slots=True)
class Change:
    """An operation, and what must hold of the rows for it to be safe."""

    operation: Operation
    requires: tuple[Precondition, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A difference that stays, and why. ``blocking`` means that the models cannot work with it."""

    table: str
    what: str
    reason: str
    blocking: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """``extras`` are findings that are not ours and are left alone, in words."""

    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()

    def preconditions(self) -> tuple[Precondition, ...]:
        """List every question that a plan needs answered, each once."""
        return tuple(dict.fromkeys(precondition for change in self.changes for precondition in change.requires))


@dataclass(slots=True)
class _Findings:
    changes: list[Change] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)


def diff_schemas(desired: Schema, actual: Schema) -> SchemaDiff:
    found = _Findings()
    for table in desired:
        live = actual.table(table.name)
        if live is None:
            found.changes.append(Change(CreateTable(table.name, table)))
        else:
            _diff_table(found, table, live, actual)
    return SchemaDiff(tuple(found.changes), tuple(found.refusals), tuple(found.extras))


def _diff_table(found: _Findings, table: Table, live: Table, actual: Schema) -> None:
    if not live.columns:
        reason = "; ".join(live.opaque) or "it has no columns"
        found.refusals.append(Refusal(table.name, f"Bring {table.name} to its declared shape", reason, blocking=True))
        return
    for operation, requires in (columns := diff_columns(table, live)).operations:
        found.changes.append(Change(operation, requires))
    for what, reason, blocking in columns.refusals:
        found.refusals.append(Refusal(table.name, what, reason, blocking))
    found.extras += columns.extras
    if table.engine and live.engine and table.engine.lower() != live.engine.lower():
        found.refusals.append(
            Refusal(
                table.name,
                f"Change engine of {table.name} from {live.engine} to {table.engine}",
                f"it copies the table and blocks writers; ALTER TABLE {table.name} ENGINE={table.engine} does it",
            )
        )
    if not same_names(table.primary_key, live.primary_key):
        was, now = ", ".join(live.primary_key), ", ".join(table.primary_key)
        what = f"Change primary key of {table.name} from ({was}) to ({now})"
        found.refusals.append(Refusal(table.name, what, "it rebuilds the table and can refuse rows", blocking=True))
    _diff_indexes(found, table, live)
    _diff_foreign_keys(found, table, live, actual)
    found.extras += [f"{table.name} has a {thing}" for thing in live.foreign]
    found.extras += [f"{table.name} cannot be modified: {words}" for words in live.opaque]


def _diff_indexes(found: _Findings, table: Table, live: Table) -> None:
    serving = set()
    for index in table.indexes:
        match = _index_for(index, live)
        if match is not None:
            serving.add(match.name)
            continue
        same_name = live.index(index.name)
        if same_name is None:
            found.changes.append(Change(AddIndex(table.name, index), _index_requirements(index, live)))
            continue
        serving.add(same_name.name)
        words = ", ".join(same_name.opaque) or f"it is {_index_words(same_name)}"
        found.refusals.append(
            Refusal(
                table.name,
                f"Add index {table.name} {_index_words(index)} `{index.name}`",
                f"an index of that name is there and {words}; nothing is dropped unasked, so drop or rename it first",
            )
        )
    found.extras += [f"{table.name} has an index {index.name}" for index in live.indexes if index.name not in serving]


def _index_for(index: Index, live: Table) -> Index | None:
    """Prefer the index of that name; take any that does the same work."""
    named = live.index(index.name)
    if named is not None and named.serves(index):
        return named
    return next((candidate for candidate in live.indexes if candidate.serves(index)), None)


def _index_words(index: Index) -> str:
    return f"{'UNIQUE' if index.unique else 'KEY'} ({', '.join(index.columns)})"


def _index_requirements(index: Index, live: Table) -> tuple[Precondition, ...]:
    if not index.unique:
        return ()
    if all(live.column(column) for column in index.columns):
        return (Precondition("no_duplicates", live.name, index.columns),)
    return (Precondition("empty", live.name, index.columns),)


def _diff_foreign_keys(found: _Findings, table: Table, live: Table, actual: Schema) -> None:
    serving = set()
    for key in table.foreign_keys:
        match = next((candidate for candidate in live.foreign_keys if candidate.serves(key)), None)
        if match is not None:
            serving.add(match)
            continue
        rival = next((other for other in live.foreign_keys if same_names(other.columns, key.columns)), None)
        namesake = next((other for other in live.foreign_keys if same_names((other.name,), (key.name,))), None)
        what = f"Add foreign key {table.name} ({', '.join(key.columns)}) REFERENCES {key.referenced_table}"
        if rival is not None:
            serving.add(rival)
            reason = f"another foreign key, {rival.name or 'without a name'}, is on that column; drop it first"
            found.refusals.append(Refusal(table.name, what, reason))
        elif key.name and namesake is not None:
            # The column under it has been renamed: a server takes no second key of that name.
            serving.add(namesake)
            on = ", ".join(namesake.columns)
            reason = f"a foreign key of that name, {namesake.name}, is on ({on}); drop it first"
            found.refusals.append(Refusal(table.name, what, reason))
        elif table.engine and (live.engine or "").lower() != table.engine.lower():
            reason = f"the table's engine, {live.engine}, accepts foreign keys and forgets them"
            found.refusals.append(Refusal(table.name, what, reason))
        else:
            found.changes.append(Change(AddForeignKey(table.name, key), _key_requirements(key, live, actual)))
    found.extras += [
        f"{table.name} has a foreign key {key.name} on ({', '.join(key.columns)})"
        for key in live.foreign_keys
        if key not in serving
    ]


def _key_requirements(key: ForeignKey, live: Table, actual: Schema) -> tuple[Precondition, ...]:
    if any(live.column(column) is None for column in key.columns):
        return ()  # the column comes with this very run; rows get NULL, or AddColumn asks for an empty table
    parent = actual.table(key.referenced_table)
    if parent is None or any(parent.column(column) is None for column in key.referenced_columns):
        return (Precondition("no_values", live.name, key.columns, key),)
    return (Precondition("no_orphans", live.name, key.columns, key),)
