"""Messages: webhooks in, messages out, their status, retention, and statistics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self
from uuid import uuid4

import peewee

from ...database.connect import in_transaction
from ...database.retry import database_of, retrying
from ...errors import InvalidValue
from ...progress import BatchDone
from ..fields import utc_now

#: From which statuses a message moves to another one.
_BEFORE = {"sent": (), "delivered": ("sent",), "read": ("sent", "delivered"), "failed": ("sent",)}
#: The earliest date that a column holds; PHP's zero dates are before it.
EARLIEST = datetime(1000, 1, 1)


class MessageJobs:
    """What is done with messages."""

    @classmethod
    def ingest(cls, wa_message_id: str, *, phone: str, **values: Any) -> tuple[Self, bool]:
        """Store a message once, however often its webhook is delivered; return it, and whether it is new.

        It goes into the phone's open conversation, which is opened if there is none (``Conversation.get_or_open``), and
        whose ``last_message_at`` moves forward to the message's ``created_at``. ``values`` are the message's other
        columns: it is an inbound text if they do not say otherwise. A message that is there already changes nothing.
        """
        row = {**values, "wa_message_id": wa_message_id, "phone": phone}
        return cls._ingest(row, in_transaction(database_of(cls)))

    @classmethod
    @retrying
    def _ingest(cls, row: Mapping[str, Any], joined: bool) -> tuple[Self, bool]:
        model: Any = cls
        same = model.wa_message_id == row["wa_message_id"]
        for new in cls._expected([row], joined):
            try:
                return model.create(**new), True
            except peewee.IntegrityError:  # stored a moment ago under another phone, or by PHP
                found = model.select().where(same).for_update().get_or_none()
                if found is None:
                    raise
                return found, False
        return model.select().where(same).get(), False

    @classmethod
    def ingest_many(cls, messages: Iterable[Mapping[str, Any]], *, batch: int = 500) -> list[Self]:
        """Store many messages as ``ingest`` does, and return the new ones.

        Each mapping has the arguments of ``ingest`` as its keys. A ``batch`` is one transaction, with one statement or
        two for each table.
        """
        rows, new = list(messages), list[Self]()
        joined = in_transaction(database_of(cls))
        for start in range(0, len(rows), batch):
            new += cls._ingest_batch(rows[start : start + batch], joined)
        return new

    @classmethod
    @retrying
    def _ingest_batch(cls, rows: Sequence[Mapping[str, Any]], joined: bool) -> list[Self]:
        model: Any = cls
        new = {row["wa_message_id"]: row for row in cls._expected(rows, joined)}
        if not new:
            return []
        try:
            model.insert_many(new.values()).execute()
        except peewee.IntegrityError:
            known = cls._stored(new, lock=True)
            if not known:
                raise
            new = {name: row for name, row in new.items() if name not in known}
            if new:
                model.insert_many(new.values()).execute()
        return list(model.select().where(model.wa_message_id.in_(list(new))).order_by(model.id))

    @classmethod
    def _stored(cls, names: Iterable[str], *, lock: bool = False) -> set[str]:
        model: Any = cls
        query = model.select(model.wa_message_id).where(model.wa_message_id.in_(list(names)))
        return {name for (name,) in query.for_update(lock).tuples()}

    @classmethod
    def _expected(cls, rows: Sequence[Mapping[str, Any]], joined: bool) -> list[dict[str, Any]]:
        """Return what to insert for the messages that are not stored; their conversations are there and moved on.

        Customers are locked first, then conversations: those who write in this order cannot deadlock.
        """
        model: Any = cls
        for row in rows:
            for name in ("wa_message_id", "phone"):
                if not row.get(name):  # all messages without a name would count as one
                    raise InvalidValue(
                        f"{cls.__name__}: {name} is {row.get(name)!r}; expected a text that is not empty."
                    )
        model.beside("CustomerProfile").hold(row["phone"] for row in rows)
        stored = cls._stored(row["wa_message_id"] for row in rows)
        new: dict[str, dict[str, Any]] = {}
        for row in rows:
            if row["wa_message_id"] not in stored:
                default = {"direction": "inbound", "message_type": "text", "created_at": utc_now()}
                new.setdefault(row["wa_message_id"], {**default, **row})
        latest: dict[str, str] = {}
        for row in new.values():
            moment = model.created_at.db_value(row["created_at"])
            latest[row["phone"]] = max(moment, latest.get(row["phone"], ""))
        if not new:
            return []
        conversation = model.beside("Conversation")
        fields = conversation.id, conversation.customer_phone, conversation.last_message_at
        found = conversation.open_for({phone: {"last_message_at": at} for phone, at in latest.items()}, joined, *fields)
        for row in new.values():
            row["conversation"] = found[row.pop("phone")].id
        cls._move_on({found[phone]: moment for phone, moment in latest.items()})
        return list(new.values())

    @classmethod
    def _move_on(cls, latest: Mapping[Any, str]) -> None:
        """Move ``last_message_at`` of conversations forward, of all with one statement."""
        model: Any = cls
        conversation = model.beside("Conversation")
        text = conversation.last_message_at.db_value
        moments = [
            (row.id, at) for row, at in latest.items() if row.last_message_at is None or text(row.last_message_at) < at
        ]
        if moments:
            plain = [tuple(peewee.Value(one, converter=False) for one in pair) for pair in moments]
            moment = peewee.Case(conversation.id, plain) if len(moments) > 1 else moments[0][1]
            moved = conversation.id.in_([number for number, _ in moments]) & (conversation.last_message_at < moment)
            conversation.update(last_message_at=moment).where(moved).execute()

    @classmethod
    def send(cls, *, phone: str, **values: Any) -> Self:
        """Store an outbound message before WhatsApp has named it; ``sent_as`` gives it its name.

        Until then its ``wa_message_id`` is a unique placeholder, ``unsent.`` and 32 digits. The conversation is found
        or opened as by ``ingest``.
        """
        return cls.ingest(f"unsent.{uuid4().hex}", phone=phone, **{"direction": "outbound", **values})[0]

    @retrying(single=True)
    def sent_as(self, wa_message_id: str) -> bool:
        """Name the message as WhatsApp does; return False if it has been named otherwise, or is gone."""
        own: Any = self
        named = own.update(wa_message_id=wa_message_id).where(
            own._pk_expr(), type(own).wa_message_id == own.wa_message_id
        )
        if not named.execute():
            return bool(own.select().where(own._pk_expr(), type(own).wa_message_id == wa_message_id).exists())
        own.wa_message_id = wa_message_id
        own._dirty.discard("wa_message_id")
        return True

    @classmethod
    @retrying(single=True)
    def advance(cls, wa_message_id: str, status: str) -> bool | None:
        """Move a message's status forward: sent, delivered, read; a message that was only sent can also fail.

        Return True if it moved, False if it is there already or beyond, and None if no message has that name: it may
        not be stored yet, so have WhatsApp deliver the status again.
        """
        model: Any = cls
        same = model.wa_message_id == wa_message_id
        status = model.status.db_value(status)
        moves = model.update(status=status).where(same, model.status.in_(_BEFORE[status]))
        if _BEFORE[status] and moves.execute():
            return True
        return False if model.select().where(same).exists() else None

    @classmethod
    def prune(
        cls,
        before: datetime,
        *,
        batch: int = 500,
        conversations: bool = False,
        progress: Callable[[BatchDone], object] | None = None,
    ) -> int:
        """Delete the messages from before a moment, a batch in a transaction; return how many.

        With ``conversations`` whole conversations go, one by one: those that are closed, with no message since. Then
        the number is that of the conversations. ``progress`` is called after each batch, and may pause. Can be stopped
        and begun again.
        """
        model: Any = cls
        begun, rows, first = time.monotonic(), 0, None
        work = _old_conversations(model, before, batch) if conversations else _old_messages(model, before, batch)
        table = (model.beside("Conversation") if conversations else model)._meta.table_name
        for deleted, moment in work:
            first, rows = first or moment, rows + deleted
            if progress is not None:
                fraction = (moment - first) / max(before - first, before.resolution)
                progress(BatchDone(table, rows, min(max(fraction, 0.0), 1.0), time.monotonic() - begun))
        return rows

    @classmethod
    def prunable(cls, before: datetime, *, conversations: bool = False) -> peewee.ModelSelect[Any]:
        """Return what ``prune`` deletes, the oldest first; but for conversations that still have later messages."""
        model: Any = cls
        query: peewee.ModelSelect[Any]
        if conversations:
            model = model.beside("Conversation")
            old = (model.last_message_at >= EARLIEST) & (model.last_message_at < before)
            query = model.select().where(old, model.status == "closed").order_by(model.last_message_at, model.id)
        else:
            old = (model.created_at >= EARLIEST) & (model.created_at < before)
            query = model.select().where(old).order_by(model.created_at, model.id)
        return query

    @classmethod
    def days(cls, since: datetime, until: datetime | None = None) -> peewee.ModelSelect[Any]:
        """Return the query of ``per_day``: day, direction, number."""
        model: Any = cls
        day = peewee.fn.DATE(model.created_at, coerce=False)
        query: peewee.ModelSelect[Any] = model.select(day, model.direction, peewee.fn.COUNT(model.id))
        query = query.where(model.created_at >= since).group_by(day, model.direction).order_by(day)
        return query if until is None else query.where(model.created_at < until)

    @classmethod
    def per_day(cls, since: datetime, until: datetime | None = None) -> dict[date, dict[str, int]]:
        """Return how many messages there were on each day (in UTC) from ``since``, and before ``until``, by direction.

        A day without messages is left out.
        """
        days: dict[date, dict[str, int]] = {}
        for when, direction, count in read_rows(cls, cls.days(since, until)):
            day = date.fromisoformat(when) if isinstance(when, str) else when
            days.setdefault(day, {})[direction] = count
        return days


@retrying(single=True)
def read_rows(model: Any, query: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query of one statement: on SQLite a read can be locked out, too."""
    return list(query.clone().tuples())


