"""How ``wch`` ends on errors: exit code, one clear line, no password, nothing changed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any
from unittest import mock

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import wch
from wch_peewee import Plugin
from wch_peewee.cli.options import ExitCode
from wch_peewee.errors import Busy, DatabaseUnavailable
from wch_peewee.execution import session
from wch_peewee.install.manager import DatabaseManager
from wch_peewee.migrate.folder import migrations_folder

SECRET = "s3cret"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["activate", "status", "uninstall", "doctor"])
@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (["--database", f"mysql://root:{SECRET}@host:99999/db"], {}, 78, "host or port cannot be read"),
        (["--database", f"mysql://root:{SECRET}/x@host/db"], {}, 78, "write # as %23, / as %2F"),
        (["--database", f"mysql://root:{SECRET}#x@host/db"], {}, 78, "write # as %23, / as %2F"),
        (["--database", f"mysql://root:{SECRET}@host/db?connect_timeout=0"], {}, 78, "expected whole seconds, 1 to"),
        (["--database", f"mysql://root:{SECRET}@{'h' * 64}/db"], {}, 78, "The host of the database is not valid"),
        (["--database", f"mysql://root:{SECRET}@host/a%00b"], {}, 78, "it contains a NUL character"),
        (
            ["--database", f"mysql://root:{SECRET}\ud800@host/db"],
            {},
            78,
            "The password of the database is not valid",
        ),
        (["--database", f"mysql://%ff:{SECRET}@host/db"], {}, 78, "The user of the database is not valid"),
        (["--database", "sqlite:///a%00b"], {}, 78, "contains %00"),
        (["--database", "sqlite:///" + "a" * 300], {}, 78, "File name too long"),
        (["--database", "sqlite:///\ud800.db"], {}, 78, "surrogates not allowed"),
        (["--database", f"sqlite:///{__file__}/x.db"], {}, 78, "in a folder that does not exist"),
        (["--database", "mysql://root:12/34@host"], {}, 78, "has no database name"),
        (["--database", f"mysql://root:{SECRET}@host"], {}, 78, "has no database name"),
        (["--database", f"postgres://root:{SECRET}@host/db"], {}, 78, "begins with 'postgres'"),
        (["--database", f"root:{SECRET}@host/db"], {}, 78, "has no scheme"),
        (["--database", f"root:{SECRET}://host/db"], {}, 78, "scheme cannot be read"),
        (["--database", ""], {}, 78, "has no scheme"),
        (["--database", "sqlite:///no/such/folder/x.db"], {}, 78, "in a folder that does not exist"),
        (["--prefix", "wp-"], {}, 78, "Table prefix 'wp-' is not valid"),
        ([], {"WCH_TABLE_PREFIX": "w" * 50}, 78, "is too long"),
        (["--bogus"], {}, 64, "No such option"),
        (["--format", "xml"], {}, 64, "'xml' is not one of"),
        (["extra"], {}, 64, "unexpected extra argument"),
    ],
)
def test_a_wrong_setting_is_one_line(
    command: str, arguments: list[str], environment: dict[str, str], code: int, words: str, tmp_path: Path
) -> None:
    result = wch(command, *arguments, **environment)
    assert result.code == code
    assert words in result.err
    assert result.err.startswith(("Error: ", "Database: "))
    assert result.out == ""
    assert not any(secret in result.text for secret in (SECRET, "34@host", "Traceback"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", ["activate", "status", "check", "plan", "migrate", "rollback", "uninstall", "doctor"]
)
def test_a_file_that_is_no_database(command: str, tmp_path: Path) -> None:
    (tmp_path / "wch.db").write_text("This file has been here before anybody thought of a database. " * 20)
    before = (tmp_path / "wch.db").read_bytes()
    result = wch(command, "--format", "json", WCH_REMOVE_DATA="true")
    assert result.code == 2
    assert "file is not a database" in result.out
    assert (tmp_path / "wch.db").read_bytes() == before


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["status", "--bogus", "--format", "json"], ["activate", "--timeout", "nan"]]
)
def test_a_wrong_command_line_is_64(arguments: list[str]) -> None:
    result = wch(*arguments)
    assert result.code == 64
    assert len(result.err.splitlines()) == 2
    if "json" in arguments:
        assert result.json["error"]["exit_code"] == 64


def test_no_command_is_help_and_64() -> None:
    result = wch()
    assert (result.code, result.out) == (64, "")
    assert "Exit codes:" in result.err


def test_an_error_is_a_document_too() -> None:
    result = wch("status", "--format", "json", "--prefix", "wp-")
    assert result.json["error"] == {
        "type": "ConfigurationError",
        "message": "Table prefix 'wp-' is not valid: expected only letters A-Z and a-z, digits and underscores.",
        "exit_code": 78,
    }
    assert result.err.startswith("Error: Table prefix 'wp-'")


@pytest.mark.parametrize(("arguments", "environment"), [([], {}), (["--debug"], {}), ([], {"WCH_DEBUG": "1"})])
def test_the_unexpected_is_one_line_unless_asked(arguments: list[str], environment: dict[str, str]) -> None:
    with mock.patch.object(DatabaseManager, "status", side_effect=ZeroDivisionError("division\nby zero")):
        result = wch("status", "--quiet", *arguments, **environment)
    assert result.code == 2
    line = "Error: ZeroDivisionError: division by zero (--debug shows where)"
    assert result.err.splitlines()[-1] == line
    assert ("Traceback" in result.err) == bool(arguments or environment)


def test_ctrl_c_is_130() -> None:
    with mock.patch.object(DatabaseManager, "install", side_effect=KeyboardInterrupt):
        result = wch("activate", "--quiet")
    assert (result.code, len(result.err.splitlines())) == (130, 1)


@pytest.mark.parametrize("command", ["rollback 001_initial_schema", "uninstall"])
def test_nobody_there_to_answer_is_2(command: str) -> None:
    wch("activate")
    result = wch(*command.split(), WCH_REMOVE_DATA="true")
    assert result.code == 2
    assert "Use --yes in scripts" in result.err
    assert wch("status").code == 0


@pytest.mark.parametrize(
    ("prefix", "answer", "code"),
    [("wp_", "wp_\n", 0), ("wp_", "wp\n", 2), ("wp_", "yes\n", 2), ("wp_", "\n", 2), ("", "empty\n", 0), ("", "\n", 2)],
)
def test_uninstall_wants_the_prefix_typed(prefix: str, answer: str, code: int) -> None:
    wch("activate", "--prefix", prefix)
    result = wch("uninstall", "--quiet", "--prefix", prefix, answer=answer, WCH_REMOVE_DATA="yes")
    assert result.code == code
    assert f"{prefix}wch_conversations" in result.err, "the rows are shown before the question"
    assert wch("status", "--prefix", prefix).code == (1 if code == 0 else 0)


@pytest.mark.parametrize("remove", ["", "false", "0"])
def test_uninstall_without_leave_removes_nothing_and_says_so(remove: str) -> None:
    wch("activate")
    result = wch("uninstall", "--yes", WCH_REMOVE_DATA=remove)
    assert (result.code, result.out) == (2, "WCH_REMOVE_DATA is not true; nothing was removed.\n")
    assert wch("uninstall", "--yes", "--format", "json").json["removed"] is False
    assert wch("status").code == 0


def test_a_dry_run_of_uninstall_lists_all_that_would_go() -> None:
    assert wch("uninstall", "--dry-run").out == "WCH_REMOVE_DATA is not true; nothing would be removed.\n"
    wch("activate")
    shown = wch("uninstall", "--dry-run", WCH_REMOVE_DATA="true").out.splitlines()
    document = wch("uninstall", "--dry-run", "--format", "json", WCH_REMOVE_DATA="true").json
    report = wch("uninstall", "--yes", "--format", "json", WCH_REMOVE_DATA="true").json
    assert sorted(document["rows"]) == sorted(report["tables"])
    assert (document["option"], report["option"]) == (True, True)
    assert shown == [
        *(f"Would drop {table} ({rows} row{'' if rows == 1 else 's'})" for table, rows in document["rows"].items()),
        "Would remove the version option",
    ]


def test_quiet_prints_no_success_as_in_wp_cli() -> None:
    assert wch("activate").out.endswith("Success: Installed version 1.0.0.\n")
    again = wch("activate", "--quiet")
    assert (again.code, again.text) == (0, "")
    assert wch("check", "--quiet").out == "No differences found.\n"


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_what_may_not_be_written_is_said_first(tmp_path: Path) -> None:
    wch("activate")
    # Root may write whatever the permissions say, so they are not asked for real here.
    with mock.patch("os.access", return_value=False):
        result = wch("rollback", "001_initial_schema", "--yes")
        assert (result.code, "nothing was changed" in result.err) == (2, True)
        doctor = wch("doctor", "--format", "json")
    assert doctor.code == 2
    assert doctor.json["findings"][0]["state"] == "fail"
    assert wch("status").code == 0


def test_what_the_models_cannot_do_without_is_a_failure_with_its_reasons() -> None:
    wch("activate")
    with contextlib.closing(sqlite3.connect("wch.db", isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO wp_wch_carts (customer_phone, expires_at, created_at, updated_at) VALUES ('1', '', '', '')"
        )
        connection.execute("DROP INDEX wp_wch_carts_expires_at")
        connection.execute("ALTER TABLE wp_wch_carts DROP COLUMN expires_at")
    assert wch("check").code == 1
    result = wch("activate", "--format", "json")
    assert (result.code, result.json["error"]["type"]) == (2, "SchemaConflict")
    assert "expires_at is NOT NULL without a default" in result.json["error"]["reasons"][0]


def test_leave_that_is_neither_yes_nor_no_stops_what_would_remove_and_nothing_else(tmp_path: Path) -> None:
    assert wch("activate", WCH_REMOVE_DATA="maybe").code == 0
    result = wch("uninstall", "--yes", WCH_REMOVE_DATA="maybe")
    assert result.code == 78
    assert "WCH_REMOVE_DATA is 'maybe'; expected true or false. Nothing was removed." in result.err
    assert wch("check").code == 0


def test_a_mistyped_command_is_answered_by_one_like_it() -> None:
    result = wch("stats")
    assert result.code == ExitCode.USAGE
    assert "No such command 'stats'. Did you mean 'status'?" in result.err


@pytest.mark.parametrize("word", ["install", "init", "setup", "upgrade", "update"])
def test_what_others_call_activate_is_answered_by_it(word: str) -> None:
    result = wch(word)
    assert result.code == ExitCode.USAGE
    assert f"No such command '{word}'. Did you mean 'activate'?" in result.err


@given(st.sampled_from(["uninstall", "rollback", "install", "remove", "delete", "migrate"]), st.data())
def test_nothing_that_removes_is_ever_suggested(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    result = wch(word[:at] + data.draw(st.sampled_from(["", "x", "n"])) + word[at + 1 :])
    suggested = result.err.partition("Did you mean")[2] if "No such command" in result.err else ""
    assert "uninstall" not in suggested
    assert "rollback" not in suggested


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        wch("activate", "--database", "sqlite:///new.db")
        (tmp_path / "old.db").touch(0o664)
        wch("activate", "--database", "sqlite:///old.db")
        peewee_own = peewee.SqliteDatabase(f"file:{tmp_path}/uri%20.db?mode=rwc", uri=True)
        DatabaseManager(peewee_own).install()
        plugin = Plugin(peewee.SqliteDatabase("plugin.db"))
        plugin.admin_init()
        plugin.database.close()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"new.db": 0o600, "old.db": 0o664, "uri .db": 0o600, "plugin.db": 0o600}
    with contextlib.closing(sqlite3.connect("new.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE wp_options SET autoload = 'no'")
        assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")} == {
            "new.db": 0o600,
            "new.db-wal": 0o600,
            "new.db-shm": 0o600,
        }


@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_a_file_that_its_uri_does_not_let_sqlite_make_is_not_made(mode: str, tmp_path: Path) -> None:
    database = peewee.SqliteDatabase(f"file:{tmp_path}/x.db?mode={mode}", uri=True)
    with pytest.raises(DatabaseUnavailable):
        DatabaseManager(database).install()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pages", [1, 4, 16, 25])
def test_a_full_disk_is_named(pages: int) -> None:
    """SQLite rolls back by itself then; peewee's own ROLLBACK must not be what is reported."""

    wch("activate", "--prefix", "other_")
    with contextlib.closing(sqlite3.connect("wch.db", isolation_level=None)) as connection:
        there = connection.execute("PRAGMA page_count").fetchone()[0]
    real = session.dedicated

    def small(database: peewee.Database, **options: float) -> peewee.Database:
        own: Any = real(database, **options)  # type: ignore[arg-type]
        own._pragmas = [*own._pragmas, ("max_page_count", there + pages)]
        return own

    with mock.patch.object(session, "dedicated", small):
        result = wch("activate", "--quiet", "--yes")
    assert result.code == 2
    assert "database or disk is full" in result.err
    assert "no transaction" not in result.err
    assert wch("status", "--prefix", "other_").code == 0


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize(("mode", "what"), [(0o777, "folder"), (0o1777, "folder"), (0o666, "file"), (0o644, None)])
def test_migrations_that_others_may_change_are_said(mode: int, what: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    file = folder / "001_initial_schema.py"
    shutil.copy(migrations_folder() / file.name, file)
    folder.chmod(0o755)
    file.chmod(0o644)
    chosen = {"folder": folder, "file": file, None: file}[what]
    chosen.chmod(mode)
    result = wch("check", "--migrations", str(folder))
    assert (result.code, f"Other users can change {chosen}" in result.err) == (0, what is not None)


def test_zero_is_a_value() -> None:
    seen: list[DatabaseManager] = []

    def install(manager: DatabaseManager) -> None:
        seen.append(manager)
        raise Busy("enough")

    zeros = ("--timeout", "0", "--copy-rows", "0", "--copy-bytes", "0", "--max-lag", "0")
    replica = ("--replica", "mysql://reader@replica/shop")
    with mock.patch.object(DatabaseManager, "install", install):
        wch("activate", *zeros, *replica)
        wch("activate", "--timeout", "3", *zeros, *replica)
        wch("activate", *replica)
    for manager in seen[:2]:
        options = manager.options
        assert options.replicas is not None
        assert (options.patience, options.copies.rows, options.copies.bytes) == (0, 0, 0)
        assert (options.replicas.max_lag, options.replicas.patience) == (0, 0)
    assert (seen[2].options.patience, seen[2].options.copies.rows) == (60, 100_000)
