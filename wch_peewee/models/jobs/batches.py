"""Reads and deletes of many rows: in batches, each a transaction that locks its own rows only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import peewee

from ...database.retry import retrying

#: The earliest date that a column holds; PHP's zero dates are before it.
EARLIEST = datetime(1000, 1, 1)


@retrying(single=True)
def read_rows(model: Any, query: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query of one statement: on SQLite a read can be locked out, too."""
    return list(query.clone().tuples())


@retrying(single=True)
def delete_rows(model: Any, ids: Sequence[int], *conditions: Any) -> int:
    """Delete the rows with these ids for which the conditions still hold; only they are locked."""
    return int(model.delete().where(model.id.in_(ids), *conditions).execute()) if ids else 0


def in_batches(model: Any, condition: Any, batch: int, change: Callable[[list[int]], int]) -> int:
    """Call ``change`` with ids of rows for which the condition holds, until there are none; return the sum.

    It also ends when the same rows are found again: a caller's snapshot shows what others have changed as it was.
    """
    count, last = 0, list[int]()
    query = model.select(model.id).where(condition).limit(batch)
    while (ids := sorted(number for (number,) in read_rows(model, query))) and ids != last:
        count, last = count + change(ids), ids
    return count


def old_messages(model: Any, before: datetime, batch: int) -> Iterator[tuple[int, datetime]]:
    """Delete in the order of the key over ``created_at``; yield how many, and how far it is."""
    old = model.prunable(before).select(model.id, model.created_at).limit(batch)
    rows, last = read_rows(model, old), list[Any]()
    while rows and rows != last:
        reached = rows[-1][1]
        yield delete_rows(model, sorted(number for number, _ in rows), model.created_at < before), reached
        # From where this batch ended: what has been deleted stays in the index for a while.
        rows, last = read_rows(model, old.where(model.created_at >= reached)) if len(rows) == batch else [], rows


def old_conversations(model: Any, before: datetime, batch: int) -> Iterator[tuple[int, datetime]]:
    """Delete them in the order of the key over ``last_message_at``, each after its messages."""
    conversation = model.beside("Conversation")
    moment, number = conversation.last_message_at, conversation.id
    old = model.prunable(before, conversations=True).select(number, moment).limit(1)
    later = peewee.fn.EXISTS(model.select(model.id).where(model.conversation == number))
    still = (moment < before) & (conversation.status == "closed") & ~later
    rows = read_rows(model, old)
    while rows:
        ((this, at),) = rows
        messages = (model.conversation == this) & (model.created_at < before)
        in_batches(model, messages, batch, lambda ids: delete_rows(model, ids))
        yield delete_rows(conversation, [this], still), at
        rows = read_rows(model, old.where((moment > at) | ((moment == at) & (number > this))))
