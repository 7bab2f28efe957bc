"""The laws over generated schemas with every type, not only over the six tables: made, changed, killed, damaged."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.authoring import Folder
from tests.support.databases import LiveDatabase
from tests.support.kit_cases import Case
from tests.support.own_models import CASES, own_model
from tests.unit.test_author_laws import gone, tables
from wch_peewee import db_delta
from wch_peewee.authoring.recipes import neutral
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.objects import Table
from wch_peewee.testing.bench import our_migrations
from wch_peewee.testing.scenarios import SCENARIOS

EXAMPLES = {"sqlite": 15, "mariadb": 3, "mysql": 2}


def silent(database: LiveDatabase, declared: tuple[Table, ...]) -> bool:
    report = db_delta(declared, database.database, prefix=database.prefix, dry_run=True)
    assert (report.changes, report.refusals, report.extras, report.statements) == ((), (), (), ())
    return True


def clear(database: LiveDatabase) -> None:
    if database.family != "sqlite":
        database.execute("SET foreign_key_checks = 0")
    for name in database.tables():
        if not name.startswith("sqlite_"):
            database.execute(f"DROP TABLE IF EXISTS {name}")
    if database.family != "sqlite":
        database.execute("SET foreign_key_checks = 1")


def test_every_generated_schema_is_made_changed_and_changed_back(database: LiveDatabase) -> None:
    examples = EXAMPLES[database.family] * int(os.environ.get("WCH_EXAMPLES", "1"))

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(before=tables(), after=tables())
    def law(before: tuple[Table, ...], after: tuple[Table, ...]) -> None:
        clear(database)
        with tempfile.TemporaryDirectory() as place:
            folder = Folder(Path(place) / "migrations", before)
            manager = folder.manager(database.database)
            manager.run_migrations()
            assert silent(database, before)
            source = folder.write(after, dropped=gone(before, after))
            if not source:
                return
            manager = folder.manager(database.database)
            for _ in range(1 if "steps.irreversible" in source else 2):
                manager.run_migrations()
                assert silent(database, after)
                if "steps.irreversible" not in source:
                    manager.rollback(manager.status().applied[-1])
                    assert silent(database, before)

    law()


def test_db_delta_converges_on_another_schema_and_loses_nothing(database: LiveDatabase) -> None:
    """What is there differs at random from what is declared: columns, types, indexes, keys and whole tables."""
    examples = 3 * EXAMPLES[database.family] * int(os.environ.get("WCH_EXAMPLES", "1"))

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(live=tables(), declared=tables())
    def law(live: tuple[Table, ...], declared: tuple[Table, ...]) -> None:
        clear(database)
        db_delta(live, database.database, prefix="wp_", patience=5)
        for table in live:
            insert_row(database, table)
        before = {table.name: rows(database, table) for table in live}

        report = db_delta(declared, database.database, prefix="wp_", patience=5)

        assert {table.name: rows(database, table) for table in live} == before
        again = db_delta(declared, database.database, prefix="wp_", dry_run=True)
        assert (again.changes, again.statements) == ((), ())
        assert (again.refusals, again.extras) == (report.refusals, report.extras)

    law()


def insert_row(database: LiveDatabase, table: Table) -> None:
    values = {column.name: neutral(column.type) for column in table.columns}
    values |= {"id": "1"} | {key.columns[0]: "1" for key in table.foreign_keys}
    names = ", ".join(f"`{name}`" for name in values)
    marks = ", ".join("?" if database.family == "sqlite" else "%s" for _ in values)
    database.execute(
        f"INSERT INTO {our_names('wp_').table(table.name)} ({names}) VALUES ({marks})", tuple(values.values())
    )


def rows(database: LiveDatabase, table: Table) -> list[tuple[str, ...]]:
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    found = database.execute(f"SELECT {names} FROM {our_names('wp_').table(table.name)}")
    return [tuple(str(value).removesuffix(".000000") for value in row) for row in found]


def versions() -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """Return a parent and a child with a column of each type; then each fifth one is gone, and others are new."""
    fields = {f"c{number}": case.make for number, case in enumerate(CASES.values())}
    Parent = own_model("parents", **{name: make(null=True) for name, make in fields.items()})
    Child = own_model("children", parent=reference(Parent), n=peewee.IntegerField(default=0))
    kept = {name: make(null=True) for number, (name, make) in enumerate(fields.items()) if number % 5}
    Later = own_model("parents", **kept, added=peewee.DecimalField(12, 2, default=0))
    LaterChild = own_model(
        "children", parent=reference(Later), n=peewee.BigIntegerField(default=5), picture=peewee.BlobField(null=True)
    )
    return logical_tables([Parent, Child]), logical_tables([Later, LaterChild])


def reference(model: Any) -> Any:
    return peewee.ForeignKeyField(model, on_delete="CASCADE")


def fill(database: peewee.Database, prefix: str) -> None:
    fields = {f"c{number}": case.make(null=True, default=None) for number, case in enumerate(CASES.values())}
    Parent: Any = own_model("parents", **fields)
    Parent._meta.set_table_name(our_names(prefix).table("parents"))
    Parent._meta.set_database(database)
    rows = [
        Parent.create(
            **{name: case.good[turn % len(case.good)] for name, case in zip(fields, CASES.values(), strict=True)}
        )
        for turn in range(3)
    ]
    for row in rows:
        database.execute_sql(f"INSERT INTO {our_names(prefix).table('children')} (parent_id) VALUES ({row.id})")


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    before, after = versions()
    folder = Folder(tmp_path / "own", before)
    folder.write(after, dropped=gone(before, after))
    return folder.migrations.path


def test_killed_anywhere_it_ends_like_an_undisturbed_run(
    database: LiveDatabase, own_folder: Path, pytestconfig: pytest.Config
) -> None:
    every = 1 if pytestconfig.getoption("--slow") else 29
    scenarios = [scenario for scenario in SCENARIOS if every == 1 or scenario.name != "two at once"]
    case = Case("columns of every type", our_migrations(own_folder), fill)
    verdict = case.examine(database, every=every, scenarios=scenarios)
    assert verdict.ok, str(verdict)
