"""The command on a SQLite file: what it does, its output on stdout and stderr, and its exit codes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import wch
from wch_peewee.cli.output import visible
from wch_peewee.cli.plan import _comment

COMMANDS = ("activate", "status", "check", "plan", "migrate", "rollback", "repair", "uninstall", "schema", "doctor")
JOBS = ("prune", "export", "erase", "queue")
READING = ("status", "check", "plan", "schema", "doctor")
TABLES = ("conversations", "messages", "carts", "customer_profiles", "broadcast_campaigns", "sync_queue")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a new folder: the default database is a file in the current one."""
    monkeypatch.chdir(tmp_path)


@contextmanager
def opened(path: str = "wch.db") -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def execute(*statements: str) -> None:
    with opened() as connection:
        for statement in statements:
            connection.execute(statement)


def tables() -> set[str]:
    with opened() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def stored(version: str) -> str:
    return f"UPDATE wp_options SET option_value = '{version}' WHERE option_name = 'wch_db_version'"


def test_a_life() -> None:
    assert wch("status").code == 1
    assert wch("check").code == 1
    installed = wch("activate")
    assert (installed.code, installed.out.splitlines()[-1]) == (0, "Success: Installed version 1.0.0.")
    assert {f"wp_wch_{name}" for name in TABLES} <= tables()
    again = wch("activate")
    assert (again.code, again.out) == (0, "Success: Already up to date (version 1.0.0).\n")
    assert wch("status").code == 0
    assert wch("check").out == "No differences found.\n"
    assert wch("plan").out == "-- Nothing to do\n"
    assert wch("migrate").out == "Success: No pending migrations (version 1.0.0).\n"
    assert wch("rollback", "001_initial_schema", "--yes").out == "Success: Rolled back 001_initial_schema.\n"
    assert wch("rollback", "--yes").out == "Success: Nothing to do.\n"
    assert wch("migrate").out.splitlines()[0] == "Applied 001_initial_schema"
    removed = wch("uninstall", "--yes", WCH_REMOVE_DATA="true")
    assert (removed.code, removed.out.splitlines()[-1]) == (0, "Success: Uninstalled.")
    assert not any("wch_" in name for name in tables())
    assert wch("uninstall", "--yes", WCH_REMOVE_DATA="true").out == "Success: Nothing was there.\n"


@pytest.mark.parametrize("command", [*READING, "rollback", "repair", "uninstall"])
def test_reading_and_removing_nothing_make_no_file(command: str, tmp_path: Path) -> None:
    wch(command, WCH_REMOVE_DATA="true")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", READING)
def test_reading_changes_no_byte(command: str, tmp_path: Path) -> None:
    wch("activate")
    execute("DROP TABLE wp_wch_carts", stored("0.9.0"))
    before = (tmp_path / "wch.db").read_bytes()
    wch(command)
    assert (tmp_path / "wch.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["wch.db"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--database", "sqlite:///my.db", "--prefix", "x_", "activate"],
        ["activate", "--database", "sqlite:///my.db", "--prefix", "x_"],
        ["--database=sqlite:///other.db", "--prefix=y_", "activate", "--database=sqlite:///my.db", "--prefix=x_"],
    ],
)
def test_options_stand_before_or_behind_the_command_and_the_later_wins(arguments: list[str], tmp_path: Path) -> None:
    result = wch(*arguments, WCH_DATABASE_URL="sqlite:///environment.db", WCH_TABLE_PREFIX="z_")
    assert result.err.splitlines()[0] == "Database: sqlite:///my.db (prefix x_)"
    assert [path.name for path in tmp_path.iterdir()] == ["my.db"]


def test_the_environment_names_database_and_prefix() -> None:
    result = wch("status", WCH_DATABASE_URL="sqlite:///environment.db", WCH_TABLE_PREFIX="")
    assert result.err == "Database: sqlite:///environment.db (no prefix)\n"
    assert "wch_carts" in result.out


def test_what_is_refused_or_not_ours_is_said() -> None:
    wch("activate")
    execute(
        "ALTER TABLE wp_wch_carts ADD COLUMN theirs INT",
        "CREATE TRIGGER theirs AFTER DELETE ON wp_wch_sync_queue BEGIN SELECT 1; END",
    )
    extras = wch("activate")
    assert extras.code == wch("check").code == 0
    assert "Not managed by wch: wp_wch_carts has a column theirs\n" in extras.out
    execute("ALTER TABLE wp_wch_sync_queue DROP COLUMN error_message", "DROP INDEX wp_wch_carts_customer_phone")
    row = "INSERT INTO wp_wch_carts (customer_phone, expires_at, created_at, updated_at) VALUES ('1', '', '', '')"
    execute(row, row)
    check = wch("check")
    assert check.code == 1
    assert "Drift: Add column wp_wch_sync_queue.error_message (wch repair repairs it)\n" in check.out
    assert "Drift: Add index wp_wch_carts" in check.out
    for _ in range(2):
        mended = wch("activate")
        assert mended.code == 1
        assert "there are 2 rows of wp_wch_carts" in mended.out
    assert "error_message" not in wch("check").out
    assert wch("check", "--format", "json").json["refusals"][0]["table"] == "wp_wch_carts"


