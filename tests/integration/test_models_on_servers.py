"""The models on every engine: the same rows and refusals, in strict sessions and in WordPress's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.bound import bound
from tests.support.databases import LiveDatabase
from wch_peewee import Plugin
from wch_peewee.errors import InvalidValue
from wch_peewee.install.delta import db_delta
from wch_peewee.models.fields.documents import MAX_DEPTH
from wch_peewee.models.tables import (
    MODELS,
    BroadcastCampaign,
    Cart,
    Conversation,
    ConversationStatus,
    CustomerProfile,
    Message,
    SyncQueueItem,
)

EMOJI = "\U0001f600"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
WORDS = f"Zoë {EMOJI}{FAMILY} 漢字 \u202eabc\0\t\\'\"%s%%"


def create_tables(database: LiveDatabase, prefix: str) -> None:
    db_delta(MODELS, database.database, prefix=prefix)


def as_nobody_here_would(database: LiveDatabase, sql: str, *params: Any) -> None:
    """Write rows that only a non-strict session, or newer code, can leave."""
    if database.family == "sqlite":
        database.execute("PRAGMA ignore_check_constraints = 1")
    else:
        database.execute("SET SESSION sql_mode = ''")
    database.execute(sql, params)


@pytest.fixture(params=["strict", "wordpress"])
def shop(request: pytest.FixtureRequest, installed: LiveDatabase) -> Iterator[LiveDatabase]:
    """Empty tables under the prefix wp_; in the second round with a non-strict session, like WordPress's."""
    if request.param == "wordpress":
        if installed.family == "sqlite":
            pytest.skip("SQLite has one kind of session")
        installed.execute("SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'")
    with bound(installed.database, installed.prefix):
        yield installed


def conversation(**values: Any) -> Conversation:
    return Conversation.create(**{"customer_phone": "+15550100", "wa_conversation_id": "wamid.1"} | values)


def nested(levels: int) -> Any:
    document: Any = {}
    for level in range(levels - 1):
        document = [document] if level % 2 else {"a": document}
    return document


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
).filter(lambda value: isinstance(value, (dict, list)))  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(nested(MAX_DEPTH))
@example([nested(MAX_DEPTH - 1)])
@example({"": {"a": 1, "A": 2, "ä": 3, "a ": 4, "a\0": 5}, WORDS: [WORDS, "\ufffe\U0010ffff\u2028", "\\u0041"]})
@example([0.1, 1e22, -0.0, 5e-324, 1.7976931348623157e308, 100.0, 2**64 - 1, -(2**63), True, None])
@example({"k" * 65_535: EMOJI * 30_000})
@given(documents)
def test_every_document_comes_back_equal(shop: LiveDatabase, document: Any) -> None:
    row = conversation(context=document)
    back = Conversation.get_by_id(row.id).context
    assert back == document
    assert same_kinds(back, document)
    Conversation.bulk_update([row], ["context"])
    assert Conversation.get_by_id(row.id).context == document


