"""Operations on SQLite: cost and statements, and the texts of refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.dialects.sqlite_tables import DIALECT, ID, column, table
from wch_peewee.errors import SchemaConflict
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    Foreign,
    ForeignKey,
    Index,
    Table,
    bigint,
    boolean,
    datetime,
    enum,
    integer,
    json,
    text,
    varchar,
)
from wch_peewee.schema.operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropTable,
    ModifyColumn,
    Operation,
    RenameColumn,
)
from wch_peewee.schema.sqlite.render import rebuild_obstacles

NOW = Default("current_timestamp", is_expression=True)

COLUMNS = [
    (ID, '"id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT'),
    (column("c", bigint(unsigned=True)), '"c" BIGINT UNSIGNED NOT NULL'),
    (column("c", integer(), default="0"), '"c" INT NOT NULL DEFAULT 0'),
    (column("c", integer(), default="x"), "\"c\" INT NOT NULL DEFAULT 'x'"),
    (column("c", boolean(), default="-1"), '"c" TINYINT(1) NOT NULL DEFAULT -1'),
    (column("c", text(), default="0"), "\"c\" TEXT NOT NULL DEFAULT '0'"),
    (column("c", text(), nullable=True), '"c" TEXT'),
    (column("c", varchar(20)), '"c" VARCHAR(20) NOT NULL CHECK (length("c") <= 20)'),
    (column('a"b', ColumnType("char", 2)), '"a""b" CHAR(2) NOT NULL CHECK (length("a""b") <= 2)'),
    (
        column("c", enum("a", "it's 100%"), default="a"),
        "\"c\" TEXT NOT NULL DEFAULT 'a' CHECK (\"c\" IN ('a', 'it''s 100%'))",
    ),
    (column("c", json(), nullable=True), '"c" TEXT CHECK ("c" IS NULL OR json_valid("c"))'),
    (column("c", ColumnType("decimal", 10, unsigned=True)), '"c" DECIMAL UNSIGNED(10) NOT NULL'),
    (column("c", datetime(), default=NOW), '"c" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP'),
    (column("c", integer(), default=Default("1 + 1", True)), '"c" INT NOT NULL DEFAULT (1 + 1)'),
    (column("😀", text(), default="😀 ' \" % ?"), "\"😀\" TEXT NOT NULL DEFAULT '😀 '' \" % ?'"),
]


@pytest.mark.parametrize(("declared", "expected"), COLUMNS)
def test_columns(declared: Column, expected: str) -> None:
    ((create,),) = [step.statements for step in DIALECT.render(None, [CreateTable("t", Table("t", (declared,)))])]
    lines = create.sql.splitlines()
    assert lines[1].strip().rstrip(",") == expected


KEY = ForeignKey(("a",), "p", name="k", on_delete="CASCADE")


def test_a_new_table_is_one_step() -> None:
    new = table(
        column("a"), column("b"), indexes=[Index("t_a", ("a",), unique=True), Index("x", ("b", "a"))], keys=[KEY]
    )
    (step,) = DIALECT.render(None, [CreateTable("t", new)])
    assert (step.table, step.cost, step.cleanup) == ("t", "CREATE", ())
    created = (
        'CREATE TABLE "t" (\n'
        '  "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,\n'
        '  "a" INT NOT NULL,\n'
        '  "b" INT NOT NULL,\n'
        '  CONSTRAINT "k" FOREIGN KEY ("a") REFERENCES "p" ("id") ON DELETE CASCADE\n'
        ")"
    )
    assert [(statement.sql, statement.table) for statement in step.statements] == [
        (created, "t"),
        ('CREATE UNIQUE INDEX "t_a" ON "t" ("a")', "t"),
        ('CREATE INDEX "x" ON "t" ("b", "a")', "t"),
    ]


LIVE = table(column("a"), column("b", varchar(9), nullable=True), indexes=[Index("t_a", ("a",))])
WIDER = ModifyColumn("t", LIVE.columns[2], replace(LIVE.columns[2], type=varchar(20)))

NATIVE = [
    (AddColumn("t", column("c", nullable=True), "a"), 'ALTER TABLE "t" ADD COLUMN "c" INT'),
    (AddColumn("t", column("c", default="7"), "a"), 'ALTER TABLE "t" ADD COLUMN "c" INT NOT NULL DEFAULT 7'),
    (RenameColumn("t", "a", 'c"'), 'ALTER TABLE "t" RENAME COLUMN "a" TO "c"""'),
    (DropColumn("t", "b"), 'ALTER TABLE "t" DROP COLUMN "b"'),
    (AddIndex("t", Index("t_b", ("b", "a"))), 'CREATE INDEX "t_b" ON "t" ("b", "a")'),
    (AddIndex("t", Index("t_b", ("b",), unique=True)), 'CREATE UNIQUE INDEX "t_b" ON "t" ("b")'),
    (DropIndex("t", "t_a"), 'DROP INDEX "t_a"'),
    (DropTable("t"), 'DROP TABLE "t"'),
]


