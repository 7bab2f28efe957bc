"""One class for each table and site: relations, queries, pickles and threads of two sites do not meet."""

from __future__ import annotations

import asyncio
import copy
import gc
import multiprocessing
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
import pytest
from playhouse.shortcuts import model_to_dict

from tests.support.bound import bound, unbind, without_new_references
from wch_peewee import (
    WORDPRESS,
    ConfigurationError,
    InvalidValue,
    Namespace,
    Plugin,
    UnknownTable,
    db_delta,
    get_table_name,
)
from wch_peewee.models.fields import IdField, ReferenceField, VarcharField, utc_now
from wch_peewee.models.site import SiteModels
from wch_peewee.models.tables import MODELS, BaseModel, Cart, Conversation, Message, SyncQueueItem

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    with without_new_references():
        yield
    unbind()


def opened(path: Path) -> Plugin:
    plugin = Plugin(f"sqlite:///{path}")
    for prefix in ("wp_", "wp_2_"):
        plugin.at(prefix).activate()
    return plugin


@pytest.fixture
def east(tmp_path: Path) -> Iterator[Plugin]:
    yield (plugin := opened(tmp_path / "east.db"))
    plugin.database.close()


@pytest.fixture
def west(tmp_path: Path) -> Iterator[Plugin]:
    yield (plugin := opened(tmp_path / "west.db"))
    plugin.database.close()


def talk(models: SiteModels, phone: str) -> Conversation:
    return models.Conversation.create(customer_phone=phone, wa_conversation_id=phone)


def message(models: SiteModels, parent: Conversation | int, name: str = "m") -> Message:
    return models.Message.create(conversation=parent, direction="inbound", message_type="text", wa_message_id=name)


def phones(models: SiteModels) -> list[str]:
    return [row.customer_phone for row in models.Conversation.select().order_by(models.Conversation.id)]


# --- the classes


def test_a_model_is_made_once_and_is_an_ordinary_one(east: Plugin) -> None:
    cart = east.model(Cart)
    assert cart is east.models.Cart is east.model(Cart) is east.model(cart)
    assert issubclass(cart, Cart)
    assert (cart._meta.table_name, cart._meta.database) == ("wp_wch_carts", east.database)
    assert (cart.__name__, cart.__module__, cart.__doc__) == (Cart.__name__, Cart.__module__, Cart.__doc__)
    assert [model.__name__ for model in east.models] == [model.__name__ for model in MODELS]
    assert east.models._fields == tuple(model.__name__ for model in MODELS)
    assert [field.column_name for field in east.models.Message._meta.sorted_fields] == [
        field.column_name for field in Message._meta.sorted_fields
    ]
    with pytest.raises(Cart.DoesNotExist):
        cart.get()


def test_the_plugin_of_another_site_is_kept(east: Plugin) -> None:
    second = east.at("wp_2_")
    assert second is east.site(2) is east.at("wp_2_")
    assert second.at("wp_") is second.at("wp_2_").at("wp_") is east is east.site(1)
    assert second.models.Cart is east.at("wp_2_").models.Cart is not east.models.Cart
    assert (second.prefix, second.database) == ("wp_2_", east.database)
    assert second.manager.prefix == "wp_2_"
    assert second.models.Cart._meta.table_name == "wp_2_wch_carts"
    # Two plugins with one peewee database are one place.
    assert Plugin(east.database).models.Cart is east.models.Cart
    for wrong in ("no-good", "x" * 60):
        with pytest.raises(ConfigurationError, match="prefix"):
            east.at(wrong)
    with pytest.raises(ConfigurationError, match="site's id"):
        east.site(-1)
    with pytest.raises(ConfigurationError, match=r"wp_2_ is a site's prefix; ask the plugin of the network \(wp_\)"):
        second.site(3)
    wrong_models: list[Any] = ["Cart", peewee.Model, Cart(id=1), second.models.Cart(id=1), None]
    for wrong in wrong_models:
        with pytest.raises(ConfigurationError, match=r"Expected a model such as wch_peewee\.Cart"):
            east.model(wrong)


