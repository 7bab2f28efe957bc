"""``wch plan``: the very statements that activate would run, for eyes, for review and for a client."""

from __future__ import annotations

import click

from . import codes
from ._part_plan_forecast import comment, document, flat, newer, rows, script
from .options import FORMATS, Choices, copy_options, shared_options
from .session import Session, open_session


@click.command("plan")
@shared_options(("sql", *FORMATS))
@copy_options
@click.pass_obj
def command(choices: Choices) -> int:
    """Print the SQL that wch activate would run. Reads only.

    Each step has comments: what it does, how large the table is, by which algorithm and under which lock the
    server does it, who waits meanwhile, which rows stand against it and how to see them, how it is undone. The
    rows are counted, which can take as long as reading the table. What is refused or left alone is a comment,
    too. Exit code 0 whenever the plan could be made, empty or not (wch check tells them apart), and 4 for a newer
    database, in which nothing would be done.

    \b
      wch plan
      wch plan --quiet > review.sql
      wch plan --format table
    """
    return show_plan(open_session(choices))


def show_plan(session: Session) -> int:
    """Print what activate would run; return the exit code."""
    found = session.manager.plan(counts=True)
    if session.out.structured:
        value = document(found)
        session.out.document({**session.heading, **value}, [*map(flat, value["steps"])])
    elif found.is_newer:
        session.out.line(comment(f"{newer(found)}; nothing would be done"))
    elif session.choices.format == "table":
        session.out.table(("step", "what", "rows", "how", "who waits", "against it"), rows(found), right=(2,))
    else:
        session.out.lines(script(found))
    return codes.TOO_NEW if found.is_newer else codes.FINE
