"""``wch activate``: install or upgrade, verify, and say what was done."""

from __future__ import annotations

import click

from ..network import Network
from ..reports import InstallReport
from . import codes
from .network import for_every_site, network_option
from .options import Choices, shared_options, wait_options
from .output import Output
from .session import open_session


@click.command("activate")
@shared_options()
@wait_options
@network_option
@click.pass_obj
def command(choices: Choices, network: bool) -> int:
    """Install the tables, or bring them up to date.

    Runs the pending migrations, mends what is missing, verifies, and writes the version last. Run again it
    does nothing. What could lose or refuse data is not done: it is printed with its reason, and the exit
    code is 1. Things on our tables that are not ours are printed and left alone (exit code 0). A database
    of a newer version is left alone (exit code 4).

    \b
      wch activate
      wch activate --database mysql://root@localhost/wordpress --prefix wp_2_
    """
    session = open_session(choices)
    if network:
        return for_every_site(session, "looking at the sites", Network.install, _site)
    with session.working("looking at the tables"):
        report = session.manager.install()
    if session.out.json:
        session.out.document({**session.heading, **report.to_dict(), "changed": report.changed})
    else:
        _print(report, session.out)
    return _code(report)


def _code(report: InstallReport) -> int:
    if report.outcome == "newer":
        return codes.TOO_NEW
    return codes.DRIFT if report.refusals else codes.FINE


def _site(report: InstallReport) -> tuple[str, int]:
    refused = f", {len(report.refusals)} not done: {report.refusals[0]}" if report.refusals else ""
    return f"{report.outcome}, version {report.version}{refused}", _code(report)


def _print(report: InstallReport, out: Output) -> None:
    out.lines(f"Applied {name}" for name in report.migrations)
    out.lines(report.changes)
    out.lines(f"Not done: {refusal}" for refusal in report.refusals)
    out.lines(f"Left alone: {extra}" for extra in report.extras)
    if report.reason:
        out.line(f"{report.reason[:1].upper()}{report.reason[1:]}.")
    elif not report.changed and report.refusals:
        out.line(f"Nothing was changed; what is not done stays until somebody decides (version {report.version}).")
    elif not report.changed:
        out.line(f"Nothing was to do: version {report.version} is in place.")
    elif report.outcome == "installed":
        out.line(f"Installed version {report.version}.")
    elif report.version_before == report.version:
        out.line(f"Mended version {report.version}.")
    else:
        out.line(f"Upgraded from {report.version_before or 'no version'} to {report.version}.")
