"""Every column that peewee's fields declare: created, read back equal, its values kept or refused, its type changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import peewee as pw
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.databases import LiveDatabase
from tests.support.own_models import CASES, MOMENT, own_model
from wch_peewee import InvalidValue, WchError, db_delta
from wch_peewee.execution.session import read_session, run_session
from wch_peewee.install.access import model_access
from wch_peewee.migrate.steps import alter_column
from wch_peewee.models.fields import ColumnField
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.declared import logical_tables
from wch_peewee.schema.objects import Column, Table, column_type
from wch_peewee.schema.operations import ModifyColumn
from wch_peewee.schema.preconditions import is_loss, preconditions_of, rows_query
from wch_peewee.schema.types import reconcile_type

#: Fields that make another value of the one that they are given.
CONVERTING = {"json", "uuid", "binary uuid", "unix time", "ip", "bits", "bool"}
#: Each is a table that is made, changed and dropped.
EXAMPLES = {"sqlite": 100, "mariadb": 25, "mysql": 15}


def delta(database: LiveDatabase, *models: Any, **options: Any) -> Any:
    return db_delta(models, database.database, prefix=database.prefix, patience=5, **options)


def assert_silent(database: LiveDatabase, *models: Any) -> None:
    again = delta(database, *models, dry_run=True)
    assert (again.changes, again.refusals, again.extras, again.statements) == ((), (), (), ())


def test_every_type_is_created_and_read_back_equal(installed: LiveDatabase) -> None:
    database = installed
    fields = {f"c{number}": case.make(null=True) for number, case in enumerate(CASES.values())}
    defaults = {
        f"d{number}": case.make(default=case.default)
        for number, case in enumerate(CASES.values())
        if case.default is not None
    }
    Every = own_model("every", database, **fields, **defaults)
    (table,) = logical_tables([Every])
    assert [str(column.type) for column in table.columns if column.name[0] == "c"] == [c.type for c in CASES.values()]
    assert delta(database, Every).refusals == ()
    assert_silent(database, Every)

    # The server's defaults are those of Python.
    Every.create()
    database.execute(f"INSERT INTO {Every._meta.table_name} (id) VALUES (7)")
    by_python, by_server = Every.select().order_by(Every.id)
    assert {n: v for n, v in by_python.__data__.items() if n != "id"} == {
        n: v for n, v in by_server.__data__.items() if n != "id"
    }

    for name, case in zip(fields, CASES.values(), strict=True):
        for value in case.good:
            row = Every.create(**{name: value})
            found = getattr(Every.get_by_id(row.id), name)
            assert found == (type(found)(value) if isinstance(value, str) else value), (case.type, value, found)
            if case.type != "json":  # peewee compares documents in its own way
                assert Every.get(getattr(Every, name) == value, Every.id == row.id).id == row.id
        for value in case.bad:
            with pytest.raises(InvalidValue) as refused:
                Every.create(**{name: value})
            assert f"{name}" in str(refused.value), value
            assert len(str(refused.value).splitlines()) == 1
    assert_silent(database, Every)


def rows_of(model: Any) -> list[Any]:
    return [row.v for row in model.select().order_by(model.id)]


def declare(database: LiveDatabase, name: str) -> Any:
    return own_model("changing", database, v=CASES[name].make(null=True, default=None))


def drop(database: LiveDatabase, *models: Any) -> None:
    for model in reversed(models):
        database.execute(f"DROP TABLE IF EXISTS {model._meta.table_name}")


def test_db_delta_widens_or_refuses_and_keeps_every_value(installed: LiveDatabase) -> None:
    database = installed

    @settings(max_examples=EXAMPLES[database.family])
    @given(st.sampled_from(list(CASES)), st.sampled_from(list(CASES)))
    @example("decimal", "decimal(26,8)")
    @example("varbinary", "blob")
    @example("datetime", "datetime(6)")
    @example("time", "time(6)")
    def law(before: str, after: str) -> None:
        Before, After = declare(database, before), declare(database, after)
        was, now = (column_type(CASES[name].type) for name in (before, after))
        drop(database, Before)
        delta(database, Before)
        for value in CASES[before].good:
            Before.create(v=value)
        kept = rows_of(Before)

        report = delta(database, After)

        assert bool(report.refusals) == (reconcile_type(was, now).reason != ""), report
        assert bool(report.changes) == (reconcile_type(was, now).target != was), report
        assert rows_of(Before) == kept
        if not report.refusals and not {before, after} & CONVERTING:
            for value in CASES[before].good:
                assert After.select().where(After.v == value).exists(), value
        again = delta(database, After)
        assert (again.changes, again.refusals) == ((), report.refusals)

    law()


M, D = MOMENT, Decimal
FINE, MILLIS = M.replace(microsecond=123456), M.replace(microsecond=123000)
#: A type, another, values that the other one holds as they are, and values that it does not hold.
CONVERSIONS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("timestamp(3)", "timestamp", [M], [MILLIS]),
    ("timestamp(6)", "timestamp(3)", [M, MILLIS], [FINE]),
    ("datetime(6)", "datetime", [M], [FINE, MILLIS]),
    ("datetime(6)", "datetime(3)", [M, MILLIS], [FINE]),
    ("datetime(3)", "datetime(6)", [M, MILLIS], []),
    ("datetime", "timestamp", [M], [dt.datetime(1970, 1, 1), dt.datetime(2039, 1, 1)]),
    ("datetime(6)", "timestamp(3)", [M, MILLIS], [FINE, dt.datetime(1969, 1, 1)]),
    ("timestamp(3)", "datetime(6)", [M, MILLIS], []),
    ("time(6)", "time", [dt.time(9)], [dt.time(9, 0, 0, 1)]),
    ("time", "time(3)", [dt.time(9)], []),
    ("datetime", "date", [dt.datetime(2026, 1, 2)], [M]),
    ("date", "datetime(3)", [dt.date(2026, 1, 2)], []),
    ("date", "timestamp", [dt.date(2026, 1, 2)], [dt.date(1969, 1, 1)]),
    ("decimal(10,4)", "decimal(10,2)", [D("1.5"), D("-2")], [D("1.2345")]),
    ("decimal(12,2)", "decimal(5,2)", [D("999.99")], [D("1234.5")]),
    ("decimal(10,2)", "decimal(10,2) unsigned", [D("1.5")], [D("-1.5")]),
    ("decimal(10,2)", "int", ["7"], ["7.5"]),
    ("decimal(10,2)", "float", ["0.1", "1.5"], ["1234567.8"]),
    ("decimal(10,2)", "double", ["0.1", "1234567.8"], []),
    ("float", "decimal(10,2)", ["0.1", "1.5"], ["0.125"]),
    ("double", "decimal(10,2)", ["0.1", "1.5"], ["0.125"]),
    ("double", "float", [1.5, 3.0], [1 / 3]),
    ("double", "int", ["3"], ["3.5"]),
    ("int", "float", [999_999], [16_777_217]),
    ("bigint", "double", [2**53, -(2**53)], [2**53 + 1]),
    ("bigint", "int", [5], [2**40]),
    ("int", "decimal(5,2)", [999], [1000]),
    ("int", "enum('1','2')", [], [0, 1, 2]),
    ("double", "varchar(20)", ["1.5"], []),
    ("double", "char(4)", ["1.5"], ["1.12345"]),
    ("varchar(20)", "char(4)", ["abcd", ""], ["a ", "abcde"]),
    ("varchar(20)", "varchar(4)", ["abcd", "a "], ["abcde"]),
    ("varchar(20)", "enum('a','b c')", ["a", "b c"], ["A", "a ", "x"]),
    ("varchar(30)", "datetime(3)", [str(MILLIS)[:-3]], ["2026-01-02", "x"]),
    ("varbinary(8)", "binary(2)", [b"\xffa"], [b"\xff", b"abc"]),
]


@pytest.mark.parametrize(("was", "now", "kept", "lost"), CONVERSIONS, ids=lambda one: one if type(one) is str else "")
def test_only_rows_that_would_lose_something_are_counted(
    database: LiveDatabase, was: str, now: str, kept: list[Any], lost: list[Any]
) -> None:
    Before, After = (own_model("changing", database, v=ColumnField(type_, null=True)) for type_ in (was, now))
    delta(database, Before)
    for value in (*kept, *lost, None):
        Before.create(v=value)
    with run_session(database.database, our_names(database.prefix)) as context:
        (live,) = context.read([Before._meta.table_name])
        modify = ModifyColumn(live.name, live.columns[1], replace(live.columns[1], type=column_type(now)))
        conditions = list(preconditions_of(modify))
        # A number out of range may count for its digits, too.
        counted = max([context.count(condition) for condition in conditions] or [0])
        each = [rows_query(condition, context.dialect, ["id"]) for condition in conditions]
    escape = context.dialect.escape
    found = {row[0] for query in each for row in database.execute(escape(query))}
    assert found == {number for number, _ in enumerate(lost, start=len(kept) + 1)}
    assert counted <= len(lost)

    Before.delete().where(Before.id > len(kept)).execute()
    before = rows_of(Before)
    alter(database, Column("v", column_type(now), nullable=True))
    for number, value in enumerate(kept, start=1):
        assert After.get(After.v == value).id == number, value
    alter(database, Column("v", column_type(was), nullable=True))
    assert rows_of(Before) == before


def alter(database: LiveDatabase, column: Column) -> None:
    with run_session(database.database, our_names(database.prefix)) as context:
        alter_column(context.database, "changing", column)


def test_a_migration_that_changes_a_type_changes_every_value_or_none(installed: LiveDatabase) -> None:
    """Forward, back and forward again; a value that does not fit stops it, or the plan has said that it is lost."""
    database = installed

    @settings(max_examples=EXAMPLES[database.family])
    @given(st.sampled_from(list(CASES)), st.sampled_from(list(CASES)))
    def law(before: str, after: str) -> None:
        Before = declare(database, before)
        was, now = (column_type(CASES[name].type) for name in (before, after))
        drop(database, Before)
        delta(database, Before)
        for value in CASES[before].good:
            Before.create(v=value)
        kept = rows_of(Before)
        to, back = (Column("v", type_, nullable=True) for type_ in (now, was))
        with run_session(database.database, our_names(database.prefix)) as context:
            (live,) = context.read([Before._meta.table_name])
            (target,) = context.resolve([Table("changing", (to,), ())])
            modify = ModifyColumn(live.name, live.columns[1], replace(live.columns[1], type=target.columns[0].type))
            counted = {condition: context.count(condition) for condition in preconditions_of(modify)}
            lost = sum(counted.values())
        try:
            alter(database, to)
        except WchError:
            refused = [condition for condition, count in counted.items() if count and not is_loss(condition)]
            assert refused, f"{was} to {now} fails, and no precondition says so"
        if not lost:
            alter(database, back)
        if not lost:
            assert rows_of(Before) == kept, f"{was} to {now} and back changes values, and no precondition says so"

    law()


@pytest.mark.parametrize("field", [pw.AutoField, pw.BigAutoField])
def test_a_key_that_counts_takes_what_its_model_writes(installed: LiveDatabase, field: Any) -> None:
    """On SQLite such a key has one type, whatever was declared."""
    model = own_model("counted", installed, id=field(), up=pw.ForeignKeyField("self", null=True))
    delta(installed, model)
    with read_session(installed.database, our_names(installed.prefix)) as context:
        desired = context.resolve(logical_tables([model]))
        (access,) = model_access([model], desired, context.read([model._meta.table_name]))
    assert (access.writable, access.reasons) == (True, ())
