"""Turn rows of sqlite_master into a Schema: tables, their indexes and triggers, who references whom.

The rows are ``(type, name, tbl_name, sql)``. Views and virtual tables are told apart from tables and come
back opaque. Nothing is asked here, and the database is never opened.

    read_rows(("wp_wch_carts",), rows)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ..objects import Foreign, ForeignKey, Schema, Table
from .index import read_index, stored_name
from .introspect import autoindex_name, is_autoindex, read_table, rowid_name
from .tokens import SyntaxTrouble, fold, tokenize


def read_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Schema:
    """Read the tables ``names``, in this order, spelled as asked for; those that are not there are left out."""
    tables = {}
    for name in names:
        own = [row for row in rows if fold(str(row[2])) == fold(name)]
        if any(row[0] in ("table", "view") for row in own):
            tables[fold(name)] = _table(name, own)
    return Schema(tuple(_with_references(table, tables) for table in tables.values()))


def referencing_tables(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """Name the tables of ``rows`` (name, sql) whose text has a foreign key to one of ``names``."""
    wanted = {fold(name) for name in names}
    others = {str(name): str(sql) for name, sql in rows if fold(str(name)) not in wanted}
    return tuple(sorted(name for name, sql in others.items() if _refers(sql, wanted)))


def _refers(sql: str, wanted: set[str]) -> bool:
    try:
        tokens = tokenize(sql)
    except SyntaxTrouble:
        text = fold(sql)
        return "references" in text and any(name in text for name in wanted)
    # REFERENCES is a reserved word: outside quotes it is never a name.
    return any(a.says("REFERENCES") and b.is_name and fold(b.value) in wanted for a, b in pairwise(tokens))


def _table(name: str, rows: Sequence[Sequence[Any]]) -> Table:
    triggers = tuple(Foreign("trigger", str(row[1])) for row in rows if row[0] == "trigger")
    kind, sql = next((str(row[0]), str(row[3])) for row in rows if row[0] in ("table", "view"))
    if kind == "view":
        return Table(name, (), (), foreign=triggers, opaque=("a view, not a table",), is_view=True)
    if [token.value.upper() for token in _tokens(sql)[:2]] == ["CREATE", "VIRTUAL"]:
        return Table(name, (), (), foreign=triggers, opaque=("a virtual table",))
    table = read_table(name, sql)
    made = {fold(str(row[1])) for row in rows if row[0] == "index" and is_autoindex(str(row[1]))}
    numbers = len(table.indexes) + (1 if table.primary_key and rowid_name(table) is None else 0)
    if made != {fold(autoindex_name(name, number + 1)) for number in range(numbers)} and not table.opaque:
        table = replace(table, opaque=("a UNIQUE or PRIMARY KEY whose index is not the one expected",))
    written = (row for row in rows if row[0] == "index" and row[3] is not None)
    indexes = tuple(read_index(str(row[1]), str(row[3]), table) for row in written)
    return replace(table, indexes=table.indexes + indexes, foreign=triggers)


def _with_references(table: Table, tables: Mapping[str, Table]) -> Table:
    """Spell the referenced tables and columns as they are spelled where they stand."""

    def resolved(key: ForeignKey) -> ForeignKey:
        parent = tables.get(fold(key.referenced_table))
        if parent is None:
            return key
        columns = tuple(stored_name(parent, column) for column in key.referenced_columns) or parent.primary_key
        return replace(key, referenced_table=parent.name, referenced_columns=columns)

    return replace(table, foreign_keys=tuple(map(resolved, table.foreign_keys)))


def _tokens(sql: str) -> Sequence[Any]:
    try:
        return tokenize(sql)
    except SyntaxTrouble:
        return ()
