"""``wch check``: compare the live tables, the migrations or the models with what they should be."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from ..install.drift import REPAIR, Difference
from ..install.inspection import InstallPlan
from ..install.network import Network
from ..migrate.project import find_project
from .options import (
    LISTS,
    Choices,
    ExitCode,
    complete_path,
    ignore_option,
    network_option,
    subcommand,
    timeout_option,
    verdict,
)
from .output import Output
from .session import Session, for_every_site, open_author_session, open_session, show_newer

#: The option without its value, which is not the empty text of a shell's unset variable. Nobody can type it.
_OWN = "\0"


@subcommand("check", formats=LISTS, project=False)
@timeout_option
@ignore_option
@network_option
@click.option(
    "--migrations",
    is_flag=False,
    flag_value=_OWN,
    metavar="[FOLDER]",
    shell_complete=complete_path,
    help="Check the files of the migrations instead, without a database; with --models, their folder.",
)
@click.option("--record", is_flag=True, help="With --migrations: record the new files as shipped.")
@click.option(
    "--models",
    is_flag=False,
    flag_value=_OWN,
    metavar="[MODULE[:NAME]]",
    help="Compare the models with the migrations instead, for CI; without a name the shipped models.",
)
@click.option("--verbose", "-v", is_flag=True, help="Also show the SQL statements.")
def command(
    choices: Choices, network: bool, models: str | None, migrations: str | None, record: bool, verbose: bool
) -> int:
    """Compare the live tables with their declaration. Reads only.

    Lists what is pending, because a migration has not run yet, and drift: changes that were made outside of
    migrations. For each drift it says if wch repair can repair it, or why not. Each of these gives exit code 1.
    What wch does not manage is listed with exit code 0. If the database is newer than this release (exit code 4),
    it lists which models can still read and write, and which indexes and keys wch repair can add.

    With --migrations it checks the migration files instead: one line per finding, with file, line, rule and advice;
    exit code 1 if there is a finding. --record then records the files as shipped; later changes to them are findings.

    With --models it checks no live table: it replays the migrations on a scratch SQLite database in memory, and
    on a scratch database of the server if one is configured, and compares the result with the models.
    Before the command, both options only set the models and migrations to use: wch --models shop check.

    \b
      wch check --migrations && git commit
      wch check --quiet || echo "somebody changed the tables"
      wch check --models || echo "a migration is missing: wch new NAME"
    """
    if record and (migrations is None or models is not None):
        raise click.UsageError("--record requires --migrations, without --models.")
    if network and (models is not None or migrations is not None):
        raise click.UsageError("--network cannot be combined with --models or --migrations, which check no site.")
    if models not in (None, _OWN):
        choices.models = models
    if migrations not in (None, _OWN):
        choices.migrations = migrations
    if models is not None:
        return _check_models(choices)
    if migrations is not None:
        return _check_migrations(choices, record)
    session = open_session(choices)
    if network:
        return for_every_site(session, "comparing the sites", Network.plan, compared)
    found = session.manager.plan()
    drift = tuple(found.differences(session.manager.names))
    clean = _is_clean(found)
    if session.out.structured:
        session.out.document(
            {
                **session.heading,
                "version": found.version,
                "code_version": found.code_version,
                "is_newer": found.is_newer,
                "reason": found.reason,
                "models": [asdict(model) for model in found.models],
                "pending": found.pending,
                "differences": [asdict(difference) for difference in drift],
                "changes": found.plan.describe(),
                "refusals": [asdict(refusal) for refusal in found.plan.refusals],
                "extras": found.plan.extras,
                "is_clean": clean,
            },
            [asdict(difference) for difference in drift],
            ("table", "kind", "what", "repaired_by", "reason", "statements"),
        )
    elif found.is_newer:
        _print(drift, session, verbose=verbose)
        show_newer(session, found.reason, found.models)
    else:
        _print(drift, session, verbose=verbose)
        session.out.lines(f"Not managed by wch: {extra}" for extra in found.plan.extras)
        session.out.line("No differences found." if clean else _advice(drift))
    return verdict(newer=found.is_newer, differs=not clean)


def _is_clean(found: InstallPlan) -> bool:
    return found.is_empty and not found.plan.refusals and not found.is_newer


def compared(found: InstallPlan) -> tuple[str, int]:
    """Return in words what a site's tables lack, and the exit code."""
    if _is_clean(found):
        return "no differences", ExitCode.FINE
    if found.is_newer:
        return found.reason, ExitCode.TOO_NEW
    pending = [f"pending {name}" for name in found.pending]
    version = [] if found.is_stamped else [f"version {found.version or 'none'}"]
    refused = [f"refused: {refusal}" for refusal in found.plan.refusals]
    drift = [f"drift: {line}" for line in found.plan.describe()]
    stopped = [f"would stop: {found.dry_run.stopped.reason}"] if found.dry_run.stopped else []
    return "; ".join([*pending, *version, *drift, *refused, *stopped]), ExitCode.DRIFT


