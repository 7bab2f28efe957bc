"""A statement whose text was rendered before is the one that peewee renders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bound import bound, unbind
from wch_peewee import Conversation, CustomerProfile, InvalidValue, Message, Plugin
from wch_peewee.database.session import SQL_MODE
from wch_peewee.models.bulk import BulkSelect

NOW = dt.datetime(2026, 1, 2, 3, 4, 5)


class Cursor:
    """What a statement returns that nothing has executed."""

    description = ()
    lastrowid = rowcount = 1

    def fetchmany(self, size: int) -> list[Any]:
        return []

    def close(self) -> None:
        pass


class Sent:
    """A database that notes what is sent."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent: list[Any] = []
        self.rendered = 0

    def execute_sql(self, sql: str, params: Any = None) -> Cursor:
        self.sent.append((sql, [repr(one) for one in params]))
        return Cursor()

    def get_sql_context(self, **options: Any) -> Any:
        self.rendered += 1
        return super().get_sql_context(**options)  # type: ignore[misc]


class OnServer(Sent, peewee.MySQLDatabase):
    pass


class OnFile(Sent, peewee.SqliteDatabase):
    pass


DATABASES = {"server": lambda: OnServer("x", sql_mode=SQL_MODE), "sqlite": lambda: OnFile("x.db")}

PHONES = st.sampled_from(["+49", "", "ä😀", "'"])
NUMBERS = st.sampled_from([0, 1, 7])
MOMENTS = st.sampled_from([NOW, NOW.replace(microsecond=5), "2026-01-02 03:04:05.6"])
STATUSES = st.sampled_from(["pending", "active", "closed"])
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(lambda value: Conversation.customer_phone == value, PHONES),
        st.builds(lambda value: Conversation.status != value, STATUSES),
        st.builds(lambda values: Conversation.status.in_(values), st.lists(STATUSES, max_size=3)),
        st.builds(lambda values: Conversation.id.not_in(values), st.lists(NUMBERS, max_size=3)),
        st.builds(lambda value: Conversation.last_message_at < value, MOMENTS),
        st.builds(lambda value: Conversation.last_message_at == value, MOMENTS),
        st.builds(lambda value: Conversation.assigned_agent_id + value > Conversation.id, NUMBERS),
        st.builds(lambda value: Conversation.customer_phone.contains(value), PHONES),
        st.builds(lambda value: Conversation.id.between(0, value), NUMBERS),
        st.builds(lambda value: peewee.fn.LENGTH(Conversation.customer_phone) == value, NUMBERS),
        st.builds(lambda value: Conversation.id.in_(Message.select(Message.id).where(Message.id > value)), NUMBERS),
        st.sampled_from(
            [
                Conversation.assigned_agent_id.is_null(),
                Conversation.assigned_agent_id.is_null(False),
                Conversation.customer_phone == Conversation.wa_conversation_id,
                Conversation.id == peewee.SQL("1"),
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.builds(lambda one, two: one & two, inner, inner),
        st.builds(lambda one, two: one | two, inner, inner),
        st.builds(lambda one: ~one, inner),
    ),
    max_leaves=4,
)
COLUMNS = st.sampled_from(
    [(), (Conversation.id,), (Conversation.id, Conversation.status), (Conversation.id.alias("n"), peewee.fn.MAX(1))]
)
ORDERS = st.sampled_from(
    [
        (),
        (Conversation.id,),
        (Conversation.id.desc(), Conversation.status),
        (Conversation.id.asc(nulls="last"), Conversation.id.collate("BINARY")),
    ]
)
LOCKS = st.sampled_from([{"for_update": False}, {}, {"skip_locked": True}, {"nowait": True}, {"of": (Conversation,)}])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": STATUSES,
        "last_message_at": MOMENTS,
        "context": st.sampled_from([{}, {"a": 1}, None]),
        "assigned_agent_id": st.sampled_from(
            [None, 1, Conversation.assigned_agent_id + 1, peewee.fn.ABS(Conversation.assigned_agent_id)]
        ),
    },
).filter(bool)


@st.composite
def selects(draw: Any) -> Any:
    query = Conversation.select(*draw(COLUMNS)).order_by(*draw(ORDERS)).limit(draw(st.sampled_from([None, 0, 1, 50])))
    query = query.offset(draw(st.sampled_from([None, 0, 3]))).where(*draw(st.lists(CONDITIONS, max_size=2)) or (True,))
    unusual = draw(st.sampled_from(["", "", "", "distinct", "join", "group", "tuples", "alias"]))
    if unusual == "distinct":
        query = query.distinct()
    elif unusual == "join":
        query = query.join(Message)
    elif unusual == "group":
        query = query.group_by(Conversation.id)
    elif unusual == "tuples":
        query = query.tuples()
    elif unusual == "alias":
        query = query.alias("t9")
    return query.for_update(**draw(LOCKS))


