"""``wch migrate``: run the pending migrations, and nothing else."""

from .options import Choices, ExitCode, copy_options, dry_run_option, wait_options, wch_command, yes_option
from .session import Session, confirm_neighbours, open_session, sentence


@wch_command("migrate")
@wait_options
@copy_options
@dry_run_option
@yes_option
def command(choices: Choices, dry_run: bool, yes: bool) -> int:
    """Run the pending migrations, and nothing else.

    wch activate does more: it also mends what somebody dropped since, and verifies. Tables that the PHP
    plugin, or a newer release, has upgraded are left alone (exit code 4).

    \b
      wch migrate --timeout 300
    """
    session = open_session(choices, writes=not dry_run)
    manager = session.manager
    if dry_run:
        return _preview(session)
    confirm_neighbours(session, yes=yes)
    with session.working("looking at the migrations"):
        names = manager.run_migrations()
    status = manager.status()
    version, newer = status.version, status.is_newer
    if session.out.structured:
        facts = {"applied": names, "version": version, "is_newer": newer, "reason": status.reason}
        session.out.document({**session.heading, **facts})
    elif newer:
        session.out.line(f"{sentence(status.reason)}; nothing was changed.")
    else:
        session.out.lines(f"Applied {name}" for name in names)
        session.out.success(
            f"Migrated to version {version}." if names else f"No migration was pending; version {version} is in place."
        )
    return ExitCode.TOO_NEW if newer else ExitCode.FINE


def _preview(session: Session) -> int:
    status = session.manager.status()
    pending = () if status.is_newer else status.pending
    if session.out.structured:
        session.out.document({**session.heading, "pending": pending, "is_newer": status.is_newer})
    else:
        session.out.lines(f"Would apply {name}" for name in pending)
        if status.is_newer:
            session.out.line(f"{sentence(status.reason)}.")
        elif not status.is_stamped:
            session.out.line(f"Would write the version {status.code_version}.")
        elif not pending:
            session.out.line("Nothing is to do.")
    return ExitCode.TOO_NEW if status.is_newer else ExitCode.FINE
