"""``wch prune``: delete old messages, or old conversations, in batches."""

from datetime import timedelta

import click

from ..models.fields import utc_now
from ..models.jobs.arguments import LONGEST
from .options import Choices, ExitCode, Whole, dry_run_option, subcommand, yes_option
from .output import confirm, counted
from .session import open_session, site_models


@subcommand("prune")
@click.option("--older-than", type=Whole(1, LONGEST.days), required=True, metavar="DAYS", help="Delete what is older.")
@click.option(
    "--conversations",
    is_flag=True,
    help="Delete whole closed conversations without a message since then, and no single messages.",
)
@yes_option
@dry_run_option
def command(choices: Choices, older_than: int, conversations: bool, yes: bool, dry_run: bool) -> int:
    """Delete old messages, in batches.

    Other programs can write meanwhile. If it is interrupted, the same command continues. Asks before it deletes.

    \b
      wch prune --older-than 400 --dry-run
      wch prune --older-than 400 --conversations --yes
    """
    session = open_session(choices, writes=not dry_run)
    what = "conversation" if conversations else "message"
    with site_models(session) as models:
        before = utc_now() - timedelta(days=older_than)
        if dry_run or not yes:
            count = models.Message.prunable(before, conversations=conversations).count()
        if not dry_run:
            if not yes and count:
                confirm(f"{count:,} {what}s from before {before} will be deleted permanently. Type delete", "delete")
            with session.working("deleting") as display:
                count = models.Message.prune(before, conversations=conversations, progress=display.event)
    if session.out.structured:
        document = {**session.heading, "before": before, "what": f"{what}s", "count": count, "deleted": not dry_run}
        session.out.document(document)
    elif dry_run:
        session.out.line(f"Would delete {counted(count, what)} from before {before}.")
    else:
        session.out.success(f"Deleted {counted(count, what)} from before {before}.")
    return ExitCode.FINE
