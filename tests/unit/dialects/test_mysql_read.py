"""Answers of information_schema, from both families, and the tables that are read from them.

The answers are those of MariaDB 10.11 and 11.8 and MySQL 9.7, character for character.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.builders import ID, column, index, required, table
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.mysql.introspect import introspection_queries as queries
from wch_peewee.schema.mysql.introspect import read_schema as read
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    Foreign,
    ForeignKey,
    Table,
    bigint,
    boolean,
    column_type,
    datetime,
    decimal,
    enum,
    integer,
    json,
    text,
    varchar,
)

NOW = Default("current_timestamp", is_expression=True)
COLLATION = "utf8mb4_unicode_520_ci"

TYPES = {
    "bigint(20) unsigned": bigint(unsigned=True),
    "bigint unsigned": bigint(unsigned=True),
    "bigint(20)": bigint(),
    "int(11)": integer(),
    "int": integer(),
    "int(10) unsigned": ColumnType("int", unsigned=True),
    "smallint(6)": ColumnType("smallint"),
    "mediumint(9)": ColumnType("mediumint"),
    "tinyint(1)": boolean(),
    "tinyint(4)": ColumnType("tinyint"),
    "tinyint": ColumnType("tinyint"),
    "tinyint(3) unsigned": ColumnType("tinyint", unsigned=True),
    "tinyint unsigned": ColumnType("tinyint", unsigned=True),
    "varchar(20)": varchar(20),
    "char(36)": ColumnType("char", size=36),
    "text": text(),
    "longtext": ColumnType("longtext"),
    "json": json(),
    "datetime": datetime(),
    "datetime(6)": ColumnType("datetime", size=6),
    "timestamp": ColumnType("timestamp"),
    "decimal(10,2)": decimal(10, 2),
    "decimal(10,2) unsigned": replace(decimal(10, 2), unsigned=True),
    "double": ColumnType("double"),
    "bit(1)": ColumnType("bit", size=1),
    "year(4)": ColumnType("year", size=4),
    "point": ColumnType("point"),
    "int(10) unsigned zerofill": ColumnType("int(10) unsigned zerofill"),
    "enum('sent','delivered')": enum("sent", "delivered"),
    "enum('it''s','a,b','c\\\\d','','x\"y')": enum("it's", "a,b", "c\\d", "", 'x"y'),
    "enum('(a)','b) unsigned')": enum("(a)", "b) unsigned"),
    "enum('a b','é','日')": enum("a b", "é", "日"),
    "set('a','b')": ColumnType("set('a','b')"),
}


@pytest.mark.parametrize(("given", "expected"), TYPES.items(), ids=TYPES)
def test_a_type(given: str, expected: ColumnType) -> None:
    assert column_type(given) == expected


Row = tuple[str, str, Any, str | None, str | None, str, str | None]


def row(type_: str, default: Any = None, extra: str = "", *, nullable: bool = False, **more: str) -> Row:
    """Return a column as a row of information_schema.COLUMNS; texts have the table's collation by default."""
    collation = more.get("collation", COLLATION if type_.startswith(("varchar", "longtext")) else None)
    return type_, "YES" if nullable else "NO", default, extra, collation, more.get("comment", ""), more.get("as_")


def expression(text_: str) -> dict[str, Any]:
    return {"default": Default(text_, is_expression=True), "opaque": (f"the default expression {text_}",)}


