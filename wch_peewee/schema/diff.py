"""The difference between a declared and a live schema: a pure comparison that knows no engine.

It answers in three kinds: changes to make (with what they ask of the rows), refusals with a reason in
words, and things found that are not ours. The enemy is the phantom difference, reported where there is
none; so names of foreign keys, the order of columns, comments, and who named an index are not compared.

    diff_schemas(desired, actual).changes
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ._part_diff_diff_columns import diff_columns
from .objects import ForeignKey, Index, Schema, Table, same_names
from .operations import AddForeignKey, AddIndex, CreateTable, Operation
from .preconditions import Requirement


@dataclass(frozen=True, slots=True)
class Change:
    """An operation, and what must hold of the rows for it to be safe."""

    operation: Operation
    requires: tuple[Requirement, ...] = ()


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

    def requirements(self) -> tuple[Requirement, ...]:
        """List every question that a plan needs answered, each once."""
        return tuple(dict.fromkeys(requirement for change in self.changes for requirement in change.requires))


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


def _index_requirements(index: Index, live: Table) -> tuple[Requirement, ...]:
    if not index.unique:
        return ()
    if all(live.column(column) for column in index.columns):
        return (Requirement("no_duplicates", live.name, index.columns),)
    return (Requirement("empty", live.name, index.columns),)


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


def _key_requirements(key: ForeignKey, live: Table, actual: Schema) -> tuple[Requirement, ...]:
    if any(live.column(column) is None for column in key.columns):
        return ()  # the column comes with this very run; rows get NULL, or AddColumn asks for an empty table
    parent = actual.table(key.referenced_table)
    if parent is None or any(parent.column(column) is None for column in key.referenced_columns):
        return (Requirement("no_values", live.name, key.columns, key),)
    return (Requirement("no_orphans", live.name, key.columns, key),)
