"""``wch migrate``: run the pending migrations, and nothing else; or record those that have been done by hand."""

from dataclasses import asdict

import click

from ..schema.plan import RowWork
from . import options
from .options import Choices, ExitCode, subcommand
from .output import confirm
from .session import Session, check_target, confirm_neighbours, open_session, sentence


@subcommand("migrate")
@click.option("--to", metavar="VERSION", help="Stop at this version; newer migrations stay pending.")
@click.option("--mark", metavar="NAME", help="Only record it, and those pending before it, as applied by hand.")
@options.wait_options
@options.copy_options
@options.ignore_option
@options.dry_run_option
@options.yes_option
def command(choices: Choices, to: str | None, mark: str | None, dry_run: bool, yes: bool) -> int:
    """Run the pending migrations, and nothing else.

    wch activate does more: it also repairs drift, and verifies the result. Tables that the PHP plugin or a newer
    release has upgraded are not changed (exit code 4). A rollback that was interrupted is undone. What could not be
    done, such as a foreign key to a table that does not exist, is printed with its reason (exit code 1).

    --mark is for changes that PHP or an administrator has already made: it compares the tables with the result of
    the migrations, and refuses if they differ (exit code 2). Changes of rows cannot be verified, and are listed.

    \b
      wch migrate --timeout 300
      wch migrate --to 1.1.0
      wch migrate --mark 002_notes
    """
    if to is not None and mark is not None:
        raise click.UsageError("--to and --mark were given; expected one of them.")
    session = open_session(choices, writes=not dry_run)
    manager = session.manager
    check_target(session, name=mark, version=to)
    if mark is not None:
        return _mark(session, mark, yes=yes, dry_run=dry_run)
    if dry_run:
        return _preview(session, to)
    confirm_neighbours(session, yes=yes)
    with session.working("looking at the migrations"):
        names = manager.run_migrations(to=to)
    found = manager.plan()
    version, newer = found.version, found.is_newer
    left = () if newer else found.plan.refusals  # a migration makes a table without the keys that it cannot have
    if session.out.structured:
        facts = {"applied": names, "version": version, "is_newer": newer, "reason": found.reason}
        session.out.document({**session.heading, **facts, "refusals": [asdict(refusal) for refusal in left]})
    elif newer:
        session.out.line(f"{sentence(found.reason)}; nothing was changed.")
    else:
        session.out.lines(f"Applied {name}" for name in names)
        session.out.lines(f"Refused: {refusal}" for refusal in left)
        (session.out.line if left else session.out.success)(
            f"Migrated to version {version}." if names else f"No pending migrations (version {version})."
        )
    return options.verdict(newer=newer, differs=bool(left))


def _mark(session: Session, name: str, *, yes: bool, dry_run: bool) -> int:
    manager, options = session.manager, session.manager.names.options
    status = manager.status()
    pending = (
        ()
        if status.is_newer
        else [one for one in status.pending if one <= name] or [one for one in status.changed_files if one == name]
    )
    for one in pending:
        steps = manager.migration_plan(one).steps
        works = [step.work for step in steps if isinstance(step.work, RowWork) and options not in step.work.tables]
        session.out.notes(f"Not verified, {one}: {work.sql or work.words}" for work in works)
    if pending and not (yes or dry_run):
        confirm(f"Record {', '.join(pending)} as applied without running it? Type yes", "yes")
    names = tuple(pending) if dry_run else manager.mark(name)
    if session.out.structured:
        session.out.document({**session.heading, "marked": names, "is_newer": status.is_newer})
    elif status.is_newer:
        session.out.line(f"{sentence(status.reason)}; nothing was recorded.")
    elif dry_run:
        session.out.line(f"Would record {', '.join(names)}." if names else "Nothing to do.")
    else:
        session.out.success(f"Recorded {', '.join(names)}." if names else f"{name} is already recorded.")
    return ExitCode.TOO_NEW if status.is_newer else ExitCode.FINE


def _preview(session: Session, to: str | None) -> int:
    status = session.manager.status()
    last = None if to is None else session.manager.folder.newest_of(to)
    pending = () if status.is_newer else tuple(one for one in status.pending if last is None or one <= last)
    if session.out.structured:
        session.out.document({**session.heading, "pending": pending, "is_newer": status.is_newer})
    else:
        session.out.lines(f"Would apply {name}" for name in pending)
        if status.is_newer:
            session.out.line(f"{sentence(status.reason)}.")
        elif not status.is_stamped and to in (None, status.code_version):
            session.out.line(f"Would write the version {status.code_version}.")
        elif not pending:
            session.out.line("Nothing to do.")
    return ExitCode.TOO_NEW if status.is_newer else ExitCode.FINE
