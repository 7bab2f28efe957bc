"""Table rebuilds in special cases: empty tables, used ids, conflicting rows, leftovers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.dialects.sqlite_tables import DIALECT, File, column, memory, table
from wch_peewee.errors import SchemaConflict
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


#: What an administrator adds, to the letter: parts of the table, and statements.
THEIR_PARTS = (
    "crm_id BIGINT",
    "Note varchar( 30 ) NULL",
    "flag int(11) DEFAULT +7",
    "[odd name] text default 'it''s -- no comment' NOT  NULL",
    "made TEXT DEFAULT (datetime( 'now' ))",
    "code TEXT UNIQUE",
    "other integer REFERENCES q(id) ON DELETE SET NULL",
    "untyped",
    "price DECIMAL(10,2) -- net, in cents",
    "/* ours since 2019 */ [y] DOUBLE PRECISION",
    "name TEXT COLLATE NOCASE",
    "p INT CHECK (p > 0)",
    "g INT GENERATED ALWAYS AS (b + 1) VIRTUAL",
)
THEIR_CLAUSES = (
    "UNIQUE (b,a)",
    "constraint theirs foreign key (b) references q",
    "FOREIGN KEY (a) REFERENCES q (id) /* why not */",
    "CHECK (b <> 7)",
    "CONSTRAINT u UNIQUE (b)",
)
THEIR_STATEMENTS = (
    "CREATE INDEX crm on t(b,a)",
    "CREATE UNIQUE INDEX crm2 ON t (a /* the name */, b)",
    "CREATE INDEX crm3 ON t (b DESC)",
    "CREATE INDEX crm4 ON t (lower(a))",
    "CREATE INDEX crm5 ON t (a) WHERE b > 1",
    "CREATE INDEX crm6 ON t (a COLLATE NOCASE)",
    "CREATE VIEW v AS SELECT b FROM t",
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM q; END",
    "CREATE TRIGGER h AFTER INSERT ON q BEGIN UPDATE t SET b = 1; END",
)
OURS = ("id INTEGER PRIMARY KEY AUTOINCREMENT", "a VARCHAR(9)", "b INT NOT NULL")


@given(
    st.lists(st.sampled_from(THEIR_PARTS), unique=True, max_size=4),
    st.lists(st.sampled_from(THEIR_CLAUSES), unique=True, max_size=2),
    st.lists(st.sampled_from(THEIR_STATEMENTS), unique=True, max_size=3),
    st.sampled_from([" ", " /* ours */ "]),
    st.data(),
)
def test_what_is_not_ours_is_restated_to_the_letter_or_refuses_the_rebuild(
    parts: list[str], clauses: list[str], statements: list[str], gap: str, data: st.DataObject
) -> None:
    columns = data.draw(st.permutations([*OURS, *parts]))
    with memory() as file:
        file.execute("CREATE TABLE q (id INTEGER PRIMARY KEY)")
        file.execute(f"CREATE TABLE t{gap}(" + ",".join(f"{line}\n" for line in (*columns, *clauses)) + ")")
        for statement in statements:
            file.execute(statement)
        everything = "SELECT type, name, sql FROM sqlite_master WHERE name <> 't' ORDER BY type, name"
        before, text, live = file.execute(everything), file.text("t"), file.read()
        was = next(column for column in live.columns if column.name == "b")
        operation = ModifyColumn("t", was, replace(was, default=Default("5")))
        if DIALECT.obstacles(live, [operation]):
            with pytest.raises(SchemaConflict):
                change(file, operation)
            assert (file.execute(everything), file.text("t")) == (before, text)
            return
        change(file, operation)
        assert file.execute(everything) == before
        assert [line for line in (*OURS[:2], *parts, *clauses) if line not in file.text("t")] == []
        assert file.read() == operation.applied_to(live)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("p INT CHECK (p > 0)", "column p: CHECK (p > 0)"),
        ("g INT AS (b + 1)", "column g: a generated value"),
        ("n TEXT COLLATE NOCASE", "column n: COLLATE NOCASE"),
        ("b2 INT /* of theirs */", ""),
    ],
)
def test_only_what_a_rebuild_would_lose_refuses_it(part: str, reason: str) -> None:
    with memory() as file:
        file.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, b INT NOT NULL, {part})")
        b = file.read().columns[1]
        assert DIALECT.obstacles(file.read(), [ModifyColumn("t", b, replace(b, nullable=True))]) == tuple(
            filter(None, [reason])
        )


def test_a_comment_beside_what_is_changed_refuses_the_rebuild() -> None:
    with memory() as file:
        file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b INT NOT NULL -- counted\n)")
        b = file.read().columns[1]
        assert DIALECT.obstacles(file.read(), [ModifyColumn("t", b, replace(b, nullable=True))]) == (
            "column b: a comment",
        )