def test_relations_are_among_the_models_of_one_site(east: Plugin) -> None:
    for plugin in (east, east.at("wp_2_")):
        models = plugin.models
        field: Any = models.Message.conversation
        assert field.rel_model is models.Conversation
        assert field.rel_field is models.Conversation.id
        assert (field.backref, field.column_name, field.on_delete) == ("messages", "conversation_id", "CASCADE")
        backref: Any = models.Conversation.messages
        assert backref.rel_model is models.Message
        assert list(models.Conversation._meta.backrefs.values()) == [models.Message]
    assert list(Conversation._meta.backrefs.values()) == [Message]
    reference: Any = Message.conversation
    assert reference.rel_model is Conversation


def test_a_model_brings_its_children_with_it(east: Plugin) -> None:
    """Else a row's messages would be those that the declared model has: another site's, after bind()."""
    east.bind()
    message(east.models, talk(east.models, "1"))
    row = east.at("wp_2_").model(Conversation).create(customer_phone="1", wa_conversation_id="1")
    assert list(row.messages) == []
    assert [field.model for field in type(row)._meta.backrefs] == [east.at("wp_2_").models.Message]


def test_threads_get_the_same_classes(tmp_path: Path) -> None:
    plugin = Plugin(f"sqlite:///{tmp_path / 'shop.db'}")
    barrier = threading.Barrier(8)
    seen: list[tuple[SiteModels, ...]] = []

    def look() -> None:
        barrier.wait(30)
        seen.append(tuple(plugin.at(f"t{number}_").models for number in range(5)))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert set(seen) == {seen[0]}
    for models in seen[0]:
        assert list(models.Conversation._meta.backrefs.values()) == [models.Message]


def test_a_site_that_nobody_uses_is_forgotten(tmp_path: Path) -> None:
    plugin = Plugin(f"sqlite:///{tmp_path / 'shop.db'}")
    kept = weakref.ref(plugin.models.Message)
    del plugin
    gc.collect()
    assert kept() is None


def test_a_subclass_of_a_site_s_model_is_at_that_site(east: Plugin) -> None:
    class OpenCart(east.at("wp_2_").models.Cart):  # type: ignore[misc]
        note = VarcharField(10, null=True)

    assert (OpenCart._meta.table_name, OpenCart._meta.database) == ("wp_2_wch_carts", east.database)
    assert OpenCart._meta.columns.keys() == {*Cart._meta.columns, "note"}
    assert east.at("wp_2_").model(OpenCart) is OpenCart
    with pytest.raises(
        ConfigurationError, match=r"OpenCart belongs to sqlite:.*prefix wp_2_\); expected a model without"
    ):
        east.model(OpenCart)


def test_a_model_of_an_author_s_own_has_sites_too(east: Plugin) -> None:
    class Talk(BaseModel):
        id = IdField()
        customer_phone = VarcharField(20)
        wa_conversation_id = VarcharField(100)

        class Meta:
            table_key = "conversations"

    class Line(BaseModel):
        id = IdField()
        conversation = ReferenceField(Talk, backref="lines")

        class Meta:
            table_key = "messages"

    plugin = Plugin(east.database, models=[Talk, Line])
    line: Any = plugin.model(Line)
    assert line.conversation.rel_model is plugin.model(Talk)
    talk(east.models, "+1")
    message(east.models, 1)
    assert [one.customer_phone for one in plugin.model(Talk).select()] == ["+1"]
    assert [len(one.lines) for one in plugin.model(Talk).select()] == [1]  # type: ignore[attr-defined]
    plugin.bind()
    assert Talk.get().customer_phone == "+1"

    class Note(BaseModel):
        text = VarcharField(10)

    assert Note._meta.table_name == "note"
    with pytest.raises(ConfigurationError, match=r"Note has no Meta\.table_key"):
        plugin.model(Note)


def test_db_delta_takes_the_models_of_a_site(east: Plugin) -> None:
    third = east.at("wp_3_").models
    assert "Created table wp_3_wch_carts" in db_delta(third)
    assert not db_delta(third)
    assert third.Cart.select().count() == 0


def test_indexes_are_named_after_the_table(east: Plugin) -> None:
    names = [index._name for index in east.at("x_").models.SyncQueueItem._meta.fields_to_index()]
    assert names == ["x_wch_sync_queue_status", "x_wch_sync_queue_created_at", "x_wch_sync_queue_entity_type_id"]


# --- queries and rows


