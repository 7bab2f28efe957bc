"""Killed anywhere: the end is always that of an undisturbed run.

With --slow at every point of every run, and the test kit's other scenarios, too; a part of the points, spread over
the whole run, without.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.damage import Damage
from tests.databases import LiveDatabase
from tests.populate import fill, populate
from wch_peewee import DatabaseManager
from wch_peewee.migrations_folder import migrations_folder
from wch_peewee.schema.objects import enum, varchar
from wch_peewee.testing.examination import examine_at
from wch_peewee.testing.places import Place
from wch_peewee.testing.scenarios import SCENARIOS, Scenario
from wch_peewee.testing.subjects import delta, installation, our_migrations

CHAIN = Path(__file__).parent.parent / "chain"


LONG = ("forward, back and forward again", "two at once")
SHORT = tuple(scenario for scenario in SCENARIOS if scenario.name not in LONG)
CHOSEN = [pytest.param(one, marks=pytest.mark.slow if one.name in LONG else (), id=one.name) for one in SCENARIOS]


@pytest.fixture
def effort(pytestconfig: pytest.Config) -> dict[str, Any]:
    return {} if pytestconfig.getoption("--slow") else {"every": 29, "scenarios": SHORT}


@pytest.fixture
def place(database: LiveDatabase) -> Place:
    # SQLite's locks do not like a connection that is open across a fork.
    database.close()
    return Place(database.engine, database.url)


def test_the_shipped_migrations(place: Place, effort: dict[str, Any]) -> None:
    verdict = examine_at(place, our_migrations(migrations_folder(), "wp_"), populate=fill, **effort)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize("scenario", CHOSEN)
def test_the_chain_on_populated_tables(
    place: Place, tmp_path: Path, effort: dict[str, Any], scenario: Scenario
) -> None:
    folder = tmp_path / "chain"
    folder.mkdir()
    for file in (migrations_folder() / "001_initial_schema.py", *CHAIN.glob("0*.py")):
        shutil.copy(file, folder)
    subject = our_migrations(folder, "wp_")
    verdict = examine_at(place, subject, populate=fill, **{**effort, "scenarios": [scenario]})
    assert verdict.ok, str(verdict)


def test_a_fresh_install(place: Place, effort: dict[str, Any]) -> None:
    verdict = examine_at(place, installation("wp_"), **effort)
    assert verdict.ok, str(verdict)


def test_db_delta_of_a_damaged_schema_with_rows(database: LiveDatabase, effort: dict[str, Any]) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    damage = Damage(database)
    damage.drop_key()
    damage.drop_index("messages", "created_at")
    damage.column("messages", "wa_message_id", type=varchar(40))
    damage.column("messages", "message_type", type=enum("text", "interactive"))
    damage.drop_column("customer_profiles", "preferences")
    damage.drop_index("sync_queue", "entity_type_id")
    damage.column("conversations", "status", type=enum("pending", "active"))
    damage.sql("DROP TABLE {carts}")
    database.close()
    verdict = examine_at(Place(database.engine, database.url), delta("wp_"), start="damaged, with rows", **effort)
    assert verdict.ok, str(verdict)
