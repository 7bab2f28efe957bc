"""What the models do beyond plain peewee, the same on every engine."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.databases import LiveDatabase
from wch_peewee import (
    ConfigurationError,
    Conversation,
    ConversationStatus,
    InvalidValue,
    Message,
    Plugin,
    SyncQueueItem,
)
from wch_peewee.models.fields import utc_now
from wch_peewee.models.site import SiteModels

LONG_AGO = dt.datetime(2020, 1, 1)
NOON = dt.datetime(2026, 1, 2, 12)
LATER = dt.datetime(2031, 1, 1)


@pytest.fixture(params=["ours", "host's"])
def shop(request: pytest.FixtureRequest, installed: LiveDatabase) -> Iterator[Plugin]:
    """Empty tables, over a database of ours and over a host's own with a session that is not strict."""
    plugin = Plugin(installed.url if request.param == "ours" else installed.database)
    if request.param == "host's" and installed.family != "sqlite":
        installed.execute("SET SESSION sql_mode = ''")
    yield plugin
    plugin.database.close()


@pytest.fixture
def models(shop: Plugin) -> SiteModels:
    return shop.models


def talk(models: SiteModels, **values: Any) -> Conversation:
    return models.Conversation.create(**{"customer_phone": "+1", "wa_conversation_id": "w"} | values)


# --- conflicts: one spelling


def cart(models: SiteModels, **values: Any) -> Any:
    return models.Cart.insert(**{"customer_phone": "+1", "expires_at": LATER, "items": [1]} | values)


def test_an_upsert_updates_and_touches_updated_at(models: SiteModels) -> None:
    model = models.Cart
    cart(models, created_at=LONG_AGO, updated_at=LONG_AGO, coupon_code="A").execute()
    cart(models, items=[2], coupon_code="B").on_conflict(
        conflict_target=[model.customer_phone], preserve=[model.items], update={model.coupon_code: "C"}
    ).execute()
    row = model.get()
    assert (row.items, row.coupon_code, row.created_at) == ([2], "C", LONG_AGO)
    assert row.updated_at >= utc_now() - dt.timedelta(minutes=1)
    for query in (
        cart(models).on_conflict(conflict_target=["customer_phone"], update={"updated_at": LONG_AGO}),
        cart(models, updated_at=LONG_AGO).on_conflict(conflict_target=["customer_phone"], preserve=["updated_at"]),
    ):
        model.update(updated_at=LATER).execute()
        query.execute()
        assert model.get().updated_at == LONG_AGO
    rows = [{"customer_phone": f"+{n}", "expires_at": LATER, "items": [n, n]} for n in range(3)]
    model.insert_many(rows).on_conflict(conflict_target=[model.customer_phone], preserve=[model.items]).execute()
    assert {row.customer_phone: row.items for row in model.select()} == {f"+{n}": [n, n] for n in range(3)}
    assert model.get(customer_phone="+1").updated_at > LONG_AGO


def test_an_update_of_a_conflict_may_be_an_expression(models: SiteModels) -> None:
    model = models.SyncQueueItem
    item = model.create(entity_type="order", entity_id=1, action="update", attempts=4)
    model.insert(id=item.id, entity_type="order", entity_id=2, action="update").on_conflict(
        conflict_target=[model.id], update={model.attempts: model.attempts + 1}
    ).execute()
    assert (model.get().attempts, model.get().entity_id) == (5, 1)


def test_a_conflict_is_ignored_and_nothing_else(models: SiteModels) -> None:
    model = models.Cart
    assert cart(models).on_conflict_ignore().as_rowcount().execute() == 1
    before = list(model.select().dicts())
    assert cart(models, items=[2]).on_conflict_ignore().as_rowcount().execute() == 0
    assert list(model.select().dicts()) == before
    rows = [{"customer_phone": f"+{n}", "expires_at": LATER} for n in range(4)]
    assert model.insert_many(rows).on_conflict_ignore().as_rowcount().execute() == 3
    assert model.select().count() == 4
    message = {"direction": "inbound", "message_type": "text", "wa_message_id": "1"}
    with pytest.raises(peewee.IntegrityError):
        models.Message.insert(conversation=99, **message).on_conflict_ignore().execute()
    models.Message.insert(conversation=talk(models), **message).on_conflict_ignore().execute()
    assert models.Message.select().count() == 1
    assert not models.Message.insert(conversation=talk(models), **message).on_conflict_ignore().as_rowcount().execute()


def test_replacing_fills_the_row_anew(models: SiteModels) -> None:
    cart(models, coupon_code="A").execute()
    models.Cart.replace(customer_phone="+1", expires_at=LATER).execute()
    assert (models.Cart.get().coupon_code, models.Cart.get().items) == (None, [])


