"""Snapshots of whole databases, and the differences between two of them."""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import peewee as pw

from ..database.query import Connection
from ..execution.introspect import introspect_schema
from ..schema.naming import Names
from ..schema.objects import Table

_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


@dataclass(frozen=True, slots=True)
class TableState:
    """One table: its definition as the engine prints it, and its rows in order."""

    definition: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tables and rows of a database, the names of the applied migrations in their order, and the version."""

    tables: dict[str, TableState]
    history: tuple[str, ...] = ()
    version: str | None = None


def read_snapshot(database: pw.Database, *, names: Names, history: str) -> Snapshot:
    """Read a database, without what differs between runs: AUTO_INCREMENT, the history's ids and times, the ledger."""
    tables = {
        name: TableState(table_definition(database, name), *_contents(database, name)) for name in table_names(database)
    }
    applied: tuple[str, ...] = ()
    if history in tables:
        applied = tuple(str(row[0]) for row in _query(database, f"SELECT name FROM {history} ORDER BY id"))
        for book in {history, names.ledger} & tables.keys():
            tables[book] = TableState(tables[book].definition)
        tables = {name: _without_option_ids(state) for name, state in tables.items()}
    return Snapshot(tables, applied, _version(tables, names))


def _without_option_ids(state: TableState) -> TableState:
    """Leave out the id of WordPress's options: a rollback deletes the version, and it comes back under a new one."""
    if "option_id" not in state.columns:
        return state
    place = state.columns.index("option_id")
    rows = tuple((*row[:place], *row[place + 1 :]) for row in state.rows)
    return replace(state, columns=(*state.columns[:place], *state.columns[place + 1 :]), rows=rows)


def without_order(snapshot: Snapshot, database: pw.Database) -> Snapshot:
    """Leave the order of columns and keys out of it: a column that was dropped and added again may come last."""
    schema = introspect_schema(Connection.detect(database), tuple(snapshot.tables))
    tables = {}
    for name, state in snapshot.tables.items():
        order = sorted(range(len(state.columns)), key=lambda place: state.columns[place])
        columns = tuple(state.columns[place] for place in order)
        rows = sorted((tuple(row[place] for place in order) for row in state.rows), key=repr)
        table = schema.table(name)
        # What is not a table (a view) stays as it is printed.
        printed = state.definition if table is None else _shape(table)
        tables[name] = TableState(printed, columns, tuple(rows))
    return replace(snapshot, tables=tables)


def table_names(database: pw.Database) -> list[str]:
    """Return the names of all tables and views, sorted."""
    if isinstance(database, pw.SqliteDatabase):
        sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
    else:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    return sorted(str(row[0]) for row in _query(database, sql))


def table_definition(database: pw.Database, table: str) -> str:
    """Return the table's definition as the engine prints it, without AUTO_INCREMENT."""
    if isinstance(database, pw.SqliteDatabase):
        sql = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY name"
        return "\n".join(str(row[0]) for row in _query(database, sql, (table,)))
    return _COUNTER.sub("", str(_query(database, f"SHOW CREATE TABLE {quoted_name(database, table)}")[0][1]))


def quoted_name(database: pw.Database, name: str) -> str:
    return f'"{name}"' if isinstance(database, pw.SqliteDatabase) else f"`{name}`"


def _contents(database: pw.Database, table: str) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    cursor = database.execute_sql(f"SELECT * FROM {quoted_name(database, table)}")
    columns = tuple(str(column[0]) for column in cursor.description)
    return columns, tuple(sorted((tuple(row) for row in cursor.fetchall()), key=repr))


def _query(database: pw.Database, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in database.execute_sql(sql, parameters).fetchall()]


def _version(tables: dict[str, TableState], names: Names) -> str | None:
    state = tables.get(names.options)
    if state is None or not {"option_name", "option_value"} <= set(state.columns):
        return None
    name, value = state.columns.index("option_name"), state.columns.index("option_value")
    return next((str(row[value]) for row in state.rows if row[name] == names.namespace.version_option), None)


def _shape(table: Table) -> str:
    parts: Collection[object] = (*table.columns, *table.indexes, *table.foreign_keys, *table.foreign, *table.opaque)
    keys = f"primary key {table.primary_key}, engine {table.engine}, collation {table.collation}"
    return "\n".join([keys, *sorted(map(repr, parts))])


def nearest(found: Snapshot, first: Snapshot, second: Snapshot) -> Snapshot:
    """Return ``first``, with the values and rows of ``second`` where ``found`` has those; rows are told by their id."""
    tables = {}
    for name, state in first.tables.items():
        now, other = found.tables.get(name), second.tables.get(name)
        if now and other and "id" in state.columns and state.columns == other.columns == now.columns:
            state = _nearest(now, state, other, state.columns.index("id"))
        tables[name] = state
    return replace(first, tables=tables)


def _nearest(found: TableState, first: TableState, second: TableState, place: int) -> TableState:
    here, one, other = ({row[place]: row for row in state.rows} for state in (found, first, second))
    rows = []
    for number in one.keys() | other.keys():
        known = [side[number] for side in (one, other) if number in side]
        if number in here:
            choices = zip(here[number], *known, strict=True)
            rows.append(tuple(value if value in either else either[0] for value, *either in choices))
        elif len(known) == 2:
            rows.append(known[0])
    return replace(first, rows=tuple(sorted(rows, key=repr)))


#: More lines of a difference than that say no more.
_LINES = 6
_WIDTH = 200


def snapshot_differences(expected: Snapshot, found: Snapshot) -> str:
    """Return one line or more for each difference; empty when they are alike."""
    return "\n".join(_all(expected, found))


def _all(expected: Snapshot, found: Snapshot) -> Iterator[str]:
    if expected.history != found.history:
        yield f"the history is {_list(found.history)} and should be {_list(expected.history)}"
    if expected.version != found.version:
        yield f"the version is {found.version} and should be {expected.version}"
    for name in sorted(expected.tables.keys() | found.tables.keys()):
        if name not in found.tables:
            yield f"{name} is not there"
        elif name not in expected.tables:
            yield f"{name} is there and should not be"
        else:
            yield from _table(name, expected.tables[name], found.tables[name])


def _table(name: str, expected: TableState, found: TableState) -> Iterator[str]:
    if expected.definition != found.definition:
        yield f"{name} has another definition (- expected, + found):"
        yield from _changed(_lines(expected.definition), _lines(found.definition))
    if (expected.columns, expected.rows) != (found.columns, found.rows):
        yield f"{name} has other rows, {len(found.rows)} where {len(expected.rows)} are expected (- expected, + found):"
        yield from _changed([*map(repr, expected.rows)], [*map(repr, found.rows)])


def _changed(was: list[str], now: list[str]) -> Iterator[str]:
    pair = difflib.unified_diff(was, now, n=0, lineterm="")
    lines = [line for line in pair if not line.startswith(("---", "+++", "@@"))]
    yield from (line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..." for line in lines[:_LINES])
    if len(lines) > _LINES:
        yield f"... and {len(lines) - _LINES} more"


def _lines(definition: str) -> list[str]:
    """SQLite prints a table as it was written, often in one line; a comma then begins a new one."""
    return [line.strip().rstrip(",") for line in re.sub(r",\s*(?=[\"`'\w]+ )", ",\n", definition).splitlines()]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "empty"
