"""Rebuild a table: make it anew under a temporary name, copy the rows, drop the old one, take its name.

The statements are right inside one transaction that was begun with ``PRAGMA foreign_keys=OFF`` and ends
with ``PRAGMA foreign_key_check``; both are the executor's. Only objects are restated, so a table that
holds anything else must not come here: ``rebuild_obstacles`` says so in words.

    rebuild(before, after, {"id": "id", "phone": "customer_phone"})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..objects import Table
from ..statements import Statement
from .base import quote_name
from .render import create_indexes, create_table, quote_names
from .tokens import fold
from .types import quote_text

#: To be run whatever happens: off is how SQLite ships it, and a rolled back transaction does not switch it back.
RESTORE = Statement("PRAGMA legacy_alter_table=OFF")


def temporary_name(table: str) -> str:
    return f"{table}__rebuild"


def rebuild(before: Table, after: Table, sources: Mapping[str, str]) -> tuple[Statement, ...]:
    """Write the rebuild; ``sources`` maps columns of ``after`` to the columns of ``before`` that fill them."""
    name, temporary = before.name, temporary_name(before.name)
    # Qualified, because SQLite takes a quoted name that is no column for a string.
    copied = ", ".join(f"old.{quote_name(source)}" for source in sources.values())
    sql = [create_table(after, temporary)]
    if _counts(before) and _counts(after):
        # Before the rows: copying them raises the number if need be, and an empty table keeps its own.
        sql.append(
            f"INSERT INTO sqlite_sequence (name, seq) SELECT {quote_text(temporary)}, seq "
            f"FROM sqlite_sequence WHERE name = {quote_text(name)} COLLATE NOCASE"
        )
    sql.append(
        f"INSERT INTO {quote_name(temporary)} ({quote_names(sources)}) SELECT {copied} FROM {quote_name(name)} AS old"
    )
    sql.append(f"DROP TABLE {quote_name(name)}")
    rename = f"ALTER TABLE {quote_name(temporary)} RENAME TO {quote_name(name)}"
    return (
        *(Statement(text, name) for text in sql),
        # Otherwise the renaming fails on every view of the table, which is missing at that moment.
        Statement("PRAGMA legacy_alter_table=ON"),
        Statement(rename, name),
        *(Statement(text, name) for text in create_indexes(after)),
    )


def rebuild_obstacles(table: Table) -> tuple[str, ...]:
    """Say what the table has that a rebuild would lose; nothing means that it can be rebuilt."""
    return tuple(_obstacles(table))


def _obstacles(table: Table) -> Iterator[str]:
    yield from table.opaque
    for column in table.columns:
        yield from (f"column {column.name}: {word}" for word in column.opaque)
    for index in table.indexes:
        yield from (f"index {index.name}: {word}" for word in index.opaque)
    yield from map(str, table.foreign)


def dangling(table: Table) -> tuple[tuple[str, str], ...]:
    """Find what stands on a column that the table does not have: what it is, and the column."""
    known = {fold(column.name) for column in table.columns}
    keys = [("the primary key", table.primary_key)]
    keys += [(f"index {index.name}", index.columns) for index in table.indexes]
    keys += [(f"foreign key {key.name}".strip(), key.columns) for key in table.foreign_keys]
    return tuple((what, column) for what, columns in keys for column in columns if fold(column) not in known)


def _counts(table: Table) -> bool:
    return any(column.auto_increment for column in table.columns)
