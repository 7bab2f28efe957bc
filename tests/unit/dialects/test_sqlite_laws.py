"""Invariants of the SQLite dialect, on random tables with random names, run by SQLite itself.

What is rendered is read back equal. Operations lose no row of the table or of a child, never give out an id twice, and
leave foreign objects alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from tests.unit.dialects.sqlite_strategies import contents, operations, tables
from tests.unit.dialects.sqlite_tables import DIALECT, File, memory
from wch_peewee.schema.objects import Table
from wch_peewee.schema.operations import DropColumn, Operation, RenameColumn


def quoted(name: str) -> str:
    return DIALECT.quote(name)


def fill(file: File, live: Table, rows: list[list[Any]]) -> None:
    marks = ", ".join("?" for _ in live.columns)
    for number, row in enumerate(rows, 1):
        whole = [number * 10, *row, (number // 2) * 10 or None]
        file.execute(f"INSERT INTO {quoted(live.name)} VALUES ({marks})", whole)


def dump(file: File, name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    """Return every row with the storage class and the exact literal of each value."""
    parts = ", ".join(f"typeof(x.{quoted(c)}), quote(x.{quoted(c)})" for c in columns)
    return file.execute(f"SELECT {parts} FROM {quoted(name)} AS x ORDER BY x.id")


NEIGHBOURS = """
    CREATE TABLE _child (id INTEGER PRIMARY KEY, parent INT REFERENCES {t} (id) ON DELETE CASCADE);
    CREATE TABLE _other (a INT);
    CREATE VIEW _view AS SELECT id, count(*) AS n FROM {t};
    CREATE TRIGGER _trigger AFTER INSERT ON _other BEGIN UPDATE {t} SET id = id WHERE id = new.a; END;
    INSERT INTO _child (parent) SELECT id FROM {t};
"""


@given(tables())
def test_what_is_created_is_read_back(drawn: tuple[Table, list[str]]) -> None:
    declared, _ = drawn
    assert DIALECT.adapt(declared) == declared
    with memory() as file:
        file.create(declared)
        assert file.read(declared.name) == declared
        if declared.name.isascii():
            assert file.read(declared.name.swapcase()).columns == declared.columns


@given(st.data())
def test_nothing_is_lost_whatever_is_done(data: st.DataObject) -> None:
    live, free = data.draw(tables())
    row = st.tuples(
        *(
            contents(column.type) | st.none() if column.nullable else contents(column.type)
            for column in live.columns
            if column.name not in ("id", "ref")
        )
    )
    with memory() as file:
        file.create(live)
        fill(file, live, [list(drawn) for drawn in data.draw(st.lists(row, max_size=4))])
        _use_up_an_id(file, live)
        file.connection.executescript(NEIGHBOURS.format(t=quoted(live.name)))
        neighbours = _neighbours(file)
        for _ in range(data.draw(st.integers(1, 2))):
            live = _change(file, live, free, data)
            assert _neighbours(file) == neighbours
            assert _by_name(file.read(live.name)) == _by_name(live)
        _next_id_is_new(file, live)


def _use_up_an_id(file: File, live: Table) -> None:
    """Insert and delete a row with the id 900."""
    table, rest = quoted(live.name), ", ".join(quoted(column.name) for column in live.columns if column.name != "id")
    file.execute(f"INSERT INTO {table} (id, {rest}) SELECT 900, {rest} FROM {table} LIMIT 1")
    file.execute(f"DELETE FROM {table} WHERE id = 900")


def _by_name(live: Table) -> Table:
    """Sort the columns by name: ALTER adds them last."""
    return replace(live, columns=tuple(sorted(live.columns, key=lambda column: column.name)))


def _neighbours(file: File) -> list[Any]:
    return [
        [file.text(name) for name in ("_child", "_other", "_view", "_trigger")],
        file.execute("SELECT * FROM _child ORDER BY id"),
        file.execute("SELECT n FROM _view"),
        file.execute("SELECT seq FROM sqlite_sequence"),
    ]


def _change(file: File, live: Table, free: list[str], data: st.DataObject) -> Table:
    changes = []
    after = live
    for _ in range(data.draw(st.integers(1, 4))):
        operation = data.draw(operations(after, free))
        changes.append(operation)
        after = operation.applied_to(after)
    sources = _survivors(live, changes)
    before = dump(file, live.name, list(sources.values()))
    assert DIALECT.obstacles(live, changes) == ()
    steps = DIALECT.render(live, changes)
    note("\n".join(str(statement) for step in steps for statement in step.statements))
    assert [operation for step in steps for operation in step.operations] == changes
    file.run(steps)
    assert dump(file, live.name, list(sources)) == before
    return after


def _survivors(live: Table, changes: list[Operation]) -> dict[str, str]:
    """Map the columns that keep their values to their names before the changes."""
    sources = {column.name: column.name for column in live.columns}
    for change in changes:
        if isinstance(change, RenameColumn) and change.old in sources:
            sources[change.new] = sources.pop(change.old)
        if isinstance(change, DropColumn):
            sources.pop(change.column, None)
    return sources


def _next_id_is_new(file: File, live: Table) -> None:
    """Assert that an insert into the changed table gets an id that was never used."""
    required = [quoted(c.name) for c in live.columns if not (c.nullable or c.default or c.auto_increment)]
    table, listed = quoted(live.name), ", ".join(["ref", *required])
    if file.execute(f"SELECT 1 FROM {table}"):
        file.execute(f"INSERT INTO {table} ({listed}) SELECT {', '.join(['NULL', *required])} FROM {table} LIMIT 1")
        assert file.execute(f"SELECT max(id) FROM {table}") == [(901,)]