def updates() -> Any:
    return st.builds(lambda changes, condition: Conversation.update(changes).where(condition), CHANGES, CONDITIONS)


@st.composite
def inserts(draw: Any) -> Any:
    row = {"phone": draw(PHONES), "name": draw(PHONES)}
    row |= draw(st.sampled_from([{}, {"updated_at": NOW}, {"wc_customer_id": 3}, {"name": peewee.fn.LOWER("A")}]))
    row |= {"created_at": NOW, "updated_at": NOW}  # or each rendering has another moment
    many = CustomerProfile.insert_many([row] * draw(st.integers(1, 2)))
    query = draw(st.sampled_from([CustomerProfile.insert(row), many]))
    target = [CustomerProfile.phone]
    changes = {CustomerProfile.name: draw(PHONES), CustomerProfile.updated_at: NOW}
    kind = draw(st.sampled_from(["", "ignore", "update", "preserve", "where"]))
    if kind == "ignore":
        query = query.on_conflict_ignore()
    elif kind == "update":
        query = query.on_conflict(conflict_target=target, update=changes)
    elif kind == "preserve":
        query = query.on_conflict(conflict_target=target, preserve=[CustomerProfile.name], update=changes)
    elif kind == "where":
        query = query.on_conflict(conflict_target=target, update=changes, where=CustomerProfile.id > 3)
    return query


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (InvalidValue, ValueError, peewee.PeeweeException) as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", DATABASES)
@given(queries=st.lists(st.one_of(selects(), updates(), inserts()), min_size=1, max_size=8), data=st.data())
def test_what_is_sent_is_what_peewee_renders(name: str, queries: list[Any], data: st.DataObject) -> None:
    """Texts are kept from one example to the next, and under other prefixes."""
    database = DATABASES[name]()
    for query in queries:
        prefix = data.draw(st.sampled_from(["wp_", "wp_2_"]))
        with bound(database, prefix):

            def rendered(query: Any = query) -> Any:
                sql, parameters = query.clone().bind(database).sql()
                return [(sql, [repr(one) for one in parameters])]

            def sent(query: Any = query) -> Any:
                database.sent.clear()
                query.clone().execute(database)
                return [one for one in database.sent if not one[0].startswith("SET ")]

            assert outcome(sent) == outcome(rendered)


@pytest.mark.parametrize("name", DATABASES)
def test_a_shape_is_rendered_once(name: str) -> None:
    database = DATABASES[name]()
    plugin = Plugin(database, prefix="wp_")
    models = plugin.models

    def work(number: int) -> None:
        conversation = models.Conversation
        conversation.select(conversation.id).paginate(number, 1).execute()
        conversation.select().where(conversation.id.in_([number, 2])).order_by(conversation.id.desc()).execute()
        conversation.update(assigned_agent_id=conversation.assigned_agent_id + number).where(
            conversation.id == number
        ).execute()
        models.CustomerProfile.insert(phone=f"{number}", name="").on_conflict_ignore().execute()
        models.CustomerProfile.create(phone=f"{number}", name="")

    for number in (1, 2):  # a text is not kept if a second passes between two looks at the clock
        work(number)
    before = database.rendered
    work(3)
    assert database.rendered == before


def test_a_query_of_a_subclass_is_rendered_by_itself() -> None:
    class Hinted(BulkSelect):
        def __sql__(self, ctx: Any) -> Any:
            return super().__sql__(ctx).literal(" /* hint */")

    database = DATABASES["server"]()
    with bound(database, "wp_"):
        Conversation.select().execute()
        Hinted(Conversation, Conversation._meta.sorted_fields, is_default=True).execute()
    assert [sql.endswith("/* hint */") for sql, _ in database.sent] == [False, True]


def test_a_column_that_comes_later_is_read() -> None:
    database = DATABASES["sqlite"]()

    class Tagged(Conversation):
        pass

    with bound(database, "wp_"):
        Tagged.bind(database)
        Tagged.select().execute()
        Tagged._meta.add_field("tag", peewee.CharField(null=True))
        Tagged.select().execute()
    assert ["tag" in sql for sql, _ in database.sent] == [False, True]


def test_a_proxy_leads_to_another_engine() -> None:
    proxy, databases = peewee.DatabaseProxy(), [make() for make in DATABASES.values()]
    Conversation.bind(proxy)
    try:
        for database in databases:
            proxy.initialize(database)
            Conversation.select().where(Conversation.id == 1).execute()
    finally:
        unbind()
    assert [database.sent[0][0][7] for database in databases] == ["`", '"']
