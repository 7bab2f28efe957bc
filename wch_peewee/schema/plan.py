"""From a difference to the steps that apply it, and what a dry run tells of each step."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from . import operations as ops
from .dialect import Dialect
from .diff import Change, Conversion, Refusal, SchemaDiff
from .objects import Index, Schema, Table, same_names
from .preconditions import Precondition, rows_query
from .statements import Effect, Size, Statement, Step


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that bring live tables to their declaration. ``extras`` are not managed; they are reported and stay."""

    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do, even if something has been refused."""
        return not self.steps

    @property
    def blocking(self) -> tuple[Refusal, ...]:
        """The refusals that the models cannot work with."""
        return tuple(refusal for refusal in self.refusals if refusal.blocking)

    def without(self, ignored: Iterable[str]) -> Self:
        """Return the plan with the refusals that are to be ignored among what is left alone.

        Each is named by its words, in which ``*`` stands for any text. What the models cannot work with stays refused.
        """
        wanted = [re.compile(".*".join(map(re.escape, words.split("*"))), re.DOTALL) for words in ignored]
        known = [r for r in self.refusals if not r.blocking and any(one.fullmatch(r.what) for one in wanted)]
        if not known:
            return self
        refusals = tuple(refusal for refusal in self.refusals if refusal not in known)
        extras = (*self.extras, *(f"{refusal.what} (ignored as configured)" for refusal in known))
        return replace(self, refusals=refusals, extras=extras)

    def statements(self) -> tuple[Statement, ...]:
        """Return every statement, in the order in which they are sent if none fails."""
        return tuple(statement for step in self.steps for statement in (*step.statements, *step.cleanup))

    def describe(self) -> tuple[str, ...]:
        return tuple(line for step in self.steps for operation in step.operations for line in operation.describe())


def make_plan(diff: SchemaDiff, actual: Schema, dialect: Dialect, counts: Mapping[Precondition, int]) -> Plan:
    """Return the plan for ``diff``; ``counts`` has the number of conflicting rows for ``diff.preconditions()``.

    Refused is what conflicts with rows, depends on something refused, or would lose what is not managed.
    """
    refusals = list(diff.refusals)
    accepted: dict[str, list[ops.Operation]] = {}
    result = {table.name: table for table in actual}
    for change in _keys_last(diff.changes):
        operation, reason, refused = _split(change, result, counts, dialect)
        live = actual.table(operation.table)
        reason = reason or _unmet_dependency(operation, result, dialect) or _held_by_key(operation, actual, dialect)
        if not reason and live is not None:
            reason = "; ".join(dialect.obstacles(live, [operation]))
        if reason and refused and isinstance(operation, ops.ModifyColumn):
            # The rest of the column is refused, too, so it is one refusal.
            operation, reason, refused = change.operation, f"{refused[0].reason}; {reason}", []
        refusals += refused
        if reason:
            blocking = isinstance(operation, ops.CreateTable | ops.AddColumn)
            refusals.append(Refusal(operation.table, "; ".join(operation.describe()), reason, blocking))
        elif operation.describe():
            accepted.setdefault(operation.table, []).append(operation)
            result = ops.apply_operations(result, [operation])
    order = [name for name in dict.fromkeys(change.operation.table for change in diff.changes) if name in accepted]
    steps = [step for name in order for step in dialect.render(actual.table(name), accepted[name])]
    return Plan(tuple(steps), tuple(_by_hand(refusal, result, dialect) for refusal in refusals), diff.extras)


def _by_hand(refusal: Refusal, result: Mapping[str, Table], dialect: Dialect) -> Refusal:
    """Add the statement that an administrator can run, before the steps or after them."""
    if not isinstance(refusal, Conversion):
        return refusal
    live = result[refusal.table]
    statement = dialect.conversion(live, refusal.wanted(live))
    return Refusal(refusal.table, refusal.what, f"{refusal.reason}; run at a quiet time: {statement}", refusal.blocking)


def _split(
    change: Change, result: Mapping[str, Table], counts: Mapping[Precondition, int], dialect: Dialect
) -> tuple[ops.Operation, str, list[Refusal]]:
    """Split a change into what can be applied, the reason why even that is refused, and what is refused."""
    operation = _placed(change.operation, result)
    unmet = [need for need in change.requires if counts[need]]
    live = result.get(operation.table)
    reason = "; ".join(
        need.refusal(counts[need])
        + (f" (see them: {rows_query(need, dialect, live.primary_key)})" if live and need.has_rows else "")
        for need in unmet
    )
    if isinstance(operation, ops.CreateTable):
        operation, refused = _with_possible_keys(operation, result, dialect)
        return operation, reason, refused
    if isinstance(operation, ops.ModifyColumn) and [need.kind for need in unmet] == ["no_nulls"]:
        # NULLs conflict with NOT NULL alone; the rest of the change is as safe as without it.
        only = replace(operation, column=replace(operation.was, nullable=False))
        refused = [Refusal(operation.table, "; ".join(only.describe()), reason)]
        return replace(operation, column=replace(operation.column, nullable=True)), "", refused
    return operation, reason, []


def _keys_last(changes: tuple[Change, ...]) -> list[Change]:
    """Sort columns first, then indexes, then foreign keys, because each depends on the ones before."""
    rank = {ops.AddIndex: 1, ops.AddForeignKey: 2}
    return sorted(changes, key=lambda change: rank.get(type(change.operation), 0))


def _placed(operation: ops.Operation, result: Mapping[str, Table]) -> ops.Operation:
    """Put a new column last if the one that it should follow has been refused."""
    if not isinstance(operation, ops.AddColumn) or operation.after is None:
        return operation
    table = result[operation.table]
    return operation if table.column(operation.after) else replace(operation, after=table.columns[-1].name)


def _with_possible_keys(
    operation: ops.CreateTable, result: Mapping[str, Table], dialect: Dialect
) -> tuple[ops.CreateTable, list[Refusal]]:
    """Return the creation without those foreign keys that would make the server refuse the whole table."""
    table, kept, refusals = operation.definition, [], []
    for key in table.foreign_keys:
        adding = ops.AddForeignKey(table.name, key)
        if reason := _key_dependency(adding, {**result, table.name: table}, dialect):
            refusals.append(Refusal(table.name, "; ".join(adding.describe()), reason))
        else:
            kept.append(key)
    return replace(operation, definition=replace(table, foreign_keys=tuple(kept))), refusals


def _held_by_key(operation: ops.Operation, actual: Schema, dialect: Dialect) -> str:
    """Return the reason if a foreign key prevents a change of its column's type, on engines where it does."""
    if dialect.retypes_foreign_keys or not isinstance(operation, ops.ModifyColumn):
        return ""
    if operation.was.type == operation.column.type:
        return ""
    column = operation.was.name
    for table in actual:
        for key in table.foreign_keys:
            child = table.name == operation.table and column in key.columns
            parent = key.referenced_table == operation.table and column in key.referenced_columns
            if child or parent:
                return f"the foreign key {key.name} of {table.name} uses the column; drop the key first"
    return ""


