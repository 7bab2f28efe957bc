"""``wch queue``: what is in the sync queue, and back with what its workers have left behind."""

from datetime import timedelta
from typing import Any

import click
import peewee as pw

from ..models.site import SiteModels
from ..models.tables import SyncStatus
from .options import Choices, ExitCode, subcommand
from .session import open_session, site_models

#: The largest number that the column of attempts holds.
_ANY = 2**31 - 1


@subcommand("queue", short_help="Show the sync queue, or requeue items.")
@click.argument("action", type=click.Choice(["status", "requeue"]), default="status")
@click.option(
    "--older-than",
    type=click.IntRange(0),
    default=15,
    show_default=True,
    metavar="MINUTES",
    help="Items claimed longer ago than this count as abandoned.",
)
@click.option("--failed", is_flag=True, help="With requeue: failed items too, whatever their attempts.")
def command(choices: Choices, action: str, older_than: int, failed: bool) -> int:
    """Show how many items there are, or make items pending again whose workers have died.

    \b
      wch queue
      wch queue requeue --older-than 60
      wch queue requeue --failed
    """
    if failed and action == "status":
        raise click.UsageError("--failed requires requeue.")
    session = open_session(choices, writes=action == "requeue")
    age = timedelta(minutes=older_than)
    with site_models(session) as models:
        stale, retried = 0, 0
        if action == "requeue":
            stale = models.SyncQueueItem.requeue_stale(age)
            retried = models.SyncQueueItem.retry_due(attempts=_ANY, delay=timedelta(0)) if failed else 0
        items, waiting = _by_status(models), models.SyncQueueItem.stale(age).count()
    rows, columns = [{"status": name, **one} for name, one in items.items()], ("status", "count", "oldest")
    if session.out.structured:
        document = {**session.heading, "requeued": stale, "retried": retried, "stale": waiting, "items": items}
        session.out.document(document, rows, columns)
        return ExitCode.FINE
    session.out.listing(rows, columns)
    if waiting:
        session.out.line(f"{waiting:,} claimed more than {older_than} minutes ago: wch queue requeue releases them.")
    if action == "requeue":
        session.out.success(f"Requeued {stale + retried:,} item{'' if stale + retried == 1 else 's'}.")
    return ExitCode.FINE


def _by_status(models: SiteModels) -> dict[str, dict[str, Any]]:
    item: Any = models.SyncQueueItem
    query = item.select(item.status, pw.fn.COUNT(item.id), pw.fn.MIN(item.created_at)).group_by(item.status)
    found = {status: (count, oldest) for status, count, oldest in query.tuples()}
    items = {}
    for status in SyncStatus:
        count, oldest = found.get(status, (0, None))
        items[status.value] = {"count": count, "oldest": oldest}
    return items