@pytest.mark.parametrize("version", ["1.5.0", "9.0.0"])
@pytest.mark.parametrize("ours", [False, True])
def test_a_newer_database_is_left_alone(version: str, ours: bool, tmp_path: Path) -> None:
    wch("activate")
    execute("DROP TABLE wp_wch_carts", stored(version))
    if ours:
        execute("UPDATE wp_wch_migratehistory SET name = '002_more'")
    before = (tmp_path / "wch.db").read_bytes()
    for command in ("status", "check", "plan", "activate", "migrate"):
        result = wch(command)
        assert (result.code, result.out.startswith("CREATE")) == (4, False), command
        assert version in result.text
        assert ("the PHP plugin" in result.text.replace("The", "the")) == (not ours)
        document = wch(command, "--format", "json").json
        assert ("error" in document) == (ours and version == "9.0.0" and command in ("activate", "migrate"))
    assert (tmp_path / "wch.db").read_bytes() == before


def test_the_plan_is_a_script_that_a_client_can_run() -> None:
    script = wch("plan", "--quiet")
    assert script.err == ""
    with opened() as connection:
        connection.executescript(script.out)
    left = wch("check", "--format", "json").json
    assert (left["changes"], left["refusals"]) == ([], [])
    assert left["pending"] == ["001_initial_schema"]


def test_a_hostile_name_stays_inside_its_comment() -> None:
    wch("activate")
    name = "x\nDROP TABLE wp_wch_carts;\r\x1b[2J--"
    execute(f'CREATE TRIGGER "{name}" AFTER DELETE ON wp_wch_carts BEGIN SELECT 1; END')
    plan = wch("plan")
    assert plan.out.count("\n") > 2
    assert all(line.startswith("-- ") for line in plan.out.splitlines())
    assert "\x1b" not in plan.out + wch("check").out


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_document_and_the_rest_is_on_stderr(command: str) -> None:
    for _ in range(2):
        before = wch("--format", "json", command, "--quiet", answer="no\n")
        behind = wch(command, "--format", "json")
        assert isinstance(before.json, dict)
        assert isinstance(behind.json, dict)
        assert behind.err.startswith("Database: sqlite:///wch.db (prefix wp_)\n")
        assert not before.err.startswith("Database")
        wch("activate")


def test_nothing_is_wrapped_or_coloured_for_a_program() -> None:
    status = wch("status")
    missing = next(line for line in status.out.splitlines() if line.startswith("missing tables"))
    assert missing.endswith(", ".join(f"wp_wch_{name}" for name in TABLES))
    doctor = wch("doctor")
    assert "\x1b" not in status.text + doctor.text
    assert not any(line != line.rstrip() for line in (status.out + doctor.out).splitlines())


def test_doctor_on_a_file() -> None:
    findings = wch("doctor", "--format", "json").json["findings"]
    assert {finding["name"]: finding["state"] for finding in findings} == {
        "file": "ok",
        "version": "ok",
        "foreign keys": "ok",
    }
    wch("activate")
    assert wch("doctor").code == 0


def test_help_teaches() -> None:
    text = wch("--help").out
    for word in (
        "WCH_DATABASE_URL",
        "WCH_TABLE_PREFIX",
        "WCH_REMOVE_DATA",
        "_WCH_COMPLETE=bash_source wch",
        "78",
        "130",
    ):
        assert word in text
    commands = [line.split()[0] for line in text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]
    assert commands == [*COMMANDS, *JOBS, "new"]
    for command in (*COMMANDS, *JOBS):
        described = wch(command, "--help")
        assert described.code == 0
        assert f"wch {command}" in described.out.partition("\n\n")[2], "an example is missing"
        assert "--database" in described.out


def test_a_statement_that_a_terminal_would_obey_is_no_sql_of_the_plan() -> None:
    """Escaped, it would name another column; the script stays one that a client can run."""
    wch("activate")
    execute(
        'ALTER TABLE wp_wch_carts ADD COLUMN "x\x1b[2J" INT',
        "CREATE TABLE copy AS SELECT * FROM wp_wch_carts",
        "DROP TABLE wp_wch_carts",
        'CREATE TABLE wp_wch_carts (id INTEGER PRIMARY KEY, "x\x1b[2J" INT, customer_phone VARCHAR(7))',
        stored("0.9.0"),
    )
    for name in ("sql", "table", "csv", "json", "yaml"):
        assert not {"\x1b", "\r", "\x07"} & {*wch("plan", "--format", name).text}
    with opened() as connection:
        connection.executescript(wch("plan", "--quiet").out)


@given(st.text())
def test_a_comment_ends_where_a_client_ends_it(text: str) -> None:
    lines = visible(_comment(text)).split("\n")
    assert all(line.startswith("-- ") for line in lines)
    assert "\n".join(line.removeprefix("-- ") for line in lines) == visible(text)
