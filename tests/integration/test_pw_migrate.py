"""Stock pw_migrate runs the same files and leaves the same state: schema, history and version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_migrations import history, version
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import add_chain
from tests.support.populate import populate
from tests.support.snapshots import schema, snapshot
from wch_peewee import DatabaseManager, Plugin
from wch_peewee.migrate.folder import MigrationFolder, migrations_folder

LEDGER = ("wp_wch_migrateledger",)


def pw_migrate(*arguments: str, folder: Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WCH_")}
    paths = os.pathsep.join([str(Path(__file__).parent.parent.parent), clean.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "peewee_migrate", arguments[0], "--directory", str(folder), *arguments[1:]],
        env={**clean, "PYTHONPATH": paths, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def state(database: LiveDatabase, prefix: str = "wp_") -> tuple[dict[str, str], list[str], str | None]:
    """Return schema, history and version, without the prefix."""
    found = {
        name.replace(prefix, "P_"): text.replace(prefix, "P_")
        for name, text in schema(database).items()
        if name.startswith(prefix)
    }
    names = [row[0] for row in database.execute(f"SELECT name FROM {prefix}wch_migratehistory ORDER BY id")]
    rows = database.execute(f"SELECT option_value FROM {prefix}options WHERE option_name = 'wch_db_version'")
    return found, names, rows[0][0] if rows else None


def test_the_same_state_by_every_way(database: LiveDatabase, tmp_path: Path) -> None:
    Plugin(database.url, prefix="one_").activate()
    DatabaseManager(database.url, prefix="two_").install()
    DatabaseManager(database.url, prefix="six_").run_migrations()
    result = pw_migrate(
        "migrate", "--database", database.url, folder=migrations_folder(), cwd=tmp_path, WCH_TABLE_PREFIX="pwm_"
    )
    assert result.returncode == 0, result.stderr
    states = [state(database, prefix) for prefix in ("one_", "two_", "six_", "pwm_")]
    assert states[0] == states[1] == states[2] == states[3]
    assert states[0][1:] == (["001_initial_schema"], "1.0.0")


def test_the_chain_there_and_back(database: LiveDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__", "__init__.py"))
    DatabaseManager(database.url).run_migrations()
    populate(database)
    before = snapshot(database, without=LEDGER)
    add_chain(folder)
    names = MigrationFolder(folder).names

    forward = pw_migrate("migrate", "--database", database.url, folder=folder, cwd=tmp_path)
    assert forward.returncode == 0, forward.stderr
    assert (version(database), history(database)) == ("2.0.1", list(names))
    assert len(database.execute("SELECT id FROM wp_wch_message_bodies")) == 6
    assert len(database.execute("SELECT id FROM wp_wch_messages")) == 6

    back = pw_migrate("rollback", "--count", "6", "--database", database.url, folder=folder, cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert (version(database), history(database)) == ("1.0.0", list(names[:1]))
    assert DatabaseManager(database.url).plan().is_empty
    messages = "SELECT id, conversation_id, wa_message_id, content, status FROM wp_wch_messages ORDER BY id"
    assert len(database.execute(messages)) == 6
    if database.family != "sqlite":  # which prints an added column last
        assert snapshot(database, without=LEDGER) == before

    listed = pw_migrate("list", "--database", database.url, folder=folder, cwd=tmp_path)
    assert "Done: 1, Pending: 6" in listed.stdout


def test_either_may_begin(database: LiveDatabase, tmp_path: Path) -> None:
    """wch accepts what pw_migrate did as done, and the other way round."""
    pw_migrate("migrate", "--database", database.url, folder=migrations_folder(), cwd=tmp_path)
    assert Plugin(database.url).activate().outcome == "current"
    Plugin(database.url, prefix="b_").activate()
    again = pw_migrate(
        "migrate", "--database", database.url, folder=migrations_folder(), cwd=tmp_path, WCH_TABLE_PREFIX="b_"
    )
    assert "001" not in again.stdout
    assert again.returncode == 0


def test_the_environment_names_the_database_and_the_option_wins(database: LiveDatabase, tmp_path: Path) -> None:
    nowhere = f"sqlite:///{tmp_path}/nowhere.db"
    by_environment = pw_migrate("migrate", folder=migrations_folder(), cwd=tmp_path, WCH_DATABASE_URL=database.url)
    assert by_environment.returncode == 0, by_environment.stderr
    assert history(database) == ["001_initial_schema"]
    by_option = pw_migrate(
        "list", "--database", database.url, folder=migrations_folder(), cwd=tmp_path, WCH_DATABASE_URL=nowhere
    )
    assert "Done: 1, Pending: 0" in by_option.stdout
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.families("sqlite")
def test_rolling_back_the_first_is_refused_and_allowed_by_the_environment(
    database: LiveDatabase, tmp_path: Path
) -> None:
    Plugin(database.url).activate()
    before = snapshot(database)
    refused = pw_migrate("rollback", "--database", database.url, folder=migrations_folder(), cwd=tmp_path)
    assert refused.returncode != 0
    assert "allow it with WCH_REMOVE_DATA=true" in refused.stderr
    assert snapshot(database) == before
    allowed = pw_migrate(
        "rollback", "--database", database.url, folder=migrations_folder(), cwd=tmp_path, WCH_REMOVE_DATA="true"
    )
    assert allowed.returncode == 0, allowed.stderr
    assert database.tables() == ["wp_options", "wp_wch_migratehistory", "wp_wch_migrateledger"]


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (("--database", "nonsense"), {}, "the database URL has no scheme"),
        (("--database", "sqlite:///x.db"), {"WCH_TABLE_PREFIX": "no-"}, "Table prefix 'no-'"),
        (("--database", "sqlite:///x.db", "--migratetable", "mine"), {}, "--migratetable is not for these"),
        (("--database", "mysql://nobody:secret@127.0.0.1:9/none"), {}, "cannot reach the server"),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], words: str
) -> None:
    result = pw_migrate("list", *arguments, folder=migrations_folder(), cwd=tmp_path, **environment)
    assert result.returncode != 0
    assert words.lower() in result.stderr.lower()
    assert len(result.stderr.splitlines()) == 1
    assert "secret" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_php_has_upgraded_is_left_alone(database: LiveDatabase, tmp_path: Path) -> None:
    Plugin(database.url).activate()
    database.execute("UPDATE wp_options SET option_value = '2.6.0' WHERE option_name = 'wch_db_version'")
    database.execute("DROP TABLE wp_wch_migratehistory")
    before = snapshot(database)
    for command in ("migrate", "list"):
        ended = pw_migrate(command, "--database", database.url, folder=migrations_folder(), cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "the PHP plugin has upgraded the tables to version 2.6.0" in ended.stderr
    assert snapshot(database) == before
