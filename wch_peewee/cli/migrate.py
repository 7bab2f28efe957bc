"""``wch migrate``: the pending migrations alone."""

from __future__ import annotations

import click

from . import codes
from .options import Choices, shared_options, wait_options
from .session import open_session


@click.command("migrate")
@shared_options()
@wait_options
@click.pass_obj
def command(choices: Choices) -> int:
    """Run the pending migrations, and nothing else.

    wch activate does more: it also mends what somebody dropped since, and verifies. A database of a newer
    version is left alone (exit code 4).

    \b
      wch migrate --timeout 300
    """
    session = open_session(choices)
    manager = session.manager
    with session.working("looking at the migrations"):
        names = manager.run_migrations()
    status = manager.status()
    version, newer = status.version, status.is_newer
    if session.out.json:
        session.out.document({**session.heading, "applied": names, "version": version, "is_newer": newer})
    elif newer:
        session.out.line(f"The database is at {version} and this wch at {manager.version}; nothing was changed.")
    else:
        session.out.lines(f"Applied {name}" for name in names)
        if not names:
            session.out.line("Nothing was to do: no migration is pending.")
    return codes.TOO_NEW if newer else codes.FINE
