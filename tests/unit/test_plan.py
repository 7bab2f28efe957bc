"""From a difference, the live schema and row counts to the operations, their order, and the refusals."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest

from tests.unit.builders import ID, column, index, key, required, schema, sql, table
from wch_peewee.schema.dialect import Dialect
from wch_peewee.schema.diff import diff_schemas
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.objects import Foreign, Schema, Table, bigint, column_type, enum, integer, varchar
from wch_peewee.schema.plan import Plan, make_plan
from wch_peewee.schema.preconditions import Kind, Precondition
from wch_peewee.schema.sqlite.dialect import SQLiteDialect

MARIADB = MySQLDialect("mariadb", (10, 11, 19))
MYSQL = MySQLDialect("mysql", (9, 7, 4))
SQLITE = SQLiteDialect((3, 40, 1))
A, B = column("a"), column("b")
P = table(name="p")
BIG = column("p_id", bigint(unsigned=True))


def plan(
    live: Schema, declared: Schema, rows: dict[tuple[str, str], int] | None = None, dialect: Dialect = MARIADB
) -> Plan:
    """Return the plan; ``rows`` maps (kind, columns) of a precondition to its number of conflicting rows."""
    diff = diff_schemas(declared, live)
    counts = {need: (rows or {}).get((need.kind, ",".join(need.columns)), 0) for need in diff.preconditions()}
    return make_plan(diff, live, dialect, counts)


def lines(result: Plan) -> list[str]:
    """Return a plan as lines: ``+`` change, ``-`` refusal with a reason, ``!`` blocking refusal."""
    refused = [f"{'!' if refusal.blocking else '-'} {refusal}" for refusal in result.refusals]
    return [f"+ {line}" for line in result.describe()] + refused


#: The queries that show conflicting rows.
NULLS = " (see them: SELECT t.`id`, t.`a` FROM `t` AS t WHERE t.`a` IS NULL)"
EQUALS = (
    " (see them: SELECT t.`a`, COUNT(*) AS n FROM `t` AS t WHERE t.`a` IS NOT NULL GROUP BY t.`a` HAVING COUNT(*) > 1)"
)

#: name: (live, declared, rows, lines)
ROWS = {
    "nothing": (table(A), table(A), {}, []),
    "a column on an empty table": (table(), table(required("a")), {}, ["+ Add column t.a"]),
    "a column on rows": (
        table(),
        table(required("a")),
        {("empty", "a"): 1},
        ["! Add column t.a: " + Precondition("empty", "t", ("a",)).refusal(1)],
    ),
    "what follows a refused column goes last": (
        table(A),
        table(A, required("b"), column("c"), index("c")),
        {("empty", "b"): 1},
        [
            "+ Add column t.c",
            "+ Add index t KEY `c` (`c`)",
            "! Add column t.b: " + Precondition("empty", "t", ("b",)).refusal(1),
        ],
    ),
    "what needs a refused column is refused, too": (
        table(A),
        table(A, required("b"), index("b"), index("a", "b"), index("a")),
        {("empty", "b"): 1},
        [
            "+ Add index t KEY `a` (`a`)",
            "! Add column t.b: " + Precondition("empty", "t", ("b",)).refusal(1),
            "- Add index t KEY `b` (`b`): t has no column b",
            "- Add index t KEY `a_b` (`a`,`b`): t has no column b",
        ],
    ),
    "NOT NULL with NULLs there": (
        table(A, B),
        table(required("a"), required("b")),
        {("no_nulls", "a"): 2},
        [
            "+ Change t.b from NULL to NOT NULL",
            "- Change t.a from NULL to NOT NULL: there are 2 rows of t with NULL in a; fill them first" + NULLS,
        ],
    ),
    "unique with duplicates there": (
        table(A),
        table(A, index("a", unique=True)),
        {("no_duplicates", "a"): 1},
        [
            "- Add index t UNIQUE KEY `a` (`a`): there is 1 row of t with duplicate (a); "
            "delete or change the duplicates first" + EQUALS
        ],
    ),
    # As one change it would be refused whole, and the rows' NULLs have nothing to say against the rest.
    "the rest of a column whose NULLs are in the way": (
        table(column("a", varchar(10))),
        table(required("a", varchar(20), default="x")),
        {("no_nulls", "a"): 2},
        [
            "+ Change type of t.a from varchar(10) to varchar(20)",
            "+ Change default value of t.a from none to 'x'",
            "- Change t.a from NULL to NOT NULL: there are 2 rows of t with NULL in a; fill them first" + NULLS,
        ],
    ),
}

ORPHANS = (
    "there are 3 rows of t whose p_id is missing in p; "
    "delete or reattach them first (wch repair --orphans=delete or --orphans=reattach)"
)
SIGNED = "changing bigint to bigint unsigned could change or reject values; convert it in a migration"
CREATE_IT = "create it or check --prefix, then run wch activate"
KEYS = {
    "added": ((P, table(BIG)), (P, table(BIG, key())), {}, ["+ Add foreign key t (`p_id`) REFERENCES p (`id`)"]),
    "orphans": (
        (P, table(BIG)),
        (P, table(BIG, key())),
        {("no_orphans", "p_id"): 3},
        [f"- Add foreign key t (`p_id`) REFERENCES p (`id`): {ORPHANS}"],
    ),
    "values, and the table they mean is only coming": (
        (table(BIG),),
        (P, table(BIG, key())),
        {("no_values", "p_id"): 3},
        ["+ Create table p", f"- Add foreign key t (`p_id`) REFERENCES p (`id`): {ORPHANS}"],
    ),
    "no values, and the table is only coming": (
        (table(BIG),),
        (P, table(BIG, key())),
        {},
        ["+ Create table p", "+ Add foreign key t (`p_id`) REFERENCES p (`id`)"],
    ),
    "no such table": (
        (table(BIG),),
        (table(BIG, key()),),
        {},
        [f"- Add foreign key t (`p_id`) REFERENCES p (`id`): table p does not exist; {CREATE_IT}"],
    ),
    "types differ": (
        (P, table(column("p_id", bigint()))),
        (P, table(BIG, key())),
        {},
        [
            f"- Change type of t.p_id from bigint to bigint unsigned: {SIGNED}",
            "- Add foreign key t (`p_id`) REFERENCES p (`id`): t.p_id is bigint and p.id is bigint unsigned",
        ],
    ),
    "types differ until both are mended": (
        (
            replace(P, columns=(replace(ID, type=replace(integer(), unsigned=True)),)),
            table(column("p_id", replace(integer(), unsigned=True))),
        ),
        (P, table(BIG, key())),
        {},
        [
            "+ Change type of p.id from int unsigned to bigint unsigned",
            "+ Change type of t.p_id from int unsigned to bigint unsigned",
            "+ Add foreign key t (`p_id`) REFERENCES p (`id`)",
        ],
    ),
    "the parent forgets keys": (
        (replace(P, engine="MyISAM"), table(BIG, engine="InnoDB")),
        (replace(P, engine="MyISAM"), table(BIG, key(), engine="InnoDB")),
        {},
        ["- Add foreign key t (`p_id`) REFERENCES p (`id`): p cannot be referenced: its engine is MyISAM"],
    ),
    "the parent is something else": (
        (replace(P, opaque=("it is a view",)), table(BIG)),
        (P, table(BIG, key())),
        {},
        ["- Add foreign key t (`p_id`) REFERENCES p (`id`): p cannot be referenced: it is a view"],
    ),
    "the parent's column is no key": (
        (replace(P, primary_key=()), table(BIG)),
        (replace(P, primary_key=()), table(BIG, key())),
        {},
        ["- Add foreign key t (`p_id`) REFERENCES p (`id`): p (id) is not a key"],
    ),
    # One key that cannot be must not cost the table.
    "a new table without the key that cannot be": (
        (replace(P, opaque=("it is partitioned",)),),
        (P, table(BIG, A, key(), key("a", "q"))),
        {},
        [
            "+ Create table t",
            "- Add foreign key t (`p_id`) REFERENCES p (`id`): p cannot be referenced: it is partitioned",
            f"- Add foreign key t (`a`) REFERENCES q (`id`): table q does not exist; {CREATE_IT}",
        ],
    ),
}


@pytest.mark.parametrize(("live", "declared", "rows", "expected"), ROWS.values(), ids=ROWS)
def test_what_rows_allow(live: Table, declared: Table, rows: dict[tuple[str, str], int], expected: list[str]) -> None:
    assert lines(plan(schema(live), schema(declared), rows)) == expected


@pytest.mark.parametrize(("live", "declared", "rows", "expected"), KEYS.values(), ids=KEYS)
def test_what_foreign_keys_need(
    live: tuple[Table, ...], declared: tuple[Table, ...], rows: dict[tuple[str, str], int], expected: list[str]
) -> None:
    assert lines(plan(schema(*live), schema(*declared), rows)) == expected


def test_a_table_created_without_a_key_says_so_in_its_statement() -> None:
    (statement,) = plan(schema(), schema(table(BIG, key()))).statements()
    assert "FOREIGN KEY" not in statement.sql
    (statement,) = plan(schema(P), schema(table(BIG, key()))).statements()
    assert "CONSTRAINT `p_id_fk` FOREIGN KEY" in statement.sql


def test_a_table_may_refer_to_itself() -> None:
    assert lines(plan(schema(), schema(table(column("up", bigint(unsigned=True)), key("up", "t"))))) == [
        "+ Create table t"
    ]


@pytest.mark.parametrize(
    ("dialect", "held"), [(MARIADB, True), (MYSQL, True), (SQLITE, False)], ids=["mariadb", "mysql", "sqlite"]
)
def test_a_foreign_key_holds_types_where_the_engine_says_so(dialect: Dialect, held: bool) -> None:
    unsigned = replace(integer(), unsigned=True)
    parent = replace(P, columns=(replace(ID, type=unsigned),))
    live = schema(parent, table(column("p_id", unsigned), key(name="fk")))
    declared = schema(parent, table(BIG, key()))
    change = "Change type of t.p_id from int unsigned to bigint unsigned"
    refused = f"- {change}: the foreign key fk of t uses the column; drop the key first"
    assert lines(plan(live, declared, dialect=dialect)) == [refused if held else f"+ {change}"]


@pytest.mark.parametrize("dialect", [MARIADB, MYSQL, SQLITE], ids=lambda dialect: dialect.name)
def test_what_cannot_be_modified_is_refused_and_the_neighbour_mended(dialect: Dialect) -> None:
    live = schema(table(opaque=("it is odd",)), table(name="u"))
    result = plan(live, schema(table(A, index("a")), table(A, name="u")), dialect=dialect)
    assert lines(result)[0] == "+ Add column u.a"
    assert [line.partition(":")[0] for line in lines(result)[1:]] == ["! Add column t.a", "- Add index t KEY `a` (`a`)"]
    assert "it is odd" in lines(result)[1]
    assert {statement.table for statement in result.statements()} == {"u"}


def test_triggers_stand_in_the_way_of_a_rebuild_alone() -> None:
    live = schema(table(column("a", varchar(5)), foreign=(Foreign("trigger", "tr"),)))
    declared = schema(table(column("a", varchar(9)), B))
    assert lines(plan(live, declared)) == ["+ Change type of t.a from varchar(5) to varchar(9)", "+ Add column t.b"]
    native, refused = lines(plan(live, declared, dialect=SQLITE))
    assert native == "+ Add column t.b"
    assert refused.startswith("- Change type of t.a")
    assert "trigger tr" in refused


@pytest.mark.parametrize("dialect", [MARIADB, MYSQL], ids=lambda dialect: dialect.name)
def test_an_enum_whose_values_are_one_to_the_server(dialect: Dialect) -> None:
    """It would be error 1291; with a binary collation it is valid."""
    live, declared = table(column("a", enum("Sent"))), table(column("a", enum("sent", "read")))
    result = plan(schema(live), schema(declared), dialect=dialect)
    assert result.is_empty
    assert "servers take 'sent' for 'Sent'" in lines(result)[-1]
    live, declared = (replace(each, collation="utf8mb4_bin") for each in (live, declared))
    assert not plan(schema(live), schema(declared), dialect=dialect).is_empty


@pytest.mark.parametrize("size", ["text", "longtext", "json", "varchar(800)"])
@pytest.mark.parametrize("dialect", [MARIADB, MYSQL], ids=lambda dialect: dialect.name)
def test_an_index_that_the_server_would_refuse_or_cut(dialect: Dialect, size: str) -> None:
    """MySQL fails with 1170 or 1071; MariaDB indexes a prefix, and a unique one then refuses valid rows."""
    live = schema(table(column("a", column_type(size)), collation="utf8mb4_general_ci"))
    declared = schema(table(column("a", varchar(20)), index("a", unique=True), collation="utf8mb4_general_ci"))
    result = plan(live, declared, dialect=dialect)
    assert result.is_empty
    assert any(f"a is {size}, too long for the index a" in line for line in lines(result))


@pytest.mark.parametrize("size", ["text", "varchar(800)"])
@pytest.mark.parametrize("dialect", [MARIADB, MYSQL, SQLITE], ids=lambda dialect: dialect.name)
def test_a_type_that_an_index_of_others_could_not_keep(dialect: Dialect, size: str) -> None:
    live = schema(table(column("a", varchar(700)), index("a"), collation="utf8mb4_general_ci"))
    declared = schema(table(column("a", column_type(size)), collation="utf8mb4_general_ci"))
    result = plan(live, declared, dialect=dialect)
    assert result.is_empty == (dialect is not SQLITE)
    assert any(f"a is {size}, too long for the index a" in line for line in lines(result)) == result.is_empty


def test_columns_come_before_indexes_and_foreign_keys_last() -> None:
    live, declared = schema(P, table()), schema(P, table(A, BIG, index("a"), index("p_id"), key()))
    assert [re.sub(r"`", "", line)[:24] for line in plan(live, declared).describe()] == [
        "Add column t.a",
        "Add column t.p_id",
        "Add index t KEY a (a)",
        "Add index t KEY p_id (p_",
        "Add foreign key t (p_id)",
    ]


def test_a_key_that_somebody_refers_to_keeps_its_type() -> None:
    live, declared = (
        table(column("a", varchar(10)), index("a", unique=True)),
        table(column("a", varchar(20)), index("a", unique=True)),
    )
    (line,) = lines(plan(schema(live), schema(declared), {("unreferenced", "a"): 1}))
    assert line.startswith("- Change type of t.a from varchar(10) to varchar(20): a foreign key refers to t (a)")


def test_tables_are_mended_in_the_order_of_their_declaration() -> None:
    declared = [table(A, index("a"), name=name) for name in ("z", "a", "m")]
    result = plan(schema(table(name="m"), table(name="z")), schema(*declared))
    assert list(dict.fromkeys(step.table for step in result.steps)) == ["z", "a", "m"]


def test_the_description_has_a_line_for_each_operation_and_the_statements_are_the_steps() -> None:
    result = plan(schema(P), schema(P, table(A, name="u"), table(BIG, key())))
    assert result.describe() == ("Create table u", "Create table t")
    assert [statement.sql for statement in result.statements()] == sql(result.steps)


def test_every_kind_of_question_has_words_for_its_answer() -> None:
    for kind in get_args(Kind):
        words = [Precondition(kind, "t", ("a", "b"), key()).refusal(count) for count in (1, 2)]
        assert all(("a, b" in text or kind == "no_rows") and "t" in text for text in words)
        assert kind in ("empty", "unreferenced") or ("1 row " in words[0] and "2 rows " in words[1])
