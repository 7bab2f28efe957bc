"""What a change does to a Galera cluster, in words, and what has to be permitted there."""

from __future__ import annotations

import pytest

from tests.unit.builders import column, index, table
from wch_peewee.schema.dialect import ALONE, Topology
from wch_peewee.schema.mysql.dialect import MySQLDialect
from wch_peewee.schema.objects import bigint
from wch_peewee.schema.operations import AddColumn, AddIndex, DropIndex, ModifyColumn, Operation
from wch_peewee.schema.statements import CopyRule, Size, Step

STOPS = "blocks all writes to the cluster, on every table and node, "
ROLLED_BACK = ", but rolls back open transactions on the table"
A, OLD = column("a"), index("a", name="old")
COLUMN, INDEX = AddColumn("t", column("b"), "a"), AddIndex("t", index("a"))
UNIQUE = AddIndex("t", index("a", unique=True))
WIDER = ModifyColumn("t", A, column("a", bigint()))
LARGE = Size(600_000, 320 * 2**20)


def step_of(operation: Operation, flavor: str = "mariadb") -> tuple[MySQLDialect, Step]:
    dialect = MySQLDialect(flavor, (10, 11, 19) if flavor == "mariadb" else (8, 0, 40))
    (step,) = dialect.render(table(A, OLD), [operation])
    return dialect, step


@pytest.mark.parametrize(
    ("operation", "size", "words"),
    [
        (COLUMN, LARGE, "metadata only; blocks nobody" + ROLLED_BACK),
        (DropIndex("t", "old"), LARGE, "blocks nobody" + ROLLED_BACK),
        (INDEX, LARGE, STOPS + "about 10 seconds (an estimate, at 32 MiB a second); readers continue"),
        (WIDER, LARGE, STOPS + "about 32 seconds (an estimate, at 10 MiB a second); readers continue"),
        (WIDER, Size(10, 2**20), STOPS + "for less than a second (an estimate); readers continue"),
        (WIDER, None, STOPS + "until it is done; readers continue"),
    ],
)
def test_the_effect(operation: Operation, size: Size | None, words: str) -> None:
    dialect, step = step_of(operation)
    assert dialect.effect(step, Topology("galera"), size).words == words
    alone = dialect.effect(step, ALONE, size).words
    assert STOPS not in alone
    assert ("; takes about " in alone) == ("seconds (an estimate" in words)


@pytest.mark.parametrize("flavor", ["mariadb", "mysql"])
def test_every_change_that_reads_rows_is_one_that_stops_writes(flavor: str) -> None:
    assert [step_of(one, flavor)[1].reads_rows for one in (COLUMN, DropIndex("t", "old"), INDEX, UNIQUE, WIDER)] == [
        False,
        False,
        True,
        True,
        True,
    ]


TOOL, NODES = "--online=pt-online-schema-change", "node by node"


@pytest.mark.parametrize(
    ("operation", "ways"), [(INDEX, {TOOL, NODES}), (UNIQUE, set()), (WIDER, {TOOL})], ids=["index", "unique", "wider"]
)
def test_the_ways_that_a_refusal_names(operation: Operation, ways: set[str]) -> None:
    _, step = step_of(operation)
    refusal = CopyRule().refusal("t", step, LARGE, "all writes stop")
    assert refusal.startswith("t (about 600,000 rows, 320.0 MiB): all writes stop; allow it with --allow-copy")
    assert {way for way in (TOOL, NODES) if way in refusal} == ways
    with_tool = CopyRule(copier=lambda statement, check: None)
    assert (with_tool.refusal("t", step, LARGE, "all writes stop") == "") == with_tool.hands_over(step, LARGE)
    assert with_tool.hands_over(step, LARGE) == (TOOL in ways)
    for rule, size in ((CopyRule(allowed=True), LARGE), (CopyRule(), Size(10, 10)), (CopyRule(), None)):
        assert rule.refusal("t", step, size, "all writes stop") == ""
