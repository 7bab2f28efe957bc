"""Mend a damaged database with db_delta, and hold that to its laws.

    report, seen = mend(database)
    assert words(report) == ["+ Added column wp_wch_carts.coupon_code"]
"""

from __future__ import annotations

import re
from typing import Any

from tests.damage import named_rows
from tests.databases import LiveDatabase
from tests.statements import Statements
from wch_peewee import MODELS, DeltaReport, db_delta

def delta(database: LiveDatabase, **options: Any) -> DeltaReport:
    return db_delta(MODELS, database.connect(), prefix=database.prefix, patience=5, **options)


def words(report: DeltaReport) -> list[str]:
    """What was done (``+``) and what was refused (``-``, or ``!`` where the models cannot work with it)."""
    refused = [f"{'!' if refusal.blocking else '-'} {refusal.what}" for refusal in report.refusals]
    lines = [f"+ {change}" for change in report.changes] + refused
    # SQLite's indexes bear their table's name, because they are unique in the file.
    return [re.sub(r"index (\w+) ((UNIQUE )?KEY .*?`)\1_", r"index \1 \2", line) for line in lines]


#: What a call that changes nothing must not send, either.
_LOCKS = ("GET_LOCK", "BEGIN IMMEDIATE", "LOCK TABLES", "FOR UPDATE")


def mend(database: LiveDatabase) -> tuple[DeltaReport, Statements]:
    """Run db_delta, hold it to the laws, and return its report with what the server saw."""
    before = named_rows(database)
    planned = delta(database, dry_run=True)
    with database.statements() as seen:
        report = delta(database)
    assert seen.ddl == Statements(statement.removesuffix(";") for statement in planned.statements).ddl
    after = named_rows(database)
    for table, rows in before.items():
        names = rows[0] if rows else ()
        assert sorted(({name: row[name] for name in names} for row in after[table]), key=repr) == rows, table
    with database.statements() as seen_again:
        again = delta(database)
    assert (again.changes, again.refusals, again.extras) == ((), report.refusals, report.extras)
    assert seen_again.writes == []
    assert [each for each in seen_again if any(word in each.upper() for word in _LOCKS)] == []
    return report, seen


def alters(seen: Statements) -> int:
    return len(seen.starting("ALTER"))