def same_kinds(one: Any, other: Any) -> bool:
    """Compare with types: 1, 1.0 and True are equal in Python."""
    if isinstance(one, dict):
        return type(other) is dict and all(same_kinds(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return type(other) is list and all(map(same_kinds, one, other))
    return type(one) is type(other)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(EMOJI * 20)
@example("\0" * 20)
@example("a ")
@given(st.text(max_size=20))
def test_every_text_comes_back_equal(shop: LiveDatabase, text: str) -> None:
    row = conversation(customer_phone=text)
    assert Conversation.get_by_id(row.id).customer_phone == text
    assert Conversation.get_or_none(customer_phone=text, id=row.id) == row


def test_every_model_comes_back_equal(shop: LiveDatabase) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59)
    talk = conversation(
        status=ConversationStatus.CLOSED, assigned_agent_id=2**63 - 1, last_message_at=moment, wa_conversation_id=WORDS
    )
    rows = [
        talk,
        Message.create(conversation=talk, direction="inbound", message_type="text", wa_message_id=WORDS, content=[]),
        Cart.create(customer_phone="1", items=[{"n": WORDS}], coupon_code=EMOJI * 50, expires_at=moment),
        CustomerProfile.create(phone="1", name=WORDS, wc_customer_id=0, opt_in_marketing=True),
        BroadcastCampaign.create(name=EMOJI * 200, template_name="t", sent_count=2**31 - 1, read_count=-(2**31)),
        SyncQueueItem.create(
            entity_type="order", entity_id=1, action="delete", error_message=EMOJI * 16_383 + "abc", processed_at=moment
        ),
    ]
    for row in rows:
        back = type(row).get_by_id(row.id).__data__
        assert back == dict.fromkeys(back) | row.__data__


@pytest.mark.parametrize(
    "values",
    [
        {"customer_phone": "1" * 25},
        {"customer_phone": EMOJI * 21},
        {"customer_phone": None},
        {"wa_conversation_id": "\ud83d"},
        {"status": "unknown"},
        {"status": ""},
        {"assigned_agent_id": -1},
        {"assigned_agent_id": 2**63},
        {"context": {"a": float("inf")}},
        {"context": nested(MAX_DEPTH + 1)},
        {"context": "text"},
        {"created_at": "0000-00-00 00:00:00"},
        {"created_at": None},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(shop: LiveDatabase, values: dict[str, Any]) -> None:
    row = conversation()
    before = list(Conversation.select().dicts())
    with pytest.raises(InvalidValue):
        conversation(**values)
    with pytest.raises(InvalidValue):
        Conversation.update(**values).execute()
    with pytest.raises(InvalidValue):
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
    with pytest.raises(InvalidValue):
        Conversation.insert(customer_phone="1").execute()
    assert list(Conversation.select().dicts()) == before


def test_the_limits_are_those_of_the_engines(shop: LiveDatabase) -> None:
    SyncQueueItem.create(entity_type="order", entity_id=1, action="update", error_message="x" * 65_535)
    with pytest.raises(InvalidValue):
        SyncQueueItem.update(error_message="x" * 65_536).execute()
    assert len(SyncQueueItem.get().error_message or "") == 65_535


@pytest.mark.parametrize("date", ["0000-00-00 00:00:00", "2024-00-10 00:00:00", "2024-01-00 00:00:00"])
def test_what_a_session_that_is_not_strict_left_reads_as_none(shop: LiveDatabase, date: str) -> None:
    row = conversation()
    table = Conversation._meta.table_name
    as_nobody_here_would(shop, f"UPDATE {table} SET created_at = %s, context = NULL, status = %s", date, "")
    (stored,) = shop.execute(f"SELECT CAST(created_at AS CHAR) FROM {table}")
    assert stored == (date,)
    row = Conversation.get_by_id(row.id)
    assert (row.created_at, row.context, row.status) == (None, None, None)
    assert Conversation.select().where(Conversation.context.is_null()).count() == 1
    # Saving another column leaves them as they are.
    row.assigned_agent_id = 7
    row.save()
    assert shop.execute(f"SELECT CAST(created_at AS CHAR), status, context FROM {table}") == [(date, "", None)]
    row.context = None
    row.save()
    assert shop.execute(f"SELECT context FROM {table}") == [("{}",)]


def test_a_value_of_newer_code_reads_as_it_is(shop: LiveDatabase) -> None:
    row = conversation()
    table = Conversation._meta.table_name
    if shop.family != "sqlite":
        shop.execute(f"ALTER TABLE {table} MODIFY status enum('pending','active','closed','archived') NOT NULL")
    as_nobody_here_would(shop, f"UPDATE {table} SET status = %s", "archived")
    row = Conversation.get_by_id(row.id)
    assert row.status == "archived"
    row.context["a"] = 1
    row.save()
    assert (Conversation.get().status, Conversation.get().context) == ("archived", {"a": 1})


def test_writing_many_at_once(shop: LiveDatabase) -> None:
    Conversation.insert_many(
        [{"customer_phone": f"{n}", "wa_conversation_id": f"{n}", "context": {EMOJI: n}} for n in range(5)]
        + [{"customer_phone": "5", "wa_conversation_id": "5", "status": "closed"}]
    ).execute()
    Conversation.bulk_create([Conversation(customer_phone=f"{n}", wa_conversation_id="x") for n in range(6, 9)])
    rows = list(Conversation.select().order_by(Conversation.id))
    assert [row.customer_phone for row in rows] == [str(n) for n in range(9)]
    assert [row.context for row in rows] == [{EMOJI: n} for n in range(5)] + [{}] * 4
    old = datetime(2020, 1, 1)
    Conversation.update(updated_at=old).execute()
    for number, row in enumerate(rows):
        row.status = ConversationStatus.ACTIVE
        row.context = {"n": [number]}
        row.last_message_at = old
        row.assigned_agent_id = number or None
    fields = ["status", "context", "last_message_at", "assigned_agent_id"]
    assert Conversation.bulk_update(rows, fields, batch_size=4) == 9
    for number, row in enumerate(Conversation.select().order_by(Conversation.id)):
        assert (row.status, row.context, row.last_message_at) == ("active", {"n": [number]}, old)
        assert row.assigned_agent_id == (number or None)
        assert row.updated_at is not None
        assert row.updated_at > old


def test_patterns_and_parts_find_rows(shop: LiveDatabase) -> None:
    conversation(wa_conversation_id=f"100%_{EMOJI}", created_at="2024-02-29", context={"name": f"Zoë{EMOJI}"})
    conversation(wa_conversation_id="1000xy", created_at="2023-12-31 23:59:59")
    found = Conversation.select()
    assert found.where(Conversation.wa_conversation_id.contains("0%_")).count() == 1
    assert found.where(Conversation.wa_conversation_id.startswith("100")).count() == 2
    assert found.where(Conversation.wa_conversation_id.endswith(EMOJI)).count() == 1
    assert found.where(Conversation.context.contains(f"Zoë{EMOJI}")).count() == 1
    assert found.where(Conversation.customer_phone % ("%5" * 20)).count() == 0
    assert found.where(Conversation.created_at.year == 2024).count() == 1
    assert found.where(Conversation.created_at.between("2023-01-01", datetime(2024, 1, 1))).count() == 1
    assert found.where(Conversation.status.in_([ConversationStatus.PENDING, "closed"])).count() == 2
    assert found.order_by(Conversation.created_at)[0].wa_conversation_id == "1000xy"
    assert Conversation.select(peewee.fn.MAX(Conversation.created_at)).scalar() == datetime(2024, 2, 29)


def test_prefixes_share_a_database_and_threads_a_table_class(shop: LiveDatabase) -> None:
    prefixes = [f"wp_{number}_" for number in range(2, 5)]
    for prefix in prefixes:
        create_tables(shop, prefix)
    barrier = threading.Barrier(len(prefixes))
    failures: list[BaseException] = []
    databases = {prefix: shop.connect() for prefix in prefixes}

    def work(prefix: str) -> None:
        # SQLite locks the whole file, so that writers take turns there.
        database = databases[prefix]
        models = Plugin(database, prefix=prefix).models
        try:
            with database.connection_context():
                for number in range(5):
                    barrier.wait(60)
                    talk = models.Conversation.create(customer_phone=f"{prefix}{number}", wa_conversation_id="w")
                    models.Message.create(
                        conversation=talk, direction="inbound", message_type="text", wa_message_id=f"{number}"
                    )
                    talk.context["n"] = number
                    talk.save()
                    rows = models.Conversation.select().order_by(models.Conversation.id)
                    assert [row.customer_phone for row in rows] == [f"{prefix}{n}" for n in range(number + 1)]
                    assert talk.messages.count() == 1
                models.Conversation.create(customer_phone="gone", wa_conversation_id="w").delete_instance()
        except BaseException as failure:
            failures.append(failure)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(prefix,)) for prefix in prefixes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Conversation.select().count() == 0
    plugin = Plugin(shop.database, prefix=prefixes[0])
    of = plugin.models
    talk = of.Conversation.get()
    assert of.Conversation.select().join(of.Message).where(of.Message.wa_message_id == "0").get() == talk
    talk.delete_instance()
    assert [plugin.at(prefix).models.Message.select().count() for prefix in prefixes] == [4, 5, 5]


def test_a_second_row_with_the_same_key_is_an_error(shop: LiveDatabase) -> None:
    cart, made = Cart.get_or_create(customer_phone=EMOJI, defaults={"expires_at": datetime(2030, 1, 1)})
    assert made
    assert Cart.get_or_create(customer_phone=EMOJI, defaults={"expires_at": datetime(2030, 1, 1)}) == (cart, False)
    with pytest.raises(peewee.IntegrityError):
        Cart.create(customer_phone=EMOJI, expires_at=datetime(2030, 1, 1))
    with pytest.raises(peewee.IntegrityError):
        Message.create(conversation=99, direction="inbound", message_type="text", wa_message_id="1")
