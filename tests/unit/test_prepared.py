"""A statement of a daily job whose text was rendered before is the one that peewee renders."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
import re
from typing import Any

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bound import bound, unbind
from wch_peewee import BroadcastCampaign, Cart, Conversation, CustomerProfile, Message, SyncQueueItem
from wch_peewee.database.session import SQL_MODE
from wch_peewee.models import jobs, prepared
from wch_peewee.models.jobs import campaigns, carts, conversations, customers, messages, queue

NOW = dt.datetime(2026, 1, 2, 3, 4, 5)
_NOW = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Cursor:
    """What a statement returns that nothing has executed."""

    description = ()
    lastrowid = rowcount = 1

    def fetchmany(self, size: int) -> list[Any]:
        return []

    fetchall = list

    def close(self) -> None:
        pass


class Sent:
    """A database that notes what is sent."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent: list[Any] = []

    def execute_sql(self, sql: str, params: Any = None) -> Cursor:
        self.sent.append((sql, list(params or ())))
        return Cursor()


class OnServer(Sent, peewee.MySQLDatabase):
    pass


class OnFile(Sent, peewee.SqliteDatabase):
    pass


DATABASES = {"server": lambda: OnServer("x", sql_mode=SQL_MODE), "sqlite": lambda: OnFile("x.db")}

TEXTS = st.sampled_from(["+49", "", "ä😀", "'", "%s"])
NUMBERS = st.sampled_from([0, 1, 7, 2**31 - 1])
MOMENTS = st.sampled_from([NOW, NOW.replace(microsecond=5), NOW.replace(tzinfo=dt.UTC)])
DOCUMENTS = st.sampled_from([{}, {"a": 1}, None])
FLAGS = st.booleans()


def columns(**values: Any) -> Any:
    return st.fixed_dictionaries({}, optional=values)


def row(needed: dict[str, Any], **values: Any) -> Any:
    return st.fixed_dictionaries(needed, optional=values)


ENDED = columns(status=st.sampled_from(["completed", "failed"]), error_message=TEXTS | st.none(), processed_at=MOMENTS)
NAMED = {"conversation": NUMBERS, "wa_message_id": TEXTS}
KINDS = {"direction": st.just("inbound"), "message_type": st.just("text")}

#: Every prepared statement: its model, and what it is called with.
STATEMENTS: dict[Any, tuple[Any, list[Any], dict[str, Any]]] = {
    messages._named: (Message, [TEXTS], {}),
    messages._stored: (Message, [st.lists(TEXTS, max_size=110)], {}),
    messages._status: (Message, [TEXTS], {}),
    messages._advanced: (Message, [TEXTS, st.just("read"), st.lists(st.just("sent"), min_size=1, max_size=2)], {}),
    messages._moved_on: (Conversation, [NUMBERS, st.just("2026-01-02 03:04:05")], {}),
    conversations._open: (
        Conversation,
        [st.lists(TEXTS, max_size=110)],
        {"fields": st.sampled_from([(), messages._OPEN]), "lock": FLAGS},
    ),
    conversations._last: (Message, [NUMBERS, NUMBERS], {}),
    customers._upserted: (
        CustomerProfile,
        [row({"phone": TEXTS, "name": TEXTS}, preferences=DOCUMENTS), columns(name=TEXTS, preferences=DOCUMENTS)],
        {},
    ),
    customers._profile: (CustomerProfile, [TEXTS], {}),
    carts._made: (Cart, [row({"customer_phone": TEXTS, "expires_at": MOMENTS})], {}),
    carts._of: (Cart, [TEXTS], {}),
    campaigns._counted: (BroadcastCampaign, [NUMBERS, columns(sent_count=NUMBERS, read_count=NUMBERS)], {}),
    queue._pending: (SyncQueueItem, [NUMBERS], {"skip": FLAGS}),
    queue._claimed: (SyncQueueItem, [ENDED.filter(bool), st.lists(NUMBERS, max_size=110)], {}),
    queue._ended: (SyncQueueItem, [ENDED.filter(bool), NUMBERS, NUMBERS], {}),
    prepared._updated: (Cart, [NUMBERS, columns(items=st.just([1]), expires_at=MOMENTS).filter(bool)], {}),
    prepared._inserted: (Message, [row({**NAMED, **KINDS}, content=DOCUMENTS, created_at=MOMENTS)], {}),
}


def test_every_statement_is_here() -> None:
    names = [f"{jobs.__name__}.{one.name}" for one in pkgutil.iter_modules(jobs.__path__)]
    modules = [prepared, *map(importlib.import_module, names)]
    found = {value for module in modules for value in vars(module).values() if _is_statement(value)}
    assert found == STATEMENTS.keys()


def _is_statement(value: Any) -> bool:
    return getattr(value, "__code__", None) is messages._named.__code__


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: f"{one.__module__.rpartition('.')[2]}.{one.__name__}")
@given(data=st.data())
def test_what_is_sent_is_what_peewee_renders(name: str, statement: Any, data: st.DataObject) -> None:
    """Texts are kept from one example to the next, and under other prefixes."""
    model, arguments, options = STATEMENTS[statement]
    database = DATABASES[name]()
    with bound(database, data.draw(st.sampled_from(["wp_", "wp_2_"]))):
        values = [data.draw(one) for one in arguments]
        named = {key: data.draw(one) for key, one in options.items()}
        expected = statement.__wrapped__(model, *values, **named).bind(database).sql()
        for _ in range(2):
            database.sent.clear()
            statement(model, *values, **named)
            sent = [one for one in database.sent if not one[0].startswith("SET ")]
            assert [_without_now(*one) for one in sent] == [_without_now(*expected)]


