"""The test kit's parts: writes and children, snapshots and their differences, verdicts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import peewee as pw
import pytest

from tests.support.children import ActionFailed, run_killed, run_to_end
from wch_peewee import Busy, DatabaseManager
from wch_peewee.models.namespace import our_names
from wch_peewee.testing.child import START, Child, Moment, Point, Write, is_write
from wch_peewee.testing.examination import Result, Verdict
from wch_peewee.testing.scenarios import Fault, Finding
from wch_peewee.testing.scratch import ScratchDatabase, choose_engines, restore_state, save_state
from wch_peewee.testing.snapshots import Snapshot, TableState, read_snapshot, snapshot_differences, without_order

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite file with an empty table."""
    path = tmp_path / "some.db"
    act(path, "CREATE TABLE t (n INTEGER)")()
    return path


def act(path: Path, *statements: str) -> Callable[[], None]:
    def action() -> None:
        database = pw.SqliteDatabase(str(path))
        with database.connection_context():
            for statement in statements:
                database.execute_sql(statement)

    return action


def values(path: Path) -> list[int]:
    database = pw.SqliteDatabase(str(path))
    with database.connection_context():
        return [row[0] for row in database.execute_sql("SELECT n FROM t ORDER BY n")]


THREE = ["INSERT INTO t VALUES (1)", "SELECT 1", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)"]


@pytest.mark.parametrize(
    ("number", "moment", "left"),
    [(1, "before", []), (1, "after", [1]), (2, "before", [1]), (2, "after", [1, 2]), (3, "after", [1, 2, 3])],
)
def test_a_run_is_killed_at_a_write(file: Path, number: int, moment: Moment, left: list[int]) -> None:
    assert run_killed(act(file, *THREE), Point(number, moment))
    assert values(file) == left


def test_a_run_that_ends_before_the_point_is_not_killed(file: Path) -> None:
    assert not run_killed(act(file, *THREE), Point(4, "before"))
    assert values(file) == [1, 2, 3]


def test_writes_are_numbered(tmp_path: Path) -> None:
    writes = run_to_end(DatabaseManager(f"sqlite:///{tmp_path / 'wch.db'}").install)
    assert [write.number for write in writes] == list(range(1, len(writes) + 1))
    assert writes[-1].sql == "COMMIT"
    assert any(str(write).startswith('CREATE TABLE "wp_wch_conversations" ( "id"') for write in writes)


@pytest.mark.parametrize(
    ("sql", "writes"),
    [(" insert into t values (1)", True), ("WITH x AS (SELECT 1) DELETE FROM t", True), ("SELECT 'DROP'", False),
     ("SET SESSION sql_mode = ''", False), ("PRAGMA foreign_keys = 0", False), ("COMMIT", True)],
)  # fmt: skip
def test_what_is_a_write(sql: str, writes: bool) -> None:
    assert is_write(sql) == writes


def test_a_child_is_held_and_goes_on(file: Path) -> None:
    with Child(act(file, *THREE), hold=Point(2, "before")) as child:
        assert child.reach_hold()
        assert values(file) == [1]
        assert not child.ends_within(0)
        child.go_on()
        ending = child.end()
    assert (ending.killed, ending.failure, len(ending.writes)) == (False, None, 3)
    assert values(file) == [1, 2, 3]


def test_a_child_that_is_left_alone_is_gone_with_its_block(file: Path) -> None:
    with Child(act(file, *THREE), hold=START) as child:
        assert child.reach_hold()
    assert child.end().killed
    assert values(file) == []


def test_a_child_tells_how_it_failed(file: Path) -> None:
    def busy() -> None:
        raise Busy("later")

    with Child(busy) as child:
        failure = child.end().failure
    assert failure is not None
    assert (str(failure), failure.busy, failure.known) == ("Busy: later", True, True)
    assert "in busy" in failure.trace
    with pytest.raises(ActionFailed, match="no such table"):
        run_to_end(act(file, "INSERT INTO nowhere VALUES (1)"))


def test_a_child_that_does_not_end_is_killed() -> None:
    reader, _writer = os.pipe()
    with Child(lambda: os.read(reader, 1)) as child:
        ending = child.end(timeout=0.1)
    assert str(ending.failure) == "Timeout: it had not ended after 0.1 seconds and was killed"


