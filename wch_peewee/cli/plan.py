"""``wch plan``: the very statements that activate would run, for eyes, for review and for a client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from ..reports import InstallPlan
from ..schema.statements import Step
from ..wordpress.options import VERSION_OPTION
from . import codes
from .options import Choices, shared_options
from .session import open_session


@click.command("plan")
@shared_options()
@click.pass_obj
def command(choices: Choices) -> int:
    """Print the SQL that wch activate would run. Reads only.

    Each step has a comment with what it does and how the server does it (INSTANT, INPLACE, COPY, ...). What
    is refused or left alone is a comment, too. Exit code 0 whenever the plan could be made, empty or not (wch
    check tells them apart), and 4 for a newer database, in which nothing would be done.

    \b
      wch plan
      wch plan --quiet > review.sql
    """
    session = open_session(choices)
    found = session.manager.plan()
    if session.out.json:
        session.out.document({**session.heading, **_document(found)})
    elif found.is_newer:
        session.out.line(_comment(f"{_newer(found)}; nothing would be done"))
    else:
        session.out.lines(_script(found))
    return codes.TOO_NEW if found.is_newer else codes.FINE


def _script(found: InstallPlan) -> Iterator[str]:
    if found.pending:
        yield _comment(
            f"Pending migrations run first: {', '.join(found.pending)}. "
            "What they do to rows, beyond the statements below, is in their files."
        )
    for number, step in enumerate(found.plan.steps, start=1):
        what = "; ".join(line for operation in step.operations for line in operation.describe())
        yield _comment(f"Step {number} of {len(found.plan.steps)} ({step.cost}): {what}")
        for statement in (*step.statements, *step.cleanup):
            yield str(statement)
        if step.recheck is not None:
            undo = " ".join(map(str, step.undo))
            yield _comment(f"Then the rows are counted once more; should some stand against it: {undo}")
    for name in found.pending:
        yield _comment(f"Then {name} is written into the history")
    if not found.is_stamped:
        yield _comment(f"Then the option {VERSION_OPTION} is set to {found.code_version}")
    for refusal in found.plan.refusals:
        yield _comment(f"Refused: {refusal}")
    for extra in found.plan.extras:
        yield _comment(f"Left alone: {extra}")
    if found.is_empty:
        yield _comment("Nothing is to do")


def _comment(text: str) -> str:
    """Comment every line: what a name in the database says must not become a statement."""
    return "\n".join(f"-- {line}" for line in text.splitlines())


def _newer(found: InstallPlan) -> str:
    return f"The database is at version {found.version} and this wch at {found.code_version}"


def _document(found: InstallPlan) -> dict[str, Any]:
    plan = found.plan
    return {
        "version": found.version,
        "code_version": found.code_version,
        "is_newer": found.is_newer,
        "is_empty": found.is_empty,
        "pending": found.pending,
        "steps": [_step(step) for step in plan.steps],
        "refusals": [asdict(refusal) for refusal in plan.refusals],
        "extras": plan.extras,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "table": step.table,
        "cost": step.cost,
        "operations": [line for operation in step.operations for line in operation.describe()],
        "statements": [statement.sql for statement in step.statements],
        "cleanup": [statement.sql for statement in step.cleanup],
        "undo": [statement.sql for statement in step.undo],
    }
