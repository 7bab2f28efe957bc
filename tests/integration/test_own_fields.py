"""What peewee's own fields do in an own model beside keeping a value: flags, changes in place, units of time, keys."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import peewee as pw
import pytest

from tests.support.databases import LiveDatabase
from tests.support.own_models import own_model
from wch_peewee import MODELS, BaseModel, InvalidValue, Plugin, db_delta

MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 31337)


class AwareField(pw.DateTimeField):  # type: ignore[misc]
    """A moment with a zone, as many applications have one."""

    def db_value(self, value: Any) -> Any:
        return super().db_value(value.astimezone(dt.UTC).replace(tzinfo=None) if value and value.tzinfo else value)

    def python_value(self, value: Any) -> Any:
        read = super().python_value(value)
        return read and read.replace(tzinfo=dt.UTC)


class WordsField(pw.TextField):  # type: ignore[misc]
    """Words in one text."""

    def db_value(self, value: Any) -> Any:
        return " ".join(value)

    def python_value(self, value: Any) -> Any:
        return value.split()


def flagged() -> dict[str, Any]:
    field = pw.BitField()
    return {"flags": field, "is_first": field.flag(), "is_second": field.flag()}


def create(database: LiveDatabase, *models: Any) -> None:
    assert db_delta(models, database.database, prefix=database.prefix).refusals == ()


@pytest.fixture
def things(installed: LiveDatabase) -> Any:
    members = {
        "document": pw.JSONField(default=dict), "bits": pw.BigBitField(default=b""), "words": WordsField(),
        "micros": pw.TimestampField(resolution=6, utc=True), "seconds": pw.TimestampField(utc=True),
        "aware": AwareField(null=True), **flagged(),
    }  # fmt: skip
    model = own_model("things", installed, **members)
    create(installed, model)
    return model


def test_what_is_changed_in_place_is_saved(things: Any) -> None:
    row = things.create(document={"a": [1]}, words=["one"])
    for number in (2, 3):
        read = row if number == 2 else things.get_by_id(row.id)
        read.document["a"].append(number)
        read.bits.set_bit(number)
        read.words.append(str(number))
        assert read.save() == 1
    saved = things.get_by_id(row.id)
    assert (saved.document, saved.words) == ({"a": [1, 2, 3]}, ["one", "2", "3"])
    assert [number for number in range(8) if saved.bits.is_set(number)] == [2, 3]


def test_a_document_that_is_only_read_is_not_written(things: Any) -> None:
    row = things.create(document={"a": 1}, words=[])
    read = things.get_by_id(row.id)
    assert read.document == {"a": 1}
    assert "document" not in {field.name for field in read.dirty_fields}


def test_flags(things: Any) -> None:
    row = things.create(words=[], is_second=True)
    row.is_first = True
    row.save()
    read = things.get_by_id(row.id)
    assert (read.flags, read.is_first, read.is_second) == (3, True, True)
    assert things.update(flags=things.is_first.clear()).where(things.is_first).execute() == 1
    assert (things.select().where(things.is_first).count(), things.select().where(things.is_second).count()) == (0, 1)
    assert things.select((things.flags - 1).alias("rest")).get().rest == 2  # a flag that is not set stays so
    with pytest.raises(InvalidValue, match="flags: 9223372036854775808 is out of range"):
        things.create(words=[], flags=1 << 63)


def test_flags_of_another_site(database: LiveDatabase) -> None:
    """Peewee's flags know the field that they were made from, which is that of the declared model."""
    declared: Any = type("Marked", (BaseModel,), {**flagged(), "Meta": type("Meta", (), {"table_key": "marked"})})
    model = Plugin(database.database, prefix="wp_2_", models=[*MODELS, declared]).model(declared)
    database.database.create_tables([model])
    model.create(is_first=True)
    assert (model.select().where(model.is_first).count(), model.select().where(model.is_second).count()) == (1, 0)


def test_texts_in_formats_of_ones_own(installed: LiveDatabase) -> None:
    def dumps(document: Any) -> str:
        return json.dumps(document, default=str)

    formats = ["%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S"]
    model = own_model("texts", installed, at=pw.DateTimeField(formats=formats), document=pw.JSONField(dumps=dumps))
    create(installed, model)
    row = model.create(at="02.01.2026 03:04", document={"price": Decimal("19.99")})
    read = model.get_by_id(row.id)
    assert (read.at, read.document) == (dt.datetime(2026, 1, 2, 3, 4), {"price": "19.99"})
    for wrong in ({"at": "2 January", "document": {}}, {"at": MOMENT, "document": {"x": float("nan")}}):
        with pytest.raises(InvalidValue, match=r"is not a valid datetime|not a JSON number"):
            model.create(**wrong)


def test_arithmetic_in_the_unit_of_the_field(things: Any) -> None:
    row = things.create(words=[], micros=MOMENT, seconds=MOMENT)
    things.update(micros=things.micros + 1, seconds=things.seconds + 1).execute()
    read, later = things.get_by_id(row.id), MOMENT + dt.timedelta(seconds=1)
    assert (read.micros, read.seconds) == (later, later.replace(microsecond=0))


def test_a_field_of_ones_own_converts_what_is_written_read_and_compared(things: Any) -> None:
    given = dt.datetime(2026, 1, 2, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    row = things.create(words=[], aware=given)
    assert things.get_by_id(row.id).aware == given
    for condition in (things.aware == given, things.aware <= given, things.aware.between(given, given)):
        assert things.select().where(condition).count() == 1
    assert things.select().where(things.aware < given).count() == 0


def test_a_key_that_is_a_reference(installed: LiveDatabase) -> None:
    person = own_model("persons", installed, name=pw.CharField(20))
    account = own_model("accounts", installed, person=pw.ForeignKeyField(person, primary_key=True))
    item = own_model("items", installed, account=pw.ForeignKeyField(account, null=True, backref="items"))
    create(installed, person, account, item)
    ann, _bob = person.create(name="Ann"), person.create(name="Bob")
    of_ann = account.create(person=ann)
    first, second = item.create(account=of_ann), item.create(account=ann.id)
    assert [row.account.person.name for row in item.select().order_by(item.id)] == ["Ann", "Ann"]
    assert list(item.select().where(item.account == of_ann).order_by(item.id)) == [first, second]
    assert list(of_ann.items.order_by(item.id)) == [first, second]
    assert item.select().join(account).join(person).where(person.name == "Bob").count() == 0
    with pytest.raises(InvalidValue, match="a row of Persons is needed"):
        item.create(account=first)