@retrying(single=True)
def delete_rows(model: Any, ids: Sequence[int], *conditions: Any) -> int:
    """Delete the rows with these ids for which the conditions still hold; only they are locked."""
    return int(model.delete().where(model.id.in_(ids), *conditions).execute()) if ids else 0


def _old_messages(model: Any, before: datetime, batch: int) -> Iterator[tuple[int, datetime]]:
    """Delete in the order of the key over ``created_at``; yield how many, and how far it is."""
    old = model.prunable(before).select(model.id, model.created_at).limit(batch)
    reached = EARLIEST
    while True:
        # From where the last batch ended: what has been deleted stays in the index for a while.
        rows = read_rows(model, old.where(model.created_at >= reached))
        deleted = delete_rows(model, sorted(number for number, _ in rows), model.created_at < before)
        if rows:
            reached = rows[-1][1]
            yield deleted, reached
        if len(rows) < batch or not deleted:
            return


def _old_conversations(model: Any, before: datetime, batch: int) -> Iterator[tuple[int, datetime]]:
    """Delete them in the order of the key over ``last_message_at``, each after its messages."""
    conversation = model.beside("Conversation")
    moment, number = conversation.last_message_at, conversation.id
    old = model.prunable(before, conversations=True).select(number, moment).limit(1)
    later = peewee.fn.EXISTS(model.select(model.id).where(model.conversation == number))
    still = (moment < before) & (conversation.status == "closed") & ~later
    rows = read_rows(model, old)
    while rows:
        ((this, at),) = rows
        messages = model.select(model.id).where(model.conversation == this, model.created_at < before).limit(batch)
        while delete_rows(model, sorted(one for (one,) in read_rows(model, messages))):
            pass
        yield delete_rows(conversation, [this], still), at
        rows = read_rows(model, old.where((moment > at) | ((moment == at) & (number > this))))
