"""The values that a column accepts and refuses, and what reading returns."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wch_peewee.errors import InvalidValue
from wch_peewee.models.fields.documents import MAX_DEPTH
from wch_peewee.models.tables import (
    MODELS,
    BroadcastCampaign,
    Cart,
    Conversation,
    ConversationStatus,
    CustomerProfile,
    Message,
    MessageStatus,
    SyncQueueItem,
)
from wch_peewee.schema import objects

PHONE = Conversation.customer_phone
STATUS = Conversation.status
AGENT = Conversation.assigned_agent_id
WHEN = Conversation.created_at
CONTEXT = Conversation.context
COUNT = BroadcastCampaign.sent_count
FLAG = CustomerProfile.opt_in_marketing
ERROR = SyncQueueItem.error_message
FIELDS = [field for model in MODELS for field in model._meta.sorted_fields]

any_text = st.text(st.characters(), max_size=40)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary() | st.datetimes() | st.just(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers() | any_text, inner) | st.tuples(inner),
    max_leaves=8,
)


def nested(levels: int) -> Any:
    document: Any = {}
    for level in range(levels - 1):
        document = [document] if level % 2 else {"a": document}
    return document


def is_text(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


@pytest.mark.parametrize(
    ("field", "column_type"),
    [
        (Conversation.id, objects.bigint(unsigned=True)),
        (AGENT, objects.bigint(unsigned=True)),
        (Message.conversation, objects.bigint(unsigned=True)),
        (COUNT, objects.integer()),
        (FLAG, objects.boolean()),
        (PHONE, objects.varchar(20)),
        (ERROR, objects.text()),
        (CONTEXT, objects.json()),
        (STATUS, objects.enum("pending", "active", "closed")),
        (WHEN, objects.datetime()),
    ],
    ids=str,
)
def test_a_field_says_its_column_type(field: Any, column_type: objects.ColumnType) -> None:
    assert field.column_type() == column_type


@given(st.sampled_from(FIELDS), anything)
def test_every_value_is_taken_or_refused_in_one_line_that_names_the_field(field: Any, value: Any) -> None:
    try:
        taken = field.db_value(value)
    except InvalidValue as refused:
        line = str(refused)
        assert line.startswith(f"{field.model.__name__}.{field.name}")
        assert line.isprintable()
        assert len(line) < 400
    else:
        assert taken is None or type(taken) in (int, str)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (PHONE, "1234567890123456789012345", "Conversation.customer_phone: '123456789012345678901234", ),
        (PHONE, "1" * 25, "has 25 characters, at most 20 fit"),
        (PHONE, 491511234567, "491511234567 is int, not text"),
        (PHONE, b"+49", "is bytes, not text"),
        (PHONE, "\ud83d", "half of a surrogate pair"),
        (PHONE, None, "Conversation.customer_phone: a value is needed"),
        (ERROR, "\U0001f600" * 16_384, "has 65536 bytes of UTF-8, at most 65535 fit"),
        (STATUS, "unknown", "Conversation.status: 'unknown' is unknown: expected one of pending, active, closed"),
        (STATUS, "Active", "'Active' is unknown"),
        (STATUS, "", "'' is unknown"),
        (STATUS, MessageStatus.FAILED, "is unknown"),
        (STATUS, 1, "1 is unknown"),
        (AGENT, -1, "-1 is out of range: expected 0 to 9223372036854775807"),
        (AGENT, 2**63, "out of range"),
        (AGENT, 1.0, "1.0 is float, not a whole number"),
        (AGENT, True, "True is bool, not a whole number"),
        (AGENT, "1e3", "not a whole number"),
        (Message.conversation, 0.5, "Message.conversation: 0.5 is float"),
        (Message.conversation, None, "Message.conversation: a value is needed"),
        (COUNT, 2**31, "out of range: expected -2147483648 to 2147483647"),
        (FLAG, 2, "CustomerProfile.opt_in_marketing: 2 is neither True nor False"),
        (FLAG, "true", "neither True nor False"),
        (WHEN, "yesterday", "'yesterday' is not a valid datetime"),
        (WHEN, "2024-02-30 00:00:00", "is not a valid datetime"),
        (WHEN, "0000-00-00 00:00:00", "is not a valid datetime"),
        (WHEN, 1700000000, "1700000000 is not a valid datetime"),
        (WHEN, datetime(999, 12, 31), "expected the years 1000 to 9999"),
        (WHEN, datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "out of range in UTC"),
        (CONTEXT, "{}", "'{}' is str, not a dict or a list"),
        (CONTEXT, {"a": [1, {"b": math.nan}]}, "Conversation.context.a[1].b: nan is not a JSON number"),
        (CONTEXT, [math.inf], "inf is not a JSON number"),
        (CONTEXT, {"n": 2**64}, "Conversation.context.n: 18446744073709551616 is out of range"),
        (CONTEXT, {"n": -(2**63) - 1}, "out of range"),
        (CONTEXT, {1: "a"}, "the key 1 is int, not text"),
        (CONTEXT, {"k" * 65_536: 1}, "longer than 65535 bytes"),
        (CONTEXT, ["\udc00"], "Conversation.context[0]: '\\udc00' contains half of a surrogate pair"),
        (CONTEXT, {"\udc00": 1}, "half of a surrogate pair"),
        (CONTEXT, {"when": datetime(2024, 1, 1)}, "which JSON does not have"),
        (CONTEXT, nested(MAX_DEPTH + 1), "nested deeper than 31 levels"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(field: Any, value: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        field.db_value(value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (PHONE, "\U0001f600" * 20, "\U0001f600" * 20),
        (PHONE, "", ""),
        (PHONE, "a\0b", "a\0b"),
        (PHONE, ConversationStatus.ACTIVE, "active"),
        (ERROR, "\U0001f600" * 16_383 + "abc", "\U0001f600" * 16_383 + "abc"),
        (ERROR, None, None),
        (STATUS, ConversationStatus.CLOSED, "closed"),
        (STATUS, "closed", "closed"),
        (AGENT, 2**63 - 1, 2**63 - 1),
        (AGENT, "17", 17),
        (AGENT, None, None),
        (Conversation.id, None, None),
        (Message.conversation, Conversation(id=4), 4),
        (COUNT, -(2**31), -(2**31)),
        (FLAG, True, 1),
        (FLAG, 0, 0),
        (WHEN, datetime(2024, 2, 29, 23, 59, 59, 999_999), "2024-02-29 23:59:59"),
        (WHEN, datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2023-12-31 23:00:00"),
        (WHEN, date(2024, 1, 2), "2024-01-02 00:00:00"),
        (WHEN, "2024-01-02T03:04:05.678Z", "2024-01-02 03:04:05"),
        (WHEN, "2024-01-02 03:04+02:00", "2024-01-02 01:04:00"),
        (CONTEXT, None, "{}"),
        (Cart.items, None, "[]"),
        (Cart.items, {}, "{}"),
        (CONTEXT, {"ä": "\U0001f600", "b": [1, None, (True,)]}, '{"ä":"\U0001f600","b":[1,null,[true]]}'),
        (CONTEXT, {"max": 2**64 - 1, "min": -(2**63)}, f'{{"max":{2**64 - 1},"min":{-(2**63)}}}'),
    ],
)  # fmt: skip
def test_what_fits_is_written_so(field: Any, value: Any, expected: Any) -> None:
    written = field.db_value(value)
    assert (type(written), written) == (type(expected), expected)


@pytest.mark.parametrize(
    ("field", "stored", "expected"),
    [
        (WHEN, "2024-01-02 03:04:05", datetime(2024, 1, 2, 3, 4, 5)),
        (WHEN, datetime(2024, 1, 2, 3, 4, 5), datetime(2024, 1, 2, 3, 4, 5)),
        (WHEN, "0000-00-00 00:00:00", None),
        (WHEN, "2024-00-10 00:00:00", None),
        (WHEN, "2024-01-00", None),
        (WHEN, "2024", "2024"),
        (WHEN, None, None),
        (STATUS, "active", ConversationStatus.ACTIVE),
        (STATUS, "", None),
        (STATUS, "archived", "archived"),
        (STATUS, 6, 6),
        (CONTEXT, None, None),
        (CONTEXT, "", None),
        (CONTEXT, "null", None),
        (CONTEXT, '{"a":1}', {"a": 1}),
        (CONTEXT, b"[]", []),
        (CONTEXT, "{broken", "{broken"),
        (FLAG, 1, True),
        (FLAG, 0, False),
        (COUNT, 5, 5),
        (Message.conversation, 5, 5),
    ],
)
def test_reading_gives(field: Any, stored: Any, expected: Any) -> None:
    read = field.python_value(stored)
    assert (type(read), read) == (type(expected), expected)


@given(any_text)
def test_a_varchar_takes_exactly_the_text_that_fits(value: str) -> None:
    if is_text(value) and len(value) <= 20:
        assert PHONE.db_value(value) == value
    else:
        with pytest.raises(InvalidValue):
            PHONE.db_value(value)


@given(st.integers(-(2**65), 2**65))
def test_a_number_takes_exactly_its_range(value: int) -> None:
    for field, lowest, highest in ((AGENT, 0, 2**63 - 1), (COUNT, -(2**31), 2**31 - 1)):
        if lowest <= value <= highest:
            assert field.db_value(value) == field.db_value(str(value)) == value
        else:
            with pytest.raises(InvalidValue):
                field.db_value(value)


@given(st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.none() | st.timezones()))
def test_times_are_written_as_whole_seconds_in_utc_however_given(value: datetime) -> None:
    expected = (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).replace(microsecond=0)
    assert WHEN.python_value(WHEN.db_value(value)) == expected
    if value.tzinfo is None or not value.utcoffset() % timedelta(minutes=1):  # type: ignore[operator]
        assert WHEN.db_value(value.isoformat()) == WHEN.db_value(value)


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
).filter(lambda value: isinstance(value, (dict, list)))  # fmt: skip


@given(documents)
def test_json_is_compact_and_reads_back_equal(document: Any) -> None:
    text = CONTEXT.db_value(document)
    assert text == json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert CONTEXT.python_value(text) == document


def test_json_takes_what_every_engine_nests_and_nothing_that_contains_itself() -> None:
    assert json.loads(CONTEXT.db_value(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidValue, match="nested deeper"):
        CONTEXT.db_value(loop)


def sql(expression: peewee.Node) -> tuple[str, list[Any]]:
    text, values = peewee.Context(param="?").parse(expression)
    return text, values


LONG = "x" * 70_000


@pytest.mark.parametrize("field", [PHONE, STATUS, CONTEXT, WHEN, ERROR], ids=str)
def test_patterns_are_passed_on_as_they_are(field: Any) -> None:
    for expression in (
        field % LONG, field ** LONG, field.like(LONG), field.ilike(LONG), field.regexp(LONG), field.iregexp(LONG),
    ):  # fmt: skip
        assert sql(expression)[1] == [LONG]
    assert sql(field.contains(LONG))[1] == [f"%{LONG}%"]
    assert sql(field.startswith(LONG))[1] == [f"{LONG}%"]
    assert sql(field.endswith("50%_"))[1] == ["%50\\%\\_", "\\"]
    assert sql(field.contains(field))[0].count("||") == 2


def test_what_the_server_computes_is_not_checked() -> None:
    assert sql(COUNT * 1.5)[1] == [1.5]
    assert sql(AGENT - 5)[1] == [5]
    assert sql(PHONE + LONG)[1] == sql(LONG + PHONE)[1] == sql(PHONE.concat(LONG))[1] == [LONG]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: STATUS == ConversationStatus.ACTIVE, ["active"]),
        (lambda: STATUS.in_([ConversationStatus.ACTIVE, "closed"]), ["active", "closed"]),
        (lambda: WHEN.between(date(2024, 1, 1), "2024-02-01"), ["2024-01-01 00:00:00", "2024-02-01 00:00:00"]),
        (lambda: AGENT != "5", [5]),
        (lambda: FLAG == True, [1]),  # noqa: E712
    ],
)
def test_what_is_compared_is_converted(make: Any, expected: list[Any]) -> None:
    assert sql(make())[1] == expected


@pytest.mark.parametrize("make", [lambda: PHONE == LONG, lambda: STATUS.in_(["nope"]), lambda: AGENT < 0.5])
def test_what_is_compared_is_checked(make: Any) -> None:
    with pytest.raises(InvalidValue):
        sql(make())


@pytest.mark.parametrize("field", [CONTEXT, Cart.items, AGENT, ERROR], ids=str)
def test_none_is_null_in_a_query(field: Any) -> None:
    for expression in (field == None, field.is_null(), field >> None):  # noqa: E711
        assert sql(expression)[0].endswith("IS NULL)")
    assert sql(field != None)[0].endswith("IS NOT NULL)")  # noqa: E711


def test_documents_are_not_compared() -> None:
    for make in (lambda: CONTEXT == {}, lambda: CONTEXT != [1], lambda: CONTEXT == ()):
        with pytest.raises(InvalidValue, match="compare one value in it"):
            make()
    assert sql(Message.content == CONTEXT)[1] == []
    assert len({CONTEXT, Message.content, CONTEXT}) == 2
