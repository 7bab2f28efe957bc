"""Bring live tables to their declared shape: look, compare, plan, apply, and look again until nothing is left.

reconcile(database, dialect, desired, executor)
"""

from __future__ import annotations

from dataclasses import dataclass

from peewee import Database

from ..dialects.base import Dialect
from ..errors import SchemaConflict
from .apply import Executor, Overtaken
from .diff import Refusal, diff_schemas
from .introspect import count_rows, introspect_schema
from .objects import Schema
from .plan import Plan, make_plan

#: More rounds than that mean that somebody undoes what we do.
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was done in dbDelta's words, what was refused and why, and what was found that is not ours."""

    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()


def plan_for(database: Database, dialect: Dialect, desired: Schema) -> Plan:
    """Plan what brings the live tables to ``desired``. Reads only."""
    names = [table.name for table in desired]
    # What a foreign key refers to may be another migration's table; without a look at it the key would be refused.
    names += [key.referenced_table for table in desired for key in table.foreign_keys]
    actual = introspect_schema(database, dialect, list(dict.fromkeys(names)))
    diff = diff_schemas(desired, actual)
    counts = {requirement: count_rows(database, dialect, requirement) for requirement in diff.requirements()}
    return make_plan(diff, actual, dialect, counts)


def reconcile(database: Database, dialect: Dialect, desired: Schema, executor: Executor) -> Reconciled:
    """Apply plans until the plan is empty; what is refused stays and is reported.

    Raises SchemaConflict when the live schema does not come to rest, and what the executor raises.
    """
    changes: list[str] = []
    for _ in range(_ROUNDS):
        plan = plan_for(database, dialect, desired)
        if plan.is_empty:
            return Reconciled(tuple(changes), plan.refusals, plan.extras)
        try:
            result = executor.run_steps(plan.steps)
        except Overtaken as overtaken:
            changes += overtaken.done
            continue
        changes += result.outcomes
    left = "; ".join(plan.describe())
    raise SchemaConflict(
        f"the schema does not come to rest after {_ROUNDS} rounds; is somebody else changing it? Left: {left}",
        reasons=plan.describe(),
    )
