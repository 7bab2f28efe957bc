"""Renamed indexes: the statements on each server, and what prevents a rename."""

from __future__ import annotations

import pytest

from tests.unit.builders import column, costs, index, sql, table
from wch_peewee.schema.dialect import Dialect
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.operations import AddColumn, AddIndex, RenameIndex
from wch_peewee.schema.sqlite.dialect import SQLiteDialect

OLD = index("a", name="old", unique=True)
TABLE = table(column("a"), OLD)
RENAME = RenameIndex("t", OLD, "new")

BY_NAME = ["ALTER TABLE `t` RENAME INDEX `old` TO `new`"]
ANEW = ["ALTER TABLE `t` DROP INDEX `old`, ADD UNIQUE KEY `new` (`a`)"]


@pytest.mark.parametrize(
    ("dialect", "statements", "cost"),
    [
        (MySQLDialect("mysql", (8, 0, 13)), BY_NAME, "INPLACE"),
        (MySQLDialect("mariadb", (10, 5, 2)), BY_NAME, "INSTANT"),
        (MySQLDialect("mariadb", (10, 4, 34)), ANEW, "NOCOPY"),
        (SQLiteDialect((3, 35)), ['DROP INDEX "old"', 'CREATE UNIQUE INDEX "new" ON "t" ("a")'], "ALTER"),
    ],
)
def test_what_is_sent(dialect: Dialect, statements: list[str], cost: str) -> None:
    steps = dialect.render(TABLE, [RENAME])
    assert sql(steps) == statements
    assert costs(steps) == [cost]


def test_beside_other_changes_it_has_a_statement_of_its_own() -> None:
    operations = [AddColumn("t", column("b"), "a"), RENAME, AddIndex("t", index("b"))]
    assert sql(MySQLDialect("mysql", (9, 7)).render(TABLE, operations)) == [
        "ALTER TABLE `t` ADD COLUMN `b` int NULL AFTER `a`",
        *BY_NAME,
        "ALTER TABLE `t` ADD KEY `b` (`b`)",
    ]


@pytest.mark.parametrize(
    ("dialect", "refused"),
    [
        (MySQLDialect("mysql", (8, 0, 13)), False),
        (MySQLDialect("mariadb", (10, 4, 34)), True),
        (SQLiteDialect((3, 40)), True),
    ],
)
def test_an_index_that_would_lose_something_stays(dialect: Dialect, refused: bool) -> None:
    odd = index("a", name="old", opaque=("it is on a prefix",))
    reasons = dialect.obstacles(table(column("a"), odd), [RenameIndex("t", odd, "new")])
    assert reasons == (("index old: it is on a prefix",) if refused else ())


def test_what_it_says_and_what_the_table_is_then() -> None:
    assert RENAME.describe() == ("Rename index t KEY `old` to `new`",)
    assert RENAME.applied_to(TABLE).indexes == (index("a", name="new", unique=True),)
