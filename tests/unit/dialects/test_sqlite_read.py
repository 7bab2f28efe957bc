"""SQLite's stored statements, read as objects: column, key, index, or the text of what is none of these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.dialects.sqlite_tables import DIALECT, File, memory, read
from wch_peewee.schema.objects import Column, ColumnType, Default, Foreign, ForeignKey, Index, Table
from wch_peewee.schema.preconditions import Precondition
from wch_peewee.schema.sqlite.render import rebuild_obstacles

TYPES = [
    ("INTEGER", "int"),
    ("int", "int"),
    ("INT(11)", "int"),
    ("BIGINT UNSIGNED", "bigint unsigned"),
    ("bigint\n unsigned", "bigint unsigned"),
    ('"BIGINT" unsigned', "bigint unsigned"),
    ("TINYINT(1)", "tinyint(1)"),
    ("TINYINT(4)", "tinyint"),
    ("DECIMAL(10)", "decimal(10)"),
    ("DECIMAL(10, 2)", "decimal(10,2)"),
    ("DOUBLE PRECISION", "double precision"),
    ("DATETIME", "datetime"),
    ("DATETIME(6)", "datetime(6)"),
    ("LONGTEXT", "longtext"),
    ("TEXT", "text"),
    ("VARCHAR(20) CHECK (length(c) <= 20)", "varchar(20)"),
    ("varchar(20) check(LENGTH([C])<=20)", "varchar(20)"),
    ("CHAR(2) CHECK (length(`c`) <= /* two */ 2)", "char(2)"),
    # A length that nothing holds bounds nothing.
    ("VARCHAR(20)", "varchar"),
    ("VARCHAR", "varchar"),
    ("CHAR(20)", "char"),
    ("TEXT CHECK (c IN ('a', 'it''s'))", "enum('a','it''s')"),
    ("TEXT check (\"c\" in('a'))", "enum('a')"),
    ("TEXT CHECK (c IS NULL OR json_valid(c))", "json"),
    ("TEXT CHECK (`C` is null or JSON_VALID([c]))", "json"),
]


@pytest.mark.parametrize(("declared", "expected"), TYPES)
def test_types(declared: str, expected: str) -> None:
    found = read(f"CREATE TABLE t (c {declared})").column("c")
    assert found is not None
    assert (str(found.type), found.opaque, found.nullable) == (expected, (), True)


STRANGE_COLUMNS = [
    ("c", "no type"),
    ("c DECIMAL(-10, 2)", "type DECIMAL(-10,2)"),
    ("c INT(-3)", "type INT(-3)"),
    ("c 'my-type'", "type my-type"),
    ("c TEXT COLLATE NOCASE", "COLLATE NOCASE"),
    ("c INT CHECK (c > 0)", "CHECK (c > 0)"),
    ("c VARCHAR(20) CHECK (length(c) <= 30)", "CHECK (length(c) <= 30)"),
    ("c VARCHAR(20) CHECK (length('c') <= 20)", "CHECK (length('c') <= 20)"),
    ("c VARCHAR CHECK (length(c) <= 20)", "CHECK (length(c) <= 20)"),
    ("c TEXT CHECK (length(c) <= 20)", "CHECK (length(c) <= 20)"),
    ("c TEXT CHECK (c NOT IN ('a'))", "CHECK (c NOT IN ('a'))"),
    ("c TEXT CHECK (c IN ('a') OR 1)", "CHECK (c IN ('a') OR 1)"),
    ("c TEXT CHECK (c IN (1, 'a'))", "CHECK (c IN (1, 'a'))"),
    ("c TEXT CHECK (id IN ('a'))", "CHECK (id IN ('a'))"),
    ("c TEXT CHECK (c IS NULL OR json_valid(c)) CHECK (c IN ('a'))", "CHECK (c IN ('a'))"),
    ("c TEXT CHECK (json_valid(c))", "CHECK (json_valid(c))"),  # which refuses NULL on some versions
    ("c TEXT CONSTRAINT k CHECK (c IN ('a'))", "the constraint name k"),
    ("c INT CONSTRAINT k NOT NULL", "the constraint name k"),
    ("c INT CONSTRAINT k", "the constraint name k"),
    ("c INT AS (id + 1)", "a generated value"),
    ("c INT GENERATED ALWAYS AS (id + 1) STORED NOT NULL", "a generated value"),
]


@pytest.mark.parametrize(("text", "words"), STRANGE_COLUMNS)
def test_strange_columns(text: str, words: str) -> None:
    found = read(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {text}, d TEXT)")
    assert [column.opaque for column in found.columns] == [(), (words,), ()]
    assert (found.opaque, rebuild_obstacles(found)) == ((), (f"column c: {words}",))


DEFAULTS = [
    ("TEXT DEFAULT 'it''s 100%'", Default("it's 100%")),
    ("TEXT DEFAULT ('x')", Default("x")),
    ('TEXT DEFAULT "x"', Default("x")),
    ("TEXT DEFAULT x", Default("x")),
    ("TEXT DEFAULT 0", Default("0")),
    ("TEXT DEFAULT 1.50", Default("1.50", is_expression=True)),
    ("TEXT DEFAULT NULL", None),
    ("INT DEFAULT 0", Default("0")),
    ("INT DEFAULT '0'", Default("0")),
    ("INT DEFAULT -5", Default("-5")),
    ("INT DEFAULT + 5", Default("5")),
    ("INT DEFAULT (-5)", Default("-5")),
    ("INT DEFAULT TRUE", Default("1")),
    ("INT DEFAULT 0x10", Default("0x10", is_expression=True)),
    ("DECIMAL DEFAULT 1.50", Default("1.50")),
    ("BLOB DEFAULT 1", Default("1", is_expression=True)),
    ("BLOB DEFAULT x'00ff'", Default("x'00ff'", is_expression=True)),
    ("DATETIME DEFAULT CURRENT_TIMESTAMP", Default("current_timestamp", is_expression=True)),
    ("DATETIME DEFAULT (current_Timestamp)", Default("current_timestamp", is_expression=True)),
    ("INT DEFAULT ( 1 + /* and */ abs(-2) )", Default("1 + abs(-2)", is_expression=True)),
]


@pytest.mark.parametrize(("text", "expected"), DEFAULTS)
def test_defaults(text: str, expected: Default | None) -> None:
    assert read(f"CREATE TABLE t (c {text})").columns == (
        Column("c", ColumnType(text.split()[0].lower()), True, expected),
    )


KEYS = [
    ("id INTEGER PRIMARY KEY", "bigint unsigned", False),
    ("id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "bigint unsigned", True),
    ("id integer, PRIMARY KEY (ID)", "bigint unsigned", False),
    ("id integer, PRIMARY KEY (id AUTOINCREMENT)", "bigint unsigned", True),
    ("id BIGINT NOT NULL PRIMARY KEY", "bigint", False),
    ("id INT NOT NULL, PRIMARY KEY (`id` ASC)", "int", False),
]


@pytest.mark.parametrize(("text", "type_", "counts"), KEYS)
def test_primary_keys(text: str, type_: str, counts: bool) -> None:
    found = read(f"CREATE TABLE t ({text})")
    (only,) = found.columns
    assert (str(only.type), only.auto_increment, only.nullable) == (type_, counts, False)
    assert (found.primary_key, found.indexes, found.opaque) == (("id",), (), ())


def test_other_primary_keys() -> None:
    assert read("CREATE TABLE t (a INT)").primary_key == ()
    assert read("CREATE TABLE t (a INT, B INT, PRIMARY KEY (b, A))").primary_key == ("B", "a")


STRANGE_TABLES = [
    ("(a INT PRIMARY KEY) WITHOUT ROWID", "WITHOUT ROWID"),
    ("(a INT, CHECK (a > 0))", "CHECK (a > 0)"),
    ("(a INT, CONSTRAINT k CHECK (a > 0))", "CHECK (a > 0)"),
    ("(id INTEGER PRIMARY KEY DESC)", "PRIMARY KEY (id) with DESC"),
    ("(id INTEGER CONSTRAINT k PRIMARY KEY)", "PRIMARY KEY with the name k"),
    ("(id BIGINT UNSIGNED PRIMARY KEY)", "a BIGINT UNSIGNED primary key that is not the rowid"),
    ("(a INT PRIMARY KEY ON CONFLICT IGNORE)", "PRIMARY KEY (a) with ON CONFLICT IGNORE"),
    ("(a INT NOT NULL ON CONFLICT FAIL)", "NOT NULL (a) with ON CONFLICT FAIL"),
    ("(a INT UNIQUE ON CONFLICT REPLACE)", "UNIQUE (a) with ON CONFLICT REPLACE"),
    ("(a INT, CONSTRAINT k UNIQUE (a))", "UNIQUE with the name k"),
    ("(a TEXT, UNIQUE (a COLLATE NOCASE))", "UNIQUE (a) with COLLATE NOCASE"),
    ("(a TEXT, UNIQUE (a DESC))", "UNIQUE (a) with DESC"),
    ("(a TEXT UNIQUE, UNIQUE (a))", "a UNIQUE or PRIMARY KEY whose index is not the one expected"),
    ("(a TEXT UNIQUE, b TEXT PRIMARY KEY)", "UNIQUE (a) in front of the primary key"),
    ("(a INT REFERENCES p DEFERRABLE INITIALLY DEFERRED)", "FOREIGN KEY (a) with DEFERRABLE INITIALLY DEFERRED"),
    ("(a INT, FOREIGN KEY (a) REFERENCES p MATCH FULL)", "FOREIGN KEY (a) with MATCH FULL"),
    ("(a INT, CONSTRAINT k)", "the constraint name k"),
]


@pytest.mark.parametrize(("text", "words"), STRANGE_TABLES)
def test_strange_tables(text: str, words: str) -> None:
    found = read(f"CREATE TABLE t {text}")
    assert words in found.opaque
    assert words in rebuild_obstacles(found)
    assert found.columns


@pytest.mark.skipif(DIALECT.version < (3, 37), reason="STRICT came with 3.37")
def test_strict() -> None:
    assert read("CREATE TABLE t (a INT PRIMARY KEY) STRICT, WITHOUT ROWID").opaque == ("STRICT", "WITHOUT ROWID")


NO_TABLES = [
    ("CREATE VIEW t AS SELECT 1 AS a", "a view, not a table"),
    ("CREATE VIRTUAL TABLE t USING fts5(a)", "a virtual table"),
]


@pytest.mark.parametrize(("statement", "words"), NO_TABLES)
def test_what_is_no_table(statement: str, words: str) -> None:
    assert read(statement) == Table("t", (), (), opaque=(words,), is_view="VIEW" in statement)


def test_a_text_that_is_not_understood_is_opaque() -> None:
    rows = [("table", "t", "t", "CREATE TABLE t (a INT FROBNICATE 'x' (1) 2)"), ("index", "i", "t", "CREATE INDEX i")]
    found = DIALECT.read_schema(["t"], {"tables": rows}).table("t")
    assert found is not None
    assert found.opaque == ("a definition that is not understood: expected a column's constraint, found '2)'",)
    assert found.indexes[0].opaque == ("a definition that is not understood: expected ON, found the end",)


FOREIGN_KEYS = [
    ("a INT REFERENCES p (id)", ForeignKey(("a",), "p", ("id",))),
    ("a INT REFERENCES [P] ON DELETE CASCADE NOT NULL", ForeignKey(("a",), "P", (), "CASCADE")),
    ("a INT CONSTRAINT k REFERENCES p (id) NOT DEFERRABLE INITIALLY IMMEDIATE", ForeignKey(("a",), "p", name="k")),
    (
        "a INT, FOREIGN KEY (A) REFERENCES 'p' (\"id\") ON UPDATE SET NULL ON DELETE RESTRICT",
        ForeignKey(("a",), "p", on_update="SET NULL"),
    ),
    (
        "a INT, CONSTRAINT k FOREIGN KEY (a) REFERENCES p (id) ON DELETE set default",
        ForeignKey(("a",), "p", on_delete="SET DEFAULT", name="k"),
    ),
]


@pytest.mark.parametrize(("text", "expected"), FOREIGN_KEYS)
def test_foreign_keys(text: str, expected: ForeignKey) -> None:
    found = read(f"CREATE TABLE t ({text})")
    assert (found.foreign_keys, found.opaque, found.columns[0].opaque) == ((expected,), (), ())


def test_references_are_spelled_as_the_other_table_spells_itself() -> None:
    with memory() as file:
        file.execute("CREATE TABLE P (Id INTEGER PRIMARY KEY)")
        file.execute("CREATE TABLE t (a INT REFERENCES p, b INT REFERENCES P(ID))")
        query = DIALECT.introspection(["p", "t"])["tables"]
        found = DIALECT.read_schema(["p", "t"], {"tables": file.run_query(query)})
        assert [table.name for table in found] == ["p", "t"]
        assert [(key.referenced_table, key.referenced_columns) for key in found.tables[1].foreign_keys] == [
            ("p", ("Id",))
        ] * 2


INDEXES = [
    ("CREATE INDEX i ON t (a, B)", Index("i", ("a", "b"))),
    ("create unique index if not exists main.[i] on 't'('a' asc,`b`)", Index("i", ("a", "b"), unique=True)),
    ("CREATE INDEX i ON t (a) WHERE b > 0", Index("i", ("a",), opaque=("partial (WHERE b > 0)",))),
    ("CREATE INDEX i ON t (a DESC)", Index("i", ("a",), opaque=("DESC",))),
    ("CREATE INDEX i ON t (b COLLATE NOCASE)", Index("i", ("b",), opaque=("COLLATE NOCASE",))),
    ("CREATE INDEX i ON t (a, lower(b))", Index("i", ("a",), opaque=("expression lower(b)",))),
]


@pytest.mark.parametrize(("statement", "expected"), INDEXES)
def test_indexes(statement: str, expected: Index) -> None:
    assert read("CREATE TABLE t (a INT, b TEXT)", statement).indexes == (expected,)


def test_uniques_are_indexes_under_the_names_that_sqlite_gives_them() -> None:
    found = read("CREATE TABLE t (id INTEGER PRIMARY KEY, a INT UNIQUE, b INT, UNIQUE (b, A) UNIQUE (b))")
    names = [(index.name, index.columns, index.unique) for index in found.indexes]
    numbers = {"a": ("a",), "ba": ("b", "a"), "b": ("b",)}
    assert names == [(f"sqlite_autoindex_t_{n}", c, True) for n, c in enumerate(numbers.values(), 1)]
    assert found.opaque == ()


def test_triggers_are_named() -> None:
    found = read("CREATE TABLE t (a INT)", "CREATE TRIGGER [the one] AFTER INSERT ON T BEGIN SELECT 1; END")
    assert (found.foreign, rebuild_obstacles(found)) == ((Foreign("trigger", "the one"),), ("trigger the one",))


def test_text_that_alter_has_edited() -> None:
    with memory() as file:
        for statement in (
            """CREATE TABLE a (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, c VARCHAR(9) CHECK (length(c) <= 9) -- x
            , s TEXT CHECK (s IN ('x')) -- of all
            , CONSTRAINT k FOREIGN KEY (c) REFERENCES a (id))""",
            "CREATE UNIQUE INDEX i ON a (c)",
            'ALTER TABLE a ADD COLUMN "n"\tINT NOT NULL DEFAULT 0 /* added */',
            'ALTER TABLE a RENAME COLUMN c TO "new c"',
            "ALTER TABLE a RENAME COLUMN s TO 'in'",
            'ALTER TABLE a RENAME TO "it\'s"',
        ):
            file.execute(statement)
        found = file.read("it's")
        assert [(column.name, str(column.type), column.opaque) for column in found.columns] == [
            ("id", "bigint unsigned", ()),
            ("new c", "varchar(9)", ()),
            ("in", "enum('x')", ()),
            ("n", "int", ()),
        ]
        assert found.foreign_keys == (ForeignKey(("new c",), "it's", name="k"),)
        assert found.indexes == (Index("i", ("new c",), unique=True),)
        assert found.opaque == ()


@pytest.fixture
def file() -> Iterator[File]:
    with memory() as opened:
        opened.execute("CREATE TABLE P (id INTEGER PRIMARY KEY)")
        opened.execute("CREATE TABLE t (a INT, b TEXT, CONSTRAINT k FOREIGN KEY (a) REFERENCES P (id))")
        opened.execute("CREATE VIEW v AS SELECT * FROM t")
        yield opened


def test_presence_answers_in_the_names_that_were_asked(file: File) -> None:
    assert sorted(file.run_query(DIALECT.presence(["p", "T", "none", "v", "k"]))) == [("T",), ("p",), ("v",)]


def test_who_references(file: File) -> None:
    file.execute("CREATE TABLE u (a TEXT DEFAULT 'REFERENCES p', b INT REFERENCES q(id))")
    file.execute("CREATE TABLE w (a INT /* REFERENCES q */ references [p])")
    assert DIALECT.read_referencing(["p"], file.run_query(DIALECT.referencing(["p"]))) == {"t": "", "w": ""}
    assert DIALECT.read_referencing(["p", "t"], file.run_query(DIALECT.referencing(["p", "t"]))) == {"w": ""}
    # What cannot be cut into tokens counts when it looks like it.
    assert DIALECT.read_referencing(["p"], [("x", "CREATE ? REFERENCES P"), ("y", "CREATE ?")]) == {"x": ""}


COUNTS = [
    (Precondition("empty", "t"), 1),
    (Precondition("no_nulls", "t", ("a", "b")), 2),
    (Precondition("no_values", "t", ("a",)), 4),
    (Precondition("no_duplicates", "t", ("a",)), 2),
    (Precondition("no_duplicates", "t", ("a", "b")), 0),
    (Precondition("no_orphans", "t", ("a",), ForeignKey(("a",), "p")), 1),
]


@pytest.mark.parametrize(("precondition", "expected"), COUNTS, ids=lambda value: getattr(value, "kind", None))
def test_counts(file: File, precondition: Precondition, expected: int) -> None:
    file.execute("PRAGMA foreign_keys=OFF")
    file.execute("INSERT INTO p VALUES (1), (2), (3)")
    file.execute("INSERT INTO t VALUES (1, 'x'), (1, NULL), (2, 'x'), (9, 'x'), (NULL, 'x')")
    assert file.run_query(DIALECT.count_conflicts(precondition)) == [(expected,)]
