"""Tables from the texts in sqlite_master. What schema values cannot restate is named in words, as ``opaque``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..objects import Column, Foreign, ForeignKey, Index, Table, bigint, plain_default
from .parser import (
    Clause,
    ColumnText,
    ParseError,
    TableText,
    fold,
    has_comment,
    parse_table,
    read_index,
    stored_name,
    tokenize,
)
from .types import affinity, apply_checks, read_declared_type, read_default

_AUTOINDEX = "sqlite_autoindex_"


def autoindex_name(table: str, number: int) -> str:
    """Return the name of an index that SQLite creates for a UNIQUE, or for a PRIMARY KEY that is not the rowid."""
    return f"{_AUTOINDEX}{table}_{number}"


def is_autoindex(name: str) -> bool:
    return fold(name).startswith(_AUTOINDEX)


def rowid_name(table: Table) -> str | None:
    """Return the column that is the rowid: alone the primary key, and a bigint unsigned or counting by itself."""
    column = table.column(table.primary_key[0]) if len(table.primary_key) == 1 else None
    is_rowid = column is not None and (column.auto_increment or column.type == bigint(unsigned=True))
    return column.name if column is not None and is_rowid else None


@lru_cache(maxsize=256)
def read_table(name: str, sql: str) -> Table:
    """Read a table from its CREATE TABLE, each text once. One that cannot be parsed has no columns and is opaque."""
    try:
        text = parse_table(sql)
    except ParseError as error:
        return Table(name, (), (), opaque=(f"a definition that is not understood: {error}",))
    owner, key = next(((c, clause) for c, clause in _clauses(text) if clause.kind == "primary key"), (None, None))
    odd = []
    if key is not None and (owner is None or _rowid_column(text, key) is None):
        # These are rendered: behind the columns there is no key of a rowid, and elsewhere no other key.
        rendered = [c for c in text.columns if fold(c.name) in map(fold, key.columns)]
        text = replace(text, columns=tuple(replace(c, source="") if c in rendered else c for c in text.columns))
        odd = ["a comment beside its primary key"] * any(map(has_comment, [key.source, *(c.source for c in rendered)]))
    rowid = _rowid_column(text, key)
    counts = key is not None and key.autoincrement
    table = Table(name, tuple(_column(column, column is rowid, counts) for column in text.columns), primary_key=())
    if key is not None:
        table = replace(table, primary_key=tuple(stored_name(table, column) for column in key.columns))
    odd += ["a BIGINT UNSIGNED primary key that is not the rowid"] if rowid is None and rowid_name(table) else []
    uniques, odd_uniques = _uniques(table, text, numbered_from=1 if key is None or rowid is not None else 2)
    return replace(
        table,
        indexes=uniques,
        foreign_keys=tuple(_foreign_keys(table, text)),
        opaque=(*text.options, *_oddities(text), *odd, *odd_uniques),
    )


def _clauses(text: TableText) -> Iterator[tuple[ColumnText | None, Clause]]:
    """Yield every clause in the order of the text, with its column if it belongs to one."""
    for column in text.columns:
        for clause in column.clauses:
            yield column, replace(clause, source=column.source)
    for clause in text.clauses:
        yield None, clause


def _rowid_column(text: TableText, key: Clause | None) -> ColumnText | None:
    """Return the column that is the rowid: the only one of the key, and declared exactly as INTEGER."""
    if key is None or len(key.columns) != 1:
        return None
    column = next((column for column in text.columns if fold(column.name) == fold(key.columns[0])), None)
    if column is None or column.sizes or [token.value.upper() for token in column.type] != ["INTEGER"]:
        return None
    return column


def _column(text: ColumnText, rowid: bool, counts: bool) -> Column:
    opaque = [f"the constraint name {c.name}" for c in text.clauses if c.name and c.kind not in _NAMED_ELSEWHERE]
    checks = [clause.text for clause in text.clauses if clause.kind == "check"]
    if rowid:
        type_, others = bigint(unsigned=True), list(range(len(checks)))
    else:
        declared, unknown = read_declared_type(text.type, text.sizes)
        type_, others = apply_checks(text.name, declared, checks)
        opaque += unknown
    opaque += [f"CHECK ({checks[place]})" for place in others]
    nullable, default = not rowid, None
    for clause in text.clauses:
        if clause.kind == "not null":
            nullable = False
        elif clause.kind == "default":
            written = read_default(clause.text, affinity(" ".join(token.value for token in text.type)))
            default = plain_default(type_, written)
        elif clause.kind == "collate" and clause.text.upper() != "BINARY":
            opaque.append(f"COLLATE {clause.text}")
        elif clause.kind == "generated":
            opaque.append("a generated value")
    counts = rowid and counts
    return Column(
        text.name, type_, nullable, default, counts, opaque=tuple(opaque), source=text.source, is_rowid=counts
    )


_NAMED_ELSEWHERE = ("foreign key", "primary key", "unique")


def _oddities(text: TableText) -> Iterator[str]:
    """Yield in words what the clauses say of the table as a whole and schema values cannot restate."""
    for column, clause in _clauses(text):
        what = clause.kind.upper()
        for odd in clause.odd:
            yield f"{what} ({', '.join(clause.columns)}) with {odd}" if clause.columns else f"{what} with {odd}"
        if clause.name and clause.kind in ("primary key", "unique"):
            yield f"{what} with the name {clause.name}"
        if column is None and clause.kind == "check":
            yield f"CHECK ({clause.text})"
        if column is None and clause.kind == "name only":
            yield f"the constraint name {clause.name}"


def _uniques(table: Table, text: TableText, numbered_from: int) -> tuple[tuple[Index, ...], list[str]]:
    """Return the UNIQUEs, numbered as SQLite does; a rebuild restates them behind the columns, in this order."""
    indexes: list[Index] = []
    odd = []
    key_comes = False
    for _, clause in _clauses(text):
        key_comes = key_comes or clause.kind == "primary key"
        if clause.kind != "unique":
            continue
        columns = tuple(stored_name(table, column) for column in clause.columns)
        if numbered_from == 2 and not key_comes:
            odd.append(f"UNIQUE ({', '.join(columns)}) in front of the primary key")
        name = autoindex_name(table.name, numbered_from + len(indexes))
        indexes.append(Index(name, columns, unique=True, source=clause.source))
    return tuple(indexes), odd


def _foreign_keys(table: Table, text: TableText) -> Iterator[ForeignKey]:
    for _, clause in _clauses(text):
        if (key := clause.foreign_key) is not None:
            columns = tuple(stored_name(table, column) for column in key.columns)
            yield replace(key, columns=columns, source=clause.source)


def refers(sql: str, wanted: set[str]) -> bool:
    """Return True if a table's text has a foreign key to one of the folded names ``wanted``."""
    try:
        tokens = tokenize(sql)
    except ParseError:
        text = fold(sql)
        return "references" in text and any(name in text for name in wanted)
    # REFERENCES is reserved: without quotes it is never a name.
    return any(a.is_any("REFERENCES") and b.is_name and fold(b.value) in wanted for a, b in pairwise(tokens))


