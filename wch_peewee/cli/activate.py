"""``wch activate``: install or upgrade, and verify."""

from ..install.inspection import InstallPlan
from ..install.network import Network
from ..install.reports import InstallReport
from . import options
from .check import compared
from .options import Choices, ExitCode, subcommand
from .plan import show_plan
from .session import Session, confirm_neighbours, for_every_site, open_session, sentence


@subcommand("activate")
@options.ignore_option
@options.wait_options
@options.copy_options
@options.network_option
@options.dry_run_option
@options.yes_option
def command(choices: Choices, network: bool, dry_run: bool, yes: bool) -> int:
    """Install the tables, or upgrade them.

    Runs the pending migrations, repairs what is missing, verifies the result, and writes the version last. A second
    run changes nothing. Changes that could lose data or fail on existing rows are refused with the reason (exit
    code 1). Columns, indexes and keys that wch does not manage are listed and not changed (exit code 0). Tables that
    the PHP plugin or a newer release has upgraded are not changed (exit code 4); see wch check.
    If only tables with another prefix exist, it asks first, because the prefix may be wrong.

    \b
      wch activate
      wch activate --database mysql://root@localhost/wordpress --prefix wp_2_
    """
    session = open_session(choices, writes=not dry_run)
    if dry_run and not network:
        return show_plan(session)
    if dry_run:
        return for_every_site(session, "looking at the sites", Network.plan, _planned)
    if network:
        return for_every_site(session, "looking at the sites", Network.install, _site)
    confirm_neighbours(session, yes=yes)
    with session.working("looking at the tables"):
        report = session.manager.install()
    if session.out.structured:
        session.out.document({**session.heading, **report.to_dict(), "changed": report.changed})
    else:
        _print(report, session)
    return _code(report)


def _code(report: InstallReport) -> int:
    return options.verdict(newer=report.outcome == "newer", differs=bool(report.refusals))


def _site(report: InstallReport) -> tuple[str, int]:
    refused = f", {len(report.refusals)} refused: {report.refusals[0]}" if report.refusals else ""
    words = report.reason or f"{report.outcome}, version {report.version}"
    return f"{words}{refused}", _code(report)


def _planned(found: InstallPlan) -> tuple[str, int]:
    words, code = compared(found)
    return words, code if code == ExitCode.TOO_NEW else ExitCode.FINE


def _print(report: InstallReport, session: Session) -> None:
    out = session.out
    say = out.line if _code(report) else out.success
    out.lines(f"Applied {name}" for name in report.migrations)
    out.lines(report.changes)
    out.lines(f"Refused: {refusal}" for refusal in report.refusals)
    out.lines(f"Not managed by wch: {extra}" for extra in report.extras)
    if report.reason:
        say(f"{sentence(report.reason)}.")
    elif not report.changed and report.refusals:
        out.line(f"Nothing was changed; the refusals above say what to do (version {report.version}).")
    elif not report.changed:
        say(f"Already up to date (version {report.version}).")
    elif report.outcome == "installed":
        say(f"Installed version {report.version}.")
    elif report.version_before == report.version:
        say(f"Repaired the schema (version {report.version}).")
    elif report.version_before is None:
        say(f"Took over the existing tables, and wrote version {report.version}.")
    else:
        say(f"Upgraded from {report.version_before} to {report.version}.")
