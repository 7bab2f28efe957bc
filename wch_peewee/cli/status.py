"""``wch status``: the version, the migrations and the tables."""

from ..install.inspection import StatusReport
from ..install.network import Network
from .options import Choices, ExitCode, network_option, timeout_option, wch_command
from .session import Session, for_every_site, open_session, show_newer


@wch_command("status")
@timeout_option
@network_option
def command(choices: Choices, network: bool) -> int:
    """Show the version, the migrations and the tables. Reads only.

    Exit code 1 when something is pending or missing, 4 when the database is newer: then it also says which
    models can be read and written. Columns and indexes are not compared here: wch check does that.

    \b
      wch status
      wch status --format json | jq -r .version
    """
    session = open_session(choices)
    if network:
        return for_every_site(session, "looking at the sites", Network.status, _site)
    report = session.manager.status()
    if session.out.structured:
        session.out.document({**report.to_dict(), "is_current": report.is_current})
    else:
        _print(report, session)
        if report.is_newer:
            show_newer(session, report.reason, report.models)
        else:
            session.out.line("Up to date." if report.is_current else "Not up to date: run wch activate.")
    return _code(report)


def _code(report: StatusReport) -> int:
    if report.is_newer:
        return ExitCode.TOO_NEW
    return ExitCode.FINE if report.is_current else ExitCode.DRIFT


def _site(report: StatusReport) -> tuple[str, int]:
    pending = [f"pending {', '.join(report.pending)}"] if report.pending else []
    missing = [f"missing {', '.join(report.missing_tables)}"] if report.missing_tables else []
    if report.is_newer:
        return report.reason, ExitCode.TOO_NEW
    return "; ".join([f"version {report.version or 'none'}", *pending, *missing]), _code(report)


def _print(report: StatusReport, session: Session) -> None:
    rows = (
        ("engine", report.engine),
        ("version", f"{report.version or 'none'} (this wch: {report.code_version})"),
        ("applied", ", ".join(report.applied) or "none"),
        ("pending", ", ".join(report.pending) or "none"),
        ("missing tables", ", ".join(report.missing_tables) or "none"),
    )
    session.out.table(("", ""), rows)