def test_prefixes_and_databases_keep_their_own_rows(east: Plugin, west: Plugin) -> None:
    places = [plugin.at(prefix).models for plugin in (east, west) for prefix in ("wp_", "wp_2_")]
    for number, models in enumerate(places):
        row = talk(models, f"+{number}")
        message(models, row, f"m{number}")
    for number, models in enumerate(places):
        assert phones(models) == [f"+{number}"]
        assert models.Conversation.table_exists()
        (row,) = models.Conversation.select().prefetch(models.Message)
        assert [one.wa_message_id for one in row.messages] == [f"m{number}"]
        assert models.Message.get().conversation == row
        row.status = "closed"
        assert row.save() == 1
        assert [one.Conversation.select().where(one.Conversation.status == "closed").count() for one in places] == [
            *[1] * (number + 1),
            *[0] * (3 - number),
        ]
    assert not east.at("wp_3_").models.Conversation.table_exists()


def test_every_kind_of_query_names_the_tables_of_its_site() -> None:
    models = Plugin("sqlite:///:memory:", prefix="x_").models
    talks, messages = models.Conversation, models.Message
    other = talks.alias()
    cte = talks.select(talks.id).cte("recent")
    queries: list[Any] = [
        talks.select().where(talks.id == 1).order_by(talks.id),
        talks.update(status="active").where(talks.id == 1),
        talks.insert(customer_phone="1", wa_conversation_id="1"),
        talks.insert_many([("1", "1")], ["customer_phone", "wa_conversation_id"]),
        talks.insert_from(talks.select(talks.customer_phone), ["customer_phone"]),
        talks.replace(customer_phone="1", wa_conversation_id="1"),
        talks.delete().where(talks.id == 1),
        talks.alias().select(),
        talks.select() | talks.select(),
        talks.select(talks, other).join(other, on=(talks.id < other.id)),
        messages.select().join(talks),
        messages.select().where(messages.conversation.in_(talks.select())),
        messages.select().join(cte, on=(messages.conversation == cte.c.id)).with_cte(cte),
        talks.select().where(talks.id == 1).union_all(talks.select()).limit(1),
    ]
    for query in queries:
        sql, _ = query.sql()
        assert "x_wch_" in sql
        assert "wp_" not in sql


def test_a_row_through_an_alias_is_one_that_was_loaded(east: Plugin) -> None:
    models = east.at("wp_2_").models
    other = talk(east.models, "+1")
    talk(models, "+2")
    alias = models.Conversation.alias("a")
    row = alias.select().get()
    assert type(row) is models.Conversation
    assert not row.is_dirty()
    models.Conversation.update(status="closed").execute()
    row.assigned_agent_id = 7
    assert row.save() == 1
    assert models.Conversation.get().status == "closed"
    assert east.models.Conversation.get() == other
    assert east.models.Conversation.get().assigned_agent_id is None
    part = alias.select(alias.id, peewee.fn.LENGTH(alias.customer_phone).alias("length")).get()
    assert (part.length, part.status, part.is_dirty()) == (2, None, False)
    pairs = models.Conversation.select(models.Conversation, alias).join(
        alias, on=(models.Conversation.id == alias.id), attr="twin"
    )
    assert [(one.twin.customer_phone, one.twin.is_dirty()) for one in pairs] == [("+2", False)]


def _mixed(east: Plugin, other: Plugin) -> Iterator[Callable[[], object]]:
    ours, theirs = east.models, talk(other.models, "+theirs")
    own = talk(ours, "+ours")
    row = message(ours, own)
    yield lambda: ours.Message(conversation=theirs)
    yield lambda: message(ours, theirs, "new")
    yield lambda: setattr(row, "conversation", theirs)
    yield lambda: list(ours.Message.select().where(ours.Message.conversation == theirs))
    yield lambda: list(ours.Message.select().where(ours.Message.conversation.in_([own, theirs])))
    yield lambda: list(ours.Conversation.select().where(ours.Conversation.id == theirs))
    yield lambda: list(ours.Conversation.select().where(ours.Conversation.id << [theirs]))
    yield lambda: ours.Message.get_or_none(conversation=theirs)
    yield ours.Message.update(conversation=theirs).execute
    yield lambda: ours.Message.insert_many([{**row.__data__, "conversation": theirs}]).execute()
    yield lambda: ours.Conversation.bulk_update([own, theirs], ["status"])
    yield lambda: ours.Conversation.bulk_create([theirs])
    east.bind()
    yield lambda: Message(conversation=theirs)
    yield lambda: list(Message.select().where(Message.conversation == theirs))
    yield lambda: Conversation.bulk_update([theirs], ["status"])


