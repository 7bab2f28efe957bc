"""What stops a migration before its first step: a question that its author has not answered, or no way back."""

from __future__ import annotations

import peewee as pw

from ...errors import Irreversible, Undecided


def decide(question: str) -> None:
    """Refuse to run the migration until its author has decided, and removed this line.

    Unlike a step it stands in the body of ``migrate()`` or ``rollback()`` itself, as ``steps.decide("...")``, so that
    none of the steps has run. Raises Undecided.
    """
    raise Undecided(question)


def irreversible(database: pw.Database, reason: str) -> None:
    """Say in a rollback that there is no way back, and why: ``migrator.run(steps.irreversible, database, "...")``.

    No other step of that rollback is run. Raises Irreversible.
    """
    raise Irreversible(reason)