def _unmet_dependency(operation: ops.Operation, result: Mapping[str, Table], dialect: Dialect) -> str:
    if isinstance(operation, ops.AddIndex):
        table = result[operation.table]
        missing = [name for name in operation.index.columns if table.column(name) is None]
        return f"{table.name} has no column {', '.join(missing)}" if missing else ""
    if isinstance(operation, ops.AddForeignKey):
        return _key_dependency(operation, result, dialect)
    return ""


def _key_dependency(operation: ops.AddForeignKey, result: Mapping[str, Table], dialect: Dialect) -> str:
    key, table = operation.foreign_key, result[operation.table]
    parent = result.get(key.referenced_table)
    if parent is None:
        return f"table {key.referenced_table} does not exist; create it or check --prefix, then run wch activate"
    if words := (*parent.opaque, *["it is partitioned"] * parent.is_partitioned):
        return f"{parent.name} cannot be referenced: {', '.join(words)}"
    if table.engine and parent.engine and table.engine.lower() != parent.engine.lower():
        return f"{parent.name} cannot be referenced: its engine is {parent.engine}"
    for name, referenced in zip(key.columns, key.referenced_columns, strict=True):
        column, target = table.column(name), parent.column(referenced)
        if column is None:
            return f"column {table.name}.{name} does not exist"
        if target is None:
            return f"column {parent.name}.{referenced} does not exist"
        if column.type != target.type and not dialect.retypes_foreign_keys:
            return f"{table.name}.{name} is {column.type} and {parent.name}.{referenced} is {target.type}"
    wanted = Index("", key.referenced_columns, unique=True)
    if not same_names(parent.primary_key, wanted.columns) and not any(i.serves(wanted) for i in parent.indexes):
        return f"{parent.name} ({', '.join(wanted.columns)}) is not a key"
    return ""


@dataclass(frozen=True, slots=True)
class Check:
    """A precondition of a step, counted: ``count`` rows conflict with it, and ``query`` shows them."""

    precondition: Precondition
    count: int
    query: str
    #: the rows are lost, where others make the step fail
    is_loss: bool = False
    #: an earlier step that changes rows there: what will be left of these cannot be told beforehand
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class RowWork:
    """A change of rows: ``words`` describe it, and ``sql`` shows it; what is done in Python has no ``sql``."""

    words: str
    tables: tuple[str, ...] = ()
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One step of a migration, or, without ``migration``, of the repair that follows all migrations."""

    work: Step | RowWork
    migration: str = ""
    number: int = 0
    of: int = 0
    checks: tuple[Check, ...] = ()
    effect: Effect | None = None
    #: why the run would stop here without permission to copy the table
    copy_refusal: str = ""
    #: an online tool copies the table instead of the server
    handed_over: bool = False
    #: changing it back makes the server copy the table, whatever the change itself costs
    copies_back: bool = False

    def describe(self) -> tuple[str, ...]:
        """Return in words what the step does."""
        if isinstance(self.work, RowWork):
            return (self.work.words,)
        return tuple(line for operation in self.work.operations for line in operation.describe())

    def reversals(self) -> tuple[str, ...]:
        """Return in words how the step is undone."""
        operations = () if isinstance(self.work, RowWork) else self.work.operations
        copies = "; that copies the table and may block writers (--allow-copy for a large one)" * self.copies_back
        words = (ops.reversal(one) + copies * isinstance(one, ops.ModifyColumn) for one in operations)
        return tuple(dict.fromkeys(words))

    @property
    def failing(self) -> tuple[Check, ...]:
        """The checks that make the step fail: their rows conflict, and no earlier step changes them."""
        return tuple(check for check in self.checks if check.count and not (check.is_loss or check.changed_by))


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where a run would stop, and why; nothing can be told of the steps behind."""

    migration: str
    number: int
    of: int
    reason: str


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """All steps in order, and the current sizes of the tables."""

    steps: tuple[Forecast, ...] = ()
    sizes: Mapping[str, Size] = field(default_factory=dict)
    stopped: Stopped | None = None