@pytest.mark.parametrize("where", ["prefix", "database"])
def test_rows_of_two_sites_are_not_mixed(east: Plugin, west: Plugin, where: str) -> None:
    other = east.at("wp_2_") if where == "prefix" else west
    for mix in _mixed(east, other):
        before = [list(model.select().dicts()) for model in (*east.models, *other.models)]
        with pytest.raises(InvalidValue, match="rows of two sites cannot be mixed"):
            mix()
        assert [list(model.select().dicts()) for model in (*east.models, *other.models)] == before
    one, two = east.models.Conversation.get(), other.models.Conversation.get()
    assert one.id == two.id
    assert one != two
    assert two not in [one]


def test_a_row_of_another_table_is_no_parent(east: Plugin) -> None:
    item = east.models.SyncQueueItem.create(entity_type="order", entity_id=1, action="update")
    with pytest.raises(
        InvalidValue, match=r"Message\.conversation: a row of Conversation is needed, <SyncQueueItem: 1>"
    ):
        message(east.models, item)  # type: ignore[arg-type]


def test_both_classes_of_a_bound_site_are_one_place(east: Plugin) -> None:
    east.bind()
    bound_row = Conversation.create(customer_phone="+1", wa_conversation_id="1")
    row = east.models.Conversation.get()
    message(east.models, bound_row, "1")
    Message.create(conversation=row, direction="inbound", message_type="text", wa_message_id="2")
    assert bound_row.messages.count() == row.messages.count() == 2
    assert east.models.Message.select().where(east.models.Message.conversation == bound_row).count() == 2


def test_a_query_is_over_one_site(east: Plugin, west: Plugin) -> None:
    ours = east.models
    own = message(ours, talk(ours, "+ours"))
    for other in (east.at("wp_2_"), west):
        theirs = other.models
        foreign = talk(theirs, "+theirs")
        alias = theirs.Conversation.alias()
        queries: list[Any] = [
            ours.Conversation.select() | theirs.Conversation.select(),
            ours.Conversation.select().where(theirs.Conversation.customer_phone == "+theirs"),
            ours.Message.select().where(ours.Message.conversation.in_(theirs.Conversation.select())),
            ours.Message.select(peewee.Case(ours.Message.conversation, [(foreign, 1)], 0)),
            ours.Message.select().where(
                peewee.Tuple(ours.Message.conversation, ours.Message.direction).in_([(foreign, "inbound")])
            ),
            ours.Message.select().join(alias, on=(ours.Message.conversation == alias.id)),
            ours.Conversation.update(status="closed").where(theirs.Conversation.id == 1),
            ours.Message.delete().where(ours.Message.conversation == theirs.Conversation.id),
            ours.Conversation.insert_from(theirs.Conversation.select(theirs.Conversation.context), ["context"]),
            ours.Conversation.select().order_by(theirs.Conversation.id),
        ]
        for query in queries:
            with pytest.raises(InvalidValue, match=r"rows of two sites cannot be mixed.*query each site by itself"):
                query.execute()
        with pytest.raises(InvalidValue, match=r"rows of two sites cannot be mixed"):
            list(ours.Conversation.select().where(ours.Conversation.id == foreign))
    assert [row.status for row in ours.Conversation.select()] == ["pending"]
    assert ours.Message.get() == own


def test_a_declared_model_in_a_query_of_a_site_is_the_bound_one_or_an_error(east: Plugin) -> None:
    models = east.models
    row = talk(models, "+1")
    for bind_it in (lambda: None, east.at("wp_2_").bind):
        bind_it()
        for query in (
            models.Conversation.select().where(Conversation.customer_phone == "+1"),
            models.Message.select().where(models.Message.conversation.in_(Conversation.select())),
            models.Conversation.select(Conversation.customer_phone),
        ):
            with pytest.raises(
                InvalidValue, match=r"cannot use both .*Conversation \(the declared model\).*plugin\.model\("
            ):
                list(query)
    east.bind()
    assert models.Conversation.get(Conversation.customer_phone == "+1") == row
    assert models.Conversation.select(Conversation.id).order_by(Conversation.customer_phone).get().id == row.id
    message(models, row)
    assert models.Message.select().where(models.Message.conversation.in_(Conversation.select())).count() == 1
    assert Conversation.get() == row == models.Conversation.get()
    assert len({Conversation.get(), row}) == 1
    assert Conversation.get() != models.Message.get()
    assert talk(east.at("wp_2_").models, "+1") not in (row, Conversation.get())


