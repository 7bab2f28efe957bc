"""``wch repair``: repair drift where that is safe, and delete or reattach orphaned rows."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import click

from ..install.drift import REPAIR
from ..install.manager import RepairReport
from ..install.orphans import Missing
from . import options
from .options import Choices, ExitCode, subcommand
from .output import confirm, counted
from .session import Session, open_session

#: How many missing parents are listed one by one.
_LISTED = 20


@subcommand("repair")
@options.ignore_option
@options.wait_options
@options.copy_options
@click.option(
    "--orphans",
    type=click.Choice(["report", "delete", "reattach"]),
    default="report",
    show_default=True,
    help="Rows whose parent is missing, as messages without conversation: count, delete or reattach them.",
)
@options.dry_run_option
@options.yes_option
def command(choices: Choices, orphans: str, dry_run: bool, yes: bool) -> int:
    """Repair drift, and delete or reattach orphaned rows.

    Adds what is missing and widens what is too narrow, as wch activate does, but runs no migration. In tables
    that the PHP plugin has upgraded it only adds missing indexes and foreign keys. Rows whose parent is missing,
    as messages without their conversation, prevent the foreign key; they are only counted unless --orphans says
    what to do. Exit code 1 if something is left.

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
        nothing = "Nothing could be repaired." if left else "Nothing to do."
        done = "Repaired in part; the refusals above say what is left." if left else "Repaired."
        (session.out.line if left else session.out.success)(done if report.changed else nothing)
    return ExitCode.DRIFT if left else ExitCode.FINE


def _preview(session: Session, orphans: str) -> int:
    plan = session.manager.repair_plan()
    found = session.manager.orphans()
    repairs = [d for d in plan.differences(session.manager.names) if d.repaired_by == REPAIR]
    orphaned = sum(one.rows for one in found)
    if session.out.structured:
        session.out.document(
            {
                **session.heading,
                "orphans": orphaned,
                "missing": [asdict(one) for one in found],
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
        if not (found or repairs or plan.plan.refusals):
            session.out.line("Nothing to do.")
    return ExitCode.DRIFT if found or repairs or plan.plan.refusals else ExitCode.FINE


def _print(report: RepairReport, session: Session) -> None:
    out = session.out
    if report.deleted:
        out.line(f"Deleted {counted(report.deleted)} without a parent")
    if report.nulled:
        out.line(f"Set NULL in {counted(report.nulled)} without a parent")
    if report.reattached:
        out.line(f"Reattached {counted(report.reattached)}")
    out.lines(report.changes)
    out.lines(f"Refused: {refusal}" for refusal in report.refusals)
    out.lines(f"Not managed by wch: {extra}" for extra in report.extras)


def _ask(session: Session, found: Sequence[Missing]) -> None:
    session.out.table(
        ("table", "missing parent", "rows"),
        [(one.table, f"{one.column} {one.value}", f"{one.rows:,}") for one in found[:_LISTED]],
        right=(2,),
        asks=True,
    )
    gone, nulled = (sum(one.rows for one in found if one.nulled == nulled) for nulled in (False, True))
    also = f", and {counted(nulled)} set to NULL" if nulled else ""
    confirm(f"{counted(gone)} will be deleted permanently{also}. Type delete", "delete")


def _listed(found: Sequence[Missing]) -> list[str]:
    more = len(found) - _LISTED
    return [*map(str, found[:_LISTED]), *[f"rows of {more} more missing parents"] * (more > 0)]
