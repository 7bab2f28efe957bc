"""``wch erase``: erase everything about a person."""

from collections import Counter
from typing import Any

import click

from .options import Choices, ExitCode, dry_run_option, subcommand, yes_option
from .output import confirm, counted
from .session import open_session, site_models


@subcommand("erase")
@click.argument("phone")
@yes_option
@dry_run_option
def command(choices: Choices, phone: str, yes: bool, dry_run: bool) -> int:
    """Erase everything about a person, by phone.

    It erases from all six tables in one transaction. Campaigns and items of the sync queue that mention the phone stay,
    without it. Shows what there is, and asks for the phone to be typed.

    \b
      wch erase +4915112345678 --dry-run
      wch erase +4915112345678 --yes
    """
    session = open_session(choices, writes=not dry_run)
    with site_models(session) as models:
        prefix = session.manager.prefix
        items = models.CustomerProfile.export(phone)["data"]
        found = Counter(f"{prefix}{item['group_id']}" for item in items)
        report: dict[str, Any]
        if dry_run:
            messages = [f"{table}: {counted(count)}" for table, count in found.items()]
            report = {"items_removed": False, "items_retained": bool(found), "messages": messages, "done": False}
        else:
            if found and not yes:
                rows = [(table, f"{count:,}") for table, count in found.items()]
                session.out.table(("table", "rows"), rows, right=(1,), asks=True)
                confirm("All of this will be erased permanently. Type the phone", phone)
            report = models.CustomerProfile.erase(phone)
    if session.out.structured:
        session.out.document({**session.heading, **report})
    elif not report["messages"]:
        session.out.line(f"Nothing is stored about {phone}.")
    else:
        session.out.lines(f"{'Would erase' if dry_run else 'Erased'} {line}" for line in report["messages"])
        if not dry_run:
            session.out.success(f"Erased {phone}.")
    return ExitCode.FINE