# --- moments


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.integers(-2_000_000, 2_000_000))
def test_a_moment_with_microseconds_is_compared_as_it_is(shop: Plugin, offset: int) -> None:
    model = shop.models.Conversation
    if not model.select().count():
        talk(shop.models, created_at=NOON)
    moment = NOON + dt.timedelta(microseconds=offset)
    for given_moment in (moment, moment.replace(tzinfo=dt.UTC), moment.isoformat()):
        found = {
            "<": model.created_at < given_moment,
            "<=": model.created_at <= given_moment,
            ">": model.created_at > given_moment,
            ">=": model.created_at >= given_moment,
            "between": model.created_at.between(given_moment, LATER),
            "before": model.created_at.between(LONG_AGO, given_moment),
        }
        counted = {name for name, where in found.items() if model.select().where(where).count()}
        assert counted == {
            *(["<"] if moment > NOON else []),
            *(["<=", "before"] if moment >= NOON else []),
            *([">"] if moment < NOON else []),
            *([">=", "between"] if moment <= NOON else []),
        }
    alias = model.alias()
    assert alias.select().where(alias.created_at < moment).count() == (moment > NOON)


def test_what_was_stored_of_a_moment_is_found(models: SiteModels) -> None:
    moment = NOON.replace(microsecond=999_999)
    row = talk(models, created_at=moment)
    model = models.Conversation
    assert model.get(model.created_at == moment) == row
    assert model.get(model.created_at.in_([moment])) == row
    with pytest.raises(InvalidValue, match="created_at"):
        model.get(model.created_at < "soon")


# --- a status as text


def test_a_status_set_as_text_reads_back_as_the_member(models: SiteModels) -> None:
    row = models.Conversation(customer_phone="+1", wa_conversation_id="w", status="active")
    assert row.status is ConversationStatus.ACTIVE
    row.save()
    row.status = "closed"  # type: ignore[assignment]
    assert row.status is ConversationStatus.CLOSED
    row.save()
    assert models.Conversation.get().status is ConversationStatus.CLOSED
    row.status = "archived"  # type: ignore[assignment]
    assert row.status == "archived"
    with pytest.raises(InvalidValue, match="'archived' is unknown"):
        row.save()
    with pytest.raises(InvalidValue, match="'' is unknown"):
        talk(models, status="")


# --- parts of documents

