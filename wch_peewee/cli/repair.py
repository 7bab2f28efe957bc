"""``wch repair``: repair drift where that is safe, and delete or reattach orphaned messages."""

from itertools import groupby

import click

from ..install.drift import REPAIR, differences
from ..install.manager import RepairReport
from .options import Choices, ExitCode, copy_options, dry_run_option, ignore_option, wait_options, wch_command
from .output import confirm
from .session import Session, open_session

#: How many conversations are listed one by one.
_LISTED = 20


@wch_command("repair", short_help="Mend what differs, and deal with orphaned messages.")
@ignore_option
@wait_options
@copy_options
@click.option(
    "--orphans",
    type=click.Choice(["report", "delete", "reattach"]),
    default="report",
    show_default=True,
    help="Messages whose conversation is gone: count them, delete them, or give them a closed conversation again.",
)
@dry_run_option
@click.option("--yes", is_flag=True, help="Do not ask before messages are deleted.")
def command(choices: Choices, orphans: str, dry_run: bool, yes: bool) -> int:
    """Bring the tables back to what they should be, as far as that is safe.

    Adds what is missing and widens what is too narrow, as wch activate does, but runs no migration. To tables
    that the PHP plugin has upgraded it only adds missing indexes and foreign keys. Messages
    whose conversation is gone keep the foreign key out; nothing is done about them unless you say what. Exit
    code 1 when something is left.

    \b
      wch repair --dry-run
      wch repair --orphans=reattach
    """
    session = open_session(choices, writes=not dry_run)
    if dry_run:
        return _preview(session, orphans)
    if orphans == "delete" and not yes and (found := session.manager.orphans()):
        _ask(session, found)
    with session.working("repairing"):
        report = session.manager.repair(orphans)  # type: ignore[arg-type]
    left = bool(report.refusals)
    if session.out.structured:
        session.out.document({**session.heading, **report.to_dict(), "changed": report.changed})
    else:
        _print(report, session)
        (session.out.line if left else session.out.success)("Repaired." if report.changed else "Nothing was to do.")
    return ExitCode.DRIFT if left else ExitCode.FINE


def _preview(session: Session, orphans: str) -> int:
    plan = session.manager.repair_plan()
    found = session.manager.orphans()
    repairs = [d for d in differences(plan, session.manager.prefix) if d.mended_by == REPAIR]
    messages = sum(found.values())
    if session.out.structured:
        session.out.document(
            {
                **session.heading,
                "orphans": messages,
                "conversations": {str(number): count for number, count in found.items()},
                "changes": [difference.what for difference in repairs],
                # The differences that one step repairs share its statements.
                "statements": list(dict.fromkeys(statement for d in repairs for statement in d.statements)),
                "refusals": [str(refusal) for refusal in plan.plan.refusals],
            }
        )
    else:
        verb = {"report": "Found", "delete": "Would delete", "reattach": "Would reattach"}[orphans]
        session.out.lines(f"{verb} {line}" for line in _listed(found))
        for statements, group in groupby(repairs, key=lambda difference: difference.statements):
            session.out.lines(f"Would do: {difference.what}" for difference in group)
            session.out.statements(statements)
        session.out.lines(f"Refused: {refusal}" for refusal in plan.plan.refusals)
    return ExitCode.DRIFT if found or repairs or plan.plan.refusals else ExitCode.FINE


def _print(report: RepairReport, session: Session) -> None:
    out = session.out
    if report.deleted:
        out.line(f"Deleted {_messages(report.deleted)} without a conversation")
    if report.reattached:
        out.line(f"Reattached {_messages(report.reattached)}")
    out.lines(report.changes)
    out.lines(f"Not done: {refusal}" for refusal in report.refusals)
    out.lines(f"Left alone: {extra}" for extra in report.extras)


def _ask(session: Session, found: dict[int, int]) -> None:
    session.out.ask_table(
        ("conversation", "messages"),
        [(str(number), f"{count:,}") for number, count in [*found.items()][:_LISTED]],
        right=(1,),
    )
    confirm(f"{_messages(sum(found.values()))} would be deleted for good. Type delete", "delete")


def _listed(found: dict[int, int]) -> list[str]:
    lines = [f"{_messages(count)} of conversation {number}, which is not there" for number, count in found.items()]
    more = len(lines) - _LISTED
    return lines if more <= 0 else [*lines[:_LISTED], f"messages of {more} conversations more"]


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"
