"""Creating, changing and deleting rows; upserts; transactions; values that a column refuses."""

from __future__ import annotations

from typing import Any

import peewee
from peewee import Case, Value, chunked, fn
from playhouse.shortcuts import (
    insert_where,
)

from tests.support.idioms.rows import (
    LATER,
    NOON,
    Idiom,
    Models,
    new_cart,
    new_item,
    new_message,
    new_talk,
)

# --- Querying: creating, updating and deleting rows


def _save_new(m: Models) -> Any:
    row = m.SyncQueueItem(**new_item())
    return row.save(), row


def _save_changed(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    row.attempts, row.error_message = 3, None
    return row.save(), row


def _save_only(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    row.attempts, row.error_message = 9, "not written"
    return row.save(only=[m.SyncQueueItem.attempts]), m.SyncQueueItem.get_by_id(1)


def _save_only_names(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    row.attempts, row.entity_id = 9, 99
    return row.save(only=["entity_id"]), m.SyncQueueItem.get_by_id(1)


def _save_twice(m: Models) -> Any:
    row = m.SyncQueueItem.create(**new_item())
    row.attempts += 1
    first = row.save()
    row.attempts += 1
    return first, row.save(), row.attempts


def _force_insert(m: Models) -> Any:
    return m.SyncQueueItem(id=500, **new_item()).save(force_insert=True), m.SyncQueueItem.get_by_id(500)


def _copy_of_a_row(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    row.id = None
    row.save()
    return row, m.SyncQueueItem.select().count()


def _unsaved_parent(m: Models) -> Any:
    parent = m.Conversation(**new_talk())
    child = m.Message(**new_message(conversation=parent))
    parent.save()
    child.save()
    return child.conversation_id == parent.id, child.conversation


def _assigned_parent(m: Models) -> Any:
    message = m.Message.get_by_id(1)
    message.conversation = m.Conversation.get_by_id(5)
    message.save()
    message.conversation = 6
    return message.conversation.id, message.save(), message.conversation_id


def _without_changes(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    return row.save(), row.is_dirty()


def _only_what_changed(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    m.SyncQueueItem.update(status="completed").where(m.SyncQueueItem.id == 1).execute()
    row.attempts = 6
    row.save()
    return m.SyncQueueItem.get_by_id(1).status


def _dirty(m: Models) -> Any:
    row = m.SyncQueueItem.get_by_id(1)
    clean = row.is_dirty()
    row.attempts = 9
    return clean, row.is_dirty(), [field.name for field in row.dirty_fields]


def _dirty_new(m: Models) -> Any:
    row = m.SyncQueueItem(**new_item())
    return sorted(row.dirty_field_names)


def _changed_in_place(m: Models) -> Any:
    row = m.Conversation.get_by_id(1)
    row.context["step"] = 99
    row.save()
    return m.Conversation.get_by_id(1).context


def _unknown_keyword(m: Models) -> Any:
    return m.SyncQueueItem(nickname="x", **new_item()).nickname


def _updated_at(change: Idiom) -> Idiom:
    def idiom(m: Models) -> Any:
        change(m)
        return m.Conversation.get_by_id(1).updated_at

    return idiom


def _save_a_status(m: Models) -> Any:
    row = m.Conversation.get_by_id(1)
    row.status = "closed"
    return row.save()


def _bulk_update_a_status(m: Models) -> Any:
    row = m.Conversation.get_by_id(1)
    row.status = "closed"
    return m.Conversation.bulk_update([row], fields=["status"])


CREATING: dict[str, Idiom] = {
    "create": lambda m: m.SyncQueueItem.create(**new_item()),
    "create with an id": lambda m: m.SyncQueueItem.create(id=900, **new_item()),
    "create a child of a row": lambda m: m.Message.create(**new_message(conversation=m.Conversation.get_by_id(5))),
    "create a child of an id": lambda m: m.Message.create(**new_message(conversation_id=6) | {"conversation": 6}),
    "create with conversation_id": lambda m: m.Message.create(
        **{name: value for name, value in new_message().items() if name != "conversation"}, conversation_id=5
    ),
    "create with defaults": lambda m: m.Conversation.create(**new_talk()),
    "create with a document": lambda m: m.Cart.create(**new_cart(shipping_address={"ä": [1, 2.5, None, True]})),
    "create a duplicate": lambda m: m.Cart.create(**new_cart(customer_phone="+491")),
    "create without a parent": lambda m: m.Message.create(**new_message(conversation=999)),
    "save a new row": _save_new,
    "save a changed row": _save_changed,
    "save only some fields": _save_only,
    "save only named fields": _save_only_names,
    "save twice": _save_twice,
    "save with force_insert": _force_insert,
    "save a copy of a row": _copy_of_a_row,
    "save a parent, then its child": _unsaved_parent,
    "assign another parent": _assigned_parent,
    "save without changes": _without_changes,
    "save what another has changed": _only_what_changed,
    "is_dirty": _dirty,
    "dirty_field_names of a new row": _dirty_new,
    "change a document in place": _changed_in_place,
    "an unknown keyword": _unknown_keyword,
    "insert": lambda m: m.SyncQueueItem.insert(**new_item()).execute() > 0,
    "insert by fields": lambda m: (
        m.SyncQueueItem.insert(
            {m.SyncQueueItem.entity_type: "order", m.SyncQueueItem.entity_id: 5, m.SyncQueueItem.action: "delete"}
        ).execute()
        > 0
    ),
    "insert an expression": lambda m: m.SyncQueueItem.insert(**new_item(entity_id=Value(3) + 4)).execute() > 0,
    "insert a subquery": lambda m: (
        m.SyncQueueItem.insert(**new_item(entity_id=m.Message.select(fn.MAX(m.Message.id)))).execute() > 0
    ),
    "insert through an alias": lambda m: m.SyncQueueItem.alias().insert(**new_item()).execute() > 0,
    "insert by an alias's fields": lambda m: (
        lambda alias: alias.insert({getattr(alias, name): value for name, value in new_item().items()}).execute() > 0
    )(m.SyncQueueItem.alias()),
    "insert, as_rowcount": lambda m: m.SyncQueueItem.insert_many([new_item(), new_item()]).as_rowcount().execute(),
    "update": lambda m: m.SyncQueueItem.update(attempts=5).where(m.SyncQueueItem.id < 4).execute(),
    "update by fields": lambda m: (
        m.SyncQueueItem.update({m.SyncQueueItem.attempts: 5}).where(m.SyncQueueItem.id < 4).execute()
    ),
    "update atomically": lambda m: m.SyncQueueItem.update(attempts=m.SyncQueueItem.attempts + 1).execute(),
    "update by arithmetic": lambda m: m.BroadcastCampaign.update(
        sent_count=m.BroadcastCampaign.sent_count * 2 - m.BroadcastCampaign.read_count, read_count=0
    ).execute(),
    "update by another table": lambda m: m.SyncQueueItem.update(
        attempts=m.Message.select(fn.COUNT(m.Message.id)).where(m.Message.conversation == m.SyncQueueItem.id)
    ).execute(),
    "update with CASE": lambda m: m.SyncQueueItem.update(
        attempts=Case(m.SyncQueueItem.status, (("pending", 1), ("failed", 2)), m.SyncQueueItem.attempts)
    ).execute(),
    "update a text by concatenation": lambda m: (
        m.CustomerProfile.update(name=m.CustomerProfile.name + "!").where(m.CustomerProfile.id == 1).execute()
    ),
    "update a document": lambda m: m.Cart.update(items=[{"sku": "x"}]).where(m.Cart.id == 1).execute(),
    "update to NULL": lambda m: m.Cart.update(coupon_code=None).execute(),
    "update a parent": lambda m: (
        m.Message.update(conversation=m.Conversation.get_by_id(6)).where(m.Message.id == 1).execute()
    ),
    "update where in a subquery": lambda m: (
        m.Message.update(status="read")
        .where(m.Message.conversation.in_(m.Conversation.select().where(m.Conversation.status == "active")))
        .execute()
    ),
    "set_by_id": lambda m: m.SyncQueueItem.set_by_id(1, {"attempts": 8}),
    "an item assignment": lambda m: m.SyncQueueItem.__class__.__setitem__(m.SyncQueueItem, 1, {"attempts": 8}),
    "delete_instance": lambda m: m.Cart.get_by_id(1).delete_instance(),
    "delete_instance, recursive": lambda m: m.Conversation.get_by_id(1).delete_instance(recursive=True),
    "delete": lambda m: m.Message.delete().where(m.Message.status == "failed").execute(),
    "delete cascades": lambda m: m.Conversation.delete().where(m.Conversation.id == 1).execute(),
    "delete_by_id": lambda m: m.SyncQueueItem.delete_by_id(1),
    "delete by a subquery": lambda m: (
        m.SyncQueueItem.delete()
        .where(m.SyncQueueItem.id.in_(m.Cart.select(m.Cart.id).where(m.Cart.coupon_code.is_null())))
        .execute()
    ),
    "dependencies": lambda m: [
        (str(field.name), model.__name__)
        for _, field in m.Conversation.get_by_id(1).dependencies()
        for model in [field.model]
    ],
    "updated_at of a saved row": _updated_at(_save_a_status),
    "updated_at of an update": _updated_at(lambda m: m.Conversation.update(status="closed").execute()),
    "updated_at that is given": _updated_at(lambda m: m.Conversation.update(updated_at=LATER).execute()),
    "updated_at of bulk_update": _updated_at(_bulk_update_a_status),
}

# --- Querying: many rows, upserts


def _bulk_create(m: Models) -> Any:
    rows = [m.SyncQueueItem(**new_item(entity_id=number)) for number in range(5)]
    m.SyncQueueItem.bulk_create(rows, batch_size=2)
    return m.SyncQueueItem.select().where(m.SyncQueueItem.id > 100).order_by(m.SyncQueueItem.entity_id)


def _bulk_create_children(m: Models) -> Any:
    parent = m.Conversation.get_by_id(6)
    m.Message.bulk_create([m.Message(**new_message(conversation=parent, wa_message_id=f"b{n}")) for n in range(3)])
    return parent.messages.count()


def _bulk_update(m: Models) -> Any:
    rows = list(m.SyncQueueItem.select().where(m.SyncQueueItem.id < 6))
    for row in rows:
        row.attempts, row.error_message = row.id * 2, f"error {row.id}"
    return m.SyncQueueItem.bulk_update(rows, fields=["attempts", m.SyncQueueItem.error_message], batch_size=2)


def _bulk_update_documents(m: Models) -> Any:
    rows = list(m.Cart.select())
    for row in rows:
        row.items, row.expires_at = [row.id], LATER
    return m.Cart.bulk_update(rows, fields=[m.Cart.items, m.Cart.expires_at])


def _chunks(m: Models) -> Any:
    rows = [new_item(entity_id=number) for number in range(7)]
    with m.db.atomic():
        for batch in chunked(rows, 3):
            m.SyncQueueItem.insert_many(batch).execute()
    return m.SyncQueueItem.select().count()


def _insert_where(m: Models, number: int) -> Any:
    """Insert an item unless there is a cart of that id."""
    data = new_item(status="pending", attempts=0, created_at=str(NOON))
    where = ~fn.EXISTS(m.Cart.select().where(m.Cart.id == number))
    return insert_where(m.SyncQueueItem, data, where).as_rowcount().execute()


def _upsert(m: Models, **options: Any) -> Any:
    return (
        m.Cart.insert(**new_cart(customer_phone="+491", items=[9], coupon_code="NEW")).on_conflict(**options).execute()
    )


MANY: dict[str, Idiom] = {
    "insert_many": lambda m: m.SyncQueueItem.insert_many([new_item(entity_id=n) for n in range(20)]).execute() and None,
    "insert_many tuples": lambda m: (
        m.SyncQueueItem.insert_many(
            [("order", n, "update") for n in range(9)],
            fields=[m.SyncQueueItem.entity_type, m.SyncQueueItem.entity_id, m.SyncQueueItem.action],
        ).execute()
        and None
    ),
    "insert_many from a generator": lambda m: (
        m.SyncQueueItem.insert_many(new_item(entity_id=n) for n in range(3)).execute() and None
    ),
    "insert_many by fields": lambda m: (
        m.Cart.insert_many(
            [{m.Cart.customer_phone: f"+{n}", m.Cart.expires_at: LATER, m.Cart.items: [n]} for n in range(3)]
        ).execute()
        and None
    ),
    "insert_many with parents": lambda m: (
        m.Message.insert_many(
            [new_message(conversation=m.Conversation.get_by_id(n), wa_message_id=f"p{n}") for n in (1, 2)]
        ).execute()
        and None
    ),
    "insert_many with differing keys": lambda m: (
        m.SyncQueueItem.insert_many([new_item(), new_item(attempts=5), new_item(error_message="x")]).execute() and None
    ),
    "insert_many of nothing": lambda m: m.SyncQueueItem.insert_many([]).execute(),
    "insert_many in chunks": _chunks,
    "insert_from": lambda m: (
        m.SyncQueueItem.insert_from(
            m.Message.select(Value("order"), m.Message.id + 100, Value("create"), Value("pending"), 0, NOON).where(
                m.Message.id < 4
            ),
            fields=[
                m.SyncQueueItem.entity_type,
                m.SyncQueueItem.entity_id,
                m.SyncQueueItem.action,
                m.SyncQueueItem.status,
                m.SyncQueueItem.attempts,
                m.SyncQueueItem.created_at,
            ],
        ).execute()
        and None
    ),
    "bulk_create": _bulk_create,
    "bulk_create children": _bulk_create_children,
    "bulk_update": _bulk_update,
    "bulk_update documents and dates": _bulk_update_documents,
    "replace": lambda m: m.Cart.replace(**new_cart(id=1)).execute() and None,
    "replace_many": lambda m: (
        m.Cart.replace_many([new_cart(id=1), new_cart(id=2, customer_phone="+2")]).execute() and None
    ),
    "on_conflict_ignore": lambda m: (
        m.Cart.insert(**new_cart(customer_phone="+491")).on_conflict_ignore().as_rowcount().execute()
    ),
    "on_conflict_ignore without a parent": lambda m: (
        m.Message.insert(**new_message(conversation=999)).on_conflict_ignore().as_rowcount().execute()
    ),
    "on_conflict_replace": lambda m: (
        m.Cart.insert(**new_cart(customer_phone="+491", id=1)).on_conflict_replace().execute()
    ),
    "on_conflict, preserve": lambda m: _upsert(m, preserve=[m.Cart.items]) and None,
    "on_conflict with a target": lambda m: (
        _upsert(m, conflict_target=[m.Cart.customer_phone], preserve=[m.Cart.items, m.Cart.coupon_code]) and None
    ),
    "on_conflict with a target, update": lambda m: (
        _upsert(m, conflict_target=[m.Cart.customer_phone], update={m.Cart.coupon_code: "AGAIN"}) and None
    ),
    "on_conflict with an expression": lambda m: (
        m.SyncQueueItem.insert(id=1, **new_item())
        .on_conflict(
            conflict_target=[m.SyncQueueItem.id], update={m.SyncQueueItem.attempts: m.SyncQueueItem.attempts + 10}
        )
        .execute()
        and None
    ),
    "on_conflict, where": lambda m: (
        _upsert(
            m,
            conflict_target=[m.Cart.customer_phone],
            update={m.Cart.coupon_code: "AGAIN"},
            where=(m.Cart.coupon_code == "NOT THIS"),
        )
        and None
    ),
    "EXCLUDED": lambda m: (
        _upsert(m, conflict_target=[m.Cart.customer_phone], update={m.Cart.coupon_code: peewee.EXCLUDED.coupon_code})
        and None
    ),
    "insert_many, on_conflict": lambda m: (
        m.Cart.insert_many([new_cart(customer_phone=f"+49{n}", items=[n]) for n in (1, 2, 7)])
        .on_conflict(conflict_target=[m.Cart.customer_phone], preserve=[m.Cart.items])
        .execute()
        and None
    ),
    "updated_at of an upsert": lambda m: (
        _upsert(m, conflict_target=[m.Cart.customer_phone], update={m.Cart.coupon_code: "AGAIN"}),
        m.Cart.get_by_id(1).updated_at,
    )[1],
    "get_or_create, get": lambda m: m.Cart.get_or_create(customer_phone="+491", defaults={"expires_at": LATER}),
    "get_or_create, create": lambda m: m.Cart.get_or_create(customer_phone="+7", defaults={"expires_at": LATER}),
    "get_or_create by a parent": lambda m: m.Message.get_or_create(
        conversation=m.Conversation.get_by_id(1), wa_message_id="wamid.1", defaults={"status": "read"}
    ),
    "insert_where": lambda m: [_insert_where(m, number) for number in (1, 99)],
    "returning": lambda m: list(
        m.SyncQueueItem.update(attempts=7).where(m.SyncQueueItem.id == 1).returning(m.SyncQueueItem).execute()
    ),
    "insert, returning": lambda m: [
        row.entity_id for row in m.SyncQueueItem.insert(**new_item()).returning(m.SyncQueueItem).execute()
    ],
    "delete, returning": lambda m: list(
        m.SyncQueueItem.delete().where(m.SyncQueueItem.id == 1).returning(m.SyncQueueItem.entity_id).dicts().execute()
    ),
}

# --- Transactions


def _rolled_back(m: Models) -> Any:
    try:
        with m.db.atomic():
            m.Cart.delete().execute()
            raise KeyError
    except KeyError:
        return m.Cart.select().count()


def _savepoints(m: Models) -> Any:
    with m.db.atomic():
        m.Cart.delete().where(m.Cart.id == 1).execute()
        with m.db.atomic() as inner:
            m.Cart.delete().execute()
            inner.rollback()
        with m.db.savepoint():
            m.Cart.update(coupon_code="X").execute()
    return m.Cart.select(m.Cart.id, m.Cart.coupon_code).order_by(m.Cart.id)


def _after_an_error(m: Models) -> Any:
    try:
        with m.db.atomic():
            m.Cart.create(**new_cart(customer_phone="+491"))
    except peewee.IntegrityError:
        return m.Cart.create(**new_cart())


def _decorated(m: Models) -> Any:
    change = m.db.atomic()(lambda: m.Cart.update(coupon_code="X").execute())
    return change()


def _manual(m: Models) -> Any:
    with m.db.atomic() as transaction:
        m.Cart.delete().execute()
        transaction.rollback()
        m.Cart.update(coupon_code="X").execute()
    return m.db.in_transaction()


TRANSACTIONS: dict[str, Idiom] = {
    "atomic, rolled back": _rolled_back,
    "atomic, nested": _savepoints,
    "atomic, after an error": _after_an_error,
    "atomic as a decorator": _decorated,
    "rollback inside of atomic": _manual,
    "in_transaction": lambda m: m.db.in_transaction(),
}

# --- Values that a column refuses


def _attempt(m: Models, **values: Any) -> Any:
    """Insert a row, and return what is stored."""
    with m.db.atomic():
        row = m.SyncQueueItem.create(**new_item(**values))
    return {name: getattr(m.SyncQueueItem.get_by_id(row.id), name) for name in values}


VALUES: dict[str, Idiom] = {
    "a text for a number": lambda m: _attempt(m, entity_id="12"),
    "a word for a number": lambda m: _attempt(m, entity_id="many"),
    "a float for a number": lambda m: _attempt(m, attempts=2.7),
    "True for a number": lambda m: _attempt(m, attempts=True),
    "a number that is too large": lambda m: _attempt(m, attempts=2**31),
    "a negative id": lambda m: _attempt(m, entity_id=-1),
    "an unknown status": lambda m: _attempt(m, status="lost"),
    "None for a required column": lambda m: _attempt(m, entity_id=None),
    "a value is missing": lambda m: m.SyncQueueItem.create(entity_type="order"),
    "a text that is too long": lambda m: m.CustomerProfile.create(phone="1" * 21, name="x"),
    "a number for a text": lambda m: m.CustomerProfile.create(phone=49123, name="x"),
    "a date that is none": lambda m: _attempt(m, created_at="soon"),
    "an emoji": lambda m: m.CustomerProfile.create(phone="+5", name="🐍 ü"),
    "a row of another table as parent": lambda m: (
        m.Message.create(**new_message(conversation=m.Cart.get_by_id(1))).conversation_id
    ),
}
