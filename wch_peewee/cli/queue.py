"""``wch queue``: what is in the sync queue, and back with what its workers have left behind."""

from datetime import timedelta
from typing import Any

import click
import peewee as pw

from ..models.jobs.arguments import LONGEST
from ..models.site import SiteModels
from ..models.tables import SyncStatus
from .options import Choices, ExitCode, Whole, dry_run_option, subcommand
from .output import counted
from .session import open_session, site_models

#: The largest number that the column of attempts holds.
_ANY = 2**31 - 1


@subcommand("queue")
@click.argument("action", type=click.Choice(["status", "requeue"]), default="status")
@click.option(
    "--older-than",
    type=Whole(0, LONGEST.days * 24 * 60),
    default=15,
    show_default=True,
    metavar="MINUTES",
    help="Items claimed longer ago than this count as abandoned.",
)
@click.option("--failed", is_flag=True, help="With requeue: failed items too, whatever their attempts.")
@dry_run_option
def command(choices: Choices, action: str, older_than: int, failed: bool, dry_run: bool) -> int:
    """Show the sync queue, or requeue the items of workers that died.

    \b
      wch queue
      wch queue requeue --older-than 60
      wch queue requeue --failed --dry-run
    """
    if (failed or dry_run) and action == "status":
        raise click.UsageError(f"{'--failed' if failed else '--dry-run'} requires requeue.")
    requeue = action == "requeue" and not dry_run
    session = open_session(choices, writes=requeue)
    age = timedelta(minutes=older_than)
    with site_models(session) as models:
        stale, retried = 0, 0
        if requeue:
            stale = models.SyncQueueItem.requeue_stale(age)
            retried = models.SyncQueueItem.retry_due(attempts=_ANY, delay=timedelta(0)) if failed else 0
        items, waiting = _by_status(models), models.SyncQueueItem.stale(age).count()
    rows, columns = [{"status": name, **one} for name, one in items.items()], ("status", "count", "oldest")
    if session.out.structured:
        document = {**session.heading, "requeued": stale, "retried": retried, "stale": waiting, "items": items}
        session.out.document(document, rows, columns)
        return ExitCode.FINE
    session.out.listing(rows, columns)
    if waiting and not dry_run:
        session.out.line(f"{waiting:,} claimed more than {older_than} minutes ago: wch queue requeue releases them.")
    if dry_run:
        count = waiting + (items["failed"]["count"] if failed else 0)
        session.out.line(f"Would requeue {counted(count, 'item')}.")
    elif requeue:
        session.out.success(f"Requeued {counted(stale + retried, 'item')}.")
    return ExitCode.FINE


def _by_status(models: SiteModels) -> dict[str, dict[str, Any]]:
    item: Any = models.SyncQueueItem
    query = item.select(item.status, pw.fn.COUNT(item.id), pw.fn.MIN(item.created_at)).group_by(item.status)
    found = {status: {"count": count, "oldest": oldest} for status, count, oldest in query.tuples()}
    items = {status.value: found.get(status, {"count": 0, "oldest": None}) for status in SyncStatus}
    # What WordPress's sessions leave in place of a status that the column does not have: no worker gets it.
    return {**items, "unknown": found[None]} if None in found else items
