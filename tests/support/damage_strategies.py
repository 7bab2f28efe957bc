"""Random damage to live tables, as values that hypothesis can shrink, and how to do it.

A step says what to do to the nth table, column or index; where that is not possible any more (the column has been
dropped by the one before, a key needs the index, a row holds the value), it does nothing.

    for step in drawn: apply(damage, step)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.support.damage import Damage
from wch_peewee.errors import WchError
from wch_peewee.execution.apply import ConcurrentChange
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    enum,
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

T = TypeVar("T")

#: A parent, its cascading children, and a table with a unique key: the others are no different.
KEYS = ("conversations", "messages", "carts")


@dataclass(frozen=True)
class DamageStep:
    """``what`` is a name in KINDS; the numbers choose the table, the column or index in it, and how."""

    what: str
    table: int
    which: int
    how: int


def pick(things: Sequence[T], number: int) -> T | None:
    return things[number % len(things)] if things else None


def _column(table: Table, which: int) -> Column | None:
    return pick([column for column in table.columns if column.name not in table.primary_key], which)


def drop_column(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    column = _column(table, step.which)
    if column is None:
        return []
    drops: list[Operation] = [
        DropForeignKey(table.name, key) for key in table.foreign_keys if column.name in key.columns
    ]
    drops += [DropIndex(table.name, index.name) for index in table.indexes if column.name in index.columns]
    return [*drops, DropColumn(table.name, column.name)]


def rename_column(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    column = _column(table, step.which)
    return [] if column is None else [RenameColumn(table.name, column.name, f"{column.name}_{step.how}")]


def add_column(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    shape = pick(
        [
            Column("", bigint(), nullable=True),
            Column("", varchar(30), default=Default("it's")),
            Column("", text(), nullable=True),
            Column("", enum("x", "y"), nullable=True, default=Default("y")),
        ],
        step.how,
    )
    return (
        []
        if shape is None
        else [AddColumn(table.name, replace(shape, name=f"crm_{step.which}"), table.columns[-1].name)]
    )


TYPES: dict[str, tuple[ColumnType, ...]] = {
    "varchar": (varchar(16), varchar(19), varchar(63), varchar(70), varchar(120), text()),
    "bigint": (ColumnType("int", unsigned=True), bigint(), bigint(unsigned=True)),
    "int": (bigint(), ColumnType("smallint"), ColumnType("int", unsigned=True)),
    "text": (ColumnType("tinytext"), ColumnType("longtext")),
    "datetime": (ColumnType("datetime", size=6), varchar(30)),
}


def retype(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    """Narrow, widen or turn a column into something else; the rows are short enough for each."""
    column = _column(table, step.which)
    if column is None:
        return []
    if column.type.name == "enum":
        # The first value and the second are in the rows.
        values = column.type.values
        type_ = pick(
            [enum(*values[:2]), enum(*values, "more"), enum(*reversed(values)), enum(*values[:2], "else")], step.how
        )
    else:
        type_ = pick(TYPES.get(column.type.name, ()), step.how)
    return [] if type_ is None else _modified(table, column, type=type_)


def redefault(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    column = _column(table, step.which)
    if column is None:
        return []
    choices = {
        "varchar": ("", "NULL", "a'b\\c"),
        "bigint": ("7",),
        "int": ("-7",),
        "enum": column.type.values[:2],
        "datetime": ("2020-01-02 03:04:05",),
    }
    literal = pick((None, *choices.get(column.type.name, ())), step.how)
    return _modified(table, column, default=None if literal is None else Default(literal))


def renull(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    column = _column(table, step.which)
    return [] if column is None else _modified(table, column, nullable=not column.nullable)


def _modified(table: Table, column: Column, **changes: object) -> list[Operation]:
    now = replace(column, **changes)  # type: ignore[arg-type]
    return [] if now == column else [ModifyColumn(table.name, column, now)]


def drop_index(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    index = pick(table.indexes, step.which)
    return [] if index is None else [DropIndex(table.name, index.name)]


def rename_index(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    index = pick(table.indexes, step.which)
    if index is None:
        return []
    return [
        DropIndex(table.name, index.name),
        AddIndex(table.name, replace(index, name=f"idx_{table.name}_{step.how}")),
    ]


def add_index(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    """Somebody's index, or one that has taken the name of one of ours."""
    columns = [
        column.name for column in table.columns if column.type.name not in ("json", "text", "longtext", "tinytext")
    ]
    chosen = tuple(dict.fromkeys((columns[step.which % len(columns)], columns[step.how % len(columns)])))
    names = (f"crm_{step.which}_{step.how}", "expires_at", "customer_phone", "wa_message_id")
    name = d.dialect.index_name(table.name, names[step.how % len(names)])
    return [AddIndex(table.name, Index(name, chosen))]


