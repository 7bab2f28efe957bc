"""Reads the same tables of many sites: each kind once in full, the others by comparison.

Everything about a table takes a server some milliseconds, its CREATE TABLE a tenth of one. If that text equals
another site's, apart from prefix and counter, the table is the same under its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..database.query import Connection
from ..schema.objects import Column, Foreign, Index, Schema, Table
from .introspect import introspect_schema

#: By the tables' names.
Definitions = Mapping[str, str | None]

_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


class TableCache:
    """The tables read so far; for one pass over a network, since tables change."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._dialect = connection, connection.dialect
        self._known: dict[str, tuple[str, Table]] = {}
        self._triggers = {self._dialect.folded(str(row[0])) for row in connection.query(self._dialect.all_triggers())}

    def read(self, prefix: str, names: Sequence[str]) -> Schema:
        """Read the tables ``names``, all of one prefix, as far as they exist."""
        return self.schema(prefix, names, self.texts(prefix, names))

    def texts(self, prefix: str, names: Sequence[str]) -> Definitions:
        """Return the text that identifies each table; None for one with something beyond its text."""
        return {
            name: None if self._dialect.folded(name) in self._triggers else self._text(prefix, name) for name in names
        }

    def schema(self, prefix: str, names: Sequence[str], texts: Definitions) -> Schema:
        """Return the tables for texts; those unlike any known table are read in full."""
        shared = {
            name: _renamed(self._known[text][1], self._known[text][0], prefix)
            for name, text in texts.items()
            if text is not None and text in self._known
        }
        rest = [name for name in names if name not in shared]
        if rest:
            # All of them, because a foreign key is told by the names of both its tables.
            for table in introspect_schema(self._connection, names):
                if (text := texts.get(table.name)) is not None:
                    self._known[text] = (prefix, table)
                shared[table.name] = table
        return Schema(tuple(shared[name] for name in names if name in shared))

    def _text(self, prefix: str, name: str) -> str | None:
        query = self._dialect.definition(name)
        if query is None:
            return None
        text = str(self._connection.query(query)[0][1])
        return _COUNTER.sub("", text.replace(f"`{prefix}wch_", "`\0wch_"))


def _renamed(table: Table, old: str, new: str) -> Table:
    def name(text: str) -> str:
        return f"{new}{text.removeprefix(old)}" if text.startswith(f"{old}wch_") else text

    def names(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(map(name, texts))

    def column(one: Column) -> Column:
        return one if name(one.name) == one.name else replace(one, name=name(one.name))

    def index(one: Index) -> Index:
        is_same = name(one.name) == one.name and names(one.columns) == one.columns
        return one if is_same else replace(one, name=name(one.name), columns=names(one.columns))

    return replace(
        table,
        name=name(table.name),
        columns=tuple(map(column, table.columns)),
        primary_key=names(table.primary_key),
        indexes=tuple(map(index, table.indexes)),
        foreign_keys=tuple(
            replace(
                key,
                name=name(key.name),
                columns=names(key.columns),
                referenced_table=name(key.referenced_table),
                referenced_columns=names(key.referenced_columns),
            )
            for key in table.foreign_keys
        ),
        foreign=tuple(Foreign(one.kind, name(one.name)) for one in table.foreign),
    )