@pytest.mark.parametrize("is_bound", [True, False])
def test_a_declared_field_is_as_good_a_key_as_the_sites(east: Plugin, is_bound: bool) -> None:
    if is_bound:
        east.at("wp_2_").bind()

    class Noted(Conversation):
        note = peewee.CharField(null=True)

    model: Any = east.models.Conversation
    values = {Conversation.customer_phone: "+1", Conversation.wa_conversation_id: "w"}
    model.insert(values).execute()
    model.insert_many([values]).execute()
    model.update({Conversation.customer_phone: "+2"}).where(model.id == 1).execute()
    row = model.get(model.id == 1)
    row.customer_phone, row.wa_conversation_id = "+3", "x"
    row.save(only=[Conversation.customer_phone])
    row.status = "closed"
    model.bulk_update([row], [Conversation.status])
    stored = model.select(model.customer_phone, model.wa_conversation_id, model.status).order_by(model.id).tuples()
    assert list(stored) == [("+3", "w", "closed"), ("+1", "w", "pending")]
    hidden = [Conversation.customer_phone, Conversation.context]
    assert not {"customer_phone", "context"} & set(model_to_dict(row, exclude=hidden))
    assert model_to_dict(row, only=[Conversation.customer_phone]) == {"customer_phone": "+3"}
    noted = east.model(Noted)(note="secret")
    assert "note" not in model_to_dict(noted, exclude=[Noted.note])
    # An alias' fields are its own.
    assert model.alias().customer_phone not in dict.fromkeys(hidden)


def test_hosts_references_take_rows_of_their_own_site(east: Plugin, west: Plugin) -> None:
    east.bind()

    class Order(peewee.Model):
        conversation: Any = peewee.ForeignKeyField(Conversation, backref="orders")
        later: Any = peewee.DeferredForeignKey("Reminder", null=True)

        class Meta:
            database = east.database

    class Tag(peewee.Model):
        conversations: Any = peewee.ManyToManyField(Conversation, backref="tags")

        class Meta:
            database = east.database

    class Reminder(peewee.Model):
        class Meta:
            database = east.database

    through = Tag.conversations.get_through_model()
    east.database.create_tables([Reminder, Order, Tag, through])
    own: Any = talk(east.models, "+ours")
    order, tag = Order.create(conversation=own), Tag.create()
    tag.conversations.add(own)
    for other in (east.at("wp_2_"), west):
        theirs: Any = talk(other.models, "+theirs")
        for mix in (
            lambda: Order(conversation=theirs),  # noqa: B023
            lambda: Order.insert(conversation=theirs).execute(),  # noqa: B023
            lambda: Order.insert_many([{"conversation": theirs}]).execute(),  # noqa: B023
            lambda: Order.update(conversation=theirs).execute(),  # noqa: B023
            lambda: setattr(order, "conversation", theirs),  # noqa: B023
            lambda: list(Order.select().where(Order.conversation == theirs)),  # noqa: B023
            lambda: tag.conversations.add(theirs),  # noqa: B023
            lambda: tag.conversations.add([own, theirs]),  # noqa: B023
            lambda: tag.conversations.add(type(theirs).select()),  # noqa: B023
            lambda: tag.conversations.remove(theirs),  # noqa: B023
            lambda: setattr(tag, "conversations", [theirs]),  # noqa: B023
            lambda: list(theirs.orders),  # noqa: B023
            lambda: list(theirs.tags),  # noqa: B023
            lambda: theirs.tags.add(tag),  # noqa: B023
        ):
            with pytest.raises(InvalidValue, match="rows of two sites cannot be mixed"):
                mix()
    assert (order.conversation, Order.get().conversation_id, list(tag.conversations)) == (own, own.id, [own])
    # The class of the bound site is the same place.
    for row in (own, Conversation.get()):
        assert [one.id for one in row.orders] == [order.id]
        assert [one.id for one in row.tags] == [tag.id]
        order.conversation = row
        assert order.save() == 1
        assert Order.get(conversation=row) == order
        tag.conversations.remove(row)
        tag.conversations.add(row)
    with pytest.raises(InvalidValue, match=r"Order\.conversation: a row of Conversation is needed"):
        order.conversation = east.models.SyncQueueItem(id=1)


