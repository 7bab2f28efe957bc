"""What a migration is about, told from its steps: which tables, columns, indexes and foreign keys.

touched_by([folder.path / "002_message_channel.py"], prefix="wp_")    # {("wp_wch_messages", "column", ("channel",))}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..migrate import steps
from ..schema.objects import Column, ForeignKey, Index
from ..schema.resolve import physical_name
from .load import load
from .recording import Step
from .source import read_source

#: A table's full name, ``table``, ``column``, ``index`` or ``key``, and the columns' names (of a table: none).
Subject = tuple[str, str, tuple[str, ...]]


def touched_by(paths: Iterable[Path], prefix: str) -> frozenset[Subject]:
    """Rehearse the migrations and list what their steps change; a step of the author's own says nothing here."""
    found = set()
    for path in paths:
        recording = load(read_source(path)).migrate
        for step in recording.steps if recording is not None else ():
            found |= {(physical_name(key, prefix), kind, names) for key, kind, names in _subjects(step)}
    return frozenset(found)


def _subjects(step: Step) -> Iterator[Subject]:
    a = step.arguments
    if step.is_(steps.create_tables, steps.drop_tables):
        yield from ((table.name, "table", ()) for table in a["tables"])
        return
    table, column, index, key = str(a.get("table", "")), a.get("column"), a.get("index"), a.get("key")
    if step.is_(steps.rename_column):
        yield from ((table, "column", (str(a[name]),)) for name in ("old", "new"))
    elif step.is_(steps.add_column, steps.alter_column, steps.drop_column):
        yield table, "column", (column.name if isinstance(column, Column) else str(column),)
    elif isinstance(index, Index):
        yield table, "index", index.columns
    elif isinstance(key, ForeignKey):
        yield table, "key", key.columns
