"""``wch rollback``: roll back the newest applied migration."""

from .options import Choices, ExitCode, copy_options, dry_run_option, wait_options, wch_command, yes_option
from .output import confirm
from .session import Session, open_session


@wch_command("rollback")
@wait_options
@copy_options
@yes_option
@dry_run_option
def command(choices: Choices, yes: bool, dry_run: bool) -> int:
    """Take the newest applied migration back.

    The migration's own file says how. What came with it goes: its columns, and the tables that it says may
    go; others are refused (exit code 2) unless WCH_REMOVE_DATA=true allows it. So is a migration that
    cannot be taken back. With nothing applied there is nothing to do (exit code 0).

    \b
      wch rollback --yes
    """
    session = open_session(choices, writes=not dry_run)
    applied = session.manager.status().applied
    name = ""
    if dry_run:
        return _preview(session, applied[-1] if applied else None)
    if applied:
        if not yes:
            confirm(f"Take back {applied[-1]}? Type yes", "yes")
        with session.working(f"taking back {applied[-1]}"):
            name = session.manager.rollback()
    if session.out.structured:
        session.out.document({**session.heading, "rolled_back": name or None})
    else:
        session.out.success(f"Took back {name}" if name else "Nothing was to do: no migration is applied.")
    return ExitCode.FINE


def _preview(session: Session, newest: str | None) -> int:
    if session.out.structured:
        session.out.document({**session.heading, "would_roll_back": newest})
    else:
        session.out.line(f"Would take back {newest}" if newest else "Nothing is to do.")
    return ExitCode.FINE
