"""Steps that are not about structure: a migration's own SQL and Python, stops, and the version."""

from __future__ import annotations

from collections.abc import Callable

import peewee as pw

from ...errors import Irreversible, Undecided
from ...execution.context import RunContext, context_of
from ...schema.plan import RowWork
from ...wordpress.version import version_compare
from ..batches import TableNames, execute, shown
from ..state import delete_version, read_version, write_version


def run_sql(database: pw.Database, sql: str, *parameters: object) -> None:
    """Run one repeatable statement; ``{messages}`` stands for the full name of that table, quoted.

    Write ``?`` for a parameter on every engine. For many rows use the batches.
    """
    with context_of(database) as context:
        names = TableNames(context)
        text = sql.format_map(names)
        if context.records(RowWork("Runs SQL", tuple(names.asked), shown(context, sql, parameters))):
            return
        execute(context, text, parameters, names.asked)


def run_python(database: pw.Database, function: Callable[[RunContext], None]) -> None:
    """Call ``function`` with the run's context; it must be repeatable."""
    with context_of(database) as context:
        name = getattr(function, "__qualname__", "Python")
        if not context.records(RowWork(f"Runs {name}, which cannot be shown")):
            function(context)


def decide(question: str) -> None:
    """Refuse to run the migration until its author has decided, and removed this line.

    Unlike a step it stands in the body of ``migrate()`` or ``rollback()`` itself, as ``steps.decide("...")``, so that
    no step has run yet. Raises Undecided.
    """
    raise Undecided(question)


def irreversible(database: pw.Database, reason: str) -> None:
    """Refuse a rollback, with the reason: ``migrator.run(steps.irreversible, database, "...")``.

    No other step of that rollback is run. Raises Irreversible.
    """
    raise Irreversible(reason)


def stamp(database: pw.Database, version: str) -> None:
    """Write the schema version, as the last step of a migration. A newer version is left as it is."""
    with context_of(database) as context:
        stored = read_version(context)
        if stored is None or version_compare(stored, version) < 0:
            write_version(context, version)


def unstamp(database: pw.Database, version: str | None) -> None:
    """Set the schema version back, as the last step of a rollback; None removes it."""
    with context_of(database) as context:
        if version is None:
            delete_version(context)
        else:
            write_version(context, version)