def drop_key(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    key = pick(table.foreign_keys, step.which)
    return [] if key is None else [DropForeignKey(table.name, key)]


def change_key(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    key = pick(table.foreign_keys, step.which)
    if key is None:
        return []
    other = replace(key, name=f"_{key.name}"[:60], on_delete=("CASCADE", "NO ACTION")[step.how % 2])
    return [DropForeignKey(table.name, key), AddForeignKey(table.name, other)]


def point_elsewhere(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    """A foreign key of somebody's: a column of theirs on one of our tables, to another of our tables."""
    name = f"crm_key_{step.which}"
    target = d.find(KEYS[step.how % len(KEYS)])
    if target is None or target.name == table.name:
        return []
    return [
        AddColumn(table.name, Column(name, bigint(unsigned=True), nullable=True), table.columns[-1].name),
        AddIndex(table.name, Index(f"{table.name}_{name}", (name,))),
        AddForeignKey(table.name, ForeignKey((name,), target.name, name=f"{table.name}_{name}_fk")),
    ]


#: Rows that stand in the way of something; none of them is ever taken back by db_delta.
ROWS = (
    "UPDATE {carts} SET coupon_code = NULL",
    "UPDATE {carts} SET customer_phone = NULL WHERE id = 1",
    "UPDATE {carts} SET customer_phone = '+1' WHERE id < 3",
    "UPDATE {conversations} SET wa_conversation_id = NULL WHERE id = 2",
    "UPDATE {conversations} SET status = 'active' WHERE id = 2",
    "UPDATE {messages} SET conversation_id = 4711 WHERE id = 3",
    "DELETE FROM {conversations} WHERE id = 1",
    "DELETE FROM {carts}",
    "DELETE FROM {messages}",
)


def change_rows(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    with contextlib.suppress(Exception):  # not possible any more, or not yet
        d.sql(ROWS[step.how % len(ROWS)])
    return []


#: By family, things of somebody's that no operation of ours makes.
THINGS = {
    "sqlite": (
        "CREATE TRIGGER {table}_{n} AFTER INSERT ON {table} BEGIN SELECT 1; END",
        "ALTER TABLE {table} ADD COLUMN gen_{n} int GENERATED ALWAYS AS (id + 1) VIRTUAL",
        "CREATE INDEX {table}_part_{n} ON {table} (id) WHERE id > 1",
        "CREATE INDEX {table}_expr_{n} ON {table} (id + 1)",
        "CREATE VIEW {table}_view_{n} AS SELECT * FROM {table}",
    ),
    "mariadb": (
        "CREATE TRIGGER {table}_{n} BEGIN_INSERT",
        "ALTER TABLE {table} ADD COLUMN gen_{n} int GENERATED ALWAYS AS (char_length(id)) VIRTUAL",
        "ALTER TABLE {table} ADD CONSTRAINT {table}_check_{n} CHECK (created_at > '2000-01-01')",
        "CREATE INDEX desc_{n} ON {table} (created_at DESC)",
        "CREATE VIEW {table}_view_{n} AS SELECT * FROM {table}",
    ),
    "mysql": (
        "CREATE TRIGGER {table}_{n} BEGIN_INSERT",
        "ALTER TABLE {table} ADD COLUMN gen_{n} int GENERATED ALWAYS AS (length(created_at)) STORED",
        "ALTER TABLE {table} ADD CONSTRAINT {table}_check_{n} CHECK (created_at > '2000-01-01')",
        "CREATE INDEX desc_{n} ON {table} (created_at DESC)",
        "CREATE INDEX func_{n} ON {table} ((year(created_at)))",
        "CREATE INDEX hidden_{n} ON {table} (created_at) INVISIBLE",
        "CREATE VIEW {table}_view_{n} AS SELECT * FROM {table}",
    ),
}


def add_thing(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    things = THINGS[d.database.family]
    statement = things[step.how % len(things)].replace(
        "BEGIN_INSERT", "BEFORE INSERT ON {table} FOR EACH ROW SET @x = 1"
    )
    with contextlib.suppress(Exception):  # the column that it stands on may be gone
        d.database.execute(statement.format(table=table.name, n=step.which))
    return []


def drop_table(d: Damage, table: Table, step: DamageStep) -> list[Operation]:
    """A child or another table: new conversations would adopt the messages of lost ones, whose numbers they get."""
    if step.how % 4 == 0 and step.table:
        d.sql(f"DROP TABLE {table.name}")
    return []


KINDS: dict[str, Callable[[Damage, Table, DamageStep], list[Operation]]] = {
    function.__name__: function
    for function in (
        *(drop_column, rename_column, add_column, retype, redefault, renull),
        *(drop_index, rename_index, add_index, drop_key, change_key, point_elsewhere),
        *(change_rows, add_thing, drop_table),
    )
}


def damage_steps(most: int) -> SearchStrategy[list[DamageStep]]:
    number = st.integers(0, 11)
    return st.lists(
        st.builds(DamageStep, st.sampled_from(list(KINDS)), st.integers(0, 2), number, number), max_size=most
    )


def apply(damage: Damage, step: DamageStep) -> None:
    """Do it, if it is possible."""
    table = damage.find(KEYS[step.table])
    if table is None or table.opaque:
        return
    operations = KINDS[step.what](damage, table, step)
    if operations:
        # The engine does not let anybody do it, or not without losing something, or it has been done before.
        with contextlib.suppress(WchError, ConcurrentChange):
            damage.change(*operations)
