"""Files that ``wch new`` writes have no findings, except for questions to their author."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.authoring import Folder
from tests.unit.lint.folders import found
from wch_peewee.schema.objects import Column, Default, Index, Table, bigint, enum, integer, text, varchar

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
    "an enum value less": (changed(Column("state", enum("a"))), {"undecided", "enum-values"}),
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
