"""Killed anywhere, run twice, there and back, two at once: the end is always that of an undisturbed run.

Every point of every run with --slow; a part of them, spread over the whole run, without.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.damage import Damage
from tests.databases import LiveDatabase
from tests.populate import fill, populate
from wch_peewee import DatabaseManager
from wch_peewee.migrations_folder import migrations_folder
from wch_peewee.schema.objects import enum, varchar
from wch_peewee.testing.examination import examine_at
from wch_peewee.testing.places import Place
from wch_peewee.testing.subjects import delta, installation, our_migrations

CHAIN = Path(__file__).parent.parent / "chain"


@pytest.fixture
def every(pytestconfig: pytest.Config) -> int:
    return 1 if pytestconfig.getoption("--slow") else 11


@pytest.fixture
def place(database: LiveDatabase) -> Place:
    # SQLite's locks do not like a connection that is open across a fork.
    database.close()
    return Place(database.engine, database.url)


def test_the_shipped_migrations(place: Place, every: int) -> None:
    verdict = examine_at(place, our_migrations(migrations_folder(), "wp_"), populate=fill, every=every)
    assert verdict.ok, str(verdict)


def test_the_chain_on_populated_tables(place: Place, tmp_path: Path, every: int) -> None:
    folder = tmp_path / "chain"
    folder.mkdir()
    for file in (migrations_folder() / "001_initial_schema.py", *CHAIN.glob("0*.py")):
        shutil.copy(file, folder)
    verdict = examine_at(place, our_migrations(folder, "wp_"), populate=fill, every=every)
    assert verdict.ok, str(verdict)


def test_a_fresh_install(place: Place, every: int) -> None:
    verdict = examine_at(place, installation("wp_"), every=every)
    assert verdict.ok, str(verdict)


def test_db_delta_of_a_damaged_schema_with_rows(database: LiveDatabase, every: int) -> None:
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
    verdict = examine_at(Place(database.engine, database.url), delta("wp_"), start="damaged, with rows", every=every)
    assert verdict.ok, str(verdict)
