"""The fast paths store and read what peewee's own code does: any field, any rows, any form of the arguments."""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
import types
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.databases import LiveDatabase
from wch_peewee import BaseModel, ConversationStatus
from wch_peewee.models import bulk
from wch_peewee.models.fields import (
    EnumField,
    FlagField,
    IdField,
    IntField,
    JsonField,
    TextField,
    UnsignedBigIntField,
    UtcDateTimeField,
    VarcharField,
)

#: Examples for each law. Servers take longer for each.
EXAMPLES = {"sqlite": 100, "mariadb": 25, "mysql": 25}
NOW = dt.datetime(2026, 1, 2, 3, 4, 5)
_FIRST = 100
_numbers = itertools.count(_FIRST)


class Upper(peewee.CharField):
    """Its value is an SQL expression, as that of peewee's JSONField."""

    def db_value(self, value: Any) -> Any:
        return None if value is None else peewee.fn.UPPER(value)


class Odd(VarcharField[str]):
    """It writes some values as expressions, others as they are, and reads with a prefix."""

    def db_value(self, value: Any) -> Any:
        return peewee.fn.LOWER(value) if value == "LOWER" else super().db_value(value)

    def python_value(self, value: Any) -> Any:
        return value if value is None else f"<{value}"


class Sample(BaseModel):
    id = IdField()
    flag = FlagField(default=False)
    number = IntField(default=7)
    big = UnsignedBigIntField(null=True)
    name = VarcharField(20, default="", column_name="called")
    text = TextField(null=True)
    status = EnumField(ConversationStatus, default=ConversationStatus.PENDING)
    document = JsonField(dict, null=True)
    moment = UtcDateTimeField(default=lambda: NOW)
    counted = IntField(default=lambda: next(_numbers))
    upper = Upper(default="d")
    odd = Odd(20, default="LOWER")
    parent: Any = peewee.ForeignKeyField("self", null=True, backref="children", constraint_name="sample_parent")
    plain = peewee.CharField(50, null=True)
    whole = peewee.IntegerField(null=True)
    money = peewee.DecimalField(10, 2, null=True)
    blob = peewee.BlobField(null=True)
    identity = peewee.UUIDField(null=True)
    day = peewee.DateField(null=True)
    since = peewee.TimestampField(null=True, default=None)
    tags = peewee.JSONField(null=True)
    yes = peewee.BooleanField(default=True)

    class Meta:
        table_name = "samples"


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "flag": st.sampled_from([True, False, 1, 0, 2, None]),
    "number": st.sampled_from([0, 1, True, "12", -(2**31), 2**31, 1.5]),
    "big": st.sampled_from([None, 0, 2**63 - 1, -1, "7"]),
    "name": st.sampled_from(["", "a", "ä😀", "x" * 20, "x" * 21, 5, "100% %s ?", ConversationStatus.ACTIVE]),
    "text": st.sampled_from([None, "", "it's \\ %s", peewee.fn.LOWER("ABC"), peewee.Value("v")]),
    "status": st.sampled_from(["active", ConversationStatus.CLOSED, "unknown", None]),
    "document": st.sampled_from([None, {}, {"a": [1, {"b": None}]}, [1], "x", {"a": float("nan")}]),
    "moment": st.sampled_from([NOW, "2026-01-02 03:04:05.6", dt.date(2026, 1, 2), "now", peewee.SQL("NULL")]),
    "counted": st.integers(-3, 3),
    "upper": st.sampled_from(["abc", "ß", ""]),
    "odd": st.sampled_from(["LOWER", "UPPER", "x" * 21]),
    "parent": st.sampled_from([None, 1, "1", 99]),
    "plain": st.sampled_from([None, "a", 5, True, b"b", ConversationStatus.ACTIVE]),
    "whole": st.sampled_from([None, 1, "2", True, 3.9]),
    "money": st.sampled_from([None, 1, decimal.Decimal("2.50"), 0.25]),
    "blob": st.sampled_from([None, b"\x00\xff", "text"]),
    "identity": st.sampled_from([None, uuid.UUID(int=5), str(uuid.UUID(int=6))]),
    "day": st.sampled_from([None, dt.date(2026, 1, 2), "2026-01-03"]),
    "since": st.sampled_from([None, NOW, 1_700_000_000]),
    "tags": st.sampled_from([None, {"a": 1}, [1, "x"], "text", 5, True, []]),
    "yes": st.sampled_from([True, False, 1, "x", ""]),
}
#: How a mapping's key can be given: the field's name, the field, the column's name.
KEYS: list[Callable[[str], Any]] = [
    lambda name: name,
    lambda name: getattr(Sample, name),
    lambda name: getattr(Sample, name).column_name,
]
MAPPINGS: list[Callable[[dict[Any, Any]], Any]] = [dict, OrderedDict, types.MappingProxyType]
Insert = Callable[[], Any]


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows as mappings: those of one example mostly have the same keys, and often the same values."""
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True, max_size=6))
    count = draw(st.integers(1, 12))
    given_rows = [{name: draw(VALUES[name]) for name in names} for _ in range(count)]
    if names and draw(st.booleans()):
        for row in given_rows[1:]:
            row.pop(draw(st.sampled_from(names)), None)
    return given_rows


@st.composite
def inserts(draw: st.DrawFn) -> Insert:
    """Return a function that makes an INSERT, with its arguments in one of many forms."""
    given_rows = draw(rows())
    key = draw(st.sampled_from(KEYS))
    form = draw(st.sampled_from(["mappings", "generator", "tuples", "lists", "short", "bulk_create", "single"]))
    if form in ("mappings", "generator"):
        kind = draw(st.sampled_from(MAPPINGS))
        shaped = [kind({key(name): value for name, value in row.items()}) for row in given_rows]
        return lambda: Sample.insert_many(iter(shaped) if form == "generator" else shaped)
    if form == "bulk_create":
        return lambda: Sample.bulk_create([Sample(**row) for row in given_rows])
    if form == "single":
        return lambda: Sample.insert({key(name): value for name, value in given_rows[0].items()})
    names = list(given_rows[0])
    whole = [tuple(row.get(name, draw(VALUES[name])) for name in names) for row in given_rows]
    if form == "short":  # the last values are left to the defaults
        whole = [row[: draw(st.integers(0, len(row)))] for row in whole]
    if form == "lists":
        return lambda: Sample.insert_many([list(row) for row in whole], fields=[key(name) for name in names])
    return lambda: Sample.insert_many(whole, fields=tuple(key(name) for name in names))


@pytest.fixture(scope="module")
def _keep() -> Iterator[None]:
    yield
    Sample._meta.set_database(None)


@pytest.fixture
def samples(database: LiveDatabase, _keep: None) -> peewee.Database:
    own = database.database
    Sample.bind(own, bind_refs=False, bind_backrefs=False)
    own.create_tables([Sample])
    Sample.insert(id=1, counted=0).execute()
    return own


def stored(database: peewee.Database, insert: Insert) -> Any:
    """Return what an INSERT leaves in the table, or how it fails; it is undone."""
    global _numbers
    _numbers = itertools.count(_FIRST)
    table: Any = Sample._meta.table_name
    with database.atomic() as transaction:
        try:
            query = insert()
            if query is not None:
                query.execute()
            columns = ", ".join(name for name in Sample._meta.columns if name not in ("id", "counted"))
            found = database.execute_sql(f"SELECT counted, {columns} FROM {table} ORDER BY id").fetchall()
            # Whoever gives up the fast path asks the defaults again.
            first = min((row[0] for row in found if row[0] >= _FIRST), default=0)
            return [repr((row[0] - first if row[0] >= _FIRST else row[0], *row[1:])) for row in found]
        except Exception as error:
            return type(error), error.args[0]  # a server's text quotes the statement, with what defaults have counted
        finally:
            transaction.rollback()


def test_rows_are_stored_as_peewee_stores_them(samples: peewee.Database, database: LiveDatabase) -> None:
    @settings(max_examples=EXAMPLES[database.family] * 2, suppress_health_check=list(HealthCheck), deadline=None)
    @given(inserts())
    @example(lambda: Sample.insert_many([{"tags": {"a": 1}}, {"tags": [2]}]))
    @example(lambda: Sample.insert_many([{"upper": "abc"}] * 20))
    @example(lambda: Sample.insert_many([("a",), ("b", True)], fields=["name"]))
    @example(lambda: Sample.insert_many([{}]))
    @example(lambda: Sample.insert_many([]))
    def law(insert: Insert) -> None:
        quick = stored(samples, insert)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bulk, "insert_values", lambda *arguments: None)
            slow = stored(samples, insert)
        assert quick == slow

    law()


def test_rows_with_the_same_keys_are_stored_as_by_a_plain_peewee_insert(
    samples: peewee.Database, database: LiveDatabase
) -> None:
    """Other than ours, peewee's own takes the columns from the first row alone."""

    @settings(max_examples=EXAMPLES[database.family], suppress_health_check=list(HealthCheck), deadline=None)
    @given(rows().filter(lambda made: len({tuple(row) for row in made}) == 1), st.sampled_from(KEYS))
    def law(made: list[dict[str, Any]], key: Callable[[str], Any]) -> None:
        shaped = [{key(name): value for name, value in row.items()} for row in made]
        own = stored(samples, lambda: peewee.ModelInsert(Sample, insert=_by_name(shaped)))
        ours = stored(samples, lambda: Sample.insert_many(shaped))
        assert ours == own or (isinstance(ours, tuple) and isinstance(own, tuple))

    law()