def test_children_of_a_subclass_are_of_its_site(east: Plugin) -> None:
    class Ticketed(Conversation):
        class Meta:
            table_key = "conversations"

    east.bind()
    message(east.models, talk(east.models, "+1"), "secret of wp_")
    site = east.at("wp_2_")
    row = site.model(Ticketed).create(customer_phone="+2", wa_conversation_id="2")
    assert list(row.messages) == []
    own = message(site.models, row, "own")
    assert list(row.messages) == [own]
    assert [one.wa_message_id for one in Ticketed.get().messages] == ["secret of wp_"]


def test_a_deferred_reference_is_not_to_the_next_sites_class(east: Plugin) -> None:
    class Waiting(peewee.Model):
        conversation = peewee.DeferredForeignKey("Conversation")

    try:
        assert east.at("x_").models.Conversation._meta.table_name == "x_wch_conversations"
        assert "conversation" not in Waiting._meta.refs
        peewee.DeferredForeignKey.resolve(Conversation)  # type: ignore[attr-defined]
        (reference,) = Waiting._meta.refs
        assert reference.rel_model is Conversation
    finally:
        peewee.DeferredForeignKey._unresolved.clear()  # type: ignore[attr-defined]


# --- pickles, copies, tasks


def test_rows_and_models_are_pickled_and_copied(east: Plugin, west: Plugin) -> None:
    for plugin in (east, east.at("wp_2_"), west):
        row = talk(plugin.models, "+1")
        row.context["a"] = 1
        for twin in (copy.copy(row), copy.deepcopy(row), *(pickle.loads(pickle.dumps(row, n)) for n in range(2, 6))):
            assert type(twin) is type(row)
            assert twin == row
            assert twin.context == {"a": 1}
            twin.status = "closed"
            assert twin.save() == 1
        assert pickle.loads(pickle.dumps(list(plugin.models))) == list(plugin.models)
        joined = plugin.models.Message(conversation=row)
        assert pickle.loads(pickle.dumps(joined)).conversation == row
    assert pickle.loads(pickle.dumps(Cart)) is Cart
    assert pickle.loads(pickle.dumps(Cart(id=3))) == Cart(id=3)


def close_it(row: Conversation) -> tuple[str, Any]:
    """Change a row, in the process that has unpickled it."""
    row.status = "closed"  # type: ignore[assignment]
    return type(row)._meta.table_name, row.save()


CHILD = """
import pickle, sys
from wch_peewee import Plugin
plugin = Plugin(sys.argv[1]) if sys.argv[1] else None
row = pickle.load(sys.stdin.buffer)
row.status = "closed"
assert row.save() == 1
assert plugin is None or type(row) is plugin.at(row._meta.site.prefix).models.Conversation
"""


def test_another_process_finds_the_class_of_a_pickled_row(east: Plugin, tmp_path: Path) -> None:
    def child(url: str, row: Conversation) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", CHILD, url]
        return subprocess.run(command, input=pickle.dumps(row), capture_output=True, cwd=ROOT)

    rows = [talk(east.at(prefix).models, "+1") for prefix in ("wp_", "wp_2_")]
    (tmp_path / "link.db").symlink_to(tmp_path / "east.db")
    for row, name in zip(rows, ("east.db", "link.db"), strict=True):
        done = child(f"sqlite:///{tmp_path / name}", row)
        assert done.returncode == 0, done.stderr.decode()
        assert type(row).get().status == "closed"
    for url in ("", "sqlite:///:memory:", f"sqlite:///{tmp_path / 'other.db'}"):
        said = child(url, rows[1]).stderr.decode().splitlines()[-1]
        assert f"A pickled Conversation belongs to sqlite:///{tmp_path / 'east.db'}, and this process has no" in said


def test_forks_find_it_as_they_are(east: Plugin) -> None:
    row = talk(east.at("wp_2_").models, "+1")
    east.database.close()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(close_it, (row,)) == ("wp_2_wch_conversations", 1)


