"""Table rebuilds in special cases: empty tables, used ids, conflicting rows, leftovers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.unit.dialects.sqlite_tables import DIALECT, File, column, memory, table
from wch_peewee.schema.objects import Default, ForeignKey, Index, bigint, datetime, varchar
from wch_peewee.schema.operations import AddColumn, AddForeignKey, DropIndex, ModifyColumn, Operation

LIVE = table(column("a", varchar(9), nullable=True), column("b"), indexes=[Index("t_b", ("b",))])
TIGHTER = ModifyColumn("t", LIVE.columns[1], replace(LIVE.columns[1], nullable=False))


@pytest.fixture
def file() -> Iterator[File]:
    with memory() as opened:
        opened.create(LIVE)
        yield opened


def change(file: File, *operations: Operation) -> None:
    file.run(DIALECT.render(file.read(), operations))


def test_an_empty_table_never_gives_an_id_out_twice(file: File) -> None:
    file.execute("INSERT INTO t (id, b) VALUES (41, 1)")
    file.execute("DELETE FROM t")
    change(file, AddColumn("t", column("c"), "a"))
    assert [c.name for c in file.read().columns] == ["id", "a", "c", "b"]
    assert file.execute("SELECT * FROM sqlite_sequence") == [("t", 41)]
    assert file.execute("INSERT INTO t (b, c) VALUES (1, 2) RETURNING id") == [(42,)]
    assert file.execute("SELECT * FROM sqlite_sequence") == [("t", 42)]


def test_a_table_that_never_had_a_row_counts_from_one(file: File) -> None:
    change(file, TIGHTER)
    assert file.execute("INSERT INTO t (a, b) VALUES ('', 1) RETURNING id") == [(1,)]
    assert file.execute("SELECT * FROM sqlite_sequence") == [("t", 1)]


def test_an_expression_fills_the_rows_that_are_there(file: File) -> None:
    file.execute("INSERT INTO t (b) VALUES (1), (2)")
    now = Default("current_timestamp", is_expression=True)
    change(file, AddColumn("t", column("c", datetime(), default=now), "b"))
    assert file.execute("SELECT count(*) FROM t WHERE c > '2000'") == [(2,)]
    assert file.read().column("c") == column("c", datetime(), default=now)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (TIGHTER, "NOT NULL constraint failed"),
        (AddColumn("t", column("c"), "b"), "NOT NULL constraint failed"),
        (ModifyColumn("t", LIVE.columns[1], replace(LIVE.columns[1], type=varchar(2))), "CHECK constraint failed"),
    ],
)
def test_rows_that_stand_against_it_stop_it_and_nothing_is_lost(file: File, operation: Operation, message: str) -> None:
    file.execute("INSERT INTO t (a, b) VALUES (NULL, 1), ('long', 2)")
    before = list(file.connection.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match=message):
        change(file, operation)
    assert list(file.connection.iterdump()) == before


def test_somebody_s_table_of_the_temporary_name_stops_it(file: File) -> None:
    file.execute("CREATE TABLE t__rebuild (precious TEXT)")
    before = list(file.connection.iterdump())
    with pytest.raises(sqlite3.OperationalError, match="already exists") as caught:
        change(file, TIGHTER)
    assert DIALECT.failure(caught.value.args) == "other"  # looking again would not help
    assert list(file.connection.iterdump()) == before


def test_a_new_foreign_key_keeps_the_rows_of_both_sides(file: File) -> None:
    file.create(table(column("t_id", bigint(unsigned=True)), name="child"))
    file.execute("INSERT INTO t (b) VALUES (1), (2)")
    file.execute("INSERT INTO child (t_id) SELECT id FROM t")
    key = ForeignKey(("t_id",), "t", name="k", on_delete="CASCADE")
    file.run(DIALECT.render(file.read("child"), [AddForeignKey("child", key)]))
    change(file, ModifyColumn("t", LIVE.columns[2], replace(LIVE.columns[2], default=Default("7"))))
    assert file.execute("SELECT count(*) FROM child") == [(2,)]
    file.execute("DELETE FROM t WHERE id = 1")
    assert file.execute("SELECT t_id FROM child") == [(2,)]
    assert file.read("child").foreign_keys == (key,)


def test_a_primary_key_learns_to_count() -> None:
    with memory() as file:
        file.execute("CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a TEXT UNIQUE)")
        file.execute("INSERT INTO t VALUES (7, 'x')")
        was = file.read().columns[0]
        change(file, ModifyColumn("t", was, replace(was, auto_increment=True)))
        assert file.read().columns[0].auto_increment
        assert file.execute("SELECT * FROM sqlite_sequence") == [("t", 7)]


def test_uniques_keep_their_indexes_and_go_when_asked() -> None:
    with memory() as file:
        file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT NOT NULL, UNIQUE (b, a))")
        live = file.read()
        change(file, ModifyColumn("t", live.columns[2], replace(live.columns[2], nullable=True)))
        assert file.read().indexes == live.indexes
        change(file, DropIndex("t", "sqlite_autoindex_t_2"))
        assert file.read().indexes == live.indexes[:1]
