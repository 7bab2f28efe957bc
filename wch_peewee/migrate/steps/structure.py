"""Steps on tables, columns, indexes and foreign keys. What a step does not mention stays: comment, collation, place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import peewee as pw

from ...errors import RemovalRefused, SchemaConflict, StatementFailed
from ...execution.apply import ConcurrentChange
from ...execution.context import RunContext, context_of
from ...schema import operations as ops
from ...schema.base import Query
from ...schema.declared import resolve_key, resolve_table
from ...schema.naming import OUTSIDE
from ...schema.objects import Column, ForeignKey, Index, Schema, Table, as_declared
from ...schema.preconditions import Precondition
from ...schema.statements import Step

#: Says from the live table what is still to be done; nothing when it is done.
Planner = Callable[[RunContext, Table], list[ops.Operation]]


def change_table(database: pw.Database, key: str, plan: Planner, *, for_columns: bool = False) -> None:
    """Do what ``plan`` still finds to be done on the table. Raises SchemaConflict.

    ``for_columns`` reads less of the table; it is for steps that add or change columns.
    """
    with context_of(database) as context:
        try:
            _change_once(context, key, plan, for_columns)
        except ConcurrentChange:
            # A session without our lock, such as PHP, has just created it: inspect again.
            _change_once(context, key, plan, for_columns)


def adapted(context: RunContext, live: Table, column: Column) -> Column:
    """Return a declared column as the engine can hold it."""
    table = Table(context.names.key(live.name), (column,), live.primary_key)
    return resolve_table(table, names=context.names, dialect=context.dialect, collation=live.collation).columns[0]


def _change_once(context: RunContext, key: str, plan: Planner, for_columns: bool) -> None:
    name = context.names.table(key)
    live = context.live(name, for_columns=for_columns)
    if live is None:
        raise SchemaConflict(f"table {name} does not exist; an earlier migration has to create it", by_hand=True)
    operations = plan(context, live)
    reasons = context.dialect.obstacles(live, operations) if operations else ()
    if reasons:
        raise SchemaConflict(f"{name} cannot be changed: {'; '.join(reasons)}", reasons=reasons)
    if operations:
        context.change(name, operations, live)


def add_column(database: pw.Database, table: str, column: Column, *, after: str | None = None) -> None:
    """Add a column if it is missing; last, or behind ``after``.

    Raises SchemaConflict if the table has rows and the column no value for them.
    """

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        if live.column(column.name):
            return []
        if not (column.nullable or column.default is not None):
            _insist(context, Precondition("empty", live.name, (column.name,)))
        return [ops.AddColumn(live.name, adapted(context, live, column), after or live.columns[-1].name)]

    change_table(database, table, plan, for_columns=True)


def rename_column(database: pw.Database, table: str, old: str, new: str) -> None:
    """Rename a column and keep all of its attributes."""

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        if live.column(old) and live.column(new):
            raise SchemaConflict(_both_columns(context, live.name, old, new), by_hand=True)
        if live.column(old):
            return [ops.RenameColumn(live.name, old, new)]
        if live.column(new):
            return []
        raise SchemaConflict(f"{live.name} has neither column {old} nor {new}", by_hand=True)

    change_table(database, table, plan)


def _both_columns(context: RunContext, table: str, old: str, new: str) -> str:
    """Return the message about two columns where one was expected: what each holds, and how either is dropped."""
    quote = context.dialect.quote
    held = {name: context.count(Precondition("no_values", table, (name,))) for name in (old, new)}
    drops = [f"ALTER TABLE {quote(table)} DROP COLUMN {quote(name)}" for name in (old, new)]
    found = " and ".join(f"{name} ({_values(count)})" for name, count in held.items())
    return (
        f"{table} has both {found}; drop the one that is not needed, {drops[0]}; or {drops[1]}; and run the same "
        "again. In a migration that has not been shipped yet, steps.keep_column before this step does that"
    )


def alter_column(database: pw.Database, table: str, column: Column) -> None:
    """Change a column to a whole new definition; its place is kept, and so are comment and collation unless given.

    Raises SchemaConflict if NULLs conflict with NOT NULL; the server refuses other values that do not fit.
    """

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        was = live.column(column.name)
        if was is None:
            raise SchemaConflict(f"{live.name} has no column {column.name}", by_hand=True)
        target = adapted(context, live, column)
        was = as_declared(was, target)
        now = replace(target, comment=target.comment or was.comment, collation=target.collation or was.collation)
        if replace(now, opaque=was.opaque) == was:
            return []
        if was.opaque:
            raise SchemaConflict(f"{live.name}.{was.name} has {', '.join(was.opaque)}, which the change would lose")
        if was.nullable and not now.nullable:
            _insist(context, Precondition("no_nulls", live.name, (was.name,)))
        return [ops.ModifyColumn(live.name, was, now)]

    change_table(database, table, plan, for_columns=True)


def drop_column(database: pw.Database, table: str, column: str, *, allow_drop: bool = False) -> None:
    """Drop a column and its values; ``allow_drop`` confirms that they may go.

    Raises RemovalRefused without it, and says how many rows hold a value.
    """

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        if live.column(column) is None:
            return []
        if not allow_drop:
            count = context.count(Precondition("no_values", live.name, (column,)))
            raise RemovalRefused(
                f"dropping {live.name}.{column} loses {_values(count)}; "
                "to accept this, add allow_drop=True in the migration"
            )
        return [ops.DropColumn(live.name, column)]

    change_table(database, table, plan)


def keep_column(database: pw.Database, table: str, column: str, *, instead_of: str, allow_drop: bool = False) -> None:
    """Keep ``column`` where the table has both, and drop ``instead_of``; before a rename of the one to the other.

    With one of them there is nothing to do. Raises RemovalRefused if a row holds a value in ``instead_of``, unless
    ``allow_drop`` confirms that these may go.
    """

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        if not (live.column(column) and live.column(instead_of)):
            return []
        if not allow_drop and (count := context.count(Precondition("no_values", live.name, (instead_of,)))):
            raise RemovalRefused(
                f"{live.name} has both {column} and {instead_of}, and dropping {instead_of} loses {_values(count)}; "
                "to accept this, add allow_drop=True in the migration"
            )
        return [ops.DropColumn(live.name, instead_of)]

    change_table(database, table, plan)


def _insist(context: RunContext, precondition: Precondition) -> None:
    if count := context.count(precondition):
        raise SchemaConflict(precondition.refusal(count))


def _values(rows: int) -> str:
    if rows == 0:
        return "no value, because all are NULL"
    return "the value of 1 row" if rows == 1 else f"the values of {rows:,} rows"


def add_foreign_key(database: pw.Database, table: str, key: ForeignKey) -> None:
    """Add a foreign key if no equivalent one exists and no rows conflict with it."""

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        wanted = resolve_key(key, live.name, context.names)
        if any(candidate.serves(wanted) for candidate in live.foreign_keys):
            return []
        outside = key.referenced_table.startswith(OUTSIDE) and not context.is_imaginary
        if outside and not context.present([wanted.referenced_table]):
            return []  # as of a new table: the run adds it at its end, or says what is missing
        _insist(context, Precondition("no_orphans", live.name, wanted.columns, wanted))
        return [ops.AddForeignKey(live.name, wanted)]

    change_table(database, table, plan)


def drop_foreign_key(database: pw.Database, table: str, key: ForeignKey) -> None:
    """Drop the foreign key that is equivalent to ``key``, whatever its name; its index stays."""

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        wanted = resolve_key(key, live.name, context.names)
        return [ops.DropForeignKey(live.name, there) for there in live.foreign_keys if there.serves(wanted)]

    change_table(database, table, plan)


def add_index(database: pw.Database, table: str, index: Index) -> None:
    """Add an index if no equivalent one exists; a unique one only if no rows conflict with it."""

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        wanted = replace(index, name=context.dialect.index_name(live.name, index.name))
        if any(candidate.serves(wanted) for candidate in live.indexes):
            return []
        if wanted.unique:
            _insist(context, Precondition("no_duplicates", live.name, wanted.columns))
        return [ops.AddIndex(live.name, wanted)]

    change_table(database, table, plan)


def _find_index(context: RunContext, live: Table, index: str) -> Index | None:
    return context.dialect.find_index(live, index, live.name.removeprefix(context.prefix))


def rename_index(database: pw.Database, table: str, old: str, new: str) -> None:
    """Rename an index; it is rebuilt only where the server knows no other way."""

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        was, now = (_find_index(context, live, name) for name in (old, new))
        if was and now:
            raise SchemaConflict(
                f"{live.name} has both indexes {old} and {new}; drop the one that is not needed", by_hand=True
            )
        if was:
            return [ops.RenameIndex(live.name, was, context.dialect.index_name(live.name, new))]
        if now:
            return []
        raise SchemaConflict(
            f"{live.name} has neither an index {old} nor {new}; wch check lists the differences", by_hand=True
        )

    change_table(database, table, plan)


def drop_index(database: pw.Database, table: str, index: str) -> None:
    """Drop an index if it exists."""

    def plan(context: RunContext, live: Table) -> list[ops.Operation]:
        there = _find_index(context, live, index)
        return [ops.DropIndex(live.name, there.name)] if there else []

    change_table(database, table, plan)


def create_tables(database: pw.Database, tables: Iterable[Table]) -> None:
    """Bring ``tables`` to their declared definition: create what is missing, repair what is safe to repair.

    Raises SchemaConflict if something that exists prevents what the declaration needs.
    """
    with context_of(database) as context:
        left = context.reconcile(tables, verify=False)  # a run verifies everything at its end
        reasons = tuple(map(str, left.blocking))
        if reasons:
            raise SchemaConflict("; ".join(reasons), reasons=reasons)


def drop_tables(database: pw.Database, tables: Iterable[Table], *, allow_drop: bool = False) -> None:
    """Drop ``tables``, children first.

    If there is something to drop, either removing data must be allowed (the namespace's constant), or ``allow_drop``
    confirms that the migration has moved the rows elsewhere. Raises RemovalRefused, which counts the rows.
    """
    with context_of(database) as context:
        names = [context.names.table(table.name) for table in tables]
        present = context.present(names)
        if present and not (allow_drop or context.may_remove_data):
            counted = ", ".join(f"{name} ({_rows(context, name)})" for name in present)
            raise RemovalRefused(
                f"this drops {counted}; allow it with {context.namespace.remove_data}=true, "
                "or add allow_drop=True in the migration if the rows are not needed"
            )
        drop_named(context, present)


def drop_named(context: RunContext, names: Iterable[str]) -> None:
    """Drop tables by their full names, last first; refuse if a table that is not ours refers to one."""
    names = tuple(names)
    if not names:
        return
    others = context.referencing_tables(names)
    if others:
        there, drops = ", ".join(others), " ".join(filter(None, others.values()))
        advice = (
            f"To drop the key first: {drops}"
            if drops
            else (f"SQLite cannot drop a foreign key: recreate {there} without it, or drop the table.")
        )
        whose = context.namespace.name
        raise SchemaConflict(f"{there} has a foreign key to the tables of {whose}. Nothing was dropped. {advice}")
    tables = context.read(names)
    views = [table.name for table in tables if table.is_view]
    if views:
        raise SchemaConflict(
            f"{', '.join(views)} is a view and no table of ours; rename it first. Nothing was dropped."
        )
    _refuse_unseen_keys(context, tables)
    for name in reversed(names):
        context.change(name, [ops.DropTable(name)])


def _refuse_unseen_keys(context: RunContext, tables: Schema) -> None:
    """Raise SchemaConflict if a foreign key that the account cannot see refers to one of ``tables``.

    A server does not show keys of a database that the account has no privileges in, and would refuse the DROP of that
    one table, with others dropped before it. It tells of its own accord only once the tables' own keys are dropped.
    """
    account = context.privileges() if context.check_lock is not None else None
    if account is None or account.sees_keys or "ALTER" not in account.held:
        return
    keys, done = [(table.name, key) for table in tables for key in table.foreign_keys], len(context.outcomes)
    for name, key in keys:
        context.change(name, [ops.DropForeignKey(name, key)])
    referenced = [table.name for table in tables if _is_referenced(context, table.name)]
    if not referenced:
        return
    for name, key in keys:
        context.change(name, [ops.AddForeignKey(name, key)])
    del context.outcomes[done:]
    raise SchemaConflict(
        f"a table that this account cannot see has a foreign key to {', '.join(referenced)}. Nothing was dropped. "
        "With an administrator's account the same command names the table, and the statement that drops the key."
    )


def _is_referenced(context: RunContext, name: str) -> bool:
    probe = context.dialect.reference_probe(name)
    if probe is None:
        return False
    try:
        context.run_steps([Step(name, (), (probe,), cost="INSTANT")], name)
    except StatementFailed as error:
        cause = error.__cause__
        if isinstance(cause, pw.PeeweeException) and context.dialect.failure(cause.args) == "referenced":
            return True
        raise
    return False


def _rows(context: RunContext, name: str) -> str:
    question = Query(f"SELECT COUNT(*) FROM {context.dialect.quote(name)}")
    count = int(context.connection.query(question)[0][0])
    return "1 row" if count == 1 else f"{count:,} rows"