@pytest.mark.parametrize(("operation", "sql"), NATIVE)
def test_what_alter_can_do(operation: Operation, sql: str) -> None:
    (step,) = DIALECT.render(LIVE, [operation])
    assert (step.cost, [statement.sql for statement in step.statements]) == ("ALTER", [sql])
    assert all(statement.table == "t" for statement in step.statements)


REBUILT = [
    WIDER,
    AddColumn("t", column("c"), "a"),
    AddColumn("t", column("c", datetime(), default=Default("current_timestamp", True)), "a"),
    AddForeignKey("t", KEY),
]


@pytest.mark.parametrize("operation", REBUILT, ids=lambda operation: type(operation).__name__)
def test_what_takes_a_rebuild(operation: Operation) -> None:
    (step,) = DIALECT.render(LIVE, [operation])
    assert step.cost == "REBUILD"


def test_a_column_that_a_key_uses_goes_by_a_rebuild_once_the_key_is_gone() -> None:
    live = table(column("a"), column("b"), keys=[KEY], indexes=[Index("t_b", ("b",))])
    for key, name in ((DropForeignKey("t", KEY), "a"), (DropIndex("t", "t_b"), "b")):
        assert DIALECT.obstacles(live, [DropColumn("t", name)]) == (
            ("foreign key k" if name == "a" else "index t_b") + f" uses {name}",
        )
        assert DIALECT.obstacles(live, [key, DropColumn("t", name)]) == ()
    assert [step.cost for step in DIALECT.render(live, [DropIndex("t", "t_b"), DropColumn("t", "b")])] == ["ALTER"]
    assert [step.cost for step in DIALECT.render(live, [DropColumn("t", "b"), DropIndex("t", "t_b")])] == ["REBUILD"]


def test_one_rebuild_for_everything_between_the_renames() -> None:
    operations = [
        RenameColumn("t", "a", "z"),
        AddColumn("t", column("c", default="1"), "z"),
        WIDER,
        RenameColumn("t", "c", "d"),
        RenameColumn("t", "b", "bb"),
        AddIndex("t", Index("t_bb", ("bb", "d"))),
        RenameColumn("t", "z", "a"),
    ]
    before, rebuild, after = DIALECT.render(LIVE, operations)
    assert [str(statement) for statement in before.statements] == ['ALTER TABLE "t" RENAME COLUMN "a" TO "z";']
    assert [str(statement) for statement in after.statements] == ['ALTER TABLE "t" RENAME COLUMN "z" TO "a";']
    assert (before.cost, rebuild.cost, after.cost) == ("ALTER", "REBUILD", "ALTER")
    assert (*before.operations, *rebuild.operations, *after.operations) == tuple(operations)
    created = (
        'CREATE TABLE "t__rebuild" (\n'
        '  "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,\n'
        '  "z" INT NOT NULL,\n'
        '  "d" INT NOT NULL DEFAULT 1,\n'
        '  "bb" VARCHAR(20) CHECK (length("bb") <= 20)\n'
        ");"
    )
    counted = (
        "INSERT INTO sqlite_sequence (name, seq) SELECT 't__rebuild', seq FROM sqlite_sequence "
        "WHERE name = 't' COLLATE NOCASE;"
    )
    assert [str(statement) for statement in rebuild.statements] == [
        created,
        counted,
        'INSERT INTO "t__rebuild" ("id", "z", "bb") SELECT old."id", old."z", old."b" FROM "t" AS old;',
        'DROP TABLE "t";',
        "PRAGMA legacy_alter_table=ON;",
        'ALTER TABLE "t__rebuild" RENAME TO "t";',
        'CREATE INDEX "t_a" ON "t" ("z");',
        'CREATE INDEX "t_bb" ON "t" ("bb", "d");',
    ]
    assert {statement.table for statement in rebuild.statements} == {"t", ""}
    assert [str(statement) for statement in rebuild.cleanup] == ["PRAGMA legacy_alter_table=OFF;"]


OBSTACLES = [
    (replace(LIVE, foreign=(Foreign("trigger", "x"),)), ("trigger x",), False),
    (replace(LIVE, indexes=(Index("x", ("a",), opaque=("DESC",)),)), ("index x: DESC",), False),
    (replace(LIVE, columns=(*LIVE.columns, column("x", opaque=("no type",)))), ("column x: no type",), False),
    (replace(LIVE, opaque=("WITHOUT ROWID",)), ("WITHOUT ROWID",), True),
]


@pytest.mark.parametrize(("live", "words", "always"), OBSTACLES)
def test_what_stands_in_the_way_of_a_rebuild(live: Table, words: tuple[str, ...], always: bool) -> None:
    assert rebuild_obstacles(live) == words
    assert DIALECT.obstacles(live, [WIDER]) == words
    with pytest.raises(SchemaConflict) as caught:
        DIALECT.render(live, [WIDER])
    assert caught.value.reasons == words
    native = AddColumn("t", column("c", nullable=True), "a")
    assert DIALECT.obstacles(live, [native]) == (words if always else ())
    assert DIALECT.obstacles(live, [DropTable("t")]) == ()


