"""A cron job that answers the orders in the sync queue. Two that run at once share the work.

* * * * * WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress python cron_script.py
"""

import os
import sys

from peewee import PeeweeException

from wch_peewee import Message, Plugin, SyncQueueItem, SyncStatus, WchError, utc_now

PENDING = SyncQueueItem.status == SyncStatus.PENDING


def answer(item: SyncQueueItem) -> None:
    """Answer one order, unless another process has done it meanwhile."""
    done = SyncQueueItem.update(
        status=SyncStatus.COMPLETED, attempts=SyncQueueItem.attempts + 1, processed_at=utc_now()
    ).where(SyncQueueItem.id == item.id, PENDING)
    if done.execute():
        order = Message.get_by_id(item.entity_id)
        Message.create(
            conversation=order.conversation_id,
            direction="outbound",
            message_type="text",
            wa_message_id=f"answer.{order.id}",
            content={"text": f"Thank you for {order.content['text']}."},
        )


def main() -> int:
    plugin = Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
    plugin.bind()
    try:
        plugin.admin_init()
        with plugin.database.connection_context():
            for item in list(SyncQueueItem.select().where(PENDING).order_by(SyncQueueItem.id)):
                with plugin.database.atomic():  # the status changes with the answer, or not at all
                    answer(item)
    except (WchError, PeeweeException) as error:
        print(error, file=sys.stderr)
        return 1  # what is left over is for the next minute
    return 0


if __name__ == "__main__":
    sys.exit(main())