def _by_name(shaped: list[dict[Any, Any]]) -> list[dict[str, Any]]:
    """peewee itself takes no names of columns as keys."""
    fields = Sample._meta.combined
    return [{(k.name if isinstance(k, peewee.Field) else fields[k].name): v for k, v in row.items()} for row in shaped]


SELECTS: list[Callable[[], Any]] = [
    Sample.select,
    lambda: Sample.select(Sample.id, Sample.parent, Sample.tags),
    lambda: Sample.select(Sample.name.alias("named"), Sample.status, peewee.fn.UPPER(Sample.name)),
    lambda: Sample.select(Sample.odd, Sample.document, peewee.Value(1).alias("one")),
    lambda: Sample.select(peewee.fn.MAX(Sample.moment), peewee.fn.COUNT(Sample.id)).group_by(Sample.id),
    lambda: Sample.select(Sample.since, Sample.identity, Sample.money, Sample.blob, Sample.day, Sample.yes),
]
KINDS = ("models", "dicts", "tuples", "namedtuples", "objects")


def test_rows_are_read_as_peewee_reads_them(samples: peewee.Database, database: LiveDatabase) -> None:
    @settings(max_examples=EXAMPLES[database.family] // 2, suppress_health_check=list(HealthCheck), deadline=None)
    @given(inserts(), st.sampled_from(SELECTS), st.sampled_from(KINDS), st.sampled_from(["list", "iterator", "slice"]))
    def law(insert: Insert, select: Callable[[], Any], kind: str, way: str) -> None:
        with samples.atomic() as transaction:
            try:
                query = insert()
                if query is not None:
                    query.execute()
            except Exception:
                transaction.rollback()
                return
            quick = _read(select, kind, way)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bulk, "ChunkedRows", lambda wrapper: wrapper)
                slow = _read(select, kind, way)
            transaction.rollback()
        assert quick == slow

    law()


def _read(select: Callable[[], Any], kind: str, way: str) -> Any:
    query = getattr(select().order_by(Sample.id), kind)()
    try:
        found = list(query.iterator()) if way == "iterator" else query[:5] if way == "slice" else list(query)
    except Exception as error:
        return type(error).__name__, str(error)
    return [_told(row) for row in found]


def _told(row: Any) -> Any:
    if isinstance(row, peewee.Model):
        extra = {name: value for name, value in vars(row).items() if not name.startswith("_")}
        # Peewee's constructor fills the values in the order of the fields, the fast path in that of the columns.
        return repr((type(row), sorted(row.__data__.items()), row._dirty, row.__rel__, extra))
    return repr(row)
