"""A Celery worker that answers the orders in the sync queue, each of them once.

WCH_DATABASE_URL=mysql://shop:secret@db.example.com/wordpress celery --app celery_app worker --concurrency 4
"""

import os

from celery import Celery
from peewee import InterfaceError, OperationalError

from wch_peewee import Message, Plugin, SyncQueueItem, SyncStatus, utc_now

# This runs before the worker forks its processes. Each of them opens connections of its own.
plugin = Plugin(os.environ.get("WCH_DATABASE_URL", "sqlite:///shop.db"))
plugin.admin_init()
plugin.bind()
app = Celery("shop", broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost"))


@app.task(
    acks_late=True,  # a task whose worker dies is delivered again
    autoretry_for=(OperationalError, InterfaceError),
    max_retries=None,
    retry_backoff=True,
    retry_backoff_max=60,
)
def answer(item_id: int) -> None:
    """Answer one order. Delivered again, it does nothing: the row says whether it has been done."""
    with plugin.database:  # a connection, and a transaction: the status changes with the answer, or not at all
        done = SyncQueueItem.update(
            status=SyncStatus.COMPLETED, attempts=SyncQueueItem.attempts + 1, processed_at=utc_now()
        ).where(SyncQueueItem.id == item_id, SyncQueueItem.status == SyncStatus.PENDING)
        if done.execute():
            order = Message.get_by_id(SyncQueueItem.get_by_id(item_id).entity_id)
            Message.create(
                conversation=order.conversation_id,
                direction="outbound",
                message_type="text",
                wa_message_id=f"answer.{order.id}",
                content={"body": f"Thank you for {order.content['body']}."},
            )


@app.task
def answer_all() -> None:
    """Start a task for each order that waits. For Celery's beat, once a minute."""
    with plugin.database.connection_context():
        waiting = SyncQueueItem.select(SyncQueueItem.id).where(SyncQueueItem.status == SyncStatus.PENDING)
        for item in waiting.limit(1000):
            answer.delay(item.id)
