"""Have a tool make a change, and believe it only after a look: the rows before, the table afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from peewee import Database

from ..errors import SchemaConflict, StatementFailed
from ..schema._part_preconditions_demands import demands, is_loss
from ..schema._part_statements_copies import Copier
from ..schema.dialect import Dialect
from ..schema.objects import Table
from ..schema.operations import AddForeignKey, Operation
from ..schema.statements import Statement, Step
from .introspect import count_rows, introspect_schema


def hand_over(
    database: Database,
    dialect: Dialect,
    step: Step,
    statement: Statement,
    copier: Copier,
    check: Callable[[], None] | None,
) -> tuple[Step, ...]:
    """Have ``copier`` do ``statement``; return the steps that give back foreign keys which it has discarded.

    Raises SchemaConflict when rows stand against the change, and StatementFailed.
    """
    for operation in step.operations:
        for need in demands(operation):
            if not is_loss(need) and (count := count_rows(database, dialect, need)):
                raise SchemaConflict(need.refusal(count))
    before = _live(database, dialect, step)
    copier(statement, check or _nothing)
    expected = reduce(_applied, step.operations, before)
    after = _live(database, dialect, step)
    if after.columns != expected.columns:
        raise StatementFailed(
            f"the tool reported success, but {step.table} is not as it should be; wch check says how", sql=statement.sql
        )
    lost = [key for key in expected.foreign_keys if not any(there.serves(key) for there in after.foreign_keys)]
    return dialect.render(after, [AddForeignKey(step.table, key) for key in lost])


def _applied(table: Table, operation: Operation) -> Table:
    return operation.applied_to(table)


def _live(database: Database, dialect: Dialect, step: Step) -> Table:
    table = introspect_schema(database, dialect, [step.table]).table(step.table)
    if table is None:
        raise StatementFailed(f"{step.table} is not there", sql="")
    return table


def _nothing() -> None:
    return
