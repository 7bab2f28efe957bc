"""Laws of the SQLite dialect, on random tables with random names, run by SQLite itself.

What is rendered is read back as it was meant; whatever operations do to a table, no row of it or of a
child is lost, no id is given out twice, and nobody else's objects change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from tests.unit.dialects.sqlite_tables import DIALECT, ID, File, memory
from wch_peewee.schema.objects import (
    Column,
    ColumnType,
    Default,
    ForeignKey,
    Index,
    Table,
    bigint,
    boolean,
    datetime,
    enum,
    integer,
    json,
    text,
    varchar,
)
from wch_peewee.schema.operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    DropColumn,
    DropForeignKey,
    DropIndex,
    ModifyColumn,
    Operation,
    RenameColumn,
)

# Quotes of every kind, percent signs, comments, keywords, characters beyond the BMP; no surrogates, which no driver takes.
words = st.text(st.sampled_from("aB_ 'é\"`[]%?--/*;,()\n😀\ufeff"), min_size=1, max_size=6) | st.sampled_from(
    ["select", "NULL", "rowid", "check", "old", "sequence", "%s", "a--b", "CHECK (x)", "default 'x'", "😀😀"]
)
names = st.lists(words, min_size=6, max_size=6, unique_by=lambda name: name.lower().strip()).filter(
    lambda drawn: not {"id", "ref"} & {name.lower() for name in drawn}
)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5) | words

TYPES = (
    integer(), bigint(), bigint(unsigned=True), boolean(), varchar(12), varchar(255), ColumnType("char", 12), text(),
    ColumnType("longtext"), json(), enum("a", "it's", '100% "x"', "😀"), datetime(), ColumnType("datetime", 6),
    ColumnType("decimal", 10), ColumnType("double"), ColumnType("varchar"), ColumnType("smallint", unsigned=True),
)  # fmt: skip
NUMBERS = ("int", "bigint", "tinyint", "smallint", "decimal", "double")


def contents(type_: ColumnType) -> st.SearchStrategy[Any]:
    """Values that the type allows, as Python hands them to SQLite."""
    if type_.name in NUMBERS:
        return st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
    if type_.name == "enum":
        return st.sampled_from(type_.values)
    if type_.name == "json":
        return st.sampled_from(["{}", "[1]", '{"a": "😀 it\'s 100%"}', ' {"b":\n 1.50}'])
    if type_.name == "datetime":
        return st.sampled_from(["2024-01-02 03:04:05", "2024-01-02 03:04:05.678901", ""])
    return values.map(lambda value: value[: type_.size])


def defaults(type_: ColumnType) -> st.SearchStrategy[Default]:
    if type_.name in NUMBERS:
        return st.sampled_from(["0", "-5", "1.50", "007", "abc", "+1"]).map(Default) | st.just(Default("1 + 1", True))
    if type_.name == "datetime":
        return st.sampled_from([Default("2024-01-02 03:04:05"), Default("current_timestamp", is_expression=True)])
    return contents(type_).map(Default) | st.just(Default("lower('{}')", True)) if type_.name == "json" else contents(
        type_
    ).map(Default)


@st.composite
def columns(draw: st.DrawFn, name: str, **fixed: Any) -> Column:
    type_ = draw(st.sampled_from(TYPES))
    made = Column(name, type_, draw(st.booleans()), draw(st.none() | defaults(type_)))
    return replace(made, **fixed)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, list[str]]:
    """A table named at random, with a nullable column ``ref`` that refers to itself; and column names that are left."""
    name, *free = draw(names)
    count = draw(st.integers(0, 3))
    own = [draw(columns(column)) for column in free[:count]]
    ref = Column("ref", bigint(unsigned=True), nullable=True)
    key = ForeignKey(("ref",), name, name=f"{name}_fk", on_delete=draw(st.sampled_from(["CASCADE", "SET NULL", "RESTRICT"])))
    made = Table(name, (ID, *own, ref), foreign_keys=draw(st.sampled_from([(), (key,)])))
    for number in range(draw(st.integers(0, 2))):
        made = replace(made, indexes=(*made.indexes, draw(indexes(made, f"k{number}"))))
    return DIALECT.adapt(made), free[count:]


@st.composite
def indexes(draw: st.DrawFn, of: Table, name: str) -> Index:
    some = st.lists(st.sampled_from([column.name for column in of.columns]), min_size=1, max_size=3, unique=True)
    chosen = tuple(draw(some))
    # Unique only together with the id: the rows are random.
    return Index(name, ("id", *(c for c in chosen if c != "id")) if (unique := draw(st.booleans())) else chosen, unique)


@given(tables())
def test_what_is_created_is_read_back(drawn: tuple[Table, list[str]]) -> None:
    declared, _ = drawn
    assert DIALECT.adapt(declared) == declared
    with memory() as file:
        file.create(declared)
        assert file.read(declared.name) == declared
        assert file.read(declared.name.swapcase() if declared.name.isascii() else declared.name).columns == declared.columns


@st.composite
def operations(draw: st.DrawFn, live: Table, free: list[str]) -> Operation:
    """One operation that no row stands against, and that nothing else depends on."""
    own = [column for column in live.columns if column.name not in ("id", "ref")]
    used = {name for key in (*live.indexes, *live.foreign_keys) for name in key.columns}
    choices = ["index", "drop key" if live.foreign_keys else "add key"]
    choices += ["add"] * 2 if free else []
    choices += ["rename"] if free and own else []
    choices += ["modify"] * 2 if own else []
    choices += ["drop index"] if live.indexes else []
    choices += ["drop"] if any(column.name not in used for column in own) else []
    choice = draw(st.sampled_from(choices))
    table = live.name
    if choice == "add":
        column = draw(columns(free.pop()))
        if not column.nullable and column.default is None:
            column = replace(column, nullable=True)
        after = draw(st.sampled_from([None, *(c.name for c in live.columns)]))
        column = DIALECT.adapt(replace(live, columns=(column,), primary_key=(), indexes=(), foreign_keys=())).columns[0]
        return AddColumn(table, column, after)
    if choice == "rename":
        return RenameColumn(table, draw(st.sampled_from(own)).name, free.pop())
    if choice == "modify":
        was = draw(st.sampled_from(own))
        type_ = was.type
        if type_.name in ("varchar", "char") and type_.size:
            type_ = replace(type_, size=type_.size + 7)
        elif type_.name == "enum":
            type_ = enum(*type_.values, "new")
        elif type_.name == "int":
            type_ = bigint()
        default = draw(st.none() | defaults(type_))
        adapted = DIALECT.adapt(Table(table, (replace(was, type=type_, nullable=True, default=default),), ()))
        return ModifyColumn(table, was, adapted.columns[0])
    if choice == "drop":
        return DropColumn(table, draw(st.sampled_from([column.name for column in own if column.name not in used])))
    if choice == "index":
        taken = {index.name for index in live.indexes}
        name = next(name for n in range(99) if (name := f"{table}_i{n}") not in taken)
        return AddIndex(table, draw(indexes(live, name)))
    if choice == "drop index":
        return DropIndex(table, draw(st.sampled_from(live.indexes)).name)
    if choice == "drop key":
        return DropForeignKey(table, live.foreign_keys[0])
    return AddForeignKey(table, ForeignKey(("ref",), table, name="new", on_delete=draw(st.sampled_from(["CASCADE", "NO ACTION"]))))


def quoted(name: str) -> str:
    return DIALECT.quote(name)


def fill(file: File, live: Table, rows: list[list[Any]]) -> None:
    marks = ", ".join("?" for _ in live.columns)
    for number, row in enumerate(rows, 1):
        file.execute(f"INSERT INTO {quoted(live.name)} VALUES ({marks})", [number * 10, *row, (number // 2) * 10 or None])


def dump(file: File, name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    """Every row with the storage class and the exact literal of each value."""
    parts = ", ".join(f"typeof(x.{quoted(c)}), quote(x.{quoted(c)})" for c in columns)
    return file.execute(f"SELECT {parts} FROM {quoted(name)} AS x ORDER BY x.id")


NEIGHBOURS = """
    CREATE TABLE _child (id INTEGER PRIMARY KEY, parent INT REFERENCES {t} (id) ON DELETE CASCADE);
    CREATE TABLE _other (a INT);
    CREATE VIEW _view AS SELECT id, count(*) AS n FROM {t};
    CREATE TRIGGER _trigger AFTER INSERT ON _other BEGIN UPDATE {t} SET id = id WHERE id = new.a; END;
    INSERT INTO _child (parent) SELECT id FROM {t};
