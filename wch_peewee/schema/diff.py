"""The comparison of two schemas: a verdict on each part, and the changes that live tables need.

The enemy is the phantom difference: what a verdict calls cosmetic is left as it is.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

from .objects import Column, ForeignKey, Index, Schema, Table, as_declared, same_names
from .operations import AddColumn, AddForeignKey, AddIndex, CreateTable, ModifyColumn, Operation
from .preconditions import Precondition
from .types import reconcile_type

Part = TypeVar("Part", Column, Index, ForeignKey)

#: ``cosmetic``  it does the same work under another name, or with another comment or collation
#: ``skipped``   it cannot be compared, because one side has what these values cannot restate
Verdict = Literal["equal", "cosmetic", "different", "skipped"]


@dataclass(frozen=True, slots=True)
class Pair(Generic[Part]):
    """A column, index or foreign key on both sides; None on a side that lacks it."""

    wanted: Part | None
    found: Part | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TableComparison:
    """The parts of two tables: the wanted ones in their order, then the others that were found."""

    columns: tuple[Pair[Column], ...]
    indexes: tuple[Pair[Index], ...]
    foreign_keys: tuple[Pair[ForeignKey], ...]
    same_primary_key: bool


def compare_tables(wanted: Table, found: Table) -> TableComparison:
    """Compare two tables. Names are equal in any case, and the order of columns is not compared."""
    return TableComparison(
        tuple(_compare_columns(wanted, found)),
        tuple(_compare_indexes(wanted, found)),
        tuple(_compare_foreign_keys(wanted, found)),
        same_names(wanted.primary_key, found.primary_key),
    )


def _compare_columns(wanted: Table, found: Table) -> Iterator[Pair[Column]]:
    left = {column.name.lower(): column for column in found.columns}
    for column in wanted.columns:
        other = left.pop(column.name.lower(), None)
        if other is None:
            yield Pair(column, None, _alone(column))
        else:
            other = as_declared(other, column)
            yield Pair(column, other, _column_verdict(column, other))
    for column in left.values():
        yield Pair(None, column, _alone(column))


def _column_verdict(wanted: Column, found: Column) -> Verdict:
    if _definition(wanted) != _definition(found):
        return "different"
    same = (wanted.name, wanted.collation, wanted.comment) == (found.name, found.collation, found.comment)
    return "equal" if same else "cosmetic"


def _definition(column: Column) -> tuple[object, ...]:
    return column.type, column.nullable, column.default, column.auto_increment


def _compare_indexes(wanted: Table, found: Table) -> Iterator[Pair[Index]]:
    taken = set()
    for index in wanted.indexes:
        pair = _index_pair(index, found)
        taken.add(pair.found)
        yield pair
    for index in found.indexes:
        if index in taken:
            continue
        if any(index.serves(other) or other.serves(index) for other in wanted.indexes):
            yield Pair(None, index, "cosmetic")  # a second one for the same work
        else:
            yield Pair(None, index, _alone(index))


def _index_pair(index: Index, found: Table) -> Pair[Index]:
    """Pair an index with the one of the same name, or with any that does the same work."""
    namesake = found.index(index.name)
    candidates = found.indexes if namesake is None else (namesake, *found.indexes)
    for other in candidates:
        if index.serves(other) and other.serves(index):
            return Pair(index, other, "equal" if other is namesake else "cosmetic")
    for other in candidates:
        if index.serves(other) or other.serves(index):
            return Pair(index, other, "skipped")
    return Pair(index, None, _alone(index))


def _compare_foreign_keys(wanted: Table, found: Table) -> Iterator[Pair[ForeignKey]]:
    taken = set()
    for key in wanted.foreign_keys:
        other = next((other for other in found.foreign_keys if other.serves(key)), None)
        if other is None:
            yield Pair(key, None, "different")
        else:
            taken.add(other)
            yield Pair(key, other, "equal" if other.name == key.name else "cosmetic")
    for key in found.foreign_keys:
        if key not in taken:
            serves = any(key.serves(other) for other in wanted.foreign_keys)
            yield Pair(None, key, "cosmetic" if serves else "different")


def _alone(part: Column | Index) -> Verdict:
    """Return the verdict on a part that only one side has."""
    return "skipped" if part.opaque else "different"


@dataclass(frozen=True, slots=True)
class Change:
    """An operation, and the preconditions under which it is safe."""

    operation: Operation
    requires: tuple[Precondition, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A difference that stays, with the reason. ``blocking`` means that the models cannot work with it."""

    table: str
    what: str
    reason: str
    blocking: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Conversion(Refusal):
    """A difference that an administrator can remove: another ``engine``, or ``collation`` of the columns ``names``."""

    engine: str = ""
    collation: str = ""
    names: tuple[str, ...] = ()

    def wanted(self, live: Table) -> Table:
        """Return what ``live`` is afterwards."""
        return replace(live, engine=self.engine) if self.engine else recollated(live, self.collation, self.names)


