"""The difference of a live and a declared schema, in lines: ``+`` change, ``-`` or ``!`` refusal, ``?`` not managed.

What only looks different must give no line.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.builders import ID, column, index, key, required, said, schema, table
from wch_peewee import MODELS
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.diff import Refusal, diff_schemas
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.objects import (
    ColumnType,
    Default,
    Foreign,
    ForeignKey,
    Table,
    bigint,
    enum,
    integer,
    json,
    text,
    varchar,
)
from wch_peewee.schema.plan import make_plan

A, B = column("a"), column("b")
COLLATED = {"engine": "InnoDB", "collation": "utf8mb4_unicode_520_ci"}
OTHER = {"engine": "InnoDB", "collation": "utf8mb4_general_ci"}
NOW = Default("current_timestamp", is_expression=True)

#: name: (live, declared, lines)
SAME = {
    "equal": (table(A, B), table(A, B)),
    "another order of columns": (table(B, A), table(A, B)),
    "names in another case": (table(column("A"), index("A", name="A")), table(A, index("a"))),
    "a comment": (table(replace(A, comment="why")), table(A)),
    "an index of another name": (table(A, index("a", name="idx_a")), table(A, index("a"))),
    "a foreign key of another name": (table(A, key("a", name="_x")), table(A, key("a"))),
    "an engine in another case": (table(A, engine="innodb"), table(A, engine="InnoDB")),
    "no engine, as in SQLite": (table(A), table(A, engine="InnoDB")),
    "a number's own collation": (table(A, **OTHER), table(A, **COLLATED)),
    "json has a collation of its own": (
        table(column("j", json(), collation="utf8mb4_bin"), **COLLATED),
        table(column("j", json()), **COLLATED),
    ),
}

COLUMNS = {
    "missing, NULL": (table(A), table(A, B), ["+ Add column t.b"]),
    "missing, with a default": (table(A), table(A, required("b", default="1")), ["+ Add column t.b"]),
    "missing, nothing to fill it with": (table(A), table(A, required("b")), ["+ Add column t.b [empty t b]"]),
    "missing key": (
        Table("t", (replace(ID, name="nr"), A), primary_key=("nr",)),
        table(A),
        [
            "! Add column t.id",
            "! Change primary key of t from (nr) to (id)",
            "? t has a column nr",
        ],
    ),
    "foreign": (table(A, B), table(A), ["? t has a column b"]),
    "foreign and in the way": (
        table(A, required("b")),
        table(A),
        ["? t has a column b, which is NOT NULL without a default, so that inserts through the models fail"],
    ),
    "foreign and generated": (
        table(A, required("b", opaque=("a generated value",))),
        table(A),
        ["? t has a column b"],
    ),
    "too short": (
        table(column("a", varchar(10))),
        table(column("a", varchar(20))),
        ["+ Change type of t.a from varchar(10) to varchar(20)"],
    ),
    "too short, and in an index": (
        table(column("a", varchar(10)), index("a")),
        table(column("a", varchar(20)), index("a")),
        ["+ Change type of t.a from varchar(10) to varchar(20) [unreferenced t a]"],
    ),
    "too long": (
        table(column("a", varchar(30))),
        table(column("a", varchar(20))),
        ["- Change type of t.a from varchar(30) to varchar(20)"],
    ),
    "too long and in need of a default": (
        table(required("a", varchar(30))),
        table(required("a", varchar(20), default="x")),
        ["- Change type of t.a from varchar(30) to varchar(20)"],
    ),
    "enum too short": (
        table(required("a", enum("x"), default="x")),
        table(required("a", enum("x", "y"), default="x")),
        ["+ Change type of t.a from enum('x') to enum('x','y')"],
    ),
    "enum longer": (
        table(column("a", enum("x", "y"))),
        table(column("a", enum("x"))),
        ["- Change type of t.a from enum('x','y') to enum('x')"],
    ),
    "enum with others": (
        table(column("a", enum("x", "old"))),
        table(column("a", enum("x", "new"))),
        [
            "+ Change type of t.a from enum('x','old') to enum('x','old','new')",
            "- Change type of t.a from enum('x','old') to enum('x','new')",
        ],
    ),
    "a document without its check": (
        table(column("a", ColumnType("longtext"), collation="utf8mb4_bin"), **COLLATED),
        table(column("a", json()), **COLLATED),
        ["- Change type of t.a from longtext to json"],
    ),
    "of another kind": (
        table(column("a", integer())),
        table(column("a", varchar(20))),
        ["! Change type of t.a from int to varchar(20)"],
    ),
    # A column that keeps its type keeps the rest, too: a MODIFY restates all of a column, known or not.
    "of another kind, with the wrong default": (
        table(required("a", integer(), default="7")),
        table(required("a", enum("x"), default="x")),
        ["! Change type of t.a from int to enum('x')"],
    ),
    "a text instead of an enum": (
        table(required("a", text())),
        table(required("a", enum("x"), default="x")),
        ["- Change type of t.a from text to enum('x')"],
    ),
    "another kind of integer in need of a default": (
        table(required("a", bigint())),
        table(required("a", integer(), default="0")),
        ["- Change type of t.a from bigint to int"],
    ),
    "too long, and NULL allowed": (
        table(column("a", varchar(30))),
        table(required("a", varchar(20))),
        ["- Change type of t.a from varchar(30) to varchar(20)"],
    ),
    "too long, and NULL forbidden": (
        table(required("a", varchar(30))),
        table(column("a", varchar(20))),
        ["! Change type of t.a from varchar(30) to varchar(20)"],
    ),
    "too long, and the key does not count by itself": (
        Table("t", (replace(ID, type=bigint(), auto_increment=False), A)),
        table(A),
        ["! Change type of t.id from bigint to bigint unsigned"],
    ),
    "default missing": (
        table(required("a")),
        table(required("a", default="0")),
        ["+ Change default value of t.a from none to '0'"],
    ),
    "default too many": (
        table(required("a", default=NOW)),
        table(required("a")),
        ["+ Change default value of t.a from current_timestamp to none"],
    ),
    "default 'NULL' is a text": (
        table(column("a", varchar(9), default="NULL")),
        table(column("a", varchar(9))),
        ["+ Change default value of t.a from 'NULL' to none"],
    ),
    "NULL allowed": (table(A), table(required("a")), ["+ Change t.a from NULL to NOT NULL [no_nulls t a]"]),
    "NULL forbidden": (table(required("a")), table(A), ["+ Change t.a from NOT NULL to NULL"]),
    "several at once are one change": (
        table(column("a", varchar(10))),
        table(required("a", varchar(20), default="")),
        [
            (
                "+ Change type of t.a from varchar(10) to varchar(20); Change t.a from NULL to NOT NULL; "
                "Change default value of t.a from none to '' [no_nulls t a]"
            ),
        ],
    ),
    "is not AUTO_INCREMENT": (
        Table("t", (replace(ID, auto_increment=False), A)),
        table(A),
        ["+ Change t.id to AUTO_INCREMENT"],
    ),
    "opaque and equal": (
        table(replace(A, opaque=("on update current_timestamp()",))),
        table(A),
        ["? t.a has on update current_timestamp()"],
    ),
    "opaque and different": (
        table(column("a", varchar(10), opaque=("a check of its own (a > '')",))),
        table(column("a", varchar(20))),
        ["- Change type of t.a from varchar(10) to varchar(20)", "? t.a has a check of its own (a > '')"],
    ),
}

INDEXES = {
    "missing": (table(A), table(A, index("a")), ["+ Add index t KEY `a` (`a`)"]),
    "unique missing": (
        table(A),
        table(A, index("a", unique=True)),
        ["+ Add index t UNIQUE KEY `a` (`a`) [no_duplicates t a]"],
    ),
    "unique missing with its column": (
        table(A),
        table(A, B, index("a", "b", unique=True)),
        ["+ Add column t.b", "+ Add index t UNIQUE KEY `a_b` (`a`,`b`) [empty t a,b]"],
    ),
    "foreign": (table(A, index("a")), table(A), ["? t has an index a"]),
    "a longer one does other work": (
        table(A, B, index("a", "b", name="ab")),
        table(A, B, index("a")),
        ["+ Add index t KEY `a` (`a`)", "? t has an index ab"],
    ),
    "columns in another order": (
        table(A, B, index("b", "a", name="ba")),
        table(A, B, index("a", "b", name="ab")),
        ["+ Add index t KEY `ab` (`a`,`b`)", "? t has an index ba"],
    ),
    "a prefix does not serve": (
        table(A, index("a", name="x", opaque=("it is on a prefix",))),
        table(A, index("a")),
        ["+ Add index t KEY `a` (`a`)", "? t has an index x"],
    ),
    "the name is taken": (
        table(A, B, index("b", name="a")),
        table(A, B, index("a")),
        ["- Add index t KEY (a) `a`"],
    ),
    "the name is taken, in another case": (
        table(A, B, index("b", name="A")),
        table(A, B, index("a")),
        ["- Add index t KEY (a) `a`"],
    ),
    "the name is taken by a prefix": (
        table(A, index("a", opaque=("it is on a prefix",))),
        table(A, index("a")),
        ["- Add index t KEY (a) `a`"],
    ),
    "the name is taken, and another one serves": (
        table(A, B, index("b", name="a"), index("a", name="x")),
        table(A, B, index("a")),
        ["? t has an index a"],
    ),
    "unique where a plain one is declared": (
        table(A, index("a", unique=True)),
        table(A, index("a")),
        ["- Add index t KEY (a) `a`"],
    ),
    "plain where a unique one is declared": (
        table(A, index("a")),
        table(A, index("a", unique=True)),
        ["- Add index t UNIQUE (a) `a`"],
    ),
    "one of several that serve": (
        table(A, index("a"), index("a", name="again")),
        table(A, index("a")),
        ["? t has an index again"],
    ),
}

P = table(name="p")
KEYS = {
    "missing": (
        (table(A), P),
        (table(A, key("a")), P),
        ["+ Add foreign key t (`a`) REFERENCES p (`id`) [no_orphans t a]"],
    ),
    "missing with its column": (
        (table(), P),
        (table(A, key("a")), P),
        ["+ Add column t.a", "+ Add foreign key t (`a`) REFERENCES p (`id`)"],
    ),
    "missing with the table it needs": (
        (table(A),),
        (P, table(A, key("a"))),
        ["+ Create table p", "+ Add foreign key t (`a`) REFERENCES p (`id`) [no_values t a]"],
    ),
    "missing with the other's column": (
        (table(A), Table("p", (replace(ID, name="nr"),), primary_key=("nr",))),
        (table(A, key("a")),),
        ["+ Add foreign key t (`a`) REFERENCES p (`id`) [no_values t a]"],
    ),
    "does something else on delete": (
        (table(A, key("a", on_delete="SET NULL")), P),
        (table(A, key("a", on_delete="CASCADE")), P),
        ["- Add foreign key t (a) REFERENCES p"],
    ),
    "to another table": (
        (table(A, key("a", "q")), P),
        (table(A, key("a")), P),
        ["- Add foreign key t (a) REFERENCES p"],
    ),
    "foreign": ((table(A, key("a", "q")), P), (table(A), P), ["? t has a foreign key a_fk on (a)"]),
    "foreign beside ours": (
        (table(A, key("a"), key("a", "q", name="theirs")), P),
        (table(A, key("a")), P),
        ["? t has a foreign key theirs on (a)"],
    ),
    "an engine that forgets keys": (
        (table(A, engine="MyISAM"), P),
        (table(A, key("a"), engine="InnoDB"), P),
        ["- Change engine of t from MyISAM to InnoDB", "- Add foreign key t (a) REFERENCES p"],
    ),
}

TABLES = {
    "missing": ((), (table(A),), ["+ Create table t"]),
    "foreign": ((table(A), table(name="x")), (table(A),), []),
    "another engine": (
        (table(A, engine="MyISAM"),),
        (table(A, engine="InnoDB"),),
        ["- Change engine of t from MyISAM to InnoDB"],
    ),
    "another collation": (
        (table(column("a", varchar(9)), B, column("c", enum("x")), **OTHER),),
        (table(column("a", varchar(9)), B, column("c", enum("x")), **COLLATED),),
        ["- Change collation of t (a, c) from utf8mb4_general_ci to utf8mb4_unicode_520_ci"],
    ),
    "a column's own collation": (
        (table(column("a", varchar(9), collation="latin1_bin"), column("b", text()), **COLLATED),),
        (table(column("a", varchar(9)), column("b", text()), **COLLATED),),
        ["- Change collation of t (a) from latin1_bin to utf8mb4_unicode_520_ci"],
    ),
    "no key at all": (
        (table(A, primary_key=()),),
        (table(A),),
        ["! Change primary key of t from () to (id)"],
    ),
    "another key": (
        (table(A, primary_key=("id", "a")),),
        (table(A),),
        ["! Change primary key of t from (id, a) to (id)"],
    ),
    "things that are not ours": (
        (table(A, foreign=(Foreign("trigger", "tr"), Foreign("check", "ck"))),),
        (table(A),),
        ["? t has a trigger tr", "? t has a check ck"],
    ),
    "not to be read": (
        (Table("t", (), (), opaque=("a view, not a table",)),),
        (table(A, index("a")),),
        ["! Change t to its declaration"],
    ),
    "cannot be modified": (
        (table(A, opaque=("it is partitioned",)),),
        (table(A),),
        ["? t cannot be modified: it is partitioned"],
    ),
}


@pytest.mark.parametrize(("live", "declared"), SAME.values(), ids=SAME)
def test_what_only_looks_different_is_none(live: Table, declared: Table) -> None:
    assert said(diff_schemas(schema(declared), schema(live))) == []


@pytest.mark.parametrize(
    ("live", "declared", "lines"), [*COLUMNS.values(), *INDEXES.values()], ids=[*COLUMNS, *INDEXES]
)
def test_columns_and_indexes(live: Table, declared: Table, lines: list[str]) -> None:
    assert said(diff_schemas(schema(declared), schema(live))) == lines


@pytest.mark.parametrize(("live", "declared", "lines"), [*KEYS.values(), *TABLES.values()], ids=[*KEYS, *TABLES])
def test_foreign_keys_and_tables(live: tuple[Table, ...], declared: tuple[Table, ...], lines: list[str]) -> None:
    assert said(diff_schemas(schema(*declared), schema(*live))) == lines


def test_a_new_column_brings_the_site_s_collation_along() -> None:
    """If the table has another one, the column would take that, and look like the others for ever."""
    live, declared = table(A, **OTHER), table(A, column("b", varchar(9)), column("c"), column("j", json()), **COLLATED)
    added = [change.operation.column for change in diff_schemas(schema(declared), schema(live)).changes]
    assert [(each.name, each.collation) for each in added] == [("b", COLLATED["collation"]), ("c", None), ("j", None)]


def test_new_columns_follow_the_one_before_them_whatever_its_case() -> None:
    live = table(column("A"), column("C"))
    declared = table(column("a"), column("b"), column("b2"), column("c"), column("d"))
    places = [
        (c.operation.column.name, c.operation.after) for c in diff_schemas(schema(declared), schema(live)).changes
    ]
    assert places == [("b", "A"), ("b2", "b"), ("d", "C")]


def test_a_change_restates_what_is_there_and_not_declared() -> None:
    """A MODIFY without the comment or the collation loses it."""
    live = table(column("A", varchar(9), comment="why", collation="latin1_bin"), **OTHER)
    declared = table(required("a", varchar(10)), **OTHER)
    (change,) = diff_schemas(schema(declared), schema(live)).changes
    assert change.operation.column == required("A", varchar(10), comment="why", collation="latin1_bin")
    assert change.operation.was == live.columns[1]


def test_every_question_is_asked_once() -> None:
    live, declared = table(), table(required("a"), required("a2"), index("a", "a2", unique=True))
    asked = diff_schemas(schema(declared, table(name="p")), schema(live, table(name="p"))).preconditions()
    assert [(need.kind, need.columns) for need in asked] == [
        ("empty", ("a",)),
        ("empty", ("a2",)),
        ("empty", ("a", "a2")),
    ]


def test_a_refusal_says_what_to_do() -> None:
    live = table(A, B, index("b", name="a"), engine="MyISAM", collation="utf8mb4_general_ci")
    declared = table(A, B, column("c", varchar(3)), index("a"), **COLLATED)
    reasons = {refusal.what: str(refusal) for refusal in planned(declared, live)}
    assert "ALTER TABLE `t` ENGINE=InnoDB;" in reasons["Change engine of t from MyISAM to InnoDB"]
    assert "drop or rename it first" in reasons["Add index t KEY (a) `a`"]
    live = table(column("c", varchar(3)), column("other", varchar(9)), **OTHER)
    (refusal,) = planned(table(column("c", varchar(3)), **COLLATED), live)
    words = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"
    assert f"ALTER TABLE `t` DEFAULT {words}, MODIFY `c` varchar(3) {words} NULL;" in str(refusal)


def planned(declared: Table, live: Table) -> tuple[Refusal, ...]:
    diff = diff_schemas(schema(declared), schema(live))
    return make_plan(diff, schema(live), MySQLDialect("mysql", (9, 7)), dict.fromkeys(diff.preconditions(), 0)).refusals


def test_the_models_do_not_differ_from_themselves() -> None:
    tables = logical_tables(MODELS)
    assert said(diff_schemas(schema(*tables), schema(*tables))) == []


def test_a_foreign_key_of_two_columns_is_compared_in_order() -> None:
    def two(*columns: str) -> ForeignKey:
        return ForeignKey(columns, "p", ("x", "y"), name="k_" + "_".join(columns))

    live, declared = table(A, B, two("a", "b")), table(A, B, two("b", "a"))
    assert said(diff_schemas(schema(declared), schema(live)))[0].startswith("+ Add foreign key t (`b`,`a`)")


def test_a_foreign_key_whose_name_is_taken_is_refused() -> None:
    """For example if the column under it was renamed: no server accepts a second key of that name."""
    live, declared = table(A, B, ForeignKey(("b",), "p", name="K")), table(A, B, ForeignKey(("a",), "p", name="k"))
    (line,) = said(diff_schemas(schema(declared), schema(live)))
    assert line.startswith("- Add foreign key t (a) REFERENCES p")
    (refusal,) = diff_schemas(schema(declared), schema(live)).refusals
    assert refusal.reason == "a foreign key of that name, K, is on (b); drop it first"


@pytest.mark.parametrize(
    "type_", [integer(), bigint(), varchar(20), enum("x"), json(), ColumnType("geometry")], ids=str
)
def test_equal_columns_of_any_type_are_equal(type_: ColumnType) -> None:
    assert said(diff_schemas(schema(table(column("a", type_))), schema(table(column("a", type_))))) == []
