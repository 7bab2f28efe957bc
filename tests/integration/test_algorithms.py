"""The algorithm and lock in a plan are those that the server uses, and the cheapest that it accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.algorithms import OPERATIONS, measure, short
from tests.support.databases import LiveDatabase
from wch_peewee.database.query import Connection, detect_dialect
from wch_peewee.execution.context import RunContext
from wch_peewee.models.namespace import WCH
from wch_peewee.schema.statements import Statement, Step

PAGE = Path(__file__).parents[2] / "docs" / "online.md"


@pytest.mark.families("mysql", "mariadb")
def test_what_is_predicted_happens(database: LiveDatabase) -> None:
    found = dict(measure(database))
    assert list(found) == list(OPERATIONS)
    assert {words: outcome.predicted for words, outcome in found.items()} == {
        words: outcome.actual for words, outcome in found.items()
    }
    connection = database.connect()
    dialect = detect_dialect(connection)
    connection.close()
    heading, told = _page()
    series = f"{dialect.label.split('.')[0]}.{dialect.version[1]}"
    if series in heading:
        column = heading.index(series)
        assert {words: cells[column] for words, cells in told.items()} == {
            words: short(outcome.actual) for words, outcome in found.items()
        }


def _page() -> tuple[list[str], dict[str, list[str]]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    first = next(number for number, row in enumerate(rows) if row[0] == "operation")
    table = rows[first : first + len(OPERATIONS) + 2]
    return table[0], {row[0]: row for row in table[2:]}


@pytest.mark.families("mysql", "mariadb")
def test_one_that_does_not_do_is_followed_by_the_next(database: LiveDatabase) -> None:
    """Compressed rows do not support INSTANT, which is predicted: the run uses the next algorithm, without a copy."""
    database.execute("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB ROW_FORMAT=COMPRESSED")
    connection = database.connect()
    dialect = detect_dialect(connection)
    names = ("INSTANT", "INPLACE, LOCK=NONE")
    statement = Statement(
        "ALTER TABLE t ADD COLUMN a INT NULL", "t", tuple(f"ALGORITHM={name}" for name in names), ("ALGORITHM=COPY",)
    )
    with database.statements() as seen:
        RunContext(Connection(connection, dialect), WCH.at("")).run_steps([Step("t", (), (statement,), "INSTANT")], "t")
    connection.close()
    assert seen.ddl == [statement.naming(algorithm) for algorithm in statement.algorithms]
