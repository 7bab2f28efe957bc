"""``wch uninstall``: remove the tables of an installation with all their rows."""

from ..install.network import Network
from ..install.reports import UninstallReport
from .options import Choices, ExitCode, dry_run_option, network_option, subcommand, wait_options, yes_option
from .output import confirm, counted
from .session import Session, for_every_site, open_session, sentence

#: The answer that confirms the empty prefix: an empty answer is given too easily.
_EMPTY = "empty"


@subcommand("uninstall")
@wait_options
@network_option
@yes_option
@dry_run_option
def command(choices: Choices, network: bool, yes: bool, dry_run: bool) -> int:
    """Remove the tables with all their rows, and the version.

    Only for this prefix, and only when WCH_REMOVE_DATA is true; otherwise nothing is removed, and the exit
    code is 2, so that a script notices. Shows how many rows there are and asks for the table prefix to be
    typed (for the empty prefix: the word empty).

    \b
      WCH_REMOVE_DATA=true wch uninstall
      WCH_REMOVE_DATA=true wch uninstall --yes --format json
    """
    session = open_session(choices, writes=not dry_run)
    if dry_run:
        return _preview(session, network=network)
    if network:
        if session.manager.remove_data and not yes:
            _ask(session, {})
        return for_every_site(session, "removing", Network.uninstall, _site)
    counts: dict[str, int] = {}
    if session.manager.remove_data:
        counts = session.manager.row_counts()
        if counts and not yes:
            _ask(session, counts)
    with session.working("removing"):
        report = session.manager.uninstall()
    if session.out.structured:
        session.out.document({**session.heading, **report.to_dict(), "rows": counts})
    else:
        session.out.lines(f"Dropped table {table} ({counted(counts.get(table, 0))})" for table in report.tables)
        if report.option:
            session.out.line("Removed the version option")
        words = f"{sentence(report.reason)}." if report.reason else "Uninstalled."
        (session.out.success if report.removed else session.out.line)(words)
    if not report.removed:
        session.out.note(_how_to_allow(session))
    return ExitCode.FINE if report.removed else ExitCode.FAILED


def _how_to_allow(session: Session) -> str:
    site = session.settings.site
    constant = session.project.namespace.remove_data
    environment = f"Set {constant}=true in the environment to allow the removal."
    if site is None:
        return environment
    if site.remove_data is not None:
        return f"It is set in {site.config}; write define('{constant}', true) there to allow the removal."
    unknown = site.remove_data_unknown
    return f"Cannot determine {constant} because of {unknown}. {environment}" if unknown else environment


def _preview(session: Session, *, network: bool) -> int:
    """Print what would be removed, even if removing is not allowed."""
    manager = session.manager
    prefixes = [site.prefix for site in Network(manager).sites()] if network else [manager.prefix]
    sites = [manager.at(prefix) for prefix in prefixes]
    counts = {table: count for site in sites for table, count in site.row_counts().items()}
    option = any(site.status().version is not None for site in sites)
    if session.out.structured:
        session.out.document({**session.heading, "allowed": manager.remove_data, "rows": counts, "option": option})
    else:
        session.out.lines(f"Would drop {table} ({counted(count)})" for table, count in counts.items())
        if option:
            session.out.line("Would remove the version option")
        if not manager.remove_data:
            session.out.line(f"{session.project.namespace.remove_data} is not true; nothing would be removed.")
    return ExitCode.FINE


def _site(report: UninstallReport) -> tuple[str, int]:
    if not report.removed:
        return report.reason, ExitCode.FAILED
    return report.reason or f"dropped {len(report.tables)} tables", ExitCode.FINE


def _ask(session: Session, counts: dict[str, int]) -> None:
    if counts:
        rows = [(table, f"{count:,}") for table, count in counts.items()]
        session.out.table(("table", "rows"), rows, right=(1,), asks=True)
    prefix = session.manager.prefix
    question = f"Type the table prefix ({prefix})" if prefix else f"The table prefix is empty. Type {_EMPTY}"
    confirm(f"All of this will be removed permanently. {question}", prefix or _EMPTY)
