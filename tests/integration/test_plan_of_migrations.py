"""``plan`` of pending migrations shows the statements that are sent, and sends none itself."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from unittest import mock

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import CHAIN, NEWEST, SETTLED, add_chain, chain_folder
from tests.support.statements import Statements
from wch_peewee import DatabaseManager
from wch_peewee.migrate.folder import MigrationFolder
from wch_peewee.schema.plan import RowWork

HEADER = """
from wch_peewee.migrate import batches, steps
from wch_peewee.schema.objects import Column, Default, ForeignKey, Index, bigint, datetime, enum, text, varchar

VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
"""
FOOTER = """
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.unstamp, database, "1.0.0")
"""


def at_first(database: LiveDatabase, folder: Path) -> DatabaseManager:
    """Version 1.0.0 with rows, and a folder whose later migrations are pending."""
    manager = DatabaseManager(database.url, migrations=folder, models=SETTLED)
    manager.run_migrations()
    q = "INSERT INTO wp_wch_conversations VALUES (1, '+49', 'c1', 'active', NULL, '{}', %s, %s, %s)"
    database.execute(q, ["2030-01-01 00:00:00"] * 3)
    for number in range(1, 4):
        database.execute(
            "INSERT INTO wp_wch_messages VALUES (%s, 1, 'inbound', 'text', %s, '{}', 'sent', '2030-01-01 00:00:00')",
            [number, f"w{number}"],
        )
    return manager


def written(tmp_path: Path, *lines: str) -> Path:
    folder = chain_folder(tmp_path, [])
    body = "".join(f"    {line}\n" for line in lines)
    (folder / "002_more.py").write_text('"""More."""\n' + HEADER + body + FOOTER, encoding="utf-8")
    return folder


def test_what_is_planned_is_what_is_sent(database: LiveDatabase, tmp_path: Path) -> None:
    """The six migrations of the chain, whose steps depend on each other."""
    folder = chain_folder(tmp_path, [])
    manager = at_first(database, folder)
    add_chain(folder)
    manager = DatabaseManager(database.url, migrations=folder, models=SETTLED)
    with database.statements() as looking:
        plan = manager.plan(counts=True)
    assert looking.writes == []
    assert plan.dry_run.stopped is None
    assert plan.plan.is_empty
    assert {forecast.migration for forecast in plan.dry_run.steps} == {file.stem for file in CHAIN.glob("0*.py")}
    steps = [forecast.work for forecast in plan.dry_run.steps if not isinstance(forecast.work, RowWork)]
    planned = Statements(statement.text for step in steps for statement in (*step.statements, *step.cleanup)).ddl
    with database.statements() as seen:
        manager.install()
    assert [" ".join(sql.split()) for sql in seen.ddl] == [" ".join(sql.split()) for sql in planned]
    assert manager.status().version == NEWEST


def test_rows_that_stand_against_it_are_counted_and_shown(database: LiveDatabase, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    at_first(database, chain_folder(tmp_path / "first", []))
    folder = written(
        tmp_path,
        'migrator.run(steps.add_index, database, "messages", Index("direction", ("direction",), unique=True))',
        'migrator.run(steps.rename_column, database, "messages", "wa_message_id", "message")',
        'migrator.run(steps.alter_column, database, "messages", Column("message", varchar(1)))',
        'migrator.run(steps.alter_column, database, "messages", Column("status", enum("read", "failed")))',
        'agent = Column("assigned_agent_id", bigint(unsigned=True))',
        'migrator.run(steps.alter_column, database, "conversations", agent)',
        'migrator.run(steps.drop_column, database, "messages", "content", allow_drop=True)',
    )
    manager = DatabaseManager(database.url, migrations=folder, models=SETTLED)
    checks = {
        check.precondition.kind: check
        for forecast in manager.plan(counts=True).dry_run.steps
        for check in forecast.checks
    }
    assert {kind: check.count for kind, check in checks.items()} == {
        "no_duplicates": 3,
        "fits": 3,
        "unused": 3,
        "no_nulls": 1,
        "no_values": 3,
    }
    assert [kind for kind, check in checks.items() if check.is_loss] == ["no_values"]
    for kind, check in checks.items():
        shown = database.execute(check.query.replace("%", "%%"))
        assert len(shown) == (1 if kind == "no_duplicates" else check.count), kind


def test_where_a_run_would_stop_the_plan_ends(database: LiveDatabase, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    at_first(database, chain_folder(tmp_path / "first", []))
    folder = written(
        tmp_path,
        'migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))',
        'migrator.run(steps.drop_column, database, "carts", "items")',
        'migrator.run(steps.add_column, database, "carts", Column("more", text(), nullable=True))',
    )
    stopped = DatabaseManager(database.url, migrations=folder, models=SETTLED).plan().dry_run.stopped
    assert stopped is not None
    assert (stopped.migration, stopped.number, stopped.of) == ("002_more", 2, 4)
    assert "add allow_drop=True" in stopped.reason


@pytest.mark.parametrize("line", ["database.execute_sql('DROP TABLE wp_wch_carts')", "migrator.run(database.close)"])
def test_a_plan_runs_nothing_of_an_authors_own(database: LiveDatabase, tmp_path: Path, line: str) -> None:
    (tmp_path / "first").mkdir()
    at_first(database, chain_folder(tmp_path / "first", []))
    folder = written(tmp_path, line, "migrator.run(steps.run_python, database, print)")
    with database.statements() as seen:
        plan = DatabaseManager(database.url, migrations=folder, models=SETTLED).plan()
    assert seen.writes == []
    if "execute" in line:
        assert plan.dry_run.stopped is not None
        assert "migrator.run(steps.run_python, ...)" in plan.dry_run.stopped.reason
    else:
        told = [words for forecast in plan.dry_run.steps for words in forecast.describe()]
        assert any("close" in words and "effect is not known in advance" in words for words in told)
        assert "Runs print, which cannot be shown" in told


FILL = 'migrator.run(batches.fill_column, database, "conversations", "assigned_agent_id", "7")'
NOT_NULL = [
    'agent = Column("assigned_agent_id", bigint(unsigned=True))',
    'migrator.run(steps.alter_column, database, "conversations", agent)',
]


@pytest.mark.parametrize(
    ("first", "changes"),
    [
        ([FILL], True),
        (['migrator.run(steps.run_sql, database, "UPDATE {conversations} SET assigned_agent_id = 7")'], True),
        (['migrator.run(steps.run_sql, database, "UPDATE wp_wch_conversations SET assigned_agent_id = 7")'], True),
        (["migrator.run(steps.run_python, database, print)"], True),
        (['migrator.run(steps.run_sql, database, "DELETE FROM {carts}")'], False),
        ([], False),
    ],
)
def test_rows_that_an_earlier_step_changes_are_not_said_to_fail(
    database: LiveDatabase, tmp_path: Path, first: list[str], changes: bool
) -> None:
    (tmp_path / "first").mkdir()
    at_first(database, chain_folder(tmp_path / "first", []))
    folder = written(tmp_path, *first, *NOT_NULL)
    manager = DatabaseManager(database.url, migrations=folder, models=SETTLED)
    steps = manager.plan(counts=True).dry_run.steps
    (forecast,) = (forecast for forecast in steps if forecast.checks)
    (check,) = forecast.checks
    assert (check.count, check.changed_by) == (1, "002_more, step 1 of 3" if changes else "")
    assert len(forecast.failing) == (not changes)
    with mock.patch("wch_peewee.install.inspection.folder_of", return_value=MigrationFolder(folder)):
        shown = wch("plan", database=database.url).out
        assert ("Would fail" in shown, "Depends on rows that 002_more, step 1 of 3 changes first" in shown) == (
            not changes,
            changes,
        )
        table = wch("plan", "--format", "table", database=database.url).out.splitlines()
        assert table[0].split()[-1] == "conflicting_rows"
        assert any(re.search(r"^002_more +[12] .* 1$", line) for line in table) == (not changes)
        rows = list(csv.DictReader(wch("plan", "--format", "csv", database=database.url).out.splitlines()))
    assert sum(int(row["conflicting_rows"]) for row in rows) == (not changes)
    if first == [FILL]:
        manager.run_migrations()


def test_drift_behind_a_migration_that_changes_its_rows_is_not_refused(database: LiveDatabase, tmp_path: Path) -> None:
    """The migration fills what keeps the repair from being made; it would be made in the same run."""
    (tmp_path / "first").mkdir()
    at_first(database, chain_folder(tmp_path / "first", []))
    null = 'Column("customer_phone", varchar(20), nullable=True)'
    loosened = f'migrator.run(steps.alter_column, database, "conversations", {null})'
    folder = written(tmp_path, loosened)
    DatabaseManager(database.url, migrations=folder).run_migrations()
    database.execute("UPDATE wp_wch_conversations SET customer_phone = NULL")
    manager = DatabaseManager(database.url, migrations=folder)
    assert manager.plan().plan.refusals
    fill = 'migrator.run(batches.fill_column, database, "conversations", "customer_phone", "' + "'1'" + '")'
    text = HEADER.replace("1.1.0", "1.2.0") + f"    {fill}\n" + FOOTER
    (folder / "003_fill.py").write_text(text, encoding="utf-8")
    manager = DatabaseManager(database.url, migrations=folder)
    plan = manager.plan(counts=True).plan
    assert (plan.refusals, len(plan.steps)) == ((), 1)
    assert manager.install().refusals == ()


def test_every_format_says_where_the_run_would_stop_and_what_it_leaves(database: LiveDatabase, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    at_first(database, chain_folder(tmp_path / "first", []))
    stopping = written(tmp_path, 'migrator.run(steps.drop_column, database, "carts", "items")')
    formats = ("sql", "table", "csv", "json", "yaml")
    with mock.patch("wch_peewee.install.inspection.folder_of", return_value=MigrationFolder(stopping)):
        for name in formats:
            assert "add allow_drop=True in the migration" in wch("plan", "--format", name, database=database.url).out
        assert "1.1.0" not in wch("plan", "--format", "table", database=database.url).out.splitlines()[-1]
    database.execute("ALTER TABLE wp_wch_carts ADD COLUMN theirs INT")
    database.execute("ALTER TABLE wp_wch_carts ADD COLUMN needed VARCHAR(9) DEFAULT 'x'")
    index = "wp_wch_carts_customer_phone" if database.family == "sqlite" else "customer_phone ON wp_wch_carts"
    database.execute(f"DROP INDEX {index}")
    cart = "INSERT INTO wp_wch_carts (customer_phone, expires_at, created_at, updated_at) VALUES ('1', %s, %s, %s)"
    for _ in range(2):
        database.execute(cart, ["2030-01-01 00:00:00"] * 3)
    for name in formats:
        shown = wch("plan", "--format", name, database=database.url).out
        assert "there are 2 rows of wp_wch_carts" in shown, name
        assert "wp_wch_carts has a column theirs" in shown, name
