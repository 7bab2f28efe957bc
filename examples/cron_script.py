"""A cron job that answers the orders in the sync queue. Two that run at once share the work.

* * * * * WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress python cron_script.py
"""

import os
import sys
from datetime import timedelta

from peewee import PeeweeException

from wch_peewee import Message, Plugin, SyncQueueItem, WchError


def answer(item: SyncQueueItem) -> None:
    """Answer one order. Done again after a crash, it stores no second answer."""
    order = Message.get_by_id(item.entity_id)
    Message.ingest(
        f"answer.{order.id}",
        phone=order.conversation.customer_phone,
        direction="outbound",
        content={"body": f"Thank you for {order.content['body']}."},
    )


def work() -> None:
    """Do all items that wait. One that cannot be done has failed, and keeps no other from being done."""
    SyncQueueItem.requeue_stale(timedelta(minutes=15))  # of workers that have died
    SyncQueueItem.retry_due()  # failed, and due again
    while items := SyncQueueItem.claim(f"cron {os.getpid()}", limit=10):
        for item in items:
            try:
                answer(item)
            except Exception as error:
                item.fail(error)
            else:
                item.complete()


def main() -> int:
    plugin = Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
    plugin.bind()
    try:
        plugin.admin_init()
        with plugin.database.connection_context():
            work()
    except (WchError, PeeweeException) as error:
        print(error, file=sys.stderr)
        return 1  # what is left over is for the next minute
    return 0


if __name__ == "__main__":
    sys.exit(main())