def _print(drift: Sequence[Difference], session: Session, *, verbose: bool) -> None:
    for number, difference in enumerate(drift):
        how = f" ({difference.repaired_by} repairs it)" if difference.repaired_by else ""
        session.out.line(f"{difference.kind.capitalize()}: {' '.join(str(difference).split())}{how}")
        # The differences that one step repairs share its statements: they follow the last of them.
        following = drift[number + 1].statements if number + 1 < len(drift) else ()
        if verbose and difference.statements != following:
            session.out.statements(difference.statements)


def _advice(drift: Sequence[Difference]) -> str:
    """Return the line on what to type next."""
    if any(difference.kind == "pending" for difference in drift):
        return "wch plan shows the SQL, wch activate runs it."
    if any(difference.repaired_by == REPAIR for difference in drift):
        return "wch repair --dry-run shows the SQL, wch repair runs it; wch activate does the same."
    if any(not difference.statements and "wch activate" in difference.reason for difference in drift):
        return "wch activate writes the version."
    return "wch activate would not change this; the lines above say why, and what to do."


def _check_migrations(choices: Choices, record: bool) -> int:
    """Print the findings in the files of the migrations; return the exit code."""
    # Imported here because most runs of wch check compare a live database and need nothing of it.
    from ..authoring.lint import check_migrations, record_migrations

    out = Output(choices)
    path = find_project(choices.models, choices.migrations, out.note, author=True).folder.path
    out.note(f"Migrations: {path}")
    findings = check_migrations(path)
    recorded = record_migrations(path) if record and not findings else ()
    if out.structured:
        rows = [
            {"file": str(each.path), "line": each.line, "rule": each.rule, "found": each.found, "advice": each.advice}
            for each in findings
        ]
        document = {"folder": str(path), "is_clean": not rows, "recorded": list(recorded), "findings": rows}
        out.document(document, rows, ("file", "line", "rule", "found", "advice"))
    else:
        out.lines(map(str, findings))
        out.lines(f"Recorded {name}" for name in recorded)
        if not findings:
            out.line("No findings in the migrations.")
        elif record:
            out.error("Nothing was recorded: correct or allow the findings first.")
    return ExitCode.DRIFT if findings else ExitCode.FINE


def _check_models(choices: Choices) -> int:
    """Print the differences between the models and the migrations, found on scratch databases."""
    # Imported here, as above.
    from ..authoring.author import model_differences
    from ..authoring.scratch import scratch_databases
    from ..database.query import detect_dialect
    from ..schema.declared import logical_tables

    session = open_author_session(choices, writes=False)
    tables = logical_tables(session.project.models)
    with scratch_databases(session.target) as (databases, notes):
        session.out.notes(notes)
        engines = [detect_dialect(database).label for database in databases]
        found = model_differences(databases, session.folder, tables)
    if session.out.structured:
        session.out.document(
            {
                "migrations": str(session.folder.path),
                "engines": engines,
                "differences": [asdict(difference) for difference in found],
                "agree": not found,
            },
            [asdict(difference) for difference in found],
            ("words", "engines"),
        )
    elif found:
        for difference in found:
            where = "" if len(difference.engines) == len(engines) else f" ({', '.join(difference.engines)})"
            session.out.line(f"Not in the migrations: {difference.words}{where}")
        session.out.line("The models and the migrations differ: wch new NAME writes the missing migration.")
    else:
        session.out.line(f"The models and the migrations agree on {' and '.join(engines)}.")
    return ExitCode.DRIFT if found else ExitCode.FINE
