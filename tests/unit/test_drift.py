"""Pending changes are distinguished from drift, and each difference names what repairs it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.support.command import wch
from tests.unit.lint.folders import file, folder
from wch_peewee import DatabaseManager
from wch_peewee.install.drift import Difference
from wch_peewee.models.namespace import our_names

ROW = "INSERT INTO wp_wch_carts (customer_phone, expires_at, created_at, updated_at) VALUES ('1', '', '', '')"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def execute(*statements: str) -> None:
    with sqlite3.connect("wch.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def damage() -> None:
    """Drop a column that can be added again, and a unique index that cannot."""
    wch("activate")
    execute("ALTER TABLE wp_wch_sync_queue DROP COLUMN error_message", "DROP INDEX wp_wch_carts_customer_phone")
    execute(ROW, ROW)


def test_an_empty_database_is_pending_and_no_drift() -> None:
    found = wch("check", "--format", "json").json["differences"]
    assert {difference["kind"] for difference in found} == {"pending"}
    assert {difference["repaired_by"] for difference in found} == {None}
    assert found[0]["what"] == "Run migration 001_initial_schema"
    assert "Create table wp_wch_carts" in [difference["what"] for difference in found]


def test_drift_says_who_mends_it_and_how() -> None:
    damage()
    column, index = wch("check", "--format", "json").json["differences"]
    assert (column["kind"], column["table"], column["repaired_by"]) == ("drift", "wp_wch_sync_queue", "wch repair")
    assert column["what"] == "Add column wp_wch_sync_queue.error_message"
    assert (index["kind"], index["table"], index["repaired_by"]) == ("drift", "wp_wch_carts", None)
    assert (index["statements"], "there are 2 rows" in index["reason"]) == ([], True)

    preview = wch("repair", "--dry-run", "--format", "json").json
    assert preview["statements"] == column["statements"]
    execute(*column["statements"])
    assert [d["what"] for d in wch("check", "--format", "json").json["differences"]] == [index["what"]]


def test_each_difference_is_a_line_and_the_statements_stand_below() -> None:
    damage()
    plain, verbose = wch("check").out.splitlines(), wch("check", "--verbose").out.splitlines()
    assert plain[0] == "Drift: Add column wp_wch_sync_queue.error_message (wch repair repairs it)"
    assert plain[1].startswith("Drift: Add index wp_wch_carts UNIQUE KEY")
    assert len(plain) == 3
    assert verbose[1].startswith("    ALTER TABLE")
    assert [line for line in verbose if not line.startswith("    ")] == plain


def test_what_repair_would_do_is_what_it_does() -> None:
    damage()
    shown = wch("repair", "--dry-run")
    assert shown.code == 1
    assert shown.out.splitlines()[0] == "Would do: Add column wp_wch_sync_queue.error_message"
    assert shown.out.splitlines()[1].startswith("    ALTER TABLE")
    assert wch("check").code == 1
    assert wch("repair").out.splitlines()[0] == "Added column wp_wch_sync_queue.error_message"


def test_repair_shows_nothing_that_it_would_refuse() -> None:
    result = wch("repair", "--dry-run")
    assert (result.code, "is pending; run wch activate first" in result.err) == (78, True)


def test_a_version_that_is_gone_is_none_of_repairs_business() -> None:
    wch("activate")
    execute("DROP TABLE wp_options")
    found = wch("check", "--format", "json").json["differences"]
    assert [(d["kind"], d["table"], d["repaired_by"]) for d in found] == [("drift", "wp_options", None)] * 2
    assert wch("check").out.splitlines()[-1] == "wch activate writes the version."
    assert wch("repair", "--dry-run").code == 0


ADD = 'migrator.run(steps.add_column, database, "sync_queue", Column("error_message", text(), nullable=True))'


def test_what_a_pending_migration_is_about_is_no_drift(tmp_path: Path) -> None:
    damage()
    path = folder(tmp_path, _002_more=file(ADD))
    found = DatabaseManager("sqlite:///wch.db", migrations=path).plan()
    assert found.pending == ("002_more",)
    kinds = {d.table: d.kind for d in found.differences(our_names()) if d.what.startswith(("Add column", "Add index"))}
    assert kinds == {"wp_wch_sync_queue": "pending", "wp_wch_carts": "drift"}


def test_where_a_pending_migration_would_stop_is_said(tmp_path: Path) -> None:
    wch("activate")
    path = folder(tmp_path, _002_more=file('steps.decide("Which?")'))
    run, stop = DatabaseManager("sqlite:///wch.db", migrations=path).plan().differences(our_names())
    assert [(difference.kind, difference.repaired_by) for difference in (run, stop)] == [("pending", None)] * 2
    assert stop.what == "002_more would stop at its beginning"
    assert "Which?" in stop.reason


def test_a_difference_speaks_for_itself() -> None:
    difference = Difference("drift", "wp_wch_carts", "Add column x", reason="write a migration")
    assert str(difference) == "Add column x: write a migration"
