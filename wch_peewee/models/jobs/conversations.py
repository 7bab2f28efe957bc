"""Conversations: one that is open for each phone, and the reads of an agent's desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import peewee

from ...database.connect import in_transaction, is_autocommitted
from ...database.retry import database_of, retrying
from ...errors import InvalidValue
from ..prepared import prepared, save
from .arguments import phone_number, whole
from .batches import EARLIEST


class ConversationJobs:
    """What is done with a conversation."""

    @classmethod
    def get_or_open(cls, phone: str, **values: Any) -> Self:
        """Return the open conversation of a phone, or open one with ``values``; two at once get the same one.

        Open is what is not closed; of several, which PHP may have made, the oldest is returned. To open one, the
        customer's profile is made if it is missing: its row is the lock. Raises InvalidValue for an empty phone, or a
        value that does not fit.
        """
        model: Any = cls
        phone_number(phone, model.customer_phone)
        model._refuse_unknown(values)
        if values.get("status") == "closed":
            raise InvalidValue("A conversation that is closed is not open; call close() on what get_or_open returns.")
        database = database_of(cls)
        # One that is found needs no lock: it was open when it was read, as with a lock.
        found = cls._find_open(phone) if is_autocommitted(database) else None
        return cls._get_or_open(phone, values, in_transaction(database)) if found is None else found

    @classmethod
    @retrying(single=True)
    def _find_open(cls, phone: str) -> Self | None:
        return cls._open([phone]).get(phone)

    @classmethod
    @retrying
    def _get_or_open(cls, phone: str, values: Mapping[str, Any], joined: bool) -> Self:
        model: Any = cls
        model.beside("CustomerProfile").hold([phone])
        found: Self = model.open_for({phone: values}, joined)[phone]
        return found

    @classmethod
    def open_for(
        cls, wanted: Mapping[str, Mapping[str, Any]], joined: bool, fields: tuple[str, ...] = ()
    ) -> dict[str, Self]:
        """Return the open conversation of each phone; where there is none, it is opened with the values given for it.

        For a transaction that holds the customers (``CustomerProfile.hold``). If it is the caller's (``joined``), what
        it reads may be older than the lock, so the read locks, too. Of each it reads the ``fields``, by default all.
        """
        model: Any = cls
        found = cls._open(wanted, fields, lock=joined)
        missing = [phone for phone in wanted if phone not in found]
        if missing:
            rows = [{"wa_conversation_id": "", **wanted[phone], "customer_phone": phone} for phone in missing]
            model.insert_many(rows).execute()
            found |= cls._open(wanted, fields, lock=joined)
        return found

    @classmethod
    def _open(cls, phones: Iterable[str], fields: tuple[str, ...] = (), *, lock: bool = False) -> dict[str, Self]:
        return {row.customer_phone: row for row in _open(cls, list(phones), fields=fields, lock=lock)}

    @retrying
    def close(self) -> bool:
        """Close the conversation; return False if it is closed already, or gone."""
        row: Any = self._locked()
        if row is None or row.status == "closed":
            return False
        row.status = "closed"
        return self._save(row)

    @retrying
    def assign(self, agent_id: int | None) -> bool:
        """Give the conversation to an agent, a WordPress user's id, or to nobody (None); a pending one becomes active.

        Return False if it is closed or gone, or has another agent than this object says: of two agents who take it at
        once one gets True. The object then says who has it.
        """
        own: Any = self
        row: Any = self._locked()
        seen, own.assigned_agent_id = own.assigned_agent_id, None if row is None else row.assigned_agent_id
        own._dirty.discard("assigned_agent_id")
        if row is None or row.status == "closed" or row.assigned_agent_id != seen:
            return False
        row.assigned_agent_id = type(own).assigned_agent_id.db_value(agent_id)  # a text would not equal what is read
        if row.status == "pending" and agent_id is not None:
            row.status = "active"
        return self._save(row)

    def _locked(self) -> Self | None:
        own: Any = self
        found: Self | None = own.select().where(own._pk_expr()).for_update().get_or_none()
        return found

    def _save(self, row: Any) -> bool:
        """Save the locked row, and take over what it says; other changes of the object stay, to be saved."""
        own: Any = self
        save(row)
        for name in ("status", "assigned_agent_id", "updated_at"):
            own.__data__[name] = row.__data__[name]
            own._dirty.discard(name)
        return True

    @classmethod
    def recent(cls, limit: int = 50, *, after: Self | None = None) -> peewee.ModelSelect[Any]:
        """Return a query for the conversations with the latest messages, the latest first, at most ``limit``.

        ``after`` is the last conversation of a page; the next page follows. Raises InvalidValue.
        """
        model: Any = cls
        query = model.select().order_by(model.last_message_at.desc(), model.id.desc()).limit(whole("limit", limit))
        if after is not None:
            if not isinstance(after, ConversationJobs):
                raise InvalidValue(f"after is {after!r}; expected a conversation, the last one of the page before.")
            row: Any = after
            moment, is_beyond = model.last_message_at, model.id < row.id
            if row.last_message_at is None:  # a zero date of PHP's, and they are the last ones
                query = query.where(moment < EARLIEST, is_beyond)
            else:
                same = (moment == row.last_message_at) & is_beyond
                query = query.where((moment < row.last_message_at) | same)
        page: peewee.ModelSelect[Any] = query
        return page

    @classmethod
    def inbox(cls, agent_id: int | None, *statuses: str, limit: int = 50) -> peewee.ModelSelect[Any]:
        """Return a query for an agent's conversations, or those that nobody has (None), the latest first.

        Without ``statuses`` those that are pending or active. Raises InvalidValue for an unknown status.
        """
        model: Any = cls
        wanted = model.status.in_(statuses or ("pending", "active"))
        return cls.recent(limit).where(model.assigned_agent_id == agent_id, wanted)

    @retrying(single=True)
    def last_messages(self, limit: int = 50) -> list[Any]:
        """Return the last messages of the conversation, at most ``limit``, in the order of their storing."""
        own: Any = self
        latest: list[Any] = _last(own.beside("Message"), own.id, whole("limit", limit))
        return latest[::-1]


@prepared
def _open(conversation: Any, phones: list[str], *, fields: tuple[str, ...], lock: bool) -> Any:
    is_open = conversation.customer_phone.in_(phones) & (conversation.status != "closed")
    columns = [getattr(conversation, name) for name in fields]
    return conversation.select(*columns).where(is_open).order_by(conversation.id.desc()).for_update(lock)


@prepared
def _last(message: Any, number: int, limit: int) -> Any:
    return message.select().where(message.conversation == number).order_by(message.id.desc()).limit(limit)
