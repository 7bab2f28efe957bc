"""Unique indexes and foreign keys on a live table: rows that stand against them come in until they are there."""

from __future__ import annotations

from ...migrate import steps
from ...schema.objects import ForeignKey, Index
from .findings import Remarks
from .state import Moment

_LATER = "and say # wch: allow {} because ..., once it is known what keeps new ones out until then"


def key_remarks(moment: Moment) -> Remarks:
    """Look at one step that adds an index or a foreign key."""
    a, line = moment.step.arguments, moment.step.line
    index, key = a.get("index"), a.get("key")
    if moment.is_empty:
        return
    if moment.step.is_(steps.add_index) and isinstance(index, Index) and index.unique:
        columns = ", ".join(index.columns)
        found = f"{moment.table} ({columns}) becomes unique: duplicates come in until it is, and then it is refused"
        count = f"SELECT {columns}, COUNT(*) FROM {{{moment.table}}} GROUP BY {columns} HAVING COUNT(*) > 1"
        yield line, "unique-index", found, f"look first (wch plan; {count}), {_LATER.format('unique-index')}"
    elif moment.step.is_(steps.add_foreign_key) and isinstance(key, ForeignKey):
        parent, columns = key.referenced_table, ", ".join(key.columns)
        found = f"{moment.table} ({columns}) refers to {parent}: orphans come in until it does, and then it is refused"
        pairs = zip(key.columns, key.referenced_columns, strict=False)
        joined = " AND ".join(f"p.{theirs} = c.{ours}" for ours, theirs in pairs)
        count = (
            f"SELECT COUNT(*) FROM {{{moment.table}}} c WHERE c.{key.columns[0]} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {{{parent}}} p WHERE {joined})"
        )
        yield line, "foreign-key", found, f"look first (wch plan; {count}), {_LATER.format('foreign-key')}"
