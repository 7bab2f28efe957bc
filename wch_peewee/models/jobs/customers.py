"""Customers: a profile for each phone, and all of a person as one document, or gone.

The row of a profile is the lock of a person: whoever opens a conversation, stores a message or erases holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Self

import peewee

from ...database.retry import retrying
from ..fields import JsonField
from ..prepared import prepared
from .arguments import filled, phone_number


class CustomerJobs:
    """What is done with a customer."""

    @classmethod
    def hold(cls, phones: Iterable[str]) -> None:
        """Lock the profiles of these phones until the end of the transaction; make those that are missing.

        In one order, so that two who hold several do not wait for each other.
        """
        model: Any = cls
        rows = [{"phone": phone, "name": ""} for phone in sorted(set(phones))]
        if len(rows) == 1:
            _upserted(model, rows[0], {})
        else:
            model.insert_many(rows).on_conflict_ignore().execute()

    @classmethod
    @retrying
    def upsert(cls, phone: str, **values: Any) -> Self:
        """Return the profile of a phone with these values; it is made if it is missing. Other columns stay.

        Raises InvalidValue for an empty phone, an unknown column, or a value that does not fit.
        """
        model: Any = cls
        phone_number(phone, model.phone)
        model._refuse_unknown(values)
        _upserted(model, {"name": "", **values, "phone": phone}, values)
        row: Self = _profile(model, phone)[0]
        return row

    @classmethod
    @retrying(isolation="REPEATABLE READ")
    def export(cls, phone: str) -> dict[str, Any]:
        """Return everything about a person, of one moment, as WordPress's personal data exporters return it.

        ``{"data": [{"group_id", "group_label", "item_id", "data": [{"name", "value"}, ...]}, ...], "done": True}``
        All values are text. Of campaigns and queue items that mention the phone, the column that does has the phone
        alone, because it can have others' phones, too. Raises InvalidValue for an empty phone.
        """
        filled("phone", phone)
        found = [(model, row) for model, condition in _own_rows(cls, phone) for row in model.select().where(condition)]
        found += _mentions(cls, phone)
        items = [
            {
                "group_id": f"wch_{model._meta.table_key}",
                "group_label": f"WhatsApp: {model._meta.table_key.replace('_', ' ')}",
                "item_id": f"wch-{model._meta.table_key}-{row.id}",
                "data": [
                    {"name": name, "value": phone if name in _MENTIONS.values() else _text(value)}
                    for name, value in row.__data__.items()
                ],
            }
            for model, row in found
        ]
        return {"data": items, "done": True}

    @classmethod
    @retrying
    def erase(cls, phone: str) -> dict[str, Any]:
        """Erase everything about a person, in one transaction; return what WordPress's personal data erasers return.

        ``{"items_removed": bool, "items_retained": False, "messages": [...], "done": True}``; each message says how
        many rows of which table. Campaigns and queue items stay, without the phone. A message of this phone that comes
        in meanwhile waits, and begins a new conversation. Raises InvalidValue for an empty phone.
        """
        model: Any = cls
        filled("phone", phone)
        is_new = model.select().where(model.phone == phone).for_update().get_or_none() is None
        if is_new:
            cls.hold([phone])
        counts: dict[str, int] = {}
        for kind, condition in reversed(_own_rows(cls, phone, lock=True)):  # children before parents
            counts[kind._meta.table_name] = kind.delete().where(condition).execute()
        counts[model._meta.table_name] -= is_new
        for kind, row in _mentions(cls, phone):
            # What it says now, under its lock: to lock while one searches would lock all that is searched.
            row = kind.select().where(row._pk_expr()).for_update().get_or_none()
            changes = {} if row is None else _without(row, phone)
            if changes:
                kind.update(changes).where(row._pk_expr()).execute()
                counts[kind._meta.table_name] = counts.get(kind._meta.table_name, 0) + 1
        done = [f"{table}: {count} row{'' if count == 1 else 's'}" for table, count in counts.items() if count]
        return {"items_removed": bool(done), "items_retained": False, "messages": done, "done": True}


@prepared
def _upserted(profile: Any, row: dict[str, Any], changes: dict[str, Any]) -> Any:
    new = profile.insert(row)
    if not changes:
        return new.on_conflict_ignore()
    update = {profile._meta.combined[name]: changes[name] for name in sorted(changes)}
    return new.on_conflict(conflict_target=[profile.phone], update=update)


@prepared
def _profile(profile: Any, phone: str) -> Any:
    return profile.select().where(profile.phone == phone).for_update()


#: Columns in which a phone may be mentioned; their rows are not the person's alone.
_MENTIONS = {"BroadcastCampaign": "audience_filter", "SyncQueueItem": "error_message"}


def _own_rows(profile: Any, phone: str, *, lock: bool = False) -> list[tuple[Any, Any]]:
    """Return each model whose rows are the person's alone, with the condition for them; parents first."""
    conversation, message, cart = (profile.beside(name) for name in ("Conversation", "Message", "Cart"))
    query = conversation.select(conversation.id).where(conversation.customer_phone == phone).for_update(lock)
    ids = [number for (number,) in query.tuples()]  # MariaDB 10 reads all messages for a subquery in a DELETE
    return [
        (profile, profile.phone == phone),
        (cart, cart.customer_phone == phone),
        (conversation, conversation.id.in_(ids)),
        (message, message.conversation.in_(ids)),
    ]


def _mentions(profile: Any, phone: str) -> list[tuple[Any, Any]]:
    """Return the rows that mention a phone, with their models."""
    models = [(profile.beside(name), column) for name, column in _MENTIONS.items()]
    rows = [
        (model, row) for model, column in models for row in model.select().where(getattr(model, column).contains(phone))
    ]
    return [(model, row) for model, row in rows if _without(row, phone)]


def _without(row: Any, phone: str) -> dict[str, Any]:
    """Return the columns of a row that mention a phone, as they are without it."""
    found = {}
    for column in set(_MENTIONS.values()) & set(row.__data__):
        value = row.__data__[column]
        if (changed := _erased(value, phone)) != value:
            # A document as text: PHP may have stored one that the field refuses, a single text for example.
            is_document = isinstance(row._meta.fields[column], JsonField)
            found[column] = peewee.Value(json.dumps(changed), converter=False) if is_document else changed
    return found


def _erased(value: Any, phone: str) -> Any:
    if isinstance(value, dict):
        return {key: _erased(inner, phone) for key, inner in value.items() if phone not in (key, str(inner))}
    if isinstance(value, list):
        return [_erased(inner, phone) for inner in value if str(inner) != phone]
    if isinstance(value, str):
        # Not within a longer number.
        return re.sub(rf"(?<![0-9+]){re.escape(phone)}(?![0-9])", "[erased]", value)
    return value


def _text(value: Any) -> str:
    """Return a value as WordPress shows it."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
