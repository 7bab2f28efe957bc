"""Messages: webhooks in, messages out, their status, retention, and statistics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Self
from uuid import uuid4

import peewee

from ...database.connect import in_transaction, is_autocommitted
from ...database.retry import database_of, retrying
from ...errors import InvalidValue
from ...progress import BatchDone
from ..fields import utc_now
from ..fields.values import shorten
from ..prepared import create, prepared
from .arguments import filled, phone_number, whole
from .batches import EARLIEST, old_conversations, old_messages, read_rows

#: From which statuses a message moves to another one.
_BEFORE = {"sent": (), "delivered": ("sent",), "read": ("sent", "delivered"), "failed": ("sent",)}
#: What is read of an open conversation.
_OPEN = ("id", "customer_phone", "last_message_at")
#: How the placeholder of a message begins that WhatsApp has not named yet.
_UNSENT = "unsent."


class MessageJobs:
    """What is done with messages."""

    @classmethod
    def ingest(cls, wa_message_id: str, *, phone: str, **values: Any) -> tuple[Self, bool]:
        """Store a message once, however often its webhook is delivered; return it, and whether it is new.

        It goes into the phone's open conversation, which is opened if there is none (``Conversation.get_or_open``), and
        whose ``last_message_at`` moves forward to the message's ``created_at``. ``values`` are the message's other
        columns: it is an inbound text if they do not say otherwise; ``created_at`` is in UTC if it names no time zone.
        A message that is there already changes nothing.

        Raises InvalidValue for an empty name or phone, or a value that does not fit, and Busy.
        """
        row = {**values, "wa_message_id": wa_message_id, "phone": phone}
        database = database_of(cls)
        cls._check([row])
        if is_autocommitted(database):
            if found := cls._named(wa_message_id):  # one that is there needs no lock
                return found[0], False
            with suppress(peewee.IntegrityError):  # stored a moment ago; what this attempt has changed is undone
                return cls._ingest(row, False, True)
        return cls._ingest(row, in_transaction(database), False)

    @classmethod
    def _check(cls, rows: Iterable[Any]) -> None:
        model: Any = cls
        phone = model.beside("CustomerProfile").phone
        for row in rows:
            if not isinstance(row, Mapping):
                raise InvalidValue(f"A message is {shorten(row)}; expected a mapping with wa_message_id and phone.")
            filled("wa_message_id", row.get("wa_message_id"))
            phone_number(row.get("phone"), phone)
            if "conversation" in row or "conversation_id" in row:
                raise InvalidValue("conversation was given; omit it, because it is found by the phone.")

    @classmethod
    @retrying(single=True)
    def _named(cls, wa_message_id: str) -> list[Self]:
        found: list[Self] = _named(cls, wa_message_id)
        return found

    @classmethod
    @retrying
    def _ingest(cls, row: Mapping[str, Any], joined: bool, is_new: bool) -> tuple[Self, bool]:
        for new in cls._expected([row], joined, is_new):
            return (create(cls, new), True) if is_new else cls._create(new)
        found = _named(cls, row["wa_message_id"])
        return (found[0], False) if found else cls._ingest(row, joined, is_new)  # it has just been deleted

    @classmethod
    def _create(cls, row: dict[str, Any]) -> tuple[Self, bool]:
        model: Any = cls
        try:
            return create(cls, row), True
        except peewee.IntegrityError:  # stored a moment ago, or of another spelling, which a server may take for this
            same = model.wa_message_id == row["wa_message_id"]
            found: Self | None = model.select().where(same).for_update().get_or_none()
            if found is None:
                raise
            return found, False

    @classmethod
    def ingest_many(cls, messages: Iterable[Mapping[str, Any]], *, batch: int = 500) -> list[Self]:
        """Store many messages as ``ingest`` does, and return the new ones.

        Each mapping has the arguments of ``ingest`` as its keys. A ``batch`` is so many messages in one transaction,
        with one statement or two for each table. Raises what ``ingest`` raises; the batches before it are stored then.
        """
        rows, new, batch = list(messages), list[Self](), whole("batch", batch, 1)
        cls._check(rows)
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
            new = {name: row for name, row in new.items() if cls._create(row)[1]}
        return list(model.select().where(model.wa_message_id.in_(list(new))).order_by(model.id))

    @classmethod
    def _expected(cls, rows: Sequence[Mapping[str, Any]], joined: bool, are_new: bool = False) -> list[dict[str, Any]]:
        """Return what to insert for the messages that are not stored; their conversations are there and moved on.

        Customers are locked first, then conversations: those who write in this order cannot deadlock.
        """
        model: Any = cls
        model.beside("CustomerProfile").hold(row["phone"] for row in rows)
        stored = set() if are_new else {name for (name,) in _stored(model, [row["wa_message_id"] for row in rows])}
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
        found = conversation.open_for({phone: {"last_message_at": at} for phone, at in latest.items()}, joined, _OPEN)
        for row in new.values():
            row["conversation"] = found[row.pop("phone")].id
        _move_on(conversation, {found[phone]: moment for phone, moment in latest.items()})
        return list(new.values())

    @classmethod
    def send(cls, *, phone: str, **values: Any) -> Self:
        """Store an outbound message before WhatsApp has named it; ``sent_as`` gives it its name.

        Until then its ``wa_message_id`` is a unique placeholder, ``unsent.`` and 32 digits. The conversation is found
        or opened as by ``ingest``. Raises what ``ingest`` raises.
        """
        return cls.ingest(f"{_UNSENT}{uuid4().hex}", phone=phone, **{"direction": "outbound", **values})[0]

    @retrying(single=True)
    def sent_as(self, wa_message_id: str) -> bool:
        """Name the message as WhatsApp does; return False if it has been named otherwise, or is gone.

        Raises InvalidValue if the name is empty, or that of another message.
        """
        own: Any = self
        filled("wa_message_id", wa_message_id)
        name = type(own).wa_message_id
        if own.wa_message_id.startswith(_UNSENT):
            named = own.update(wa_message_id=wa_message_id).where(own._pk_expr(), name == own.wa_message_id)
            try:
                if named.execute():
                    own.wa_message_id = wa_message_id
                    own._dirty.discard("wa_message_id")
                    return True
            except peewee.IntegrityError as error:
                raise InvalidValue(f"wa_message_id is {wa_message_id!r}, the name of another message.") from error
        return bool(own.select().where(own._pk_expr(), name == wa_message_id).exists())

    @classmethod
    @retrying(single=True)
    def advance(cls, wa_message_id: str, status: str) -> bool | None:
        """Move a message's status forward: sent, delivered, read; a message that was only sent can also fail.

        Return True if it moved, False if it is there already or beyond, and None if no message has that name: it may
        not be stored yet, so have WhatsApp deliver the status again. Raises InvalidValue for an unknown status.
        """
        model: Any = cls
        filled("wa_message_id", wa_message_id)
        status = model.status.db_value(status)
        before = _BEFORE[status]
        while not (before and _advanced(model, wa_message_id, status, list(before))):
            found = _status(model, wa_message_id)
            if not found or found[0][0] not in before:
                return False if found else None
            # Stored, or named, since the update.
        return True

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
        and begun again. ``before`` is in UTC if it names no time zone. Raises InvalidValue.
        """
        model: Any = cls
        batch = whole("batch", batch, 1)
        before = model.created_at.python_value(model.created_at.db_value(before))
        begun, rows, first = time.monotonic(), 0, None
        work = old_conversations(model, before, batch) if conversations else old_messages(model, before, batch)
        table = model.prunable(before, conversations=conversations).model._meta.table_name
        for deleted, moment in work:
            first, rows = first or moment, rows + deleted
            if progress is not None:
                fraction = (moment - first) / max(before - first, before.resolution)
                progress(BatchDone(table, rows, min(max(fraction, 0.0), 1.0), time.monotonic() - begun))
        return rows

    @classmethod
    def prunable(cls, before: datetime, *, conversations: bool = False) -> peewee.ModelSelect[Any]:
        """Return a query for what ``prune`` deletes, the oldest first."""
        message: Any = cls
        model = message.beside("Conversation") if conversations else message
        moment = model.last_message_at if conversations else model.created_at
        query: peewee.ModelSelect[Any] = model.select().where(moment >= EARLIEST, moment < before)
        if conversations:
            # PHP may have stored a message and not moved ``last_message_at``.
            later = message.select(message.id).where(message.conversation == model.id, message.created_at >= before)
            query = query.where(model.status == "closed", ~peewee.fn.EXISTS(later))
        return query.order_by(moment, model.id)

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


