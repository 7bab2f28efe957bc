"""Peewee's idioms do on these models what they do on plain ones, but for the differences in docs/models.md."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.bound import without_new_references
from tests.support.engines import Engine
from tests.support.idioms import IDIOMS, OUTSIDE, ROWS, Idiom, Models
from tests.support.plain_models import plain_models
from wch_peewee import DatabaseManager, Plugin

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
#: What a table's first generated id comes after; each table has so many of its own.
GENERATED = 1_000_000


def differences() -> dict[str, str]:
    """Return the engines by idiom, of each row of the page's table of differences."""
    rows = re.findall(r"^\| `([^`]+)` \| (all|servers|SQLite|SQLite, MySQL) \|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "an idiom is in the table twice"
    return dict(rows)


DIFFERENT = differences()


def is_expected(name: str, engine: Engine) -> bool:
    """Return True if the page says that an idiom differs on this engine."""
    families = {"all": ("sqlite", "mariadb", "mysql"), "servers": ("mariadb", "mysql")}
    said = DIFFERENT.get(name, "")
    return engine.family in families.get(said, said.lower().split(", "))


@pytest.fixture(scope="module")
def both(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Models, Models]]:
    """The same tables as plain models, and as ours; each has a connection of its own."""
    with engine.fresh(tmp_path_factory.mktemp("idioms")) as live, without_new_references():
        DatabaseManager(live.url).install()
        live.database.mariadb = engine.family == "mariadb"
        if engine.family != "sqlite":
            live.execute("SET SESSION sql_mode = ''")  # as WordPress has it
            live.execute("SET NAMES utf8mb4 COLLATE utf8mb4_unicode_520_ci")
        plugin = Plugin(live.url)
        plugin.database.connect()
        plain = plain_models(live.database, plugin.prefix)
        fill(plain)
        yield plain, Models(*plugin.models, plugin.database)
        plugin.database.close()


def fill(models: Models) -> None:
    """Replace all rows by ``ROWS``, with generated ids from ``GENERATED`` on."""
    for model in reversed(models[:6]):
        model.delete().execute()
    for place, name in enumerate(ROWS, 1):
        model = getattr(models, name)
        first = dict(ROWS[name][0], id=place * GENERATED)
        first |= {name: "-" for name in ("wa_message_id", "customer_phone", "phone") if name in first}
        model.insert_many(ROWS[name]).execute()
        model.insert(first).execute()
        model.delete_by_id(first["id"])


def normal(value: Any, since: dt.datetime) -> Any:
    """Return a result as plain values: queries as lists, rows as their data, the current time as one word."""
    if isinstance(value, peewee.Model):
        hidden = {"_dirty", "_snapshots"}
        extra = {name: one for name, one in vars(value).items() if not name.startswith("__") and name not in hidden}
        return normal([type(value).__name__, value.__data__, value.__rel__, extra], since)
    if isinstance(value, dict):
        return {str(key): normal(value[key], since) for key in sorted(value, key=str)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return normal([value._fields, *value], since)
    if isinstance(value, list | tuple | peewee.BaseQuery | peewee.CursorWrapper):
        return [normal(one, since) for one in value]
    if isinstance(value, dt.datetime) and since <= value <= since + dt.timedelta(hours=1):
        return "now"
    if isinstance(value, str):
        return str(value)
    return value


def stored(models: Models, since: dt.datetime) -> Any:
    """Return all rows as the database has them, but for ``updated_at``, which has idioms of its own."""
    found = {}
    for model in models[:6]:
        cursor = models.db.execute_sql(f"SELECT * FROM {model._meta.table_name} ORDER BY id")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        found[model.__name__] = [
            {name: told(value, since) for name, value in row.items() if name != "updated_at"} for row in rows
        ]
    return found


def told(value: Any, since: dt.datetime) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    if isinstance(value, str) and re.fullmatch(r"[12]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d", value):
        return normal(dt.datetime.fromisoformat(value), since)
    return normal(value, since)


def numbered(text: str) -> str:
    """Return a text in which each generated id is its table and its place among that table's ids."""
    ids = sorted({int(one) for one in re.findall(r"\b[1-6]0{2}\d{4}\b", text)})
    for one in ids:
        table = one // GENERATED
        place = [other for other in ids if other // GENERATED == table].index(one)
        text = re.sub(rf"\b{one}\b", f"new {table}.{place}", text)
    return text


def told_of(models: Models, idiom: Idiom) -> str:
    """Return what an idiom gives, or the error's class, and what it leaves in the tables."""
    since = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    try:
        result = normal(idiom(models), since)
    except Exception as error:
        result = f"raises {type(error).__name__}"
    return numbered(
        repr(plain_numbers(result)) + "\n" + "\n".join(f"{k}: {v}" for k, v in stored(models, since).items())
    )


def plain_numbers(value: Any) -> Any:
    """Return a value whose whole Decimals are ints."""
    if isinstance(value, list):
        return [plain_numbers(one) for one in value]
    return int(value) if isinstance(value, Decimal) and value == int(value) else value


class Undone(Exception):
    """Ends a transaction without keeping it."""


def undone(models: Models, idiom: Idiom) -> str:
    """Return what an idiom gives and leaves in the tables, and undo it."""
    with contextlib.suppress(Undone), models.db.atomic():
        told_text = told_of(models, idiom)
        raise Undone
    return told_text


@pytest.mark.parametrize("name", IDIOMS)
def test_an_idiom_does_what_it_does_on_plain_models(both: tuple[Models, Models], engine: Engine, name: str) -> None:
    plain, ours = (undone(models, IDIOMS[name]) for models in both)
    if is_expected(name, engine):
        assert ours != plain, f"the page says that {name!r} differs"
    else:
        assert ours == plain


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_idiom_with_ddl_does_what_it_does_on_plain_models(
    both: tuple[Models, Models], engine: Engine, name: str
) -> None:
    seen = []
    for models in both:
        seen.append(told_of(models, OUTSIDE[name]))
        fill(both[0])
    assert (seen[0] != seen[1]) == is_expected(name, engine)


def test_the_page_names_idioms() -> None:
    assert DIFFERENT.keys() <= IDIOMS.keys() | OUTSIDE.keys()
