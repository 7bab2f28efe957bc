"""Mend a damaged database with db_delta, and hold that to its laws.

report, seen = repair(database)
assert words(report) == ["+ Added column wp_wch_carts.coupon_code"]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.support.damage import Damage, named_rows
from tests.support.databases import LiveDatabase
from tests.support.statements import Statements
from wch_peewee import MODELS, DeltaReport, db_delta


def delta(database: LiveDatabase, **options: Any) -> DeltaReport:
    return db_delta(MODELS, database.database, prefix=database.prefix, patience=5, **options)


def words(report: DeltaReport) -> list[str]:
    """What was done (``+``) and what was refused (``-``, or ``!`` where the models cannot work with it)."""
    refused = [f"{'!' if refusal.blocking else '-'} {refusal.what}" for refusal in report.refusals]
    lines = [f"+ {change}" for change in report.changes] + refused
    # SQLite's indexes bear their table's name, because they are unique in the file.
    return [re.sub(r"index (\w+) ((UNIQUE )?KEY .*?`)\1_", r"index \1 \2", line) for line in lines]


_MARK = "SELECT 'again'"
#: What a call that changes nothing must not send, either.
_LOCKS = ("GET_LOCK", "BEGIN IMMEDIATE", "LOCK TABLES", "FOR UPDATE")


def repair(database: LiveDatabase) -> tuple[DeltaReport, Statements]:
    """Run db_delta, hold it to the laws, and return its report with what the server saw."""
    before = named_rows(database)
    planned = delta(database, dry_run=True)
    with database.statements() as log:
        report = delta(database)
        after = named_rows(database)
        database.execute(_MARK)
        again = delta(database)
    seen, seen_again = Statements(log[: log.index(_MARK)]), Statements(log[log.index(_MARK) :])
    assert seen.ddl == Statements(statement.removesuffix(";") for statement in planned.statements).ddl
    for table, rows in before.items():
        names = rows[0] if rows else ()
        assert sorted(({name: row[name] for name in names} for row in after[table]), key=repr) == rows, table
    assert (again.changes, again.refusals, again.extras) == ((), report.refusals, report.extras)
    assert seen_again.writes == []
    assert [each for each in seen_again if any(word in each.upper() for word in _LOCKS)] == []
    return report, seen


def repair_beside_another(database: LiveDatabase, damage: Callable[[Damage], None], lines: list[str]) -> None:
    """Damage a neighbour, too: whatever is said of the first in ``lines``, the second is mended."""
    hurt = Damage(database)
    damage(hurt)
    hurt.drop_column("broadcast_campaigns", "scheduled_at")
    report, _ = repair(database)
    neighbour = "wp_wch_broadcast_campaigns"
    mended = [f"Added column {neighbour}.scheduled_at", f"Added index {neighbour} KEY `scheduled_at` (`scheduled_at`)"]
    assert sorted(words(report)) == sorted([*lines, *(f"+ {line}" for line in mended)])
    assert all(refusal.reason for refusal in report.refusals)


def alters(seen: Statements) -> int:
    return len(seen.starting("ALTER"))