SCALARS = st.sampled_from(
    [
        *[None, True, False, 0, 1, -7, 12345678901, 1.5, 1.0, 0.1, 2**53, 2**53 + 1, 100000000000000001],
        *[2**63 - 1, 2**63, -(2**63), 12345678901234567890],
        *["", "a", "A", "ä😀", "1", "true", "null", 'q"\\/', "[1]", "a " * 9, "a "],
    ]
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(SCALARS, SCALARS, st.sampled_from(["key", "ä b", "a.b", "$", "it's"]), st.booleans())
def test_a_part_of_a_document_is_compared_as_python_does(
    shop: Plugin, stored: Any, wanted: Any, key: str, php: bool
) -> None:
    model = shop.models.Conversation
    model.delete().execute()
    row = talk(shop.models, context={key: stored, "list": [0, {"n": stored}]})
    if php and key.isascii():  # PHP writes every letter beyond ASCII, and each slash, as an escape
        text = json.dumps(row.context).replace("/", "\\/")
        mark = "?" if isinstance(shop.database, peewee.SqliteDatabase) else "%s"
        shop.database.execute_sql(f"UPDATE {model._meta.table_name} SET context = {mark}", (text,))
    same = stored == wanted and isinstance(stored, bool) == isinstance(wanted, bool)
    parts = (model.context[key], model.context["list"][1]["n"], model.alias().context[key])
    for part in parts[:2]:
        assert model.select().where(part == wanted).count() == same
        assert model.select().where(part.in_([wanted, "nothing of it"])).count() == same
        assert model.select().where(part != wanted).count() == (not same)
    alias = model.alias("a")
    assert alias.select().where(alias.context[key] == wanted).count() == same
    assert model.select().where(model.context[key].is_null()).count() == (stored is None)
    assert model.select().where(model.context[key].is_null(False)).count() == (stored is not None)
    assert model.select().where(model.context[key] >> None).count() == (stored is None)
    assert model.select().where(model.context["missing"] == wanted).count() == (wanted is None)


def test_an_update_where_parts_are_compared(models: SiteModels) -> None:
    """A strict session refuses an UPDATE that converts a value that does not fit."""
    model = models.Conversation
    values: list[Any] = ["abc", 5, 1e300, None, {"a": 1}, "5", [], True, 5.0, "5abc", 2**63]
    for value in values:
        talk(models, context={"n": value})
    part = model.context["n"]
    for wanted, count in ((5, 2), (1e300, 1), ("5", 1), (2**63, 1), (2**70, 0), (True, 1), (None, 1)):
        model.update(status="pending").execute()
        model.update(status="closed").where(part == wanted).execute()
        assert model.select().where(model.status == "closed").count() == count, wanted
    assert model.delete().where(part.in_([5, "abc"])).execute() == 3


def test_a_part_of_a_document_in_other_places(models: SiteModels) -> None:
    model = models.Conversation
    for number in (2, 10, 1):
        talk(models, context={"n": number, "name": f"x{number}"})
    assert model.select().where(model.context["n"] > 1).count() == 2
    assert model.select().where(model.context["name"].like("x1%")).count() in (2, 0)  # GLOB on SQLite, as peewee has it
    assert model.select().where(model.context["name"].startswith("x1")).count() == 2
    name = model.context["name"]
    assert model.select().where(name.in_([])).count() == 0
    assert model.select().where(name.not_in([])).count() == 3
    assert model.select().where(name.in_(model.select(peewee.Value("x10")))).count() == 1
    assert model.select().where(name.not_in(model.select(peewee.Value("x10")))).count() == 2
    for number, count in ((Decimal("2"), 1), (Decimal("2.5"), 0), (float("nan"), 0), (float("inf"), 0), (2**70, 0)):
        assert model.select().where(model.context["n"] == number).count() == count
        assert model.select().where(model.context["n"] != number).count() == 3 - count
    with pytest.raises(InvalidValue, match="contains a NUL character"):
        _ = name == "a\0b"
    keys: list[Any] = ['q"u', "back\\slash", -1, slice(0, 1), True, None, 1.5]
    for key in keys:
        with pytest.raises(InvalidValue, match="cannot be used in a query"):
            _ = model.context["n"][key]
    for refused in ({"a": 1}, [1]):
        with pytest.raises(InvalidValue, match="compare one value in it"):
            _ = model.context["n"] == refused
    with pytest.raises(ConfigurationError, match=r"Conversation has no database"):
        Conversation.select().where(Conversation.context["n"] == 1).sql()


# --- sessions


@pytest.mark.families("mysql", "mariadb")
def test_what_a_server_computes_is_not_cut(shop: Plugin, models: SiteModels) -> None:
    cart(models, coupon_code="x" * 50).execute()
    item = models.SyncQueueItem.create(entity_type="order", entity_id=1, action="update", attempts=2**31 - 1)
    mode = shop.database.execute_sql("SELECT @@SESSION.sql_mode").fetchone()
    writes: list[Any] = [
        models.Cart.update(coupon_code=models.Cart.coupon_code.concat("y")),
        models.SyncQueueItem.update(attempts=models.SyncQueueItem.attempts + 1),
        models.Cart.insert(customer_phone=peewee.fn.REPEAT("1", 30), expires_at=LATER),
        models.Cart.insert_many([{"customer_phone": peewee.fn.REPEAT("1", 30), "expires_at": LATER}]),
        models.Cart.insert_from(
            models.Cart.select(peewee.fn.REPEAT("1", 30), models.Cart.expires_at, *_defaults(models)),
            ["customer_phone", "expires_at", "items", "created_at", "updated_at"],
        ),
        models.Cart.insert(customer_phone="+1", expires_at=LATER).on_conflict(
            update={models.Cart.coupon_code: models.Cart.coupon_code.concat("y")}
        ),
    ]
    for write in writes:
        with pytest.raises(peewee.DataError):
            write.execute()
        assert shop.database.execute_sql("SELECT @@SESSION.sql_mode").fetchone() == mode
    assert [row.coupon_code for row in models.Cart.select()] == ["x" * 50]
    assert models.SyncQueueItem.get_by_id(item.id).attempts == 2**31 - 1


@pytest.mark.families("mysql", "mariadb")
def test_a_hosts_own_fields_are_not_cut(shop: Plugin, installed: LiveDatabase) -> None:
    class Noted(Conversation):
        note = peewee.CharField(max_length=5, null=True)

        class Meta:
            table_key = "conversations"

    model = shop.model(Noted)
    installed.execute("ALTER TABLE wp_wch_conversations ADD COLUMN note VARCHAR(5)")
    values: dict[str, Any] = {"customer_phone": "+1", "wa_conversation_id": "w"}
    try:
        row = model.create(note="short", **values)
        row.note = "much too long"
        for write in (
            row.save,
            lambda: model.create(note="much too long", **values),
            lambda: model.insert(note="much too long", **values).execute(),
            lambda: model.insert_many([{"note": "much too long", **values}]).execute(),
            lambda: model.update(note="much too long").execute(),
            lambda: model.bulk_update([row], ["note"]),
        ):
            with pytest.raises(InvalidValue, match=r"Noted\.note: 'much too long' has 13 characters, at most 5 fit"):
                write()
        with pytest.raises(peewee.DataError):
            model.update(note=peewee.fn.CONCAT("much ", "too long")).execute()  # the server computes it
        assert [one.note for one in model.select()] == ["short"]
    finally:
        installed.execute("ALTER TABLE wp_wch_conversations DROP COLUMN note")


def _defaults(models: SiteModels) -> list[Any]:
    return [models.Cart.items, models.Cart.created_at, models.Cart.updated_at]


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("charset", "utf8"),
        ("charset", "utf8mb3"),
        ("charset", "latin1"),
        ("init_command", "SET NAMES utf8"),
        ("init_command", "SET time_zone = '+00:00', NAMES 'latin1'"),
        ("init_command", "SET SESSION character_set_client = latin1"),
    ],
)
def test_no_character_becomes_a_question_mark(installed: LiveDatabase, parameter: str, value: str) -> None:
    arguments = {**installed.address.arguments(), parameter: value}
    database = peewee.MySQLDatabase(installed.name, **arguments)
    plugin = Plugin(database)
    row = talk(Plugin(installed.url).models, customer_phone="+1")
    models, name = plugin.models, "Zoë 😀"
    same = models.Conversation.get()
    same.customer_phone = name
    for write in (
        lambda: models.CustomerProfile.create(phone="1", name=name),
        lambda: models.CustomerProfile.insert_many([{"phone": "1", "name": name}]).execute(),
        lambda: models.CustomerProfile.bulk_create([models.CustomerProfile(phone="1", name=name)]),
        lambda: models.Conversation.bulk_update([same], ["customer_phone"]),
        same.save,
    ):
        with pytest.raises(ConfigurationError, match=rf"{re.escape(f'{parameter}={value!r}')}, which cannot"):
            write()
    assert models.CustomerProfile.select().count() == 0
    assert models.Conversation.get().customer_phone == row.customer_phone
    assert plugin.admin_init().outcome == "current"
    database.close()


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(
    "options", [{"charset": "UTF8MB4"}, {"init_command": "SET NAMES utf8mb4"}, {"init_command": "SET @a = 1"}]
)
def test_what_holds_every_character_is_accepted(installed: LiveDatabase, options: dict[str, str]) -> None:
    database = peewee.MySQLDatabase(installed.name, **(installed.address.arguments() | options))
    assert talk(Plugin(database).models, wa_conversation_id="😀").wa_conversation_id == "😀"
    assert Plugin(installed.url).models.Conversation.get().wa_conversation_id == "😀"
    database.close()