def recollated(live: Table, collation: str, names: Collection[str] = ()) -> Table:
    """Return a table with another collation, also in the columns ``names``, by default those that have the table's."""
    names = names or [c.name for c in live.columns if c.collation is None and c.type.has_collation]
    columns = [replace(c, collation=collation) if c.name in names and not c.opaque else c for c in live.columns]
    return replace(live, collation=collation, columns=tuple(columns))


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """The differences of live tables. ``extras`` lists in words what is not managed and stays."""

    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()

    def preconditions(self) -> tuple[Precondition, ...]:
        """Return every precondition that has to be counted for a plan, each once."""
        return tuple(dict.fromkeys(precondition for change in self.changes for precondition in change.requires))


def diff_schemas(desired: Schema, actual: Schema) -> SchemaDiff:
    """Return what leads from the live tables ``actual`` to ``desired``, as far as it is safe."""
    changes: list[Change] = []
    refusals: list[Refusal] = []
    extras: list[str] = []
    for table in desired:
        live = actual.table(table.name)
        if live is None:
            changes.append(Change(CreateTable(table.name, table)))
        else:
            found = _TableDiff(table, live)
            found.compare(actual)
            changes += found.changes
            refusals += found.refusals
            extras += found.extras
    return SchemaDiff(tuple(changes), tuple(refusals), tuple(extras))


def additions(desired: Schema, actual: Schema) -> Schema:
    """Return the live tables with the declared indexes and foreign keys that go with their columns as they are.

    The difference to it adds something beside what is there, and changes nothing that others have made.
    """
    return Schema(
        tuple(_with_additions(table, live, actual) for table in desired if (live := actual.table(table.name)))
    )


def _with_additions(table: Table, live: Table, actual: Schema) -> Table:
    def has(columns: tuple[str, ...]) -> bool:
        return all(live.column(column) for column in columns)

    indexes = tuple(index for index in table.indexes if has(index.columns))
    keys = tuple(key for key in table.foreign_keys if has(key.columns) and _same_types(key, live, actual))
    return replace(live, indexes=indexes, foreign_keys=keys if live.engine == table.engine else ())


def _same_types(key: ForeignKey, live: Table, actual: Schema) -> bool:
    parent = actual.table(key.referenced_table)
    pairs = zip(key.columns, key.referenced_columns, strict=True)
    return parent is not None and all(
        (one := live.column(column)) and (other := parent.column(referenced)) and one.type.family == other.type.family
        for column, referenced in pairs
    )


