"""``wch check --models``: whether the migrations make what the models declare."""

from __future__ import annotations

from dataclasses import asdict

from ..authoring._part_author_declared import load_models
from ..authoring.author import differences
from ..authoring.scratch import scratch_databases
from ..database.detect import detect_dialect
from ..schema.declared import logical_tables
from . import codes
from ._part_session_authors import open_author_session
from .options import Choices


def check_models(choices: Choices, models: str | None, folder: str | None) -> int:
    """Compare on scratch databases, and print a line for each difference."""
    session = open_author_session(choices, folder=folder, writes=False)
    tables = logical_tables(load_models(models))
    with scratch_databases(session.target) as (databases, notes):
        session.say(notes)
        engines = [detect_dialect(database).label for database in databases]
        found = differences(databases, session.folder, tables)
    if session.out.structured:
        session.out.document(
            {
                "migrations": str(session.folder.path),
                "engines": engines,
                "differences": [asdict(difference) for difference in found],
                "agree": not found,
            }
        )
    elif found:
        for difference in found:
            where = "" if len(difference.engines) == len(engines) else f" ({', '.join(difference.engines)})"
            session.out.line(f"No migration: {difference.words}{where}")
        session.out.line("The models and the migrations disagree: wch new NAME writes a migration.")
    else:
        session.out.line(f"The models and the migrations agree on {' and '.join(engines)}.")
    return codes.DRIFT if found else codes.FINE