def test_a_second_plugin_of_a_database_changes_nothing_for_the_first(east: Plugin, tmp_path: Path) -> None:
    text = pickle.dumps(talk(east.models, "+1"))
    second = Plugin(f"sqlite:///{tmp_path / 'east.db'}")
    assert type(pickle.loads(text)) is east.models.Conversation is not second.models.Conversation
    text = pickle.dumps(second.models.Conversation.get())
    second.database.close()
    del second
    gc.collect()
    assert pickle.loads(text) == east.models.Conversation.get()


def test_a_pickled_row_goes_to_the_database_that_was_named_later() -> None:
    one, two = peewee.MySQLDatabase(None), peewee.MySQLDatabase(None)
    plugins = [Plugin(one), Plugin(two)]
    new = pickle.dumps(plugins[1].models.Cart(id=1))
    assert type(pickle.loads(new)) is plugins[1].models.Cart
    one.init("one")
    two.init("two")
    for plugin in plugins:
        assert type(pickle.loads(pickle.dumps(plugin.models.Cart(id=1)))) is plugin.models.Cart


def test_a_database_in_memory_is_in_one_process() -> None:
    one, two = Plugin("sqlite:///:memory:"), Plugin("sqlite:///:memory:")
    for plugin in (one, two):
        plugin.database.connect()
        plugin.activate()
        row = talk(plugin.models, "+1")
        assert type(pickle.loads(pickle.dumps(row))) is plugin.models.Conversation
    text = pickle.dumps(row)
    two.database.close()
    del two, plugin, row
    gc.collect()
    with pytest.raises(ConfigurationError, match="One in memory is in one process alone"):
        pickle.loads(text)
    one.database.close()


def test_generators_and_tasks_are_nobodys_context(east: Plugin, west: Plugin) -> None:
    for number, plugin in enumerate((east, west)):
        for at in range(3):
            talk(plugin.models, f"+{number}{at}")

    async def read(plugin: Plugin) -> list[str]:
        seen = []
        for row in plugin.models.Conversation.select().order_by(plugin.models.Conversation.id).iterator():
            await asyncio.sleep(0)
            seen.append(row.customer_phone)
            row.status = "closed"
            row.save()
        return seen

    async def everything() -> list[list[str]]:
        return await asyncio.gather(read(east), read(west))

    assert asyncio.run(everything()) == [["+00", "+01", "+02"], ["+10", "+11", "+12"]]
    pairs = zip(east.models.Conversation.select(), west.models.Conversation.select(), strict=True)
    assert [(one.customer_phone[1], two.customer_phone[1]) for one, two in pairs] == [("0", "1")] * 3


