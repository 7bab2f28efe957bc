"""``wch check``: whether activate would find anything to do, down to the last column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..authoring.author import differences, load_models
from ..authoring.scratch import scratch_databases
from ..database.detect import detect_dialect
from ..install.drift import REPAIR, Difference
from ..install.drift import differences as drift_of
from ..install.network import Network
from ..install.reports import InstallPlan
from ..migrate.folder import migrations_folder
from ..schema.declared import logical_tables
from . import codes
from .options import Choices, shared_options
from .output import Output
from .session import for_every_site, network_option, open_author_session, open_session

if TYPE_CHECKING:
    from ..authoring.lint import Finding


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


def print_differences(found: Sequence[Difference], out: Output, *, verbose: bool) -> None:
    """Print a line for each; with ``verbose`` the statements of each step below its last line."""
    for number, difference in enumerate(found):
        mended = f" ({difference.mended_by} mends it)" if difference.mended_by else ""
        out.line(f"{difference.kind.capitalize()}: {_one_line(str(difference))}{mended}")
        following = found[number + 1].statements if number + 1 < len(found) else ()
        if verbose and difference.statements != following:
            print_statements(difference.statements, out)


def print_statements(statements: Iterable[str], out: Output) -> None:
    """Print SQL so that it stands out from the words."""
    for statement in statements:
        out.lines(f"    {line}" for line in statement.splitlines())


def advice(found: Sequence[Difference]) -> str:
    """Say what to type next."""
    mendable = any(difference.mended_by == REPAIR for difference in found)
    if any(difference.kind == "pending" for difference in found):
        return "wch plan shows the SQL, wch activate runs it."
    if mendable:
        return "wch repair --dry-run shows the SQL, wch repair runs it; wch activate does the same."
    if any(not difference.statements and "wch activate" in difference.reason for difference in found):
        return "wch activate writes the version."
    return "What is refused stays until somebody decides; wch activate changes nothing."


def _one_line(text: str) -> str:
    return " ".join(text.split())


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


@click.command("check")
@shared_options()
@network_option
@lint_options
@click.option(
    "--models",
    is_flag=False,
    flag_value="",
    metavar="[MODULE[:NAME]]",
    help="Compare the models with the migrations instead, for CI; without a name the shipped models.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show the statements, too.")
@click.pass_obj
def command(
    choices: Choices, network: bool, models: str | None, migrations: str | None, record: bool, verbose: bool
) -> int:
    """Compare the live tables with what they should be. Reads only.

    Tells what is pending, because a migration has not run yet, from drift, which somebody has made: for
    each difference whether wch repair mends it, or why not. Any of these gives exit code 1. What is not
    ours is listed too and gives 0. A newer database gives 4, and nothing is compared.

    With --migrations it reads the files of the migrations, each finding one line with its file, line and rule,
    and what to do; exit code 1 when there is one. --record then notes the files as shipped: from then on a
    change to one is a finding, too.

    With --models no live table is looked at: the migrations are replayed on a scratch SQLite database in
    memory and, where a server is configured, on a scratch database there, and compared with the models.

    \b
      wch check --migrations && git commit
      wch check --quiet || echo "somebody changed the tables"
      wch check --models || echo "a migration is missing: wch new NAME"
    """
    if record and (migrations is None or models is not None):
        raise click.UsageError("--record goes with --migrations alone.")
    if network and (models is not None or migrations is not None):
        raise click.UsageError("--models and --migrations look at no site; leave --network away.")
    if models is not None:
        return check_models(choices, models or None, migrations or None)
    if migrations is not None:
        return check_folder(choices, migrations, record)
    session = open_session(choices)
    if network:
        return for_every_site(session, "comparing the sites", Network.plan, _site)
    found = session.manager.plan()
    newer = found.is_newer
    clean = _is_clean(found)
    sorted_ = drift_of(found, session.manager.prefix)
    if session.out.structured:
        session.out.document(
            {
                **session.heading,
                "version": found.version,
                "code_version": found.code_version,
                "is_newer": newer,
                "pending": found.pending,
                "differences": [difference.to_dict() for difference in sorted_],
                "changes": found.plan.describe(),
                "refusals": [asdict(refusal) for refusal in found.plan.refusals],
                "extras": found.plan.extras,
                "is_clean": clean,
            }
        )
    elif newer:
        session.out.line(f"The database is at version {found.version} and this wch at {found.code_version}.")
    else:
        print_differences(sorted_, session.out, verbose=verbose)
        session.out.lines(f"Left alone: {extra}" for extra in found.plan.extras)
        session.out.line("Everything is as it should be." if clean else advice(sorted_))
    return _code(found)


def _is_clean(found: InstallPlan) -> bool:
    return found.is_empty and not found.plan.refusals and not found.is_newer


def _code(found: InstallPlan) -> int:
    if found.is_newer:
        return codes.TOO_NEW
    return codes.FINE if _is_clean(found) else codes.DRIFT


def _site(found: InstallPlan) -> tuple[str, int]:
    if _is_clean(found):
        return "as it should be", codes.FINE
    if found.is_newer:
        return f"newer: version {found.version}", codes.TOO_NEW
    pending = [f"pending {name}" for name in found.pending]
    version = [] if found.is_stamped else [f"version {found.version or 'none'}"]
    refused = [f"refused: {refusal}" for refusal in found.plan.refusals]
    drift = [f"drift: {line}" for line in found.plan.describe()]
    return "; ".join([*pending, *version, *drift, *refused]), codes.DRIFT
