"""``wch status``: the version, the migrations and the tables."""

from collections.abc import Callable, Iterator
from dataclasses import asdict

import click

from ..install.inspection import StatusReport
from ..install.network import Network
from .options import LISTS, Choices, ExitCode, ignore_option, network_option, subcommand, timeout_option, verdict
from .output import counted
from .session import Session, for_every_site, open_session, show_newer

#: The fields of a run in the list of ``--history``.
_RUN = ("at", "name", "direction", "outcome", "seconds", "who", "program")


@subcommand("status", formats=LISTS)
@click.option("--history", is_flag=True, help="Also list every run: when, by whom, how it ended.")
@ignore_option
@timeout_option
@network_option
def command(choices: Choices, history: bool, network: bool) -> int:
    """Show the version, the migrations and the tables. Reads only.

    Exit code 1 if something is pending or missing, if the tables differ from their declaration (see wch check), or
    if a migration's file was changed after it was applied; 4 if the database is newer than this release, with
    the models that can still be read and written.

    \b
      wch status
      wch status --history
      wch status --format json | jq -r .version
    """
    if network and history:
        raise click.UsageError("--history is of one site; give --prefix or --url in place of --network.")
    session = open_session(choices)
    if network:
        return for_every_site(session, "looking at the sites", Network.status, _site)
    report = session.manager.status()
    runs = session.manager.history() if history or session.out.structured else ()
    if session.out.structured:
        session.out.document(
            {
                **report.to_dict(),
                "is_current": report.is_current,
                "history": [asdict(run) for run in runs],
                "files": session.project.files,
            },
            [asdict(run) for run in runs] if history else None,
            (*_RUN, "checksum") if history else (),
        )
    else:
        _print(report, session)
        if history:
            session.out.listing([asdict(run) for run in runs], _RUN)
        if report.trouble:
            session.out.line(f"No upgrade can run here: {report.trouble}.")
        if report.is_newer:
            show_newer(session, report.reason, report.models)
        else:
            session.out.lines(_verdict(report, session.manager.command))
    return _code(report)


def _verdict(report: StatusReport, command: Callable[[str], str]) -> Iterator[str]:
    """Yield what is wrong, each with the command that repairs it."""
    if report.is_current:
        yield "Up to date."
    for name in report.half_rolled_back:
        on, forward = command(f"rollback {name}"), command("migrate")
        yield f"{name} is half rolled back: {on} finishes it, {forward} applies it again."
    for name in report.half_applied:
        yield f"{name} was started and not finished: {command('migrate')} continues it."
    for name in report.changed_files:
        meant = command(f"migrate --mark {name}")
        yield f"{name}.py was changed after it was applied: restore the file, or accept the change with {meant}."
    for name in report.missing_files:
        yield f"{name} is applied, but its file {name}.py is missing: restore it, or use the release that has it."
    pending = set(report.pending) - set(report.half_rolled_back)
    if pending or report.missing_tables or not (report.is_stamped or report.half_rolled_back):
        yield f"Not up to date: run {command('activate')}."
    elif report.differences:
        places = counted(len(report.differences), "place")
        yield f"Not up to date: the tables differ in {places}; {command('check')} says which."


def _code(report: StatusReport) -> int:
    return verdict(newer=report.is_newer, differs=not report.is_current)


def _site(report: StatusReport) -> tuple[str, int]:
    if report.is_newer:
        return report.reason, ExitCode.TOO_NEW
    pending = [name for name in report.pending if name not in report.half_rolled_back]
    parts = {
        "pending": pending,
        "half rolled back": report.half_rolled_back,
        "started and not finished": report.half_applied,
        "missing": report.missing_tables,
        "changed after it was applied": report.changed_files,
        "applied without a file": report.missing_files,
    }
    words = [f"{what} {', '.join(names)}" for what, names in parts.items() if names]
    words += [f"{len(report.differences)} differences"] * bool(report.differences)
    trouble = [report.trouble] if report.trouble else []
    return "; ".join([f"version {report.version or 'none'}", *words, *trouble]), _code(report)


def _print(report: StatusReport, session: Session) -> None:
    rows = (
        ("engine", report.engine),
        ("version", f"{report.version or 'none'} (this wch: {report.code_version})"),
        ("applied", ", ".join(report.applied) or "none"),
        ("pending", ", ".join(report.pending) or "none"),
        ("missing tables", ", ".join(report.missing_tables) or "none"),
    )
    project = session.project
    files = project.files.items() if project.module or project.path else ()
    session.out.table(("", ""), (*rows, *files))