def test_threads_keep_apart(tmp_path: Path) -> None:
    # A file for each thread, so that SQLite's lock on writers is not what is tested.
    plugins = [opened(tmp_path / f"{number}.db") for number in range(3)]
    barrier = threading.Barrier(3)
    failures: list[BaseException] = []

    def work(plugin: Plugin) -> None:
        try:
            for number in range(12):
                barrier.wait(30)
                for prefix in ("wp_", "wp_2_"):
                    models = plugin.at(prefix).models
                    row = talk(models, f"{prefix}{number}")
                    row.context["n"] = number
                    row.save()
                    assert phones(models) == [f"{prefix}{n}" for n in range(number + 1)]
                    assert {one.context["n"] for one in models.Conversation.select()} == set(range(number + 1))
        except BaseException as failure:
            failures.append(failure)
            barrier.abort()
        finally:
            plugin.database.close()

    threads = [threading.Thread(target=work, args=(plugin,)) for plugin in plugins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for plugin in plugins:
        plugin.database.close()
    assert not failures


# --- bind


def test_bind_gives_the_declared_models_a_site_until_the_next_one(east: Plugin, west: Plugin) -> None:
    assert get_table_name("carts") == Cart._meta.table_name == "wp_wch_carts"
    talk(east.at("wp_2_").models, "+2")
    east.at("wp_2_").bind()
    assert get_table_name("carts") == get_table_name("wch_carts") == Cart._meta.table_name == "wp_2_wch_carts"
    assert get_table_name("carts", "x_") == "x_wch_carts"
    assert get_table_name("carts", "") == "wch_carts"
    with pytest.raises(UnknownTable, match="conversations"):
        get_table_name("cart")
    row = Conversation.get()
    assert row.customer_phone == "+2"
    Message.create(conversation=row, direction="inbound", message_type="text", wa_message_id="1")
    assert [one.wa_message_id for one in row.messages] == ["1"]
    assert Plugin("sqlite:///:memory:").prefix == "wp_"
    west.bind()
    assert (get_table_name("carts"), Conversation.select().count()) == ("wp_wch_carts", 0)
    # The models of a site stay where they are.
    assert east.at("wp_2_").models.Conversation.select().count() == 1


def test_bind_reaches_what_is_made_of_the_models(east: Plugin) -> None:
    class Before(Cart):
        pass

    class Note(peewee.Model):
        conversation = peewee.ForeignKeyField(Conversation)

    site = east.at("wp_2_")
    site.bind()

    class After(Cart):
        pass

    for model in (Before, After):
        assert (model._meta.table_name, model._meta.database) == ("wp_2_wch_carts", east.database)
        assert model.select().count() == 0
    assert Note._meta.database is east.database
    assert Note._meta.table_name == "note"


def test_peewees_own_bind_gives_a_database(east: Plugin) -> None:
    with east.database.bind_ctx(MODELS):
        assert Cart.select().count() == 0
    with pytest.raises(ConfigurationError, match="Cart has no database"):
        Cart.select().count()
    with bound(east.database, "wp_2_"):
        assert Cart._meta.table_name == "wp_2_wch_carts"
    assert Cart._meta.table_name == "wp_wch_carts"


@pytest.mark.parametrize(
    "query",
    [
        lambda: list(Cart.select()),
        lambda: len(Cart.select()),
        lambda: Cart.select()[0],
        lambda: Cart.select().iterator(),
        lambda: Cart.select().count(),
        lambda: Cart.select().exists(),
        lambda: Cart.select().first(),
        lambda: Cart.select().scalar(),
        lambda: (Cart.select() | Cart.select()).count(),
        lambda: Cart.alias("c").select().count(),
        lambda: Cart.get_or_none(),
        lambda: Cart.get_or_create(customer_phone="1", defaults={"expires_at": datetime(2030, 1, 1)}),
        lambda: Cart.get_by_id(1),
        lambda: Cart.create(customer_phone="1", expires_at=utc_now()),
        lambda: Cart(id=1).delete_instance(),
        lambda: Cart.update(customer_phone="2").execute(),
        lambda: Cart.delete().execute(),
        lambda: Cart.raw("SELECT 1").execute(),
        lambda: Cart.bulk_create([Cart(customer_phone="1", expires_at=utc_now())]),
        lambda: Cart.table_exists(),
        lambda: Cart.create_table(),
        lambda: Cart._meta.database.atomic().__enter__(),
    ],
)
def test_a_query_without_a_database_says_what_to_do(query: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"Cart has no database: .*plugin\.bind\(\).*plugin\.model\(Cart\)"):
        query()
    assert Cart.select().sql()[0].startswith("SELECT")
    assert "wp_wch_sync_queue" in str(SyncQueueItem.select())


def test_bind_gives_the_models_that_are_referred_to_the_prefix_too() -> None:
    """Else a join would read the users of another WordPress."""

    def declare(name: str, namespace: Namespace, **members: Any) -> Any:
        options = {"namespace": namespace, "table_key": f"{name.lower()}s"}
        return type(name, (BaseModel,), {"id": IdField(), **members, "Meta": type("Meta", (), options)})

    user = declare("User", WORDPRESS)
    parcel = declare("Parcel", Namespace("post"), user=ReferenceField(user, backref="+"))
    invoice = declare("Invoice", Namespace("bound"), parcel=ReferenceField(parcel, null=True, backref="+"))
    plugin = Plugin(peewee.SqliteDatabase(":memory:"), prefix="x_", models=[invoice], migrations="nowhere")
    plugin.bind()
    names = [model._meta.table_name for model in (invoice, parcel, user)]
    assert names == ["x_bound_invoices", "x_post_parcels", "x_users"]
    assert user._meta.database is parcel._meta.database is invoice._meta.database is plugin.database
    plugin.at("x_2_", "x_").bind()
    names = [model._meta.table_name for model in (invoice, parcel, user)]
    assert names == ["x_2_bound_invoices", "x_2_post_parcels", "x_users"]
