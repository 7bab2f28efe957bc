"""Bulk inserts and reads give the same statements and instances as peewee's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bound import bound
from wch_peewee import Cart, Conversation, InvalidValue, Message, Plugin
from wch_peewee.models import bulk
from wch_peewee.models.base import BaseModel
from wch_peewee.models.fields import UtcDateTimeField, VarcharField

NOW = dt.datetime(2026, 1, 2, 3, 4, 5)
ZONE = dt.timezone(dt.timedelta(hours=2))
VALUES: dict[str, list[Any]] = {
    "conversation": [1, "2", 3, Conversation(id=4), True, -1],
    "direction": ["inbound", "outbound", "sideways"],
    "message_type": ["text", "image"],
    "wa_message_id": ["a", "ä😀", "x" * 101, 5],
    "content": [{}, {"a": [1, {"b": None}]}, None, {"a": float("nan")}, [1]],
    "status": ["sent", "read", peewee.fn.LOWER("SENT")],
    "created_at": [NOW, NOW.replace(tzinfo=ZONE), "2026-01-02 03:04:05.6", dt.date(2026, 1, 2), "now"],
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from(values) for name, values in VALUES.items() if name not in ("status", "content")},
        optional={name: st.sampled_from(VALUES[name]) for name in ("status", "content")},
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def shop() -> Iterator[peewee.Database]:
    plugin = Plugin(peewee.SqliteDatabase(":memory:"))
    plugin.database.connect()
    plugin.activate()
    with bound(plugin.database, plugin.prefix):
        yield plugin.database
    plugin.database.close()


def written(make: Any) -> Any:
    with bound(peewee.MySQLDatabase("x"), "wp_"):
        try:
            sql, parameters = make().sql()
            # repr() tells 1 from True, and text from a member of an enum.
            return sql, [repr(one) for one in parameters]
        except (InvalidValue, ValueError) as error:
            return type(error), str(error)


def by_peewee(make: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "insert_values", lambda *rest: None)
        return written(make)


@given(rows=ROWS)
def test_rows_become_the_statement_that_peewee_writes(rows: list[dict[str, Any]]) -> None:
    def make() -> Any:
        return Message.insert_many(rows)

    assert written(make) == by_peewee(make)


@given(rows=st.lists(st.tuples(st.sampled_from(["+1", "+2", "x" * 30]), st.sampled_from([NOW, None, "x"])), min_size=1))
def test_tuples_do_too(rows: list[tuple[Any, ...]]) -> None:
    def make() -> Any:
        return Cart.insert_many(rows, fields=["customer_phone", "expires_at"])

    found = written(make)
    # created_at is a moment in each row, and each path asks for its own.
    assert _without_moments(found) == _without_moments(by_peewee(make))


def _without_moments(found: Any) -> Any:
    first, second = found
    if isinstance(second, str):  # an error and its words
        return found
    return first, [one for one in second if "2026-01-02" in one or not one.startswith("'20")]


def test_a_row_that_is_no_row_is_peewees_to_refuse() -> None:
    for rows in ([("+1",)], [{"customer_phone": "+1", "nothing": 2}], [object()]):
        with bound(peewee.MySQLDatabase("x"), "wp_"), pytest.raises((ValueError, InvalidValue, TypeError)):
            Cart.insert_many(rows, fields=["customer_phone", "expires_at"]).sql()


def test_a_conflict_clause_stays_behind_the_rows() -> None:
    rows = [{"customer_phone": "+1", "expires_at": NOW, "created_at": NOW, "updated_at": NOW}] * 2
    with bound(peewee.SqliteDatabase(":memory:"), "wp_"):
        sql, _ = Cart.insert_many(rows).on_conflict_ignore().sql()
        assert sql.endswith("(?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        sql, _ = (
            Cart.insert_many(rows).on_conflict("update", conflict_target=["customer_phone"], preserve=["items"]).sql()
        )
        assert 'ON CONFLICT ("customer_phone") DO UPDATE SET "items"' in sql


def test_what_is_read_is_what_peewee_makes(shop: peewee.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = Conversation.create(customer_phone="+1", wa_conversation_id="x")
    rows = [
        {
            "conversation": conversation,
            "direction": "inbound",
            "message_type": "text",
            "wa_message_id": f"w{number}",
            "content": {"n": number} if number % 2 else None,
            "created_at": NOW,
        }
        for number in range(6)
    ]
    assert Message.insert_many(rows).execute() == 6
    shop.execute_sql("PRAGMA ignore_check_constraints = 1")
    shop.execute_sql("UPDATE wp_wch_messages SET status = 'newer', created_at = '0000-00-00 00:00:00' WHERE id = 2")
    shop.execute_sql("UPDATE wp_wch_messages SET status = '', content = 'no json' WHERE id = 3")
    selects: list[Any] = [
        Message.select().order_by(Message.id),
        Message.select(Message.id, Message.conversation).order_by(Message.id),
        Message.select(Message.id, Message.status.alias("said")).order_by(Message.id),
        Message.select(Message, Conversation).join(Conversation).order_by(Message.id),
        conversation.messages.order_by(Message.id),
        Message.raw("SELECT * FROM wp_wch_messages ORDER BY id"),
    ]
    for select in selects:
        for kind in ("models", "tuples", "dicts", "namedtuples"):
            if not hasattr(select, kind):
                continue
            quick = [told(row) for row in getattr(select.clone(), kind)()]
            with monkeypatch.context() as patch:
                patch.setattr(bulk, "_bulk_processor", lambda wrapper: None)
                assert quick == [told(row) for row in getattr(select.clone(), kind)()]
            assert len(quick) == 6


def told(row: Any) -> Any:
    """Return everything that distinguishes an instance from another one."""
    if not isinstance(row, peewee.Model):
        return row
    names = {"__data__", "_dirty", "_snapshots", "__rel__"}
    state: dict[str, Any] = {name: getattr(row, name, None) for name in names}
    related = {name: told(one) for name, one in state.pop("__rel__").items()}
    return type(row), state, related, {name: value for name, value in vars(row).items() if name not in names}


def test_a_model_of_somebodys_own_is_made_their_way(shop: peewee.Database) -> None:
    class Shouting(peewee.FieldAccessor):
        def __set__(self, instance: Any, value: Any) -> None:
            super().__set__(instance, str(value).upper())  # type: ignore[no-untyped-call]

    class ShoutingField(VarcharField[str]):
        accessor_class = Shouting

    class Loud(BaseModel):
        customer_phone = ShoutingField(20)
        expires_at = UtcDateTimeField(default=NOW)
        created_at = UtcDateTimeField(default=NOW)
        updated_at = UtcDateTimeField(default=NOW)

        class Meta:
            table_key = "carts"

    class Noticed(Cart):
        def __init__(self, *args: Any, **values: Any) -> None:
            super().__init__(*args, **values)
            self.noticed = True

        class Meta:
            table_key = "carts"

    Loud.insert_many([{"customer_phone": "abc"}]).execute()
    assert [cart.customer_phone for cart in Loud.select(Loud.customer_phone)] == ["ABC"]
    assert [cart.noticed for cart in Noticed.select()] == [True]


def test_rows_come_in_chunks_and_all_of_them_once(shop: peewee.Database) -> None:
    Conversation.insert_many([{"customer_phone": str(n), "wa_conversation_id": "x"} for n in range(1_000)]).execute()
    for number in (0, 1, 199, 200, 201, 400, 1_000):
        query = Conversation.select().order_by(Conversation.id).limit(number)
        first = [row.id for row in query]
        assert (
            first
            == list(range(1, number + 1))
            == [row.id for row in query]
            == [row.id for row in query.clone().iterator()]
        )
        assert len(query) == number
    query = Conversation.select(Conversation.id).order_by(Conversation.id).tuples()
    assert query[3] == (4,)  # one by one, and then the rest
    taken = iter(query)
    assert [next(taken) for _ in range(250)] == [(n,) for n in range(1, 251)]
    assert query[998] == (999,)
    assert list(taken) == [(n,) for n in range(251, 1_001)]
    assert len(list(query)) == 1_000


def test_empty_mappings_are_rows_of_defaults(shop: peewee.Database) -> None:
    class Slip(BaseModel):
        customer_phone = VarcharField(20, default="+1")
        expires_at = UtcDateTimeField(default=NOW)
        created_at = UtcDateTimeField(default=NOW)
        updated_at = UtcDateTimeField(default=NOW)

        class Meta:
            table_key = "carts"

    Slip.insert_many([{}]).execute()
    assert [slip.customer_phone for slip in Slip.select(Slip.customer_phone)] == ["+1"]


ROWS_OF_ALL = slice(None), slice(440, None), slice(-3, None), slice(None, None, 100), slice(2, 5), 7, -1, 449


@pytest.mark.parametrize("part", ROWS_OF_ALL, ids=str)
def test_a_part_of_a_query_is_that_part_of_its_rows(shop: peewee.Database, part: Any) -> None:
    many(450)
    assert numbers()[part] == list(numbers())[part]
    half = numbers()
    next(iter(half))
    assert half[part] == list(numbers())[part]


def test_rows_that_were_not_kept_are_not_passed_over(shop: peewee.Database) -> None:
    many(450)
    query = numbers()
    first = query.iterator()
    taken = [next(first) for _ in range(3)]
    again: list[Callable[[], Any]] = [lambda: list(query), lambda: query[5], lambda: list(query.iterator())]
    for read in again:
        with pytest.raises(peewee.ProgrammingError, match=r"use query.clone\(\)"):
            read()
    assert taken + list(first) == list(query.clone())
    kept = numbers()
    assert list(kept) == list(kept.iterator()) == list(kept)


def test_a_row_that_cannot_be_made_costs_no_other_row(shop: peewee.Database) -> None:
    class Picky(VarcharField[str]):
        refused = "150"

        def python_value(self, value: Any) -> Any:
            if value == self.refused:
                raise ValueError(value)
            return value

    class Contact(BaseModel):
        customer_phone = Picky(20)

        class Meta:
            table_key = "conversations"

    many(450)
    for kind in ("tuples", "dicts", "models"):
        taken = []
        query = getattr(Contact.select(Contact.customer_phone).order_by(Contact.id), kind)()
        with pytest.raises(ValueError, match="150"):
            for row in query.iterator():
                taken.append(row)
        assert len(taken) == 149
        query = query.clone()
        with pytest.raises(ValueError, match="150"):
            list(query)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Picky, "refused", "")
            assert len(list(query)) == len(query) == 450


def test_what_a_field_is_told_to_make_of_a_value_is_made(shop: peewee.Database) -> None:
    class Contact(BaseModel):
        customer_phone = peewee.BareField(adapt=lambda value: f"tel:{value}")

        class Meta:
            table_key = "conversations"

    many(2)
    assert [contact.customer_phone for contact in Contact.select(Contact.customer_phone)] == ["tel:1", "tel:2"]


def many(rows: int) -> None:
    Conversation.insert_many(
        [{"customer_phone": str(number), "wa_conversation_id": "x"} for number in range(1, rows + 1)]
    ).execute()


def numbers() -> Any:
    return Conversation.select(Conversation.id).order_by(Conversation.id).tuples()
