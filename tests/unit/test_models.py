"""Defaults, writes and reads of the models on SQLite; servers are in tests/integration."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import peewee
import pytest

from tests.support.bound import bound
from wch_peewee.errors import InvalidValue
from wch_peewee.models.fields import utc_now
from wch_peewee.models.tables import (
    MODELS,
    BaseModel,
    BroadcastCampaign,
    CampaignStatus,
    Cart,
    Conversation,
    ConversationStatus,
    CustomerProfile,
    Message,
    MessageDirection,
    MessageStatus,
    MessageType,
    SyncAction,
    SyncEntityType,
    SyncQueueItem,
    SyncStatus,
)

LONG_AGO = datetime(2020, 1, 1)


@pytest.fixture(autouse=True)
def shop() -> Iterator[peewee.Database]:
    database = peewee.SqliteDatabase(":memory:", pragmas={"foreign_keys": 1})
    with bound(database, "wp_"):
        database.create_tables(MODELS)
        yield database
    database.close()


def conversation(**values: Any) -> Conversation:
    return Conversation.create(**{"customer_phone": "+15550100", "wa_conversation_id": "wamid.1"} | values)


def message(parent: Conversation, number: int = 1, **values: Any) -> Message:
    return Message.create(
        conversation=parent,
        wa_message_id=f"wamid.{number}",
        **{"direction": MessageDirection.INBOUND, "message_type": MessageType.TEXT} | values,
    )


def stored(model: type[BaseModel], column: str) -> Any:
    database: Any = model._meta.database
    return database.execute_sql(f"SELECT {column} FROM {model._meta.table_name}").fetchone()[0]


def test_a_new_row_has_its_defaults_in_the_database_too() -> None:
    before = utc_now()
    talk = Conversation.get_by_id(conversation().id)
    assert (talk.status, talk.context, talk.assigned_agent_id) == (ConversationStatus.PENDING, {}, None)
    for moment in (talk.created_at, talk.updated_at, talk.last_message_at):
        assert moment is not None
        assert before <= moment <= utc_now()
    sent = Message.get_by_id(message(talk).id)
    assert (sent.status, sent.content, sent.conversation_id) == (MessageStatus.SENT, {}, talk.id)
    cart = Cart.get_by_id(Cart.create(customer_phone="1", expires_at="2030-01-02").id)
    assert (cart.items, cart.shipping_address, cart.coupon_code) == ([], {}, None)
    assert cart.expires_at == datetime(2030, 1, 2)
    profile = CustomerProfile.get_by_id(CustomerProfile.create(phone="1", name="Zoë").id)
    assert (profile.saved_addresses, profile.preferences, profile.opt_in_marketing) == ([], {}, False)
    campaign = BroadcastCampaign.get_by_id(BroadcastCampaign.create(name="Spring", template_name="sale").id)
    assert (campaign.status, campaign.sent_count, campaign.scheduled_at) == (CampaignStatus.DRAFT, 0, None)
    item = SyncQueueItem.get_by_id(SyncQueueItem.create(entity_type="order", entity_id=7, action="update").id)
    assert (item.entity_type, item.action) == (SyncEntityType.ORDER, SyncAction.UPDATE)
    assert (item.status, item.attempts, item.error_message) == (SyncStatus.PENDING, 0, None)


def test_parents_know_their_children_and_take_them_along() -> None:
    talk, other = conversation(), conversation()
    first, second = message(talk, 1), message(talk, 2, direction="outbound")
    message(other, 3)
    assert list(talk.messages) == [first, second]
    assert talk.messages.where(Message.direction == MessageDirection.OUTBOUND).get() == second
    assert Message.get_by_id(second.id).conversation == talk
    talk.delete_instance()
    assert Message.select().count() == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda: Conversation.create(customer_phone="1"),
        lambda: Conversation(customer_phone="1").save(),
        lambda: Conversation.insert(customer_phone="1").execute(),
        lambda: Conversation.insert({Conversation.customer_phone: "1"}).execute(),
        lambda: Conversation.insert_many([{"customer_phone": "1", "wa_conversation_id": "2"}, {"customer_phone": "3"}]),
        lambda: Conversation.insert_many([("1",)], fields=["customer_phone"]),
        lambda: Conversation.replace(customer_phone="1").execute(),
    ],
)
def test_what_is_needed_is_asked_for_and_not_made_up(write: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^Conversation: a value is needed for wa_conversation_id\.$"):
        write()
    assert Conversation.select().count() == 0


def test_a_column_with_a_servers_default_can_be_left_out(shop: peewee.Database) -> None:
    class Note(BaseModel):
        text = peewee.TextField()
        rank = peewee.IntegerField(constraints=[peewee.SQL("DEFAULT 7"), peewee.Check("rank > 0")])
        name = peewee.TextField(constraints=[peewee.Check("name <> ''")])

        class Meta:
            database = shop

    shop.create_tables([Note])
    Note.create(text="a", name="b")
    Note.insert_many([{"text": "c", "name": "d"}]).execute()
    assert [row.rank for row in Note.select()] == [7, 7]
    with pytest.raises(InvalidValue, match=r"^Note: a value is needed for name\.$"):
        Note.create(text="a")


def test_an_alias_can_be_selected_beside_another_model() -> None:
    talk = conversation()
    message(talk)
    parent = Conversation.alias()
    (row,) = Message.select(Message, parent).join(parent, on=(Message.conversation == parent.id))
    assert row.conversation == talk
    row.conversation.assigned_agent_id = 7
    assert row.conversation.dirty_field_names == ["assigned_agent_id"]


@pytest.mark.parametrize(
    "write",
    [
        lambda row: Conversation.update(customer_phone="1" * 25).execute(),
        lambda row: Conversation.update({"customer_phone": None}).execute(),
        lambda row: Conversation.bulk_update([_with(row, status="unknown")], ["status"]),
        lambda row: _with(row, context={"a": float("nan")}).save(),
        lambda row: Conversation.insert_many([("1" * 21, "2")], ["customer_phone", "wa_conversation_id"]).execute(),
        lambda row: Conversation.bulk_create([Conversation(customer_phone="1", wa_conversation_id="x" * 101)]),
        lambda row: Conversation.get_or_create(customer_phone="2", defaults={"wa_conversation_id": 3}),
        lambda row: Message.create(conversation=Conversation(), direction="inbound", message_type="text",
                                   wa_message_id="1"),
    ],
)  # fmt: skip
def test_no_way_of_writing_gets_past_the_checks(write: Any) -> None:
    row = conversation()
    before = list(Conversation.select().dicts())
    with pytest.raises(InvalidValue):
        write(row)
    assert list(Conversation.select().dicts()) == before


def _with(row: Conversation, **values: Any) -> Conversation:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def test_many_rows_at_once_are_filled_like_one_and_lose_no_key() -> None:
    Conversation.insert_many(
        [
            {"customer_phone": "1", "wa_conversation_id": "1"},
            {"customer_phone": "2", Conversation.wa_conversation_id: "2", "status": "closed", "context": {"a": 1}},
        ]
    ).execute()
    Conversation.insert_many([("3", "3")], fields=[Conversation.customer_phone, "wa_conversation_id"]).execute()
    Conversation.bulk_create([Conversation(customer_phone="4", wa_conversation_id="4", context=None)])
    rows = list(Conversation.select().order_by(Conversation.id))
    assert [row.status for row in rows] == ["pending", "closed", "pending", "pending"]
    assert [row.context for row in rows] == [{}, {"a": 1}, {}, {}]
    assert all(row.created_at and row.updated_at and row.last_message_at for row in rows)
    parent = rows[0]
    Message.insert_many(
        [{"conversation": parent, "direction": "inbound", "message_type": "text", "wa_message_id": "1"},
         {"conversation_id": parent.id, "direction": "inbound", "message_type": "text", "wa_message_id": "2"}]
    ).execute()  # fmt: skip
    assert parent.messages.count() == 2


@pytest.mark.parametrize(
    "write",
    [
        lambda row: _with(row, status="active").save(),
        lambda row: _with(row, status="active").save(only=["status"]),
        lambda row: _with(row, status="active").save(only=[Conversation.status]),
        lambda row: Conversation.update(status="active").execute(),
        lambda row: Conversation.update({Conversation.status: "active"}).where(Conversation.id == row.id).execute(),
        lambda row: Conversation.set_by_id(row.id, {"status": "active"}),
        lambda row: Conversation.bulk_update([_with(row, status="active")], fields=["status"]),
        lambda row: row.context.update(a=1) or row.save(),
    ],
)
def test_whatever_writes_touches_updated_at(write: Any) -> None:
    row = conversation(created_at=LONG_AGO, updated_at=LONG_AGO)
    write(row)
    now = Conversation.get()
    assert now.updated_at >= utc_now() - timedelta(minutes=1)
    assert now.created_at == LONG_AGO


def test_a_save_tells_the_instance_what_it_wrote() -> None:
    row = conversation(updated_at=LONG_AGO)
    _with(row, status="active").save()
    assert row.updated_at == Conversation.get().updated_at != LONG_AGO


def test_updated_at_can_be_given_and_is_not_touched_in_vain() -> None:
    row = conversation(updated_at=LONG_AGO)
    assert not row.save()
    assert Conversation.get().updated_at == LONG_AGO
    other = LONG_AGO + timedelta(days=1)
    _with(row, status="active", updated_at=other).save()
    assert Conversation.get().updated_at == other
    Conversation.update(status="closed", updated_at=LONG_AGO).execute()
    assert Conversation.get().updated_at == LONG_AGO
    item = SyncQueueItem.create(entity_type="order", entity_id=7, action="update")
    assert _with(item, attempts=1).save() == 1  # type: ignore[arg-type]


def test_a_save_leaves_alone_what_somebody_else_changed() -> None:
    mine = Conversation.get_by_id(conversation().id)
    assert mine.context == {}
    Conversation.update(context={"theirs": 1}, assigned_agent_id=7).execute()
    _with(mine, status="active").save()
    now = Conversation.get()
    assert (now.status, now.context, now.assigned_agent_id) == ("active", {"theirs": 1}, 7)


def test_a_row_known_by_its_id_alone_keeps_its_other_columns() -> None:
    row = conversation(context={"a": 1}, created_at=LONG_AGO)
    Conversation(id=row.id, status="closed").save()
    now = Conversation.get()
    assert (now.status, now.context, now.created_at) == ("closed", {"a": 1}, LONG_AGO)


def test_changes_inside_a_document_are_written() -> None:
    row = Conversation.get_by_id(conversation(context={"a": {"b": []}}).id)
    held = row.context
    assert not row.is_dirty()
    held["a"]["b"].append("\U0001f600")
    assert row.is_dirty()
    assert [field.name for field in row.dirty_fields] == ["context"]
    row.save()
    assert Conversation.get().context == {"a": {"b": ["\U0001f600"]}}
    held["c"] = True
    row.save(only=["status"])
    assert Conversation.get().context == {"a": {"b": ["\U0001f600"]}}
    row.save()
    assert Conversation.get().context == {"a": {"b": ["\U0001f600"]}, "c": True}
    held["c"] = 1  # equal in Python, another thing in JSON
    row.save()
    assert Conversation.get().context["c"] is not True
    assert not row.save()


def test_a_document_given_and_changed_later_is_written() -> None:
    mine: dict[str, Any] = {}
    row = conversation(context=mine)
    mine["later"] = 1
    row.save()
    fresh = Conversation(customer_phone="1", wa_conversation_id="2")
    fresh.context["early"] = 1
    fresh.save()
    assert [talk.context for talk in Conversation.select()] == [{"later": 1}, {"early": 1}]


def test_what_php_left_reads_as_none_and_survives_a_save(shop: peewee.Database) -> None:
    row = conversation()
    table = Conversation._meta.table_name
    shop.execute_sql(f"UPDATE {table} SET context = NULL, created_at = '0000-00-00 00:00:00', status = 'archived'")
    row = Conversation.get()
    assert (row.context, row.created_at, row.status) == (None, None, "archived")
    assert Conversation.select().where(Conversation.context == None).count() == 1  # noqa: E711
    assert Conversation.get_or_none(context=None) == row
    _with(row, assigned_agent_id=3).save()
    assert [stored(Conversation, column) for column in ("context", "created_at", "status", "assigned_agent_id")] == [
        None, "0000-00-00 00:00:00", "archived", 3,
    ]  # fmt: skip
    _with(row, context=None).save()
    assert stored(Conversation, "context") == "{}"
    Conversation.update(context=None).execute()
    assert stored(Conversation, "context") == "{}"
    shop.execute_sql(f"UPDATE {table} SET status = ''")
    assert Conversation.get().status is None


def test_the_same_lookup_twice_makes_one_row() -> None:
    first, made = Cart.get_or_create(customer_phone="1", defaults={"expires_at": utc_now()})
    again, made_again = Cart.get_or_create(customer_phone="1", defaults={"expires_at": utc_now()})
    assert (made, made_again) == (True, False)
    assert first == again
    with pytest.raises(peewee.IntegrityError):
        Cart.create(customer_phone="1", expires_at=utc_now())


def test_joins_aliases_and_prefetch_work() -> None:
    talk = conversation()
    first, second = message(talk, 1), message(talk, 2)
    joined = list(Message.select(Message, Conversation).join(Conversation).where(Conversation.customer_phone != ""))
    assert [row.conversation.wa_conversation_id for row in joined] == ["wamid.1"] * 2
    assert not joined[0].is_dirty()
    later = Message.alias("later")
    pairs = Message.select(Message.id, later.id.alias("next")).join(later, on=(later.id > Message.id)).tuples()
    assert list(pairs) == [(first.id, second.id)]
    assert [row.id for row in later.select().where(later.direction == "inbound")] == [first.id, second.id]
    assert [list(row.messages) for row in peewee.prefetch(Conversation.select(), Message)] == [[first, second]]
    assert [list(row.messages) for row in Conversation.select().with_related(Conversation.messages)] == [
        [first, second]
    ]
    assert Conversation.select().where(Conversation.id.in_(Message.select(Message.conversation))).get() == talk
    newest = Message.select(peewee.fn.MAX(Message.created_at)).scalar()
    assert isinstance(newest, datetime)
    assert Message.select().where(Message.created_at.year == newest.year).count() == 2
    assert Message.filter(conversation__customer_phone="+15550100").count() == 2


def test_an_instance_can_be_copied_and_pickled() -> None:
    row = Conversation.get_by_id(conversation(context={"a": 1}).id)
    for twin in (copy.copy(row), copy.deepcopy(row), pickle.loads(pickle.dumps(row))):
        assert twin == row
        assert twin.context == {"a": 1}
        twin.status = "closed"
        assert twin.save() == 1


def test_a_model_cannot_be_deleted_as_an_instance_by_mistake() -> None:
    with pytest.raises(TypeError):
        conversation().delete()