"""


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
        file.execute(f"INSERT INTO {quoted(live.name)} (id, {_rest(live)}) SELECT 900, {_rest(live)} FROM {quoted(live.name)} LIMIT 1")
        file.execute(f"DELETE FROM {quoted(live.name)} WHERE id = 900")
        file.connection.executescript(NEIGHBOURS.format(t=quoted(live.name)))
        neighbours = _neighbours(file)
        for _ in range(data.draw(st.integers(1, 2))):
            live = _change(file, live, free, data)
            assert _neighbours(file) == neighbours
            assert _by_name(file.read(live.name)) == _by_name(live)
        _next_id_is_new(file, live)


def _rest(live: Table) -> str:
    return ", ".join(quoted(column.name) for column in live.columns if column.name != "id")


def _by_name(live: Table) -> Table:
    """Forget the order of columns: ALTER adds them last."""
    return replace(live, columns=tuple(sorted(live.columns, key=lambda column: column.name)))


def _neighbours(file: File) -> list[Any]:
    return [
        file.execute("SELECT name, sql FROM sqlite_master WHERE name IN ('_child', '_other', '_view', '_trigger') ORDER BY 1"),
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
    """Insert into the table as it is now: the id is one that has never been there."""
    required = [c for c in live.columns if not (c.nullable or c.default or c.auto_increment)]
    rows = file.execute(f"SELECT {', '.join(['1', *(quoted(c.name) for c in required)])} FROM {quoted(live.name)} LIMIT 1")
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        file.execute(
            f"INSERT INTO {quoted(live.name)} ({', '.join(['ref', *(quoted(c.name) for c in required)])}) VALUES ({marks})",
            [None, *rows[0][1:]],
        )
        assert file.execute(f"SELECT max(id) FROM {quoted(live.name)}") == [(901,)]
