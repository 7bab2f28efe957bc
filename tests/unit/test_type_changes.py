"""Type changes: which keep every value, and what happens to the others."""

from __future__ import annotations

import itertools

import pytest

from tests.support.own_models import CASES
from wch_peewee.schema.objects import (
    ColumnType,
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
from wch_peewee.schema.types import reconcile_type, widens

MEDIUMTEXT, LONGTEXT, TINYTEXT = ColumnType("mediumtext"), ColumnType("longtext"), ColumnType("tinytext")
SMALL, TINY, UNSIGNED = ColumnType("smallint"), ColumnType("tinyint"), ColumnType("int", unsigned=True)


def char(size: int) -> ColumnType:
    return ColumnType("char", size=size)


def decimal(args: str) -> ColumnType:
    return column_type(f"decimal({args})")


@pytest.mark.parametrize(
    ("actual", "desired"),
    [
        (varchar(20), varchar(21)),
        (varchar(20), text()),
        (varchar(16383), text()),
        (varchar(20), LONGTEXT),
        (char(3), char(4)),
        (TINYTEXT, text()),
        (text(), MEDIUMTEXT),
        (text(), LONGTEXT),
        (enum("a", "b"), enum("a", "b", "c")),
        (enum("a", "b"), enum("c", "b", "a")),
        (TINY, integer()),
        (boolean(), integer()),
        (boolean(), TINY),
        (TINY, boolean()),
        (SMALL, integer()),
        (integer(), bigint()),
        (UNSIGNED, bigint(unsigned=True)),
        (UNSIGNED, bigint()),
        (datetime(), ColumnType("datetime", size=6)),
        (ColumnType("datetime", size=3), ColumnType("datetime", size=6)),
        (ColumnType("time"), ColumnType("time", size=6)),
        (decimal("10,2"), decimal("12,2")),
        (decimal("10,2"), decimal("12,4")),
        (column_type("decimal(10,2) unsigned"), decimal("10,2")),
        (column_type("float unsigned"), column_type("float")),
        (ColumnType("varbinary", size=20), ColumnType("varbinary", size=21)),
        (ColumnType("varbinary", size=65535), ColumnType("blob")),
        (ColumnType("tinyblob"), ColumnType("longblob")),
    ],
    ids=str,
)
def test_a_wider_type_is_taken_and_the_way_back_is_not(actual: ColumnType, desired: ColumnType) -> None:
    verdict = reconcile_type(actual, desired)
    assert (verdict.target, verdict.reason, verdict.blocking) == (desired, "", False)
    back = reconcile_type(desired, actual)
    assert (back.target == actual) == (not back.reason) == widens(desired, actual)
    assert not back.blocking


@pytest.mark.parametrize(
    ("actual", "desired", "blocking"),
    [
        # Narrower: the models work, and some of their neighbours' values may be longer than they expect.
        (varchar(30), varchar(20), False),
        (text(), varchar(20), False),
        (LONGTEXT, text(), False),
        (bigint(), integer(), False),
        (integer(), boolean(), False),
        (ColumnType("datetime", size=6), datetime(), False),
        # Sideways within a kind.
        (varchar(20), json(), False),
        (LONGTEXT, json(), False),
        (json(), text(), False),
        (enum("a"), varchar(20), False),
        (varchar(20), enum("a"), False),
        (char(20), varchar(20), False),
        (varchar(20), TINYTEXT, False),
        (varchar(16384), text(), False),
        (integer(), UNSIGNED, False),
        (UNSIGNED, integer(), False),
        (bigint(), bigint(unsigned=True), False),
        # Of another kind: what the models write or read is something else.
        (integer(), varchar(20), True),
        (varchar(20), integer(), True),
        (text(), datetime(), True),
        (ColumnType("timestamp"), datetime(), True),
        (datetime(), ColumnType("timestamp"), True),
        (decimal("10,2"), integer(), True),
        (ColumnType("blob"), text(), True),
        (ColumnType("varbinary", size=20), varchar(20), True),
        # Of the same kind, but a value would read otherwise.
        (decimal("10,2"), decimal("11,4"), False),
        (decimal("10,2"), column_type("decimal(10,2) unsigned"), False),
        (column_type("float"), column_type("double"), True),
        (ColumnType("binary", size=4), ColumnType("binary", size=5), False),
        (ColumnType("binary", size=4), ColumnType("varbinary", size=4), True),
        (ColumnType("date"), datetime(), True),
    ],
    ids=str,
)
def test_what_could_lose_or_refuse_values_stays_and_says_so(
    actual: ColumnType, desired: ColumnType, blocking: bool
) -> None:
    verdict = reconcile_type(actual, desired)
    assert (verdict.target, verdict.blocking) == (actual, blocking)
    assert str(actual) in verdict.reason
    assert str(desired) in verdict.reason


def test_enums_that_differ_both_ways_are_joined() -> None:
    verdict = reconcile_type(enum("b", "old", "a"), enum("a", "b", "c", "d"))
    assert verdict.target == enum("b", "old", "a", "c", "d")
    assert "'old'" in verdict.reason
    assert "'a'" not in verdict.reason.partition(" from ")[0]
    assert not verdict.blocking


def test_a_longer_enum_is_left_as_it_is() -> None:
    verdict = reconcile_type(enum("a", "b", "more"), enum("a", "b"))
    assert verdict.target == enum("a", "b", "more")
    assert verdict.reason


def test_the_declared_order_of_an_enum_is_restored() -> None:
    """WordPress's dbDelta compares the text of the type, and would alter the column on every run."""
    assert reconcile_type(enum("b", "a"), enum("a", "b")).target == enum("a", "b")
    assert reconcile_type(enum("a", "c"), enum("a", "b", "c")).target == enum("a", "b", "c")


KINDS = [
    *(varchar(20), varchar(40), text(), LONGTEXT, enum("a"), enum("a", "b"), json()),
    *(integer(), bigint(), UNSIGNED, boolean(), decimal("10,2"), datetime()),
    *(column_type(case.type) for case in CASES.values()),
]


@pytest.mark.parametrize(("actual", "desired"), list(itertools.product(KINDS, KINDS)), ids=str)
def test_the_target_never_narrows_and_a_second_look_changes_nothing(actual: ColumnType, desired: ColumnType) -> None:
    verdict = reconcile_type(actual, desired)
    assert verdict.target == actual or widens(actual, verdict.target)
    again = reconcile_type(verdict.target, desired)
    assert again.target == verdict.target
    assert bool(again.reason) == (verdict.target != desired)
    assert (verdict.target == desired) == (not verdict.reason)
