"""``wch uninstall``: remove everything of one installation, for whoever really means it."""

from __future__ import annotations

import os

import click

from . import codes
from .confirm import confirm
from .options import Choices, shared_options, wait_options
from .session import Session, open_session

#: What is typed for the empty prefix, because an empty answer is too easily given.
_EMPTY = "empty"


@click.command("uninstall", short_help="Remove the tables with all their rows.")
@shared_options()
@wait_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(choices: Choices, yes: bool) -> int:
    """Remove the tables with all their rows, the history and the version.

    Only for this prefix, and only when WCH_REMOVE_DATA is true; otherwise nothing is removed, and the exit
    code is 2, so that a script notices. Shows how many rows there are and asks for the table prefix to be
    typed (for the empty prefix: the word empty).

    \b
      WCH_REMOVE_DATA=true wch uninstall
      WCH_REMOVE_DATA=true wch uninstall --yes --format json
    """
    session = open_session(choices)
    counts: dict[str, int] = {}
    if session.manager.remove_data:
        counts = session.manager.row_counts()
        if counts and not yes:
            _show_rows(session, counts)
            _ask(session)
    with session.working("removing"):
        report = session.manager.uninstall()
    if session.out.json:
        session.out.document({**session.heading, **report.to_dict(), "rows": counts})
    else:
        session.out.lines(f"Dropped table {table}{_rows(counts.get(table))}" for table in report.tables)
        if report.option:
            session.out.line("Removed the version option")
        if report.removed and not report.reason:
            session.out.line("Uninstalled.")
        elif report.reason:
            session.out.line(f"{report.reason[:1].upper()}{report.reason[1:]}.")
    if not report.removed:
        unknown = session.settings.site.remove_data_unknown if session.settings.site is not None else ""
        if unknown and "WCH_REMOVE_DATA" not in os.environ:
            session.out.note(f"WCH_REMOVE_DATA cannot be known from wp-config.php: {unknown}.")
        session.out.note("Say WCH_REMOVE_DATA=true in the environment when the data may go.")
    return codes.FINE if report.removed else codes.FAILED


def _show_rows(session: Session, counts: dict[str, int]) -> None:
    if counts:
        rows = [(table, f"{count:,}") for table, count in counts.items()]
        session.out.ask_table(("table", "rows"), rows, right=(1,))


def _ask(session: Session) -> None:
    prefix = session.manager.prefix
    question = f"Type the table prefix ({prefix})" if prefix else f"The table prefix is empty. Type {_EMPTY}"
    confirm(f"All of this is removed for good. {question}", prefix or _EMPTY)


def _rows(count: int | None) -> str:
    if count is None:
        return ""
    return f" ({count:,} row{'' if count == 1 else 's'})"
