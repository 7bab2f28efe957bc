"""The cases that the test kit examines: an install, the shipped migrations, the chain, a repair.

case = chain(folder)
verdict = case.examine(database, scenarios=SCENARIOS)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.kit_subjects import delta, installation, stock_migrations
from tests.support.migration_chain import SETTLED
from tests.support.populate import fill, populate
from wch_peewee import DatabaseManager
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.schema.objects import enum, varchar
from wch_peewee.testing.bench import Subject, our_migrations
from wch_peewee.testing.examination import EMPTY, Populate, Ticker, Verdict, examine_at
from wch_peewee.testing.scenarios import SCENARIOS, Scenario
from wch_peewee.testing.scratch import ScratchDatabase


@dataclass(frozen=True)
class Case:
    """One case. ``prepare`` brings an empty database to the starting state, which ``start`` describes."""

    name: str
    subject: Subject
    populate: Populate | None = None
    prepare: Callable[[LiveDatabase], None] = lambda database: None
    start: str = EMPTY

    def examine(
        self,
        database: LiveDatabase,
        *,
        scenarios: Sequence[Scenario] = SCENARIOS,
        every: int = 1,
        to_the_end: bool = False,
        progress: Ticker = lambda text: None,
    ) -> Verdict:
        """Examine the case on an empty database."""
        self.prepare(database)
        # SQLite's locks do not like a connection that is open across a fork.
        database.close()
        return examine_at(
            ScratchDatabase(database.engine, database.url),
            self.subject,
            populate=self.populate,
            start=self.start,
            scenarios=scenarios,
            every=every,
            to_the_end=to_the_end,
            progress=progress,
        )


def install() -> Case:
    return Case("a fresh install", installation("wp_"))


def shipped() -> Case:
    return Case("the shipped migrations", our_migrations(migrations_folder()), fill)


def chain(folder: Path) -> Case:
    """Return the case of the chain; ``folder`` holds the migrations of tests/support/migration_chain.py."""
    return Case("a chain of seven migrations", our_migrations(folder), fill)


def upgrade(folder: Path) -> Case:
    """Return the case of ``wch activate`` on a site of version 1.0.0: the chain, verification and version."""
    return Case(
        "activate on an old site",
        installation("wp_", migrations=folder, models=SETTLED),
        prepare=_version_1,
        start="version 1.0.0, with rows",
    )


def stock() -> Case:
    """Return the case of the chain in peewee-migrate's own style, run by its Router."""
    return Case("the same chain", stock_migrations(Path(__file__).parents[1] / "stock"), fill)


def repair() -> Case:
    return Case("db_delta of a damaged schema", delta("wp_"), prepare=_damaged, start="damaged, with rows")


def _version_1(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()
    populate(database)


def _damaged(database: LiveDatabase) -> None:
    _version_1(database)
    damage = Damage(database)
    damage.drop_key()
    damage.drop_index("messages", "created_at")
    damage.column("messages", "wa_message_id", type=varchar(40))
    damage.column("messages", "message_type", type=enum("text", "interactive"))
    damage.drop_column("customer_profiles", "preferences")
    damage.drop_index("sync_queue", "entity_type_id")
    damage.column("conversations", "status", type=enum("pending", "active"))
    damage.sql("DROP TABLE {carts}")