def test_what_an_opaque_index_uses_is_not_known() -> None:
    live = replace(LIVE, indexes=(Index("x", (), opaque=("expression lower(b)",)),))
    assert DIALECT.obstacles(live, [DropColumn("t", "b")]) == ("index x: expression lower(b)",)


UNFOUNDED = [
    ([AddIndex("t", Index("i", ("a", "zz")))], "index i uses zz, which is not there"),
    ([AddForeignKey("t", replace(KEY, columns=("zz",)))], "foreign key k uses zz, which is not there"),
]


@pytest.mark.parametrize(("operations", "words"), UNFOUNDED)
def test_a_column_that_is_not_there_is_never_taken_for_a_string(operations: list[Operation], words: str) -> None:
    assert DIALECT.obstacles(LIVE, operations) == ()  # another operation may be about to add it
    with pytest.raises(SchemaConflict, match=words):
        DIALECT.render(LIVE, operations)


def test_a_table_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(SchemaConflict, match="t does not exist"):
        DIALECT.render(None, [WIDER])
    assert DIALECT.render(LIVE, []) == ()


ADAPTED = [
    (column("c", ColumnType("integer")), column("c", integer())),
    (column("c", ColumnType("bigint", 20, unsigned=True)), column("c", bigint(unsigned=True))),
    (column("c", ColumnType("set", values=("a", "b"))), column("c", text())),
    (column("c", text(), collation="utf8mb4_bin", comment="why"), column("c", text())),
    (column("c", integer(), default=Default("(1)", True)), column("c", integer(), default=Default("(1)", True))),
    (column("c", integer(), default=Default("1", True)), column("c", integer(), default="1")),
    (column("c", json(), default=Default("'{}'", True)), column("c", json(), default="{}")),
    (column("c", text(), nullable=True, default=Default("NULL", True)), column("c", text(), nullable=True)),
    (
        column("c", datetime(), default=Default("CURRENT_TIMESTAMP", True)),
        column("c", datetime(), default=Default("current_timestamp", True)),
    ),
]


@pytest.mark.parametrize(("declared", "expected"), ADAPTED)
def test_adapt_columns(declared: Column, expected: Column) -> None:
    assert DIALECT.adapt(table(declared)).columns[1] == expected


def test_adapt() -> None:
    declared = Table(
        "wp_wch_x",
        (Column("id", integer(), nullable=True, auto_increment=True), column("a")),
        indexes=(Index("a", ("a",)), Index("wp_wch_x_b", ("a",))),
        foreign_keys=(replace(KEY, on_delete="restrict", on_update="cascade"),),
        engine="InnoDB",
        collation="utf8mb4_unicode_ci",
    )
    adapted = DIALECT.adapt(declared)
    assert adapted == Table(
        "wp_wch_x",
        (replace(ID, type=integer()), column("a")),
        indexes=(Index("wp_wch_x_a", ("a",)), Index("wp_wch_x_b", ("a",))),
        foreign_keys=(replace(KEY, on_delete="NO ACTION", on_update="CASCADE"),),
    )
    assert DIALECT.adapt(adapted) == adapted
    with pytest.raises(SchemaConflict, match="only the whole primary key"):
        DIALECT.adapt(replace(declared, primary_key=("id", "a")))


FAILURES = [
    (("database is locked",), "waiting"),
    (("database table is locked: t",), "waiting"),
    (("table t already exists",), "exists"),
    (('table "a b" already exists',), "exists"),
    (("duplicate column name: a",), "exists"),
    (("table wp_wch_carts__rebuild already exists",), "other"),
    (("index i already exists",), "other"),
    (("no such table: t",), "missing"),
    (("attempt to write a readonly database",), "denied"),
    (("database disk image is malformed",), "damaged"),
    (('malformed database schema (t) - near "x": syntax error',), "damaged"),
    (("file is not a database",), "damaged"),
    (("unsupported file format",), "damaged"),
    (("Could not decode to UTF-8 column 'sql' with text 'x'",), "damaged"),
    (("the file has been deleted or replaced while it was open",), "lost"),
    (("FOREIGN KEY constraint failed",), "orphans"),
    (("NOT NULL constraint failed: t.a",), "other"),
    ((), "other"),
]


@pytest.mark.parametrize(("arguments", "expected"), FAILURES)
def test_failures(arguments: tuple[object, ...], expected: str) -> None:
    assert DIALECT.failure(arguments) == expected


def test_the_small_answers() -> None:
    assert DIALECT.quote('a"b') == '"a""b"'
    assert DIALECT.escape("SELECT '100%'") == "SELECT '100%'"
    assert (DIALECT.privileges(), DIALECT.read_privileges([], [], "")) == ((), None)
    assert DIALECT.column_collation("t", "a") is None
    assert (DIALECT.transactional_ddl, DIALECT.retypes_foreign_keys) == (True, True)
