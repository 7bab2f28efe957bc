"""Two prefixes, two databases and two threads in one process, in spite of what peewee caches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peewee
import pytest

from wch_peewee import ConfigurationError
from wch_peewee.models.fields import VarcharField, utc_now
from wch_peewee.models.site import set_default_site, switch_prefix, use_site
from wch_peewee.models.tables import MODELS, BaseModel, Cart, Conversation, Message, SyncQueueItem


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    set_default_site(None)
    for model in MODELS:
        model._meta.set_database(None)
        model._meta._before_binding.clear()


def opened(path: Path | str) -> Iterator[peewee.Database]:
    database = peewee.SqliteDatabase(str(path), pragmas={"foreign_keys": 1})
    for prefix in ("wp_", "wp_2_"):
        with use_site(database, prefix):
            database.create_tables(MODELS)
    yield database
    database.close()


@pytest.fixture
def east(tmp_path: Path) -> Iterator[peewee.Database]:
    yield from opened(tmp_path / "east.db")


@pytest.fixture
def west(tmp_path: Path) -> Iterator[peewee.Database]:
    yield from opened(tmp_path / "west.db")


def talk(phone: str) -> Conversation:
    return Conversation.create(customer_phone=phone, wa_conversation_id=phone)


def phones() -> list[str]:
    return [row.customer_phone for row in Conversation.select().order_by(Conversation.id)]


def test_prefixes_and_databases_keep_their_own_rows(east: peewee.Database, west: peewee.Database) -> None:
    places = [(east, "wp_"), (east, "wp_2_"), (west, "wp_"), (west, "wp_2_")]
    for number, place in enumerate(places):
        with use_site(*place):
            talk(f"+{number}")
    for number, place in enumerate(places):
        with use_site(*place):
            assert phones() == [f"+{number}"]
            assert Conversation.table_exists()
    with use_site(east, "wp_3_"):
        assert not Conversation.table_exists()


def test_every_kind_of_query_follows_the_prefix() -> None:
    with use_site(peewee.SqliteDatabase(":memory:"), "x_"):
        made: list[Any] = [
            Conversation.select().where(Conversation.id == 1).order_by(Conversation.id),
            Conversation.update(status="active").where(Conversation.id == 1),
            Conversation.insert(customer_phone="1", wa_conversation_id="1"),
            Conversation.insert_many([("1", "1")], ["customer_phone", "wa_conversation_id"]),
            Conversation.insert_from(Conversation.select(Conversation.customer_phone), ["customer_phone"]),
            Conversation.replace(customer_phone="1", wa_conversation_id="1"),
            Conversation.delete().where(Conversation.id == 1),
            Conversation.alias().select(),
            Conversation.select() | Conversation.select(),
            Message.select().join(Conversation),
            Message.select().where(Message.conversation.in_(Conversation.select())),
            Conversation.select().where(Conversation.id == 1).union_all(Conversation.select()).limit(1),
        ]
    for query in made:
        sql, _ = query.sql()
        assert "x_wch_" in sql
        assert "wp_" not in sql
    # Clones and later conditions stay with the query they come from.
    assert "x_wch_" in made[0].where(Conversation.status == "active").limit(3).sql()[0]
    assert "wp_wch_" in Conversation.select().sql()[0]


def test_a_query_built_in_a_block_runs_there(east: peewee.Database, west: peewee.Database) -> None:
    with use_site(west, "wp_2_"):
        talk("+west2")
        query = Conversation.select()
        both = Conversation.select() | Conversation.select()
        raw = Conversation.raw("SELECT * FROM wp_2_wch_conversations")
        change = Conversation.update(status="closed")
    with use_site(east, "wp_"):
        talk("+east")
        rows = [query.get(), query[0], both[0], (query & query)[0], raw.get(), query.first()]
        change.execute()
        assert Conversation.get().status == "pending"
        for row in rows:
            assert row.customer_phone == "+west2"
            assert list(row.messages) == []
        assert [len(row.messages) for row in query.prefetch(Message)] == [0]
        # Rows belong to where they were loaded, even in another site's block, and even with the same id.
        rows[0].status = "active"
        rows[0].save()
        rows[2].messages.get_or_none()
        assert Conversation.get().status == "pending"
        rows[1].delete_instance()
        assert phones() == ["+east"]
    with use_site(west, "wp_2_"):
        assert phones() == []


def test_relatives_are_found_where_the_row_is_from(east: peewee.Database, west: peewee.Database) -> None:
    def message(number: int) -> Message:
        return Message.create(
            conversation=talk(f"+{number}"), direction="inbound", message_type="text", wa_message_id=f"{number}"
        )

    with use_site(west, "wp_"):
        made = message(1)
        loaded = Message.get_by_id(made.id)
        (joined,) = Message.select(Message, Conversation).join(Conversation)
    with use_site(east, "wp_"):
        message(2)
        for row in (loaded, joined):
            assert row.conversation.customer_phone == "+1"
            assert [child.wa_message_id for child in row.conversation.messages] == ["1"]
        assert made.conversation.messages.get().wa_message_id == "1"


def test_a_new_row_goes_where_it_is_first_saved(east: peewee.Database) -> None:
    with use_site(east, "wp_"):
        row = Conversation(customer_phone="+1", wa_conversation_id="1")
    with use_site(east, "wp_2_"):
        row.save()
        assert phones() == ["+1"]
    with use_site(east, "wp_"):
        assert phones() == []
        row.status = "closed"
        row.save()
    with use_site(east, "wp_2_"):
        assert Conversation.get().status == "closed"


def test_a_row_is_copied_by_inserting_it_again(east: peewee.Database, west: peewee.Database) -> None:
    with use_site(east, "wp_"):
        talk("+1")
        row = Conversation.get()
    with use_site(west, "wp_2_"):
        row.save(force_insert=True)
        row.customer_phone = "+2"
        row.save()
        assert phones() == ["+2"]
    with use_site(east, "wp_"):
        assert phones() == ["+1"]


def test_threads_keep_apart(tmp_path: Path) -> None:
    # A file for each thread, so that SQLite's lock on writers is not what is tested.
    places = [(next(opened(tmp_path / f"{number}.db")), prefix) for number in range(3) for prefix in ("wp_", "wp_2_")]
    barrier = threading.Barrier(3)
    failures: list[BaseException] = []

    def work(mine: list[tuple[peewee.Database, str]]) -> None:
        try:
            for number in range(12):
                barrier.wait(30)
                for database, prefix in mine:
                    with use_site(database, prefix):
                        row = talk(f"{prefix}{number}")
                        row.context["n"] = number
                        row.save()
                        assert phones() == [f"{prefix}{n}" for n in range(number + 1)]
                        assert {one.context["n"] for one in Conversation.select()} == set(range(number + 1))
            for database, _ in mine:
                database.close()
        except BaseException as failure:
            failures.append(failure)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(places[2 * number : 2 * number + 2],)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database, _ in places:
        database.close()
    assert not failures


def test_one_table_object_for_each_prefix_whoever_asks() -> None:
    seen: list[dict[str, peewee.Table]] = []

    def look() -> None:
        tables = {}
        for number in range(50):
            with switch_prefix(f"t{number}_"):
                tables[Conversation._meta.table_name] = Conversation._meta.table
        seen.append(tables)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tables in seen:
        assert all(table.__name__ == name for name, table in tables.items())
        assert all(table is seen[0][name] for name, table in tables.items())


def test_the_bound_database_is_between_the_block_s_and_the_default(
    east: peewee.Database, west: peewee.Database
) -> None:
    meta = Conversation._meta
    assert meta.database is None
    set_default_site(east)
    assert meta.database is Conversation._schema.database is east
    west.bind(MODELS)
    assert meta.database is Conversation._schema.database is west
    with use_site(east, "wp_"):
        assert meta.database is Conversation._schema.database is east
    with switch_prefix("wp_2_"):
        assert meta.database is west
    assert Message._meta.database is west


def test_bind_ctx_leaves_nothing_behind(east: peewee.Database, west: peewee.Database) -> None:
    other = peewee.SqliteDatabase(":memory:")
    set_default_site(east)
    with west.bind_ctx([Message]):
        assert Message._meta.database is Conversation._meta.database is west
        with other.bind_ctx(MODELS):
            assert Cart._meta.database is other
        assert Message._meta.database is west
    set_default_site(west)
    assert {model._meta.database for model in MODELS} == {west}
    with use_site(east, "wp_"), other.bind_ctx(MODELS):
        assert Cart._meta.database is east
    # Neither the block's database nor the default's has become the models' own.
    assert {model._meta.database for model in MODELS} == {west}
    set_default_site(None)
    assert {model._meta.database for model in MODELS} == {None}
    west.bind(MODELS)
    with use_site(east, "wp_"), other.bind_ctx(MODELS):
        pass
    assert {model._meta.database for model in MODELS} == {west}


def test_binding_to_what_a_block_once_provided_still_binds(east: peewee.Database, west: peewee.Database) -> None:
    with use_site(east, "wp_"):
        west.bind(MODELS)
    east.bind(MODELS)
    assert Conversation._meta.database is east


def test_a_subclass_is_on_the_same_table_and_not_on_the_database_of_the_moment(east: peewee.Database) -> None:
    with use_site(east, "wp_"):

        class OpenCart(Cart):
            note = VarcharField(10, null=True)

    assert OpenCart._meta.database is None
    assert OpenCart._meta.table_name == "wp_wch_carts"
    assert OpenCart._meta.columns.keys() == {*Cart._meta.columns, "note"}


def test_a_model_of_somebody_s_own_keeps_its_name() -> None:
    class ShopNote(BaseModel):
        text = VarcharField(10)

    with switch_prefix("x_"):
        assert ShopNote._meta.table_name == "shop_note"


def test_indexes_are_named_after_the_table_of_the_moment() -> None:
    with switch_prefix("x_"):
        names = [index._name for index in SyncQueueItem._meta.fields_to_index()]
    assert names == ["x_wch_sync_queue_status", "x_wch_sync_queue_created_at", "x_wch_sync_queue_entity_type_id"]


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
        lambda: Cart.get_by_id(1),
        lambda: Cart.create(customer_phone="1", expires_at=utc_now()),
        lambda: Cart(id=1).delete_instance(),
        lambda: Cart.update(customer_phone="2").execute(),
        lambda: Cart.delete().execute(),
        lambda: Cart.raw("SELECT 1").execute(),
        lambda: Cart.bulk_create([Cart(customer_phone="1", expires_at=utc_now())]),
        lambda: Cart.table_exists(),
        lambda: Cart.create_table(),
    ],
)
def test_a_query_outside_of_every_site_says_what_to_do(query: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"Cart has no database here: .*plugin\.site\(\).*plugin\.bind\(\)"):
        query()
    assert Cart.select().sql()[0].startswith("SELECT")
