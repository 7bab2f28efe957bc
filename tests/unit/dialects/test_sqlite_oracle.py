"""The reader compared with SQLite's own parser, on random texts: the pragmas and the objects agree, or are opaque.

The texts are badly formatted on purpose: every quote, comments anywhere, keywords in any case, constraints in any
order.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.unit.dialects.sqlite_tables import File, memory
from wch_peewee.schema.objects import Table
from wch_peewee.schema.sqlite.introspect import rowid_name
from wch_peewee.schema.sqlite.render import RESTORE, rebuild, rebuild_obstacles

COLUMNS = ("a", "B b", "check", "it's")
QUOTES = ('"{}"', "`{}`", "[{}]", "'{}'")
gaps = st.sampled_from([" "] * 6 + ["\n", "\t ", "/* , ) ' */", " -- ( \" '\n", "/**/"])
types = st.sampled_from(
    [
        "",
        "INT",
        "integer",
        "BIGINT UNSIGNED",
        "VARCHAR(20)",
        "varchar",
        '"TEXT"',
        "TEXT",
        "DECIMAL(10, -2)",
        "double precision",
        "GENERATED",
    ]
)


@st.composite
def name(draw: st.DrawFn, column: str) -> str:
    cased: str = draw(st.sampled_from([column, column.upper(), column.lower()]))
    styles = QUOTES[:3] if "'" in column else QUOTES
    if column.isidentifier() and column != "check":
        styles = (*styles, "{}")
    style: str = draw(st.sampled_from(styles))
    return style.format(cased)


@st.composite
def column_clauses(draw: st.DrawFn, column: str) -> str:
    style: str = draw(st.sampled_from((QUOTES[0], QUOTES[2])))
    me = style.format(column)
    return draw(
        st.sampled_from(
            [
                "NOT NULL",
                "not null ON CONFLICT ABORT",
                "NULL",
                "NULL",
                "UNIQUE",
                "unique",
                "unique on conflict abort",
                f"CHECK ({me} IN ('x', ')'))",
                f"CHECK (length({me}) <= 20)",
                f"check ({me} IS NULL OR json_valid({me}))",
                "CHECK ((1 > (0)))",
                "DEFAULT 'it''s'",
                'DEFAULT "x)"',
                "DEFAULT -1.5",
                "DEFAULT +  3",
                "DEFAULT NULL",
                "DEFAULT (1 + (2))",
                "DEFAULT CURRENT_TIME",
                "DEFAULT x'00'",
                "DEFAULT foo",
                "DEFAULT true",
                "CONSTRAINT k NOT NULL",
                "CONSTRAINT 'k k'",
                "COLLATE binary",
                "collate NOCASE",
                "REFERENCES p",
                "references 'p' (id) ON DELETE CASCADE ON UPDATE SET NULL",
                "REFERENCES p(id) MATCH simple NOT DEFERRABLE",
                "REFERENCES p (id) on delete no action DEFERRABLE INITIALLY DEFERRED",
                "REFERENCES p (id) ON DELETE RESTRICT ON DELETE set null",
            ]
        )
    )


@st.composite
def table_clauses(draw: st.DrawFn, columns: tuple[str, ...]) -> str:
    some = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2, unique=True))
    listed = ", ".join([draw(name(column)) for column in some])
    quoted = f'"{some[0]}"'
    ids = ", ".join(["id"] * len(some))
    prefix = draw(st.sampled_from(["", "", "", "CONSTRAINT k ", "constraint [c c] "]))
    return prefix + draw(
        st.sampled_from(
            [
                f"UNIQUE ({listed})",
                f"unique({listed})",
                f"UNIQUE({listed} DESC)",
                f"UNIQUE ({listed} COLLATE NOCASE) ON CONFLICT FAIL",
                f"CHECK ({quoted} > ')')",
                f"FOREIGN KEY ({listed}) REFERENCES p ({ids}) ON DELETE SET DEFAULT",
                f"foreign key({listed})references[p]({ids})",
                f"foreign key({listed})references[p]({ids})deferrable",
            ]
        )
    )


@st.composite
def statements(draw: st.DrawFn) -> str:
    columns = COLUMNS[: draw(st.integers(1, 4))]
    body: list[str] = []
    key = draw(st.sampled_from(["", "PRIMARY KEY", "PRIMARY KEY ASC", "primary key desc", "AUTOINCREMENT", "table"]))
    for column in columns:
        clauses = draw(st.lists(column_clauses(column), max_size=3))
        type_ = draw(types)
        if column == "a" and key and key != "table":
            type_, key = ("integer", "PRIMARY KEY AUTOINCREMENT") if "AUTO" in key else (type_, key)
            clauses.insert(draw(st.integers(0, len(clauses))), key)
        elif column == columns[-1] != "a" and draw(st.integers(0, 9)) == 0:
            clauses = [draw(st.sampled_from(["AS (1)", "generated always as (1) stored"])), "NOT NULL"]
        body += [draw(name(column)), type_, *clauses, ","]
    for clause in draw(st.lists(table_clauses(columns), max_size=2)):
        body += [clause, ","]
    if key == "table":
        some = draw(st.lists(st.sampled_from(columns[:2]), min_size=1, max_size=2, unique=True))
        body += [f"PRIMARY KEY ({', '.join([draw(name(column)) for column in some])})", ","]
    end = draw(st.sampled_from([")"] * 9 + [") WITHOUT ROWID" if key else ")"]))
    return "CREATE TABLE t" + "".join(word + draw(gaps) for word in ("(", *body[:-1], end))


def read(file: File) -> Table:
    found = file.read()
    assert not any("not understood" in words for words in found.opaque), found.opaque
    return found


@example(
    "CREATE TABLE t (a integer REFERENCES p (id), FOREIGN KEY (a) REFERENCES p (id), FOREIGN KEY (a) REFERENCES p (id))"
)
@given(statements())
def test_the_reader_agrees_with_sqlite(sql: str) -> None:
    with memory() as file:
        try:
            file.execute(sql)
        except sqlite3.OperationalError:
            assume(False)
        found = read(file)
        shown = file.execute("SELECT name, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('t')")
        assert [column.name for column in found.columns] == [row[0] for row in shown]
        assert {row[0]: row[3] for row in shown if row[3]} == {
            column: n for n, column in enumerate(found.primary_key, 1)
        }
        for column, (_, notnull, default, _, hidden) in zip(found.columns, shown, strict=True):
            rowid = column.name == rowid_name(found)
            assert column.nullable == (not notnull) or rowid or "WITHOUT ROWID" in found.opaque
            assert ("a generated value" in column.opaque) == bool(hidden)
            assert (column.default is not None) == (default not in (None, "NULL"))
        keys: dict[int, list[Any]] = {}
        for number, _, parent, child, target, on_update, on_delete, _ in file.execute("PRAGMA foreign_key_list(t)"):
            keys.setdefault(number, [parent, [], [], on_delete, on_update])[1].append(child)
            keys[number][2] += [target] if target is not None else []
        assert [
            [key.referenced_table, list(key.columns), list(key.referenced_columns), key.on_delete, key.on_update]
            for key in found.foreign_keys
        ] == [keys[number] for number in sorted(keys, reverse=True)]
        _compare_uniques(file, found)
        _compare_rebuilt(file, found)


def _compare_uniques(file: File, found: Table) -> None:
    if found.opaque:
        return
    made = {
        index: [row[0] for row in file.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,))]
        for index, origin in file.execute("SELECT name, origin FROM pragma_index_list('t')")
        if origin == "u"
    }
    assert {index.name: list(index.columns) for index in found.indexes} == made


def _compare_rebuilt(file: File, found: Table) -> None:
    """Assert that a table that can be rebuilt is the same to SQLite afterwards."""
    if rebuild_obstacles(found):
        return
    queries = [
        f"SELECT name, \"notnull\" OR name = '{rowid_name(found) or ''}', pk FROM pragma_table_xinfo('t')",
        "SELECT name, origin, \"unique\" FROM pragma_index_list('t') ORDER BY name",
        "SELECT * FROM pragma_foreign_key_list('t')",
    ]
    before = [file.execute(query) for query in queries]
    for statement in (*rebuild(found, found, {column.name: column.name for column in found.columns}), RESTORE):
        file.execute("PRAGMA foreign_keys=OFF")
        file.execute(statement.sql)
    assert file.read() == found
    assert [file.execute(query) for query in queries] == before
