"""Random tables and operations for the invariants of the SQLite dialect.

Names are as hostile as SQLite accepts. Every operation is possible: no conflicting rows, and nothing depends on what is
dropped.

    table, names_left = data.draw(tables())
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.support.own_models import CASES
from tests.unit.dialects.sqlite_tables import DIALECT, ID
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    boolean,
    column_type,
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
    DropColumn,
    DropForeignKey,
    DropIndex,
    ModifyColumn,
    Operation,
    RenameColumn,
)

# Quotes of every kind, percent signs, comments, keywords, characters beyond the BMP; no driver takes surrogates.
words = st.text(st.sampled_from("aB_ 'é\"`[]%?--/*;,()\n😀\ufeff"), min_size=1, max_size=6) | st.sampled_from(
    ["select", "NULL", "rowid", "check", "old", "sequence", "%s", "a--b", "CHECK (x)", "default 'x'", "😀😀"]
)
names = st.lists(words, min_size=6, max_size=6, unique_by=lambda name: name.lower().strip()).filter(
    lambda drawn: not {"id", "ref"} & {name.lower() for name in drawn}
)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5) | words

TYPES = (
    integer(), bigint(), bigint(unsigned=True), boolean(), varchar(12), varchar(255), ColumnType("char", 12), text(),
    ColumnType("longtext"), json(), enum("a", "it's", '100% "x"', "😀"), datetime(), ColumnType("datetime", 6),
    ColumnType("decimal", 10), ColumnType("double"), ColumnType("varchar"), ColumnType("smallint", unsigned=True),
    *(column_type(case.type) for case in CASES.values()),
)  # fmt: skip
NUMBERS = ("whole", "decimal", "real")


def contents(type_: ColumnType) -> st.SearchStrategy[Any]:
    """Draw values that the type allows, as Python passes them to SQLite."""
    if type_.family in NUMBERS:
        return st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
    if type_.name == "enum":
        return st.sampled_from(type_.values)
    if type_.name == "json":
        return st.sampled_from(["{}", "[1]", '{"a": "😀 it\'s 100%"}', ' {"b":\n 1.50}'])
    if type_.family in ("date", "time", "moment"):
        return st.sampled_from(["2024-01-02 03:04:05", "2024-01-02 03:04:05.678901", ""])
    if type_.family == "bytes":
        return st.binary(max_size=type_.size or 9)
    return values.map(lambda value: value[: type_.size])


def defaults(type_: ColumnType) -> st.SearchStrategy[Default]:
    if type_.family in NUMBERS:
        return st.sampled_from(["0", "-5", "1.50", "007", "abc", "+1"]).map(Default) | st.just(Default("1 + 1", True))
    if type_.family in ("date", "time", "moment"):
        return st.sampled_from([Default("2024-01-02 03:04:05"), Default("current_timestamp", is_expression=True)])
    if type_.family == "bytes":
        return st.nothing()
    literals = contents(type_).map(Default)
    return literals | st.just(Default("lower('{}')", is_expression=True)) if type_.name == "json" else literals


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    type_ = draw(st.sampled_from(TYPES))
    return Column(name, type_, draw(st.booleans()), draw(st.none() | defaults(type_)))


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, list[str]]:
    """Draw a table with random names and a nullable column ``ref`` that refers to itself, and unused column names."""
    name, *free = draw(names)
    count = draw(st.integers(0, 3))
    own = [draw(columns(column)) for column in free[:count]]
    ref = Column("ref", bigint(unsigned=True), nullable=True)
    action = draw(st.sampled_from(["CASCADE", "SET NULL", "RESTRICT"]))
    key = ForeignKey(("ref",), name, name=f"{name}_fk", on_delete=action)
    made = Table(name, (ID, *own, ref), foreign_keys=draw(st.sampled_from([(), (key,)])))
    for number in range(draw(st.integers(0, 2))):
        made = replace(made, indexes=(*made.indexes, draw(indexes(made, f"k{number}"))))
    return DIALECT.adapt(made), free[count:]


@st.composite
def indexes(draw: st.DrawFn, of: Table, name: str) -> Index:
    some = st.lists(st.sampled_from([column.name for column in of.columns]), min_size=1, max_size=3, unique=True)
    chosen = tuple(draw(some))
    # Unique only together with the id: the rows are random.
    return Index(name, ("id", *(c for c in chosen if c != "id")) if (unique := draw(st.booleans())) else chosen, unique)


@st.composite
def operations(draw: st.DrawFn, live: Table, free: list[str]) -> Operation:
    """Draw one operation without conflicting rows, on which nothing else depends."""
    own = [column for column in live.columns if column.name not in ("id", "ref")]
    used = {name for index in live.indexes for name in index.columns}
    used |= {name for key in live.foreign_keys for name in key.columns}
    choices = ["index", "drop key" if live.foreign_keys else "add key"]
    choices += ["add"] * 2 if free else []
    choices += ["rename"] if free and own else []
    choices += ["modify"] * 2 if own else []
    choices += ["drop index"] if live.indexes else []
    choices += ["drop"] if any(column.name not in used for column in own) else []
    choice = draw(st.sampled_from(choices))
    table = live.name
    if choice == "add":
        column: Column = draw(columns(free.pop()))
        if not column.nullable and column.default is None:
            column = replace(column, nullable=True)
        after = draw(st.sampled_from([None, *(c.name for c in live.columns)]))
        column = DIALECT.adapt(Table(table, (column,), ())).columns[0]
        return AddColumn(table, column, after)
    if choice == "rename":
        return RenameColumn(table, draw(st.sampled_from(own)).name, free.pop())
    if choice == "modify":
        was = draw(st.sampled_from(own))
        type_ = was.type
        if type_.name in ("varchar", "char") and type_.size:
            type_ = replace(type_, size=type_.size + 7)
        elif type_.name == "enum":
            type_ = enum(*type_.values, "new")
        elif type_.name == "int":
            type_ = bigint()
        default = draw(st.none() | defaults(type_))
        adapted = DIALECT.adapt(Table(table, (replace(was, type=type_, nullable=True, default=default),), ()))
        return ModifyColumn(table, was, adapted.columns[0])
    if choice == "drop":
        return DropColumn(table, draw(st.sampled_from([column.name for column in own if column.name not in used])))
    if choice == "index":
        taken = {index.name for index in live.indexes}
        name = next(name for n in range(99) if (name := f"i{n}") not in taken)
        return AddIndex(table, draw(indexes(live, name)))
    if choice == "drop index":
        return DropIndex(table, draw(st.sampled_from(live.indexes)).name)
    if choice == "drop key":
        return DropForeignKey(table, live.foreign_keys[0])
    action = draw(st.sampled_from(["CASCADE", "NO ACTION"]))
    return AddForeignKey(table, ForeignKey(("ref",), table, name="new", on_delete=action))