QUOTED = 'it\'s \\ "q"'
ON_UPDATE = "on update current_timestamp"
BOTH: dict[str, tuple[Row, Column]] = {
    "key": (row("bigint(20) unsigned", extra="auto_increment"), replace(ID, name="c")),
    "no default": (row("int(11)"), required("c")),
    "number": (row("int(11)", "0"), required("c", default="0")),
    "negative": (row("int(11)", "-7"), required("c", default="-7")),
    "fraction": (row("double", "0.50"), required("c", ColumnType("double"), default="0.5")),
    "comment": (row("int(11)", comment="why"), required("c", comment="why")),
    "the table's collation": (row("varchar(9)"), required("c", varchar(9))),
    "another one": (row("varchar(9)", collation="latin1_bin"), required("c", varchar(9), collation="latin1_bin")),
    "generated": (
        row("int", extra="VIRTUAL GENERATED", as_="(`a` + 1)"),
        required("c", opaque=("a virtual generated value",)),
    ),
    "invisible": (row("int", extra="INVISIBLE"), required("c", opaque=("invisible",))),
}
MARIADB: dict[str, tuple[Row, Column]] = {
    "DEFAULT NULL": (row("int(11)", "NULL", nullable=True), column("c")),
    "empty": (row("varchar(9)", "''"), required("c", varchar(9), default="")),
    "'NULL'": (row("varchar(9)", "'NULL'"), required("c", varchar(9), default="NULL")),
    "quotes": (row("varchar(9)", "'it''s \\\\ \"q\"'"), required("c", varchar(9), default=QUOTED)),
    "a digit in a text": (row("varchar(9)", "'0'"), required("c", varchar(9), default="0")),
    "now": (row("datetime", "current_timestamp()"), required("c", datetime(), default=NOW)),
    "the text of now": (
        row("varchar(9)", "'current_timestamp()'"),
        required("c", varchar(9), default="current_timestamp()"),
    ),
    "on update": (
        row("datetime", "current_timestamp()", f"{ON_UPDATE}()"),
        required("c", datetime(), default=NOW, opaque=(f"{ON_UPDATE}()",)),
    ),
    "expression": (row("varchar(9)", "uuid()"), required("c", varchar(9), **expression("uuid()"))),
    "finer now": (
        row("datetime(6)", "current_timestamp(6)"),
        required("c", ColumnType("datetime", 6), default=NOW),
    ),
    "now of other digits": (
        row("datetime(6)", "current_timestamp(3)"),
        required("c", ColumnType("datetime", 6), **expression("current_timestamp(3)")),
    ),
}
MYSQL: dict[str, tuple[Row, Column]] = {
    "DEFAULT NULL": (row("int", nullable=True), column("c")),
    "empty": (row("varchar(9)", ""), required("c", varchar(9), default="")),
    "'NULL'": (row("varchar(9)", "NULL"), required("c", varchar(9), default="NULL")),
    "quotes": (row("varchar(9)", QUOTED), required("c", varchar(9), default=QUOTED)),
    "quoted quotes": (row("varchar(9)", "'x'"), required("c", varchar(9), default="'x'")),
    "now": (row("datetime", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED"), required("c", datetime(), default=NOW)),
    "the text of now": (row("varchar(9)", "CURRENT_TIMESTAMP"), required("c", varchar(9), default="CURRENT_TIMESTAMP")),
    "on update": (
        row("datetime", "CURRENT_TIMESTAMP", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"),
        required("c", datetime(), default=NOW, opaque=(ON_UPDATE,)),
    ),
    "expression": (row("varchar(9)", "uuid()", "DEFAULT_GENERATED"), required("c", varchar(9), **expression("uuid()"))),
    "json": (row("json", nullable=True), column("c", json())),
    "bytes, as some drivers give them": (row("int", b"0"), required("c", default="0")),
}
CASES = [
    *(("mariadb", *case) for case in [*BOTH.values(), *MARIADB.values()]),
    *(("mysql", *case) for case in [*BOTH.values(), *MYSQL.values()]),
]
NAMES = [*(f"mariadb {name}" for name in [*BOTH, *MARIADB]), *(f"mysql {name}" for name in [*BOTH, *MYSQL])]


def answers(**given: list[Any]) -> dict[str, list[Any]]:
    """Return the answers to the queries about one InnoDB table ``t``."""
    tables = given.pop("tables", [("t", "InnoDB", COLLATION, "BASE TABLE", "")])
    return {"tables": tables, **{part: [("t", *row) for row in rows] for part, rows in given.items()}}


def read_one(flavor: str, **given: list[Any]) -> Table:
    found = read(flavor, ["t"], answers(**given)).table("t")
    assert found is not None
    return found


@pytest.mark.parametrize(("flavor", "given", "expected"), CASES, ids=NAMES)
def test_a_column(flavor: str, given: Row, expected: Column) -> None:
    assert read_one(flavor, columns=[(1, "c", *given)]).columns == (expected,)


def test_json_on_mariadb_is_a_longtext_with_its_check_whatever_the_checks_name() -> None:
    long = row("longtext", "NULL", nullable=True, collation="utf8mb4_bin")
    columns = [(1, "data", *long), (2, "we`ird", *long), (3, "other", *long), (4, "plain", *long)]
    checks = [
        ("payload", "json_valid(`data`)", "Column"),
        ("x", "json_valid(`we``ird`)", "Column"),
        ("CONSTRAINT_1", "json_valid(`other`)", "Table"),
        ("plain", "json_valid(`plain`) and `plain` <> ''", "Column"),
    ]
    found = read_one("mariadb", columns=columns, checks=checks)
    plain = column("other", ColumnType("longtext"), collation="utf8mb4_bin")
    assert found.columns == (
        column("data", json()),
        column("we`ird", json()),
        plain,
        column(
            "plain",
            ColumnType("longtext"),
            collation="utf8mb4_bin",
            opaque=("a check of its own (json_valid(`plain`) and `plain` <> '')",),
        ),
    )
    assert found.foreign == (Foreign("check", "CONSTRAINT_1"),)


#: INDEX_NAME, NON_UNIQUE, SEQ_IN_INDEX, COLUMN_NAME, SUB_PART, COLLATION, INDEX_TYPE, hidden
INDEXES = {
    "plain": ([("k", 1, 1, "a", None, "A", "BTREE", 0)], index("a", name="k")),
    "unique": ([("k", 0, 1, "a", None, "A", "BTREE", 0)], index("a", name="k", unique=True)),
    "two columns, in whatever order they come": (
        [("k", 1, 2, "b", None, "A", "BTREE", 0), ("k", 1, 1, "a", None, "A", "BTREE", 0)],
        index("a", "b", name="k"),
    ),
    "ten columns": (
        [("k", 1, str(n), f"c{n}", None, "A", "BTREE", 0) for n in range(10, 0, -1)],
        index(*(f"c{n}" for n in range(1, 11)), name="k"),
    ),
    "prefix": ([("k", 1, 1, "a", 50, "A", "BTREE", 0)], index("a", name="k", opaque=("it is on a prefix",))),
    "expression": ([("k", 1, 1, None, None, "A", "BTREE", 0)], index("", name="k", opaque=("it is on an expression",))),
    "descending": ([("k", 1, 1, "a", None, "D", "BTREE", 0)], index("a", name="k", opaque=("it is descending",))),
    "fulltext": (
        [("k", 1, 1, "a", None, None, "FULLTEXT", 0)],
        index("a", name="k", opaque=("it is a FULLTEXT index",)),
    ),
    "invisible": ([("k", 1, 1, "a", None, "A", "BTREE", 1)], index("a", name="k", opaque=("it is invisible",))),
}


@pytest.mark.parametrize(("rows", "expected"), INDEXES.values(), ids=INDEXES)
def test_an_index(rows: list[Any], expected: Any) -> None:
    primary = ("PRIMARY", 0, 1, "id", None, "A", "BTREE", 0)
    found = read_one("mysql", indexes=[*rows, primary])
    assert (found.indexes, found.primary_key) == ((expected,), ("id",))


@pytest.mark.parametrize(
    ("dialect", "word"),
    [
        (MySQLDialect("mariadb", (10, 5, 8)), ", 0 FROM"),
        (MySQLDialect("mariadb", (10, 6, 0)), "IGNORED = 'YES'"),
        (MySQLDialect("mysql", (8, 0, 13)), "IS_VISIBLE = 'NO'"),
    ],
    ids=lambda value: getattr(value, "label", ""),
)
def test_an_index_that_the_server_hides_from_itself_is_known_by_the_server_s_own_word(
    dialect: MySQLDialect, word: str
) -> None:
    assert word in dialect.introspection(["t"])["indexes"].sql


def test_foreign_keys() -> None:
    #: CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME, table, column, DELETE_RULE, UPDATE_RULE, in this database?
    keys = [
        ("two", 2, "b", "q", "y", "NO ACTION", "RESTRICT", 1),
        ("two", 1, "a", "q", "x", "NO ACTION", "RESTRICT", 1),
        ("one", 1, "c", "p", "id", "CASCADE", "SET NULL", 1),
        ("far", 1, "d", "p", "id", "RESTRICT", "NO ACTION", 0),
    ]
    assert read_one("mysql", foreign_keys=keys).foreign_keys == (
        ForeignKey(("d",), "another database's p", name="far"),
        ForeignKey(("c",), "p", on_delete="CASCADE", on_update="SET NULL", name="one"),
        ForeignKey(("a", "b"), "q", ("x", "y"), name="two"),
    )


TABLES = {
    "view": (("t", None, None, "VIEW", None), ("it is a view",)),
    "system versioned": (("t", "InnoDB", COLLATION, "SYSTEM VERSIONED", ""), ("it is a system versioned table",)),
    "partitioned": (("t", "InnoDB", COLLATION, "BASE TABLE", "partitioned"), ()),
    "compressed": (("t", "InnoDB", COLLATION, "BASE TABLE", "row_format=COMPRESSED"), ()),
}


@pytest.mark.parametrize(("row", "opaque"), TABLES.values(), ids=TABLES)
def test_a_table_that_is_none_of_ours_to_change(row: tuple[Any, ...], opaque: tuple[str, ...]) -> None:
    assert read_one("mariadb", tables=[row]).opaque == opaque


def test_partitions_are_not_ours() -> None:
    partitioned, plain = (read_one("mysql", tables=[TABLES[name][0]]) for name in ("partitioned", "compressed"))
    assert (partitioned.is_partitioned, plain.is_partitioned) == (True, False)
    assert list(map(str, partitioned.foreign)) == ["partitioning of its own"]


def test_things_that_are_not_ours_are_named() -> None:
    found = read_one("mysql", checks=[("ck", "", "Table")], triggers=[("tr1",), ("tr2",)])
    assert found.foreign == (Foreign("check", "ck"), Foreign("trigger", "tr1"), Foreign("trigger", "tr2"))


def test_tables_come_in_the_order_asked_for_and_only_those_that_are_there() -> None:
    rows = [("b", "InnoDB", COLLATION, "BASE TABLE", ""), ("a", "InnoDB", COLLATION, "BASE TABLE", "")]
    found = read("mysql", ["a", "x", "b"], {"tables": rows})
    assert [each.name for each in found] == ["a", "b"]


@pytest.mark.parametrize("flavor", ["mariadb", "mysql"])
@pytest.mark.parametrize("names", [["t"], ["t", "u", "v"]])
def test_each_query_names_its_tables_one_by_one_and_literally(flavor: str, names: list[str]) -> None:
    """On MariaDB a list or a join of two names opens every table of the database."""
    for query in queries(flavor, names).values():
        assert " IN (" not in query.sql
        assert query.sql.count("UNION ALL") == len(names) - 1
        assert query.sql.count("%s") == len(query.params)
        assert set(query.params) == set(names)
        assert "r.TABLE_NAME = k.TABLE_NAME" not in query.sql


def test_views_are_told_from_tables() -> None:
    assert read_one("mysql", tables=[TABLES["view"][0]]).is_view
    assert not read_one("mysql", tables=[TABLES["partitioned"][0]]).is_view


def test_who_refers_to_ours_is_told_with_its_database_unless_that_is_ours() -> None:
    dialect = MySQLDialect("mysql", (9, 7, 4))
    rows = [("s", "s", "c`m", "k"), ("s", "s", "wp_wch_messages", "k"), *(("s", "crm", "notes", key) for key in "ba")]
    assert dialect.read_referencing(["wp_wch_messages", "wp_wch_conversations"], rows) == {
        "c`m": "ALTER TABLE `c``m` DROP FOREIGN KEY `k`;",
        "crm.notes": "ALTER TABLE `crm`.`notes` DROP FOREIGN KEY `a`; ALTER TABLE `crm`.`notes` DROP FOREIGN KEY `b`;",
    }


def test_names_that_the_server_keeps_in_lower_case_are_found_as_declared() -> None:
    dialect = MySQLDialect("mysql", (9, 7, 4), fold_names=True)
    key = ("t", "fk", 1, "p_id", "wp_wch_p", "id", "CASCADE", "RESTRICT", 1)
    tables = [(name, "InnoDB", COLLATION, "BASE TABLE", "") for name in ("t", "Wp_wch_p")]
    found = dialect.read_schema(["t", "Wp_wch_p"], {"tables": tables, "foreign_keys": [key]}).table("t")
    assert found is not None
    assert found.foreign_keys[0].referenced_table == "Wp_wch_p"


def test_what_is_read_equals_what_was_declared() -> None:
    rows = [
        (1, "id", *row("bigint(20) unsigned", extra="auto_increment")),
        (2, "a", *row("int(11)", "NULL", nullable=True)),
    ]
    indexes = [("PRIMARY", 0, 1, "id", None, "A", "BTREE", 0), ("a", 1, 1, "a", None, "A", "BTREE", 0)]
    found = read_one("mariadb", columns=rows, indexes=indexes)
    assert found == table(column("a"), index("a"), engine="InnoDB", collation=COLLATION)
    assert found.columns[0] == ID