@prepared
def _named(message: Any, name: str) -> Any:
    return message.select().where(message.wa_message_id == name)


@prepared
def _stored(message: Any, names: list[str]) -> Any:
    return message.select(message.wa_message_id).where(message.wa_message_id.in_(names)).tuples()


@prepared
def _status(message: Any, name: str) -> Any:
    return message.select(message.status).where(message.wa_message_id == name).for_update().tuples()


@prepared
def _advanced(message: Any, name: str, status: str, before: list[str]) -> Any:
    return message.update(status=status).where(message.wa_message_id == name, message.status.in_(before))


def _move_on(conversation: Any, latest: Mapping[Any, str]) -> None:
    """Move ``last_message_at`` of conversations forward, of all with one statement."""
    text = conversation.last_message_at.db_value
    moments = [
        (row.id, at) for row, at in latest.items() if row.last_message_at is None or text(row.last_message_at) < at
    ]
    if len(moments) == 1:
        _moved_on(conversation, *moments[0])
    elif moments:
        plain = [tuple(peewee.Value(one, converter=False) for one in pair) for pair in moments]
        moment = peewee.Case(conversation.id, plain)
        moved = conversation.id.in_([number for number, _ in moments]) & (conversation.last_message_at < moment)
        conversation.update(last_message_at=moment).where(moved).execute()


@prepared
def _moved_on(conversation: Any, number: int, moment: str) -> Any:
    earlier = conversation.last_message_at < peewee.Value(moment, converter=False)
    return conversation.update(last_message_at=moment).where(conversation.id == number, earlier)
