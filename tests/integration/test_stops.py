"""Migrations that stop before their first step: with a question to their author, or without a rollback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.test_pw_migrate import pw_migrate
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import use_migrations
from wch_peewee import DatabaseManager, Irreversible, Undecided
from wch_peewee.cli import run

MARKED = '''
"""Version 1.1.0."""
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, text
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.add_column, database, "carts", Column("note", text(), nullable=True))
    {mark}
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_column, database, "carts", "note", allow_drop=True)
    migrator.run(steps.irreversible, database, "the notes were read by nobody else")
    migrator.run(steps.unstamp, database, "1.0.0")
'''
QUESTION = 'steps.decide("carts.note: say how it is filled, then remove this line")'


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: LiveDatabase) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    shipped = DatabaseManager(installed.url).folder.path
    for name in ("001_initial_schema.py", "conf.py"):
        (folder / name).write_text((shipped / name).read_text(), encoding="utf-8")
    (folder / "002_note.py").write_text(MARKED.format(mark=QUESTION), encoding="utf-8")
    use_migrations(monkeypatch, folder)
    return folder


def test_a_question_stops_it_before_its_first_step(installed: LiveDatabase, marked: Path) -> None:
    where = "002_note has an open question (steps.decide in its file)"
    words = f"{where}: carts.note: say how it is filled, then remove this line"
    with installed.statements() as seen, pytest.raises(Undecided) as caught:
        DatabaseManager(installed.url).run_migrations()
    assert str(caught.value) == words
    assert not seen.ddl
    assert DatabaseManager(installed.url).status().applied == ("001_initial_schema",)
    (marked / "002_note.py").write_text(MARKED.format(mark=""), encoding="utf-8")
    assert DatabaseManager(installed.url).run_migrations() == ("002_note",)


def test_stock_pw_migrate_stops_there_too(installed: LiveDatabase, marked: Path, tmp_path: Path) -> None:
    done = pw_migrate("migrate", "--database", installed.url, folder=marked, cwd=tmp_path)
    assert done.returncode != 0
    assert "Undecided: carts.note: say how it is filled, then remove this line" in done.stderr
    assert DatabaseManager(installed.url).status().pending == ("002_note",)
    assert DatabaseManager(installed.url).plan().plan.extras == ()


def test_what_cannot_be_taken_back_says_so_and_is_left(
    installed: LiveDatabase, marked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (marked / "002_note.py").write_text(MARKED.format(mark=""), encoding="utf-8")
    manager = DatabaseManager(installed.url)
    manager.run_migrations()
    with installed.statements() as seen, pytest.raises(Irreversible):
        manager.rollback()
    assert not seen.ddl
    assert run(["rollback", "--yes", "--database", installed.url, "--format", "json", "--quiet"]) == 2
    out, err = capsys.readouterr()
    line = "Cannot roll back 002_note: the notes were read by nobody else. Nothing was changed."
    assert err == f"Error: {line}\n"
    assert json.loads(out)["error"]["type"] == "Irreversible"
    assert manager.status().version == "1.1.0"