T = TableState("CREATE TABLE t (\n  a int,\n  b int\n)", ("a", "b"), ((1, 2), (3, 4)))


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (Snapshot({"t": T}, ("001_a",), "1.0.0"), []),
        (Snapshot({"t": T}, ("001_a", "001_a"), "1.0.0"), ["the history is 001_a, 001_a and should be 001_a"]),
        (Snapshot({"t": T}, ("001_a",)), ["the version is None and should be 1.0.0"]),
        (Snapshot({"u": T}, ("001_a",), "1.0.0"), ["t is not there", "u is there and should not be"]),
        (
            Snapshot({"t": replace(T, definition="CREATE TABLE t (\n  a bigint,\n  b int\n)")}, ("001_a",), "1.0.0"),
            ["t has another definition (- expected, + found):", "-a int", "+a bigint"],
        ),
        (
            Snapshot({"t": replace(T, rows=((1, 2), (3, 5), (6, 7)))}, ("001_a",), "1.0.0"),
            ["t has other rows, 3 where 2 are expected (- expected, + found):", "-(3, 4)", "+(3, 5)", "+(6, 7)"],
        ),
    ],
)
def test_differences_are_said_in_words(found: Snapshot, lines: list[str]) -> None:
    assert snapshot_differences(Snapshot({"t": T}, ("001_a",), "1.0.0"), found).splitlines() == lines


def test_many_rows_are_cut_short() -> None:
    many = replace(T, rows=tuple((number, "x" * 300) for number in range(100)))
    *_, row, more = snapshot_differences(Snapshot({"t": T}), Snapshot({"t": many})).splitlines()
    assert (len(row), more) == (200, "... and 96 more")


def test_history_counts_by_its_names_and_order_can_be_left_out(file: Path) -> None:
    def read(*statements: str) -> tuple[Snapshot, Snapshot]:
        act(file, *statements)()
        database = pw.SqliteDatabase(str(file))
        with database.connection_context():
            found = read_snapshot(database, names=our_names("wp_"), history="h")
            return found, without_order(found, database)

    make = "CREATE TABLE h (id INTEGER PRIMARY KEY, name TEXT)"
    one, one_loosely = read(make, "INSERT INTO h VALUES (1, 'a')", "CREATE TABLE u (a INTEGER, b TEXT)")
    other, other_loosely = read("UPDATE h SET id = 7", "DROP TABLE u", "CREATE TABLE u (b TEXT, a INTEGER)")
    assert one.history == other.history == ("a",)
    assert snapshot_differences(one, other).startswith("u has another definition")
    assert snapshot_differences(one_loosely, other_loosely) == ""


def test_a_state_comes_back(file: Path) -> None:
    scratch = ScratchDatabase("sqlite", f"sqlite:///{file}")
    act(file, *THREE)()
    with scratch.opened() as database:
        saved = save_state(database)
        before = read_snapshot(database, names=our_names("wp_"), history="")
    act(file, "DELETE FROM t", "CREATE TABLE more (n INTEGER)")()
    with scratch.opened() as database:
        restore_state(database, saved)
        assert read_snapshot(database, names=our_names("wp_"), history="") == before


def test_engines_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCH_TEST_SERVERS", "one=mysql://root@127.0.0.1:1 two=mysql://root@127.0.0.1:2")
    assert choose_engines() == ("sqlite", "one=mysql://root@127.0.0.1:1", "two=mysql://root@127.0.0.1:2")
    assert choose_engines(["two", "sqlite"]) == ("two=mysql://root@127.0.0.1:2", "sqlite")
    assert choose_engines(["other=mysql://db"]) == ("other=mysql://db",)


FINDING = Finding(
    "MariaDB 10.11.19",
    "from an empty database",
    "killed anywhere",
    "killed after write 3 of 9, then the same again",
    Fault("different", "t is not there\nu is there and should not be"),
    Write(3, "DROP\n TABLE t"),
)


def test_a_verdict_is_a_table_and_what_went_wrong() -> None:
    verdict = Verdict((Result("SQLite 3.40.1", "", "run twice", 1), Result("SQLite 3.40.1", "", "killed anywhere", 9)))
    verdict += Verdict((Result("MariaDB 10.11.19", "", "killed anywhere", 9, (FINDING,)),))
    assert (verdict.ok, verdict.tried) == (False, 19)
    assert str(verdict).splitlines() == [
        "scenario         SQLite 3.40.1  MariaDB 10.11.19",
        "run twice        all 1          -",
        "killed anywhere  all 9          8 of 9 (1 differ in silence)",
        "",
        "MariaDB 10.11.19, from an empty database, killed anywhere: killed after write 3 of 9, then the same again",
        "  DROP TABLE t",
        "  t is not there",
        "  u is there and should not be",
    ]


@pytest.mark.parametrize(("module", "absent"), [("wch_peewee", "wch_peewee.testing"), ("wch_peewee.testing", "pytest")])
def test_nobody_pays_for_what_they_do_not_use(module: str, absent: str) -> None:
    program = f"import sys, {module}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