def test_a_conflict_target_that_is_none_is_refused(models: SiteModels) -> None:
    with pytest.raises(
        InvalidValue, match=r"conflict_target: Cart has no field custmer_phone; its fields are id, customer_"
    ):
        cart(models).on_conflict(conflict_target=["custmer_phone"], preserve=[models.Cart.items])


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_unicode_ci"])
def test_a_cast_is_compared_whatever_the_tables_collation(database: LiveDatabase, collation: str) -> None:
    database.execute(
        "CREATE TABLE wp_options (option_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, "
        "option_name VARCHAR(191) NOT NULL DEFAULT '' UNIQUE, option_value LONGTEXT NOT NULL, "
        f"autoload VARCHAR(20) NOT NULL DEFAULT 'yes') CHARACTER SET utf8mb4 COLLATE {collation}"
    )
    plugin = Plugin(database.url)
    plugin.activate()
    model = plugin.models.Conversation
    talk(plugin.models, customer_phone="7")
    found = plugin.database.execute_sql("SELECT @@collation_connection").fetchone()
    assert found == (collation,)
    for where in (
        model.customer_phone == peewee.Value(7, converter=False).cast("CHAR"),
        model.customer_phone == model.id.cast("CHAR").concat(""),
        peewee.fn.CONCAT(peewee.fn.CAST(peewee.SQL("7 AS CHAR"))) == model.customer_phone,
    ):
        assert model.select().where(where).count() in (0, 1)
    assert model.select().where(model.customer_phone == peewee.Value(7, converter=False).cast("CHAR")).count() == 1
    plugin.database.close()


# --- a queue


def test_workers_take_rows_with_skip_locked(models: SiteModels, shop: Plugin) -> None:
    model = models.SyncQueueItem
    model.create(entity_type="order", entity_id=1, action="update")
    with shop.database.atomic():
        query = model.select().where(model.status == "pending").for_update(skip_locked=True).limit(1)
        item = query.get()
        item.status = "processing"
        item.save()
    assert model.get().status == "processing"
    alias = model.alias()
    with shop.database.atomic():
        assert len(model.select().for_update("FOR UPDATE", nowait=True)) == 1
        assert len(alias.select().for_update(skip_locked=True)) == 1
    assert isinstance(item, SyncQueueItem)
    assert Message.select().for_update(False).sql()[0].startswith("SELECT")