def _without_now(sql: str, parameters: Any) -> tuple[str, list[str]]:
    """Return what was sent, with a word in place of the time of the call: a second may pass between two calls."""
    return sql, ["now" if _NOW.fullmatch(str(one)) and str(NOW.date()) not in str(one) else one for one in parameters]


@pytest.mark.parametrize("name", DATABASES)
def test_a_moment_is_that_of_the_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = DATABASES[name]()
    moments = [NOW, NOW + dt.timedelta(days=1)]
    with bound(database, "wp_"):
        for moment in moments:
            monkeypatch.setattr("wch_peewee.models.prepared.utc_now", lambda moment=moment: moment)
            customers._upserted(CustomerProfile, {"phone": "+49", "name": ""}, {"name": "Ada"})
    sent = [parameters for _, parameters in database.sent]
    assert [parameters.count(str(moment)) for moment, parameters in zip(moments, sent, strict=True)] == [3, 3]


def test_an_expression_is_rendered_as_peewee_does() -> None:
    database = DATABASES["server"]()
    with bound(database, "wp_"):
        for value in ("Ada", peewee.fn.LOWER("ADA"), "Ada"):
            customers._upserted(CustomerProfile, {"phone": "+49", "name": value}, {"name": value})
    assert ["LOWER(" in sql for sql, _ in database.sent if sql.startswith("INSERT")] == [False, True, False]


def test_a_database_that_executes_queries_otherwise_does_so() -> None:
    class Noting(OnServer):
        def execute(self, query: Any, **options: Any) -> Any:
            self.queries = [*getattr(self, "queries", []), query]
            return super().execute(query, **options)

    database = Noting("x", sql_mode=SQL_MODE)
    with bound(database, "wp_"):
        carts._of(Cart, "+49")
    assert len(database.queries) == 1


def test_a_proxy_leads_to_another_engine() -> None:
    proxy, databases = peewee.DatabaseProxy(), [make() for make in DATABASES.values()]
    Message.bind(proxy)
    try:
        for database in databases:
            proxy.initialize(database)
            messages._named(Message, "wamid.1")
    finally:
        unbind()
    assert [database.sent[0][0][7] for database in databases] == ["`", '"']


def test_a_sum_is_stored_strictly() -> None:
    """A session that is not strict would cut what no longer fits."""
    database = OnServer("x")
    with bound(database, "wp_"):
        campaigns._counted(BroadcastCampaign, 1, {"sent_count": 1})
        messages._advanced(Message, "wamid.1", "read", ["sent"])
    assert [sql[:3] for sql, _ in database.sent] == ["SET", "UPD", "SET", "UPD"]


def test_the_order_of_columns_makes_no_other_text() -> None:
    database = DATABASES["server"]()
    with bound(database, "wp_"):
        CustomerProfile._meta.texts.clear()
        for values in ({"name": "Ada", "preferences": {}}, {"preferences": {}, "name": "Ada"}):
            customers._upserted(CustomerProfile, {"phone": "+49", **values}, values)
    assert len(CustomerProfile._meta.texts) == 1
    assert len({repr(one) for one in database.sent if not one[0].startswith("SET ")}) == 1


def test_none_is_compared_as_peewee_does() -> None:
    database = DATABASES["sqlite"]()
    with bound(database, "wp_"):
        conversations._last(Message, 1, 10)
        assert Conversation().last_messages(10) == []
    assert ["IS NULL" in sql or "IS ?" in sql for sql, _ in database.sent] == [False, True]


def test_a_model_of_an_applications_own_keeps_its_defaults_and_its_code() -> None:
    """What its defaults and methods return may differ from call to call."""
    database, saved = peewee.SqliteDatabase(":memory:"), []
    numbers = iter(range(100))

    class Profile(CustomerProfile):
        number = peewee.IntegerField(default=lambda: next(numbers))
        due = peewee.DateTimeField(default=NOW)
        extra = peewee.JSONField(null=True)  # on a server its values are expressions

    class Basket(Cart):
        def save(self, *arguments: Any, **options: Any) -> int:
            saved.append("cart")
            return super().save(*arguments, **options)

    class Item(SyncQueueItem):
        def save(self, *arguments: Any, **options: Any) -> int:
            saved.append("item")
            return super().save(*arguments, **options)

    with database.bind_ctx([Profile, Basket, Item], bind_refs=False, bind_backrefs=False):
        database.create_tables([Profile, Basket, Item])
        rows = [Profile.upsert(phone, extra={"a": 1}) for phone in ("+1", "+2")]
        with Basket.edit("+1") as cart:
            cart.items = ["tea"]
        Item.enqueue("order", 1, "create")
    database.close()
    assert [(row.number, row.due, row.extra) for row in rows] == [(0, NOW, {"a": 1}), (1, NOW, {"a": 1})]
    assert saved == ["cart", "item"]
