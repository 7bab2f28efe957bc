"""The text for WordPress's dbDelta, and what it cannot express. Real WordPress is in tests/integration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.command import wch
from wch_peewee import SchemaConflict
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    enum,
    json,
    varchar,
)
from wch_peewee.wordpress.dbdelta import dbdelta_text

MARIADB, MYSQL = MySQLDialect("mariadb", (10, 11)), MySQLDialect("mysql", (9, 7))

TABLE = Table(
    "parcels",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("small", ColumnType("smallint", unsigned=True), default=Default("7")),
        Column("kind", enum("one", "two"), default=Default("one")),
        Column("label", varchar(30), nullable=True),
        Column("content", json(), nullable=True),
    ),
    indexes=(Index("label", ("label",), unique=True), Index("both", ("kind", "small"))),
    foreign_keys=(ForeignKey(("small",), "carts"),),
)


def text(table: Table = TABLE, dialect: MySQLDialect = MYSQL) -> str:
    return dbdelta_text([table], names=our_names("x_"), dialect=dialect, collation="utf8mb4_unicode_520_ci")


def test_it_is_written_as_dbdelta_reads_it() -> None:
    assert text() == (
        "CREATE TABLE x_wch_parcels (\n"
        "  id bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n"
        "  small smallint(5) unsigned NOT NULL DEFAULT '7',\n"
        "  kind enum('one','two') NOT NULL DEFAULT 'one',\n"
        "  label varchar(30) NULL,\n"
        "  content json NULL,\n"
        "  PRIMARY KEY  (id),\n"
        "  UNIQUE KEY label (label),\n"
        "  KEY both (kind,small)\n"
        ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;\n"
    )


def test_json_is_what_mariadb_makes_of_it() -> None:
    spelled = "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL CHECK (json_valid(content))"
    assert text(dialect=MARIADB) == text().replace("json NULL", spelled)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (Column("key", bigint()), "something else"),
        (Column("Primary", bigint()), "something else"),
        (Column("größe", bigint()), "something else"),
        (Column("kind", enum("two words")), "blanks"),
        (Column("kind", enum("Capital")), "capitals"),
        (Column("kind", enum("a;b")), "signs"),
        (Column("kind", ColumnType("set", values=("a",))), "is not tested"),
        (Column("at", ColumnType("datetime"), default=Default("current_timestamp", is_expression=True)), "literal"),
        (Column("label", varchar(9), default=Default("it's")), "cuts"),
        (Column("price", ColumnType("decimal", size=10)), "decimal"),
    ],
)
def test_what_would_change_something_on_every_run_is_refused(column: Column, reason: str) -> None:
    with pytest.raises(SchemaConflict, match=rf"x_wch_parcels\.{column.name}: .*{reason}"):
        text(replace(TABLE, columns=(TABLE.columns[0], column), indexes=()))


def test_sqlite_has_no_dbdelta(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    for arguments in ([], ["--engine", "sqlite"]):
        result = wch("schema", "--format", "dbdelta", *arguments)
        assert (result.code, result.out) == (64, "")
        assert "--engine mysql or mariadb" in result.err
