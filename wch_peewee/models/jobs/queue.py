"""The sync queue: each item is given to one worker, counted, tried again after a while, and never lost.

``processed_at`` is when an item was claimed, or failed last, or was completed; ``attempts`` counts claims. Together
with the id it names one claim: a worker that was too slow cannot complete what another one has claimed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self

import peewee

from ...database.retry import retrying
from ..fields import utc_now
from ..prepared import create, prepared
from .arguments import LONGEST, span, whole
from .batches import in_batches

#: So many characters of an error are kept: with four bytes each they fit.
_ERROR = 10_000
#: How often the time before the next attempt is doubled.
_DOUBLINGS = 10


class QueueJobs:
    """What is done with items of the sync queue."""

    @classmethod
    @retrying(single=True)
    def enqueue(cls, entity_type: str, entity_id: int, action: str) -> Self:
        """Add an item, for any worker, and return it. Raises InvalidValue for an unknown type or action."""
        item: Self = create(cls, {"entity_type": entity_type, "entity_id": entity_id, "action": action})
        return item

    @classmethod
    @retrying(isolation="READ COMMITTED")
    def claim(cls, worker: str, limit: int = 1) -> list[Self]:
        """Take up to ``limit`` pending items, the oldest first, and return them; no other worker gets them.

        The worker's name stands in ``error_message`` until the item is completed or has failed. An item whose worker
        dies stays as it is until ``requeue_stale``. Raises InvalidValue for a limit below 0.
        """
        model: Any = cls
        limit = whole("limit", limit)
        try:
            # Others' items are passed over. Without gap locks: two that read to the end of the list would deadlock.
            items: list[Any] = _pending(model, limit, skip=True)
        except peewee.ProgrammingError:  # MariaDB before 10.6: workers wait for each other here
            items = _pending(model, limit, skip=False)
        if items:
            now, words = utc_now(), f"claimed by {worker}"[:_ERROR]
            changes = {"status": "processing", "processed_at": now, "error_message": words}
            _claimed(model, changes, [item.id for item in items])
            for item in items:
                item.__data__.update(
                    changes, status=model.status.python_value("processing"), attempts=item.attempts + 1
                )
        return items

    @retrying(single=True)
    def complete(self) -> bool:
        """Mark a claimed item as done; return False if it has been taken from this worker."""
        return self._end(status="completed", error_message=None)

    @retrying(single=True)
    def fail(self, error: object) -> bool:
        """Mark a claimed item as failed, with the first 10,000 characters of the error; ``retry_due`` tries it again.

        Return False if it has been taken from this worker.
        """
        text = str(error).encode("utf-8", "replace").decode()
        return self._end(status="failed", error_message=text[:_ERROR])

    def _end(self, **changes: Any) -> bool:
        own: Any = self
        model = type(own)
        changes["processed_at"] = utc_now()
        if not _ended(model, changes, own.id, own.attempts):
            return False
        own.__data__.update(changes, status=model.status.python_value(changes["status"]))
        return True

    @classmethod
    def stale(cls, older_than: timedelta) -> peewee.ModelSelect[Any]:
        """Return a query for the items that were claimed so long ago and are not done. Raises InvalidValue."""
        model: Any = cls
        items: peewee.ModelSelect[Any] = model.select().where(_stale(model, older_than))
        return items

    @classmethod
    def requeue_stale(cls, older_than: timedelta) -> int:
        """Make items pending again that were claimed so long ago: their workers have died. Return how many.

        Choose a time in which every worker is done with an item, or the item is done twice. Raises InvalidValue for
        what is not a timedelta from zero.
        """
        return cls._pending_again(_stale(cls, older_than))

    @classmethod
    def retry_due(cls, *, attempts: int = 5, delay: timedelta = timedelta(minutes=1)) -> int:
        """Make failed items pending again whose time has come; return how many.

        The first retry is ``delay`` after the failure, each further one after twice the time, at most after 1,024 times
        of it, up to so many ``attempts`` in all. Raises InvalidValue.
        """
        model: Any = cls
        span("delay", delay)
        waits = [utc_now() - min(delay * 2**number, LONGEST) for number in range(_DOUBLINGS + 1)]
        due = _since(model, waits.pop())
        for number, moment in enumerate(waits, 1):
            due |= (model.attempts <= number) & _since(model, moment)
        return cls._pending_again((model.status == "failed") & (model.attempts < attempts) & due)

    @classmethod
    def _pending_again(cls, condition: Any) -> int:
        return in_batches(cls, condition, 500, lambda ids: cls._set_pending(ids, condition))

    @classmethod
    @retrying(single=True)
    def _set_pending(cls, ids: Sequence[int], condition: Any) -> int:
        model: Any = cls
        return int(model.update(status="pending").where(model.id.in_(ids), condition).execute())


@prepared
def _pending(item: Any, limit: int, *, skip: bool) -> Any:
    query = item.select().where(item.status == "pending").order_by(item.id).limit(limit)
    return query.for_update(skip_locked=skip)


@prepared
def _claimed(item: Any, changes: dict[str, Any], ids: list[int]) -> Any:
    return item.update(changes, attempts=item.attempts + 1).where(item.id.in_(ids))


@prepared
def _ended(item: Any, changes: dict[str, Any], number: int, attempts: int) -> Any:
    is_claim = (item.id == number) & (item.status == "processing") & (item.attempts == attempts)
    return item.update(changes).where(is_claim)


def _stale(model: Any, older_than: timedelta) -> Any:
    return (model.status == "processing") & _since(model, utc_now() - span("older_than", older_than))


def _since(model: Any, moment: datetime) -> Any:
    """Return the condition that an item has been as it is since a moment; PHP may not have said when."""
    text = model.processed_at.db_value(moment)
    return peewee.fn.COALESCE(model.processed_at, model.created_at, coerce=False) <= text
