"""A run that fails says where, why, what is in place and which command to run next; that command works."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import chain_folder, use_migrations
from wch_peewee import Busy, DatabaseManager, MigrationFailed, StatementFailed, WchError
from wch_peewee.cli import run
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.schema.statements import Statement

HEAD = '''
"""Version 1.1.0."""
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, text
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))
    migrator.run({step})
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run({step})
'''

LONG = " OR ".join(f"id = {number}" for number in range(200))

# A step that fails; what is said of it: the reason and the statement.
STEPS = {
    "sql": (
        'steps.run_sql, database, "UPDATE {carts} SET nonsense = ?", "s3cret"',
        "nonsense",
        "UPDATE wp_wch_carts SET nonsense = ?",
    ),
    "sql of a hundred lines": (
        f'steps.run_sql, database, "UPDATE {{carts}} SET nonsense = 1\\n\\nWHERE {LONG}".replace(" OR ", "\\nOR ")',
        "nonsense",
        f"UPDATE wp_wch_carts SET nonsense = 1 WHERE {LONG}",
    ),
    "python that asks": (
        'steps.run_python, database, lambda context: context.database.execute_sql("DELETE FROM nowhere")',
        "nowhere",
        "DELETE FROM nowhere",
    ),
    "python": (
        'steps.run_python, database, lambda context: {}["no such key"]',
        "KeyError: 'no such key'",
        "",
    ),
}
FAILING = [pytest.param(*words, id=name) for name, words in STEPS.items()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the command, too, uses as the shipped migrations."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(migrations_folder() / "001_initial_schema.py", folder)
    use_migrations(monkeypatch, folder)
    return folder


def write(folder: Path, step: str) -> None:
    (folder / "002_more.py").write_text(HEAD.replace("{step}", step), encoding="utf-8")


def plain(sql: str) -> str:
    """Return a statement without quotes and line ends, with one kind of placeholder."""
    return " ".join(sql.replace('"', "").replace("`", "").replace("%s", "?").split())


@pytest.mark.parametrize(("step", "reason", "sql"), FAILING)
def test_a_step_says_all_of_it(installed: LiveDatabase, folder: Path, step: str, reason: str, sql: str) -> None:
    write(folder, step)
    manager = DatabaseManager(installed.url)
    with pytest.raises(MigrationFailed) as caught:
        manager.run_migrations()
    error = caught.value
    assert (error.migration, error.step, error.steps) == ("002_more", 2, 3)
    assert reason in error.reason
    assert plain(error.sql) == sql
    assert error.command == "wch migrate"
    sqlite = installed.family == "sqlite"
    assert error.undone is sqlite
    assert error.in_place == (() if sqlite else ("Added column wp_wch_carts.note",))
    assert "s3cret" not in str(error)
    lines = str(error).splitlines()
    assert len(lines) == 3 + bool(sql)
    assert all(len(line) < 600 for line in lines)
    assert lines[-2] == (
        "All changes of this run were undone."
        if sqlite
        else "Done so far: step 1. This run: Added column wp_wch_carts.note."
    )

    # Repeated, it has nothing to do before the step that fails.
    with pytest.raises(MigrationFailed) as again:
        manager.run_migrations()
    assert again.value.in_place == ()
    if not sqlite:
        assert "Done so far: step 1. This run changed nothing." in str(again.value)
    write(folder, 'steps.run_sql, database, "UPDATE {carts} SET note = NULL"')
    assert manager.run_migrations() == ("002_more",)


@pytest.mark.parametrize(
    ("command", "step", "reason", "sql"),
    [("activate", *STEPS["sql of a hundred lines"]), ("migrate", *STEPS["python"])],
    ids=["activate, sql", "migrate, python"],
)
def test_the_command_says_it_in_ten_lines_and_in_fields(
    installed: LiveDatabase,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    step: str,
    reason: str,
    sql: str,
) -> None:
    write(folder, step)
    typed = [command, "--database", installed.url]
    assert run(typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) <= 10
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith(f"Remove the cause, then run: wch {command} --database ")

    assert run([*typed, "--format", "json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    expected = {"type": "MigrationFailed", "migration": "002_more", "step": 2, "steps": 3, "exit_code": 2}
    assert expected.items() <= error.items()
    assert reason in error["reason"]
    assert plain(error["sql"]) == sql

    write(folder, 'steps.run_sql, database, "UPDATE {carts} SET note = NULL"')
    assert run(error["command"].split()[1:]) in (0, 1)  # 1: the models do not know the new column's version
    assert DatabaseManager(installed.url).status().applied[-1] == "002_more"


def test_a_rollback_names_itself(installed: LiveDatabase, folder: Path) -> None:
    write(folder, 'steps.run_sql, database, "UPDATE {carts} SET note = NULL"')
    manager = DatabaseManager(installed.url)
    manager.run_migrations()
    write(folder, STEPS["sql"][0])
    with pytest.raises(MigrationFailed, match="step 1 of 1") as caught:
        manager.rollback()
    assert caught.value.command == "wch rollback 002_more"
    assert installed.execute("SELECT name FROM wp_wch_migratehistory ORDER BY id")[-1] == ("002_more",)


@pytest.mark.families("mysql", "mariadb")
def test_a_wait_in_the_middle_says_where_too(installed: LiveDatabase, folder: Path) -> None:
    """A lock is no fault of the migration, and what is in place is to be known all the same."""
    write(folder, 'steps.add_column, database, "messages", Column("note", text(), nullable=True)')
    with closing(installed.connect()) as other, other.atomic():
        other.execute_sql("SELECT COUNT(*) FROM wp_wch_messages")
        result = wch("migrate", "--timeout", "0.5", "--format", "json", database=installed.url)
        with pytest.raises(Busy, match="step 2 of 3"):
            DatabaseManager(installed.url, patience=0.5).run_migrations()
    error = result.json["error"]
    expected = {"type": "MigrationBlocked", "migration": "002_more", "step": 2, "steps": 3, "exit_code": 3}
    assert {key: error[key] for key in expected} == expected
    first, *others = result.err.splitlines()[-3:]
    assert first.startswith("Error: migration 002_more, step 2 of 3: another session has locked wp_wch_messages for ")
    assert others[0] == "Done so far: step 1. This run: Added column wp_wch_carts.note."
    assert others[1] == "When it is free, run again: wch migrate --timeout 0.5 --format json"
    status = wch("status", database=installed.url)
    assert (status.code, "002_more was started and not finished: wch migrate continues it." in status.out) == (1, True)
    assert wch("status", "--format", "json", database=installed.url).json["half_applied"] == ["002_more"]
    assert wch("migrate", database=installed.url).code == 0
    assert "finished" not in wch("status", database=installed.url).out


def dropping(database: LiveDatabase, table: str) -> Callable[[Statement], None]:
    """Drop a table just before it is changed."""
    dropped: list[str] = []

    def act(statement: Statement) -> None:
        if statement.table == table and not dropped:
            dropped.append(table)
            database.execute(f"DROP TABLE {table}")

    return act


@pytest.mark.families("mysql", "mariadb")
def test_a_mending_says_it_too(installed: LiveDatabase) -> None:
    """A table is dropped just before its column is added again."""
    installed.execute("ALTER TABLE wp_wch_conversations DROP COLUMN context")
    installed.execute("ALTER TABLE wp_wch_carts DROP COLUMN items")
    manager = DatabaseManager(installed.url, prefix="wp_")
    manager.before_statement = dropping(installed, "wp_wch_carts")
    with pytest.raises(StatementFailed) as caught:
        manager.install()
    parts: dict[str, Any] = vars(caught.value)
    assert parts["sql"].startswith("ALTER TABLE `wp_wch_carts`")
    assert parts["in_place"] == ("Added column wp_wch_conversations.context",)
    assert parts["command"] == "wch activate"
    assert str(caught.value).splitlines()[2:] == [
        "Done so far: Added column wp_wch_conversations.context.",
        "Remove the cause, then run: wch activate",
    ]
    manager.before_statement = None
    assert manager.install().outcome == "upgraded"
    assert manager.plan().is_empty


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("def migrate(:", 3, "SyntaxError: "),
        ("def f():\nx", 4, "IndentationError: "),
        ("import no_such_module", 3, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = y", 3, "NameError: name 'y' is not defined"),
        ("raise SystemExit(3)", 3, "SystemExit: 3"),
        ("# \udcff", 3, "UnicodeDecodeError: "),
        ("def migrate(migrator, database, *, fake=False):\n    1 / 0", 4, "ZeroDivisionError: division by zero"),
        (
            (
                "from wch_peewee.migrate import steps\ndef f(context):\n    context.nothing()\n\n\n"
                "def migrate(migrator, database, *, fake=False):\n    migrator.run(steps.run_python, database, f)"
            ),
            5,
            "AttributeError: ",
        ),
    ],
)
def test_a_mistake_in_a_migration_is_named_by_its_line(tmp_path: Path, body: str, line: int, words: str) -> None:
    folder = chain_folder(tmp_path, [])
    text = f'VERSION = "1.1.0"\n\n{body}\n\n\ndef rollback(migrator, database, *, fake=False):\n    pass\n'
    (folder / "002_x.py").write_text(text, encoding="utf-8", errors="surrogateescape")
    manager = DatabaseManager("sqlite:///:memory:", migrations=folder)
    with pytest.raises(WchError) as caught:
        manager.install()
    (first, *_) = str(caught.value).splitlines()
    assert f"{folder / '002_x.py'}, line {line}: {words}" in first