@dataclass(slots=True)
class _TableDiff:
    """The differences of one table, collected while it is compared."""

    table: Table
    live: Table
    changes: list[Change] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)

    def change(self, operation: Operation, *requires: Precondition) -> None:
        self.changes.append(Change(operation, requires))

    def refuse(self, what: str, reason: str, *, blocking: bool = False) -> None:
        self.refusals.append(Refusal(self.table.name, what, reason, blocking))

    def compare(self, actual: Schema) -> None:
        table, live = self.table, self.live
        if not live.columns:
            reason = "; ".join(live.opaque) or "it has no columns"
            self.refuse(f"Change {table.name} to its declaration", reason, blocking=True)
            return
        comparison = compare_tables(table, live)
        self._columns(comparison.columns)
        self._collations(comparison.columns)
        self._other_columns(comparison.columns)
        if table.engine and live.engine and table.engine.lower() != live.engine.lower():
            what = f"Change engine of {table.name} from {live.engine} to {table.engine}"
            reason = "it copies the table and blocks writers"
            self.refusals.append(Conversion(table.name, what, reason, engine=table.engine))
        if not comparison.same_primary_key:
            was, now = ", ".join(live.primary_key), ", ".join(table.primary_key)
            what = f"Change primary key of {table.name} from ({was}) to ({now})"
            self.refuse(what, "it rebuilds the table and can fail on existing rows", blocking=True)
        self._indexes(comparison.indexes)
        self._foreign_keys(comparison.foreign_keys, actual)
        self.extras += [f"{table.name} has a {thing}" for thing in live.foreign]
        self.extras += [f"{table.name} cannot be modified: {words}" for words in live.opaque]

    def _columns(self, pairs: tuple[Pair[Column], ...]) -> None:
        previous: str | None = None
        for pair in pairs:
            if pair.wanted is None:
                continue
            if pair.found is None:
                previous = self._add_column(pair.wanted, previous)
                continue
            previous = pair.found.name
            if pair.verdict == "different":
                self._modify_column(pair.wanted, pair.found)

    def _add_column(self, column: Column, previous: str | None) -> str | None:
        """Add a column behind ``previous``; return the name that the next new column follows."""
        live = self.live
        if column.name in self.table.primary_key:
            reason = (
                "it is the primary key, which cannot be generated for existing rows; rename the column that replaced it"
            )
            self.refuse(f"Add column {live.name}.{column.name}", reason, blocking=True)
            return previous
        if column.type.has_collation and self.table.collation and live.collation != self.table.collation:
            column = replace(column, collation=self.table.collation)
        fills_itself = column.nullable or column.default is not None
        requires = () if fills_itself else (Precondition("empty", live.name, (column.name,)),)
        self.change(AddColumn(live.name, column, previous), *requires)
        return column.name

    def _modify_column(self, column: Column, actual: Column) -> None:
        """Change a column or refuse it, as a whole. Only an enum changes and keeps what is not declared."""
        live, table, name = self.live, self.live.name, f"{self.live.name}.{actual.name}"
        verdict = reconcile_type(actual.type, column.type)
        # Inserts of the models fail on what stays so.
        hinders = column.auto_increment > actual.auto_increment or column.nullable > actual.nullable
        # Only a number that leads a key can auto-increment; the primary key is refused on its own.
        counts = actual.auto_increment or same_names(live.primary_key[:1], (actual.name,))
        target = replace(
            actual,
            type=verdict.target,
            nullable=column.nullable,
            default=column.default,
            auto_increment=column.auto_increment and counts,
        )
        operation = ModifyColumn(table, actual, target)
        others = operation.describe()
        retype = f"Change type of {name} from {actual.type} to {column.type}"
        if verdict.reason and verdict.target == actual.type:
            left = f"; until then not done either: {'; '.join(others)}" if others else ""
            self.refuse(retype, verdict.reason + left, blocking=verdict.blocking or hinders)
            return
        if actual.opaque and others:
            reason = f"the column has {', '.join(actual.opaque)}, which the change would lose"
            self.refuse("; ".join(others), reason, blocking=hinders)
            return
        if verdict.reason:
            self.refuse(retype, verdict.reason, blocking=verdict.blocking)
        if not others:
            return
        requires = []
        if target.type != actual.type and _may_be_referenced(live, actual.name):
            requires.append(Precondition("unreferenced", table, (actual.name,)))
        if actual.nullable and not target.nullable:
            requires.append(Precondition("no_nulls", table, (actual.name,)))
        self.change(operation, *requires)

    def _collations(self, pairs: tuple[Pair[Column], ...]) -> None:
        """Refuse conversions: they copy the table, and a unique key can collide in the other collation."""
        wanted = self.table.collation
        if not wanted:
            return
        others: dict[str, list[str]] = {}
        for pair in pairs:
            if pair.wanted is None or pair.found is None:
                continue
            collation = pair.found.collation or self.live.collation
            with_collation = pair.wanted.type.has_collation and pair.found.type.has_collation
            if with_collation and collation and collation != wanted:
                others.setdefault(collation, []).append(pair.found.name)
        for collation, names in others.items():
            what = f"Change collation of {self.live.name} ({', '.join(names)}) from {collation} to {wanted}"
            reason = "it copies the table and can cause duplicates in unique keys; joins with the site's tables need it"
            self.refusals.append(Conversion(self.table.name, what, reason, collation=wanted, names=tuple(names)))

    def _other_columns(self, pairs: tuple[Pair[Column], ...]) -> None:
        undeclared = {pair.found.name for pair in pairs if pair.wanted is None and pair.found is not None}
        for column in self.live.columns:
            name = f"{self.live.name}.{column.name}"
            if column.name not in undeclared:
                self.extras += [f"{name} has {', '.join(column.opaque)}"] if column.opaque else []
                continue
            required = not (column.nullable or column.default or column.auto_increment or column.is_generated)
            warning = (
                ", which is NOT NULL without a default, so that inserts through the models fail" if required else ""
            )
            self.extras.append(f"{self.live.name} has a column {column.name}{warning}")

    def _indexes(self, pairs: tuple[Pair[Index], ...]) -> None:
        table, live = self.table, self.live
        serving = set()
        for pair in pairs:
            index = pair.wanted
            if index is None:
                continue
            namesake = live.index(index.name)
            if pair.verdict in ("equal", "cosmetic"):
                serving.add(pair.found)
            elif namesake is None:
                self.change(AddIndex(table.name, index), *_index_preconditions(index, live))
            else:
                serving.add(namesake)
                words = ", ".join(namesake.opaque) or f"it is {_index_words(namesake)}"
                self.refuse(
                    f"Add index {table.name} {_index_words(index)} `{index.name}`",
                    f"an index with this name exists and {words}; drop or rename it first",
                )
        self.extras += [f"{table.name} has an index {index.name}" for index in live.indexes if index not in serving]

    def _foreign_keys(self, pairs: tuple[Pair[ForeignKey], ...], actual: Schema) -> None:
        table, live = self.table, self.live
        serving = {pair.found for pair in pairs if pair.wanted is not None}
        for key in (pair.wanted for pair in pairs if pair.wanted is not None and pair.found is None):
            rival = next((other for other in live.foreign_keys if same_names(other.columns, key.columns)), None)
            namesake = next((other for other in live.foreign_keys if same_names((other.name,), (key.name,))), None)
            what = f"Add foreign key {table.name} ({', '.join(key.columns)}) REFERENCES {key.referenced_table}"
            if rival is not None:
                serving.add(rival)
                reason = f"the column already has another foreign key, {rival.name or 'without a name'}; drop it first"
                self.refuse(what, reason)
            elif key.name and namesake is not None:
                # The column under it has been renamed: a server takes no second key of that name.
                serving.add(namesake)
                on = ", ".join(namesake.columns)
                self.refuse(what, f"a foreign key of that name, {namesake.name}, is on ({on}); drop it first")
            elif table.engine and (live.engine or "").lower() != table.engine.lower():
                self.refuse(what, f"the table's engine, {live.engine}, silently ignores foreign keys")
            else:
                self.change(AddForeignKey(table.name, key), *_key_preconditions(key, live, actual))
        self.extras += [
            f"{table.name} has a foreign key {key.name} on ({', '.join(key.columns)})"
            for key in live.foreign_keys
            if key not in serving
        ]


def _may_be_referenced(live: Table, column: str) -> bool:
    """Return True if a foreign key of any table may refer to the column: it needs an index, and InnoDB takes any."""
    return column in live.primary_key or any(column in index.columns for index in live.indexes)


def _index_words(index: Index) -> str:
    return f"{'UNIQUE' if index.unique else 'KEY'} ({', '.join(index.columns)})"


def _index_preconditions(index: Index, live: Table) -> tuple[Precondition, ...]:
    if not index.unique:
        return ()
    if all(live.column(column) for column in index.columns):
        return (Precondition("no_duplicates", live.name, index.columns),)
    return (Precondition("empty", live.name, index.columns),)


def _key_preconditions(key: ForeignKey, live: Table, actual: Schema) -> tuple[Precondition, ...]:
    if any(live.column(column) is None for column in key.columns):
        return ()  # this run adds the column; rows get NULL, or AddColumn requires an empty table
    parent = actual.table(key.referenced_table)
    if parent is None or any(parent.column(column) is None for column in key.referenced_columns):
        return (Precondition("no_values", live.name, key.columns, key),)
    return (Precondition("no_orphans", live.name, key.columns, key),)
