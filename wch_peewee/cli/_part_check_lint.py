"""``wch check --migrations``: the folder of migrations, before it is shipped. No database is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..migrate.migrations_folder import migrations_folder
from . import codes
from .options import Choices
from .output import Output

if TYPE_CHECKING:
    from ..authoring.lint import Finding

F = TypeVar("F", bound=Callable[..., Any])

#: What ``--migrations`` says without a folder: the one that the other commands use.
_OURS = ""


def lint_options(function: F) -> F:
    """Add ``--migrations``, which is None when it is not there, and ``--record``."""
    record = click.option("--record", is_flag=True, help="With --migrations: note the new files as shipped.")
    migrations = click.option(
        "--migrations",
        is_flag=False,
        flag_value=_OURS,
        metavar="[FOLDER]",
        help="Check the files of the migrations instead, without a database; with --models, their folder.",
    )
    return migrations(record(function))


def check_folder(choices: Choices, folder: str, record: bool) -> int:
    """Print what is to be said of the migrations; return the exit code."""
    # Imported by those who ask for it alone: most runs of wch check look at a database.
    from ..authoring.lint import check_migrations, record_migrations

    out = Output(choices)
    path = Path(folder) if folder else migrations_folder()
    out.note(f"Migrations: {path}")
    findings = check_migrations(path)
    recorded = record_migrations(path) if record and not findings else ()
    shown = [replace(finding, path=_near(finding.path)) for finding in findings]
    if out.structured:
        rows = [_row(finding) for finding in shown]
        document = {"folder": str(path), "is_clean": not rows, "recorded": list(recorded), "findings": rows}
        out.document(document, rows or [dict.fromkeys(("file", "line", "rule", "found", "advice"))])
    else:
        out.lines(map(str, shown))
        out.lines(f"Recorded {name}" for name in recorded)
        if not findings:
            out.line("The migrations are as they should be.")
        elif record:
            out.error("Nothing was recorded: first there has to be nothing to say.")
    return codes.DRIFT if findings else codes.FINE


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "file": str(finding.path),
        "line": finding.line,
        "rule": finding.rule,
        "found": finding.found,
        "advice": finding.advice,
    }


def _near(path: Path) -> Path:
    """As it would be typed here."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve())
    except (OSError, ValueError):  # somewhere else, or the current folder is gone
        return path