def read_object(name: str, rows: Sequence[Sequence[Any]]) -> Table:
    """Return a table, or what has its name, from the rows of sqlite_master about it: type, name, table and text."""
    triggers = tuple(Foreign("trigger", str(row[1])) for row in rows if row[0] == "trigger")
    kind, sql = next((str(row[0]), str(row[3])) for row in rows if row[0] in ("table", "view"))
    if kind == "view":
        return Table(name, (), (), foreign=triggers, opaque=("a view, not a table",), is_view=True)
    if sql.startswith("CREATE VIRTUAL"):  # SQLite writes these words itself
        return Table(name, (), (), foreign=triggers, opaque=("a virtual table",))
    table = read_table(name, sql)
    made = {fold(str(row[1])) for row in rows if row[0] == "index" and is_autoindex(str(row[1]))}
    numbers = len(table.indexes) + (1 if table.primary_key and rowid_name(table) is None else 0)
    if made != {fold(autoindex_name(name, number + 1)) for number in range(numbers)} and not table.opaque:
        table = replace(table, opaque=("a UNIQUE or PRIMARY KEY whose index is not the one expected",))
    written = (row for row in rows if row[0] == "index" and row[3] is not None)
    indexes = tuple(read_index(str(row[1]), str(row[3]), table) for row in written)
    return replace(table, indexes=table.indexes + indexes, foreign=triggers)


def with_references(table: Table, tables: Mapping[str, Table]) -> Table:
    """Return the table with referenced tables and columns spelled as in their own definitions."""

    def resolved(key: ForeignKey) -> ForeignKey:
        parent = tables.get(fold(key.referenced_table))
        if parent is None:
            return key
        columns = tuple(stored_name(parent, column) for column in key.referenced_columns) or parent.primary_key
        return replace(key, referenced_table=parent.name, referenced_columns=columns)

    return replace(table, foreign_keys=tuple(map(resolved, table.foreign_keys)))
