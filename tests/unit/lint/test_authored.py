"""Files that ``wch new`` writes have no findings, except for questions to their author."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.authoring import Folder
from tests.unit.lint.folders import found
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    Index,
    Table,
    bigint,
    column_type,
    enum,
    integer,
    text,
    varchar,
)

ID = Column("id", bigint(unsigned=True), auto_increment=True)
BEFORE = Table(
    "carts", (ID, Column("code", varchar(20), nullable=True), Column("state", enum("a", "b")), Column("n", integer()))
)


def changed(*columns: Column, **attributes: object) -> Table:
    """Return the table with these columns instead of, or after, its own."""
    names = {column.name for column in columns}
    kept = [next((c for c in columns if c.name == old.name), old) for old in BEFORE.columns]
    new = [column for column in columns if BEFORE.column(column.name) is None]
    assert names
    return replace(BEFORE, columns=(*kept, *new), **attributes)  # type: ignore[arg-type]


NOTHING: set[str] = set()
CASES = {
    "a column": (changed(Column("note", text(), nullable=True)), NOTHING),
    "a column with a default": (changed(Column("note", varchar(9), default=Default("x"))), NOTHING),
    "a column that needs a value": (changed(Column("note", varchar(9))), {"undecided"}),
    "a longer varchar": (changed(Column("code", varchar(40), nullable=True)), NOTHING),
    "a varchar across 255 bytes": (changed(Column("code", varchar(90), nullable=True)), {"table-copy"}),
    "an enum value more": (changed(Column("state", enum("a", "b", "c"))), NOTHING),
    "an enum value less": (changed(Column("state", enum("a"))), {"undecided"}),
    "NOT NULL": (changed(Column("code", varchar(20))), {"undecided"}),
    "a wider integer": (changed(Column("n", bigint())), {"table-copy"}),
    "a unique index": (changed(ID, indexes=(Index("code", ("code",), unique=True),)), {"unique-index"}),
    "an index": (changed(ID, indexes=(Index("code", ("code",)),)), NOTHING),
}


@pytest.mark.parametrize("case", CASES)
def test_what_wch_new_writes(case: str, tmp_path: Path) -> None:
    after, rules = CASES[case]
    folder = Folder(tmp_path / "migrations", [BEFORE])
    assert found(folder.migrations.path) == []
    assert folder.write([after], decided=False)
    assert {finding.rule for finding in found(folder.migrations.path)} == rules


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("decimal(10,2)", "decimal(12,2)"),
        ("char(3)", "char(4)"),
        ("varchar(20)", "text"),
        ("tinyblob", "blob"),
        ("time", "time(3)"),
        ("datetime", "datetime(6)"),
        ("float unsigned", "float"),
    ],
)
def test_a_widening_is_called_one(was: str, now: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "migrations", [changed(Column("v", column_type(was), nullable=True))])
    folder.write([changed(Column("v", column_type(now), nullable=True))])
    (finding,) = found(folder.migrations.path)
    assert f"changes from {was} to {now}, a wider type: the server copies the table" in finding.found


@pytest.mark.parametrize("type_", [bigint(), bigint(unsigned=True)])
def test_a_key_that_counts_has_none_beside_it(type_: ColumnType, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "migrations", [changed(replace(ID, type=integer()))])
    folder.write([changed(replace(ID, type=type_))])
    (finding,) = found(folder.migrations.path)
    assert finding.advice.startswith("a table has only one number that counts by itself")
