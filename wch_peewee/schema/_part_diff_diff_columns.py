"""The columns' part of the difference: what is missing, what differs, and what of that is safe to mend.

A column that differs in several ways is mended in those that are safe and refused in the others; the
operation always carries the whole definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .objects import Column, Table, same_names
from .operations import AddColumn, ModifyColumn, Operation
from .preconditions import Requirement
from .type_changes import alike, reconcile_type

_WITH_COLLATION = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"}


@dataclass(slots=True)
class ColumnFindings:
    """``refusals`` are (what, reason, blocking)."""

    operations: list[tuple[Operation, tuple[Requirement, ...]]] = field(default_factory=list)
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
    requires = () if fills_itself else (Requirement("empty", live.name, (column.name,)),)
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
        requires.append(Requirement("unreferenced", table, (actual.name,)))
    if actual.nullable and not target.nullable:
        requires.append(Requirement("no_nulls", table, (actual.name,)))
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
