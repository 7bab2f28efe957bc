"""Brings live tables to their declared definition: introspect, compare, plan, apply, until nothing is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..database.query import Connection
from ..errors import SchemaConflict
from ..schema.diff import Refusal, diff_schemas
from ..schema.objects import Schema
from ..schema.operations import CreateTable
from ..schema.plan import Plan, make_plan
from ..schema.preconditions import Precondition
from .apply import ConcurrentChange, Executor
from .introspect import count_rows

#: More rounds than that mean that another session undoes our changes.
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was done in dbDelta's words, what was refused and why, and what was found that is not ours."""

    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()


def concerned(desired: Schema) -> list[str]:
    """Return the names of the tables and of those that their foreign keys refer to."""
    names = [table.name for table in desired]
    names += [key.referenced_table for table in desired for key in table.foreign_keys]
    return list(dict.fromkeys(names))


def plan_for(
    connection: Connection,
    desired: Schema,
    actual: Schema,
    *,
    count: Callable[[Precondition], int] | None = None,
) -> Plan:
    """Plan what brings the live tables ``actual`` to ``desired``. Reads only.

    ``count`` replaces the database's answer for conflicting rows.
    """
    diff = diff_schemas(desired, actual)
    counts = {need: count(need) if count else count_rows(connection, need) for need in diff.preconditions()}
    return make_plan(diff, actual, connection.dialect, counts)


def reconcile(
    connection: Connection,
    desired: Schema,
    executor: Executor,
    *,
    read: Callable[[Sequence[str]], Schema],
    verify: bool = True,
) -> Reconciled:
    """Apply plans until the plan is empty; refusals stay and are reported.

    ``read`` reads live tables by their names. Without ``verify`` tables that have only been created are not read again:
    such a caller verifies before the run is done.
    Raises SchemaConflict if the schema keeps differing, and what the executor raises.
    """
    changes: list[str] = []
    for _ in range(_ROUNDS):
        plan = plan_for(connection, desired, read(concerned(desired)))
        if plan.is_empty:
            return Reconciled(tuple(changes), plan.refusals, plan.extras)
        try:
            result = executor.run_steps(plan.steps)
        except ConcurrentChange as change:
            changes += change.done
            continue
        changes += result.outcomes
        if not verify and all(isinstance(one, CreateTable) for step in plan.steps for one in step.operations):
            return Reconciled(tuple(changes), plan.refusals, plan.extras)
    left = "; ".join(plan.describe())
    raise SchemaConflict(
        f"the schema does not come to rest after {_ROUNDS} rounds; is somebody else changing it? Left: {left}",
        reasons=plan.describe(),
    )
