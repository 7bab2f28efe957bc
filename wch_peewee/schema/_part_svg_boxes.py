"""Tables as boxes of text rows, and where the boxes and the lines between them go; no drawing yet.

picture = arrange(tables, marks)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap

from ._part_mermaid_marks import Mark, Marks
from .objects import Column, ForeignKey, Schema, Table

#: Of a monospaced font of 12 pixels; wide enough for the widest of them.
CHARACTER = 7.3
LINE = 17
PAD = 10
HEAD = 26
#: Between the columns of boxes, where the lines turn, and between boxes of one column.
GAP_X, GAP_Y = 76, 26
MARGIN = 24

#: Longer types, those with a list of values, go on below.
_TYPE_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Row:
    """A column, or at the foot of a box an index. ``lines`` are its type, default and what is different."""

    name: str
    keys: str
    lines: tuple[str, ...]
    mark: Mark = ""
    is_index: bool = False

    @property
    def height(self) -> int:
        return LINE * max(1, len(self.lines))


@dataclass(frozen=True, slots=True)
class Box:
    """A table; ``at`` is the column of boxes, and ``names`` and ``types`` are where these texts begin inside."""

    name: str
    rows: tuple[Row, ...]
    mark: Mark
    x: float
    y: float
    width: float
    names: float
    types: float
    at: int

    @property
    def height(self) -> float:
        return HEAD + 6 + sum(row.height for row in self.rows) + (6 if any(row.is_index for row in self.rows) else 0)

    def line_of(self, column: str) -> float:
        """The height of a column's row, for a line to end at."""
        y = self.y + HEAD + 3
        for row in self.rows:
            if row.name == column:
                return y + LINE / 2
            y += row.height
        return self.y + HEAD / 2


def arrange(tables: Schema, marks: Marks) -> tuple[Box, ...]:
    """Put parents left of their children, and tables without relatives where there is room."""
    stacks: dict[int, list[tuple[Table, tuple[Row, ...]]]] = {}
    heights: dict[int, float] = {}
    levels = _levels(tables)
    count = max([2, *levels.values()]) + 1
    for table in sorted(tables, key=lambda table: table.name not in levels):  # relatives first; else as declared
        rows = tuple(_rows(table, marks))
        fallback = min(range(count), key=lambda at: (heights.get(at, 0), at))
        at = levels.get(table.name, fallback)
        stacks.setdefault(at, []).append((table, rows))
        heights[at] = heights.get(at, 0) + HEAD + GAP_Y + sum(row.height for row in rows)
    return tuple(_placed(stacks, marks))


def _placed(stacks: Mapping[int, list[tuple[Table, tuple[Row, ...]]]], marks: Marks) -> Iterator[Box]:
    x: float = MARGIN
    for at in sorted(stacks):
        stack = stacks[at]
        everything = [row for _, rows in stack for row in rows]
        keys = max((len(row.keys) for row in everything), default=0)
        longest = max((len(row.name) for row in everything if not row.is_index), default=0)
        widest = max((len(line) for row in everything for line in row.lines), default=0)
        feet = max((len(row.name) for row in everything if row.is_index), default=0)
        names = PAD + (keys + 1) * CHARACTER
        types = names + (longest + 2) * CHARACTER
        title = max(len(table.name) + (10 if marks.tables.get(table.name) else 0) for table, _ in stack)
        width = max(types + widest * CHARACTER, PAD + title * CHARACTER * 1.1, names + feet * CHARACTER) + PAD
        y: float = MARGIN
        for table, rows in stack:
            box = Box(table.name, rows, marks.tables.get(table.name, ""), x, y, width, names, types, at)
            yield box
            y += box.height + GAP_Y
        x += width + GAP_X


def _levels(tables: Schema) -> dict[str, int]:
    """How many parents stand in a row before each table that has a relative; a circle is cut somewhere."""
    edges = [(key.referenced_table, table.name) for table in tables for key in table.foreign_keys]
    there = {table.name for table in tables}
    edges = [(parent, child) for parent, child in edges if parent in there and parent != child]
    levels = {name: 0 for edge in edges for name in edge}
    for _ in levels:
        for parent, child in edges:
            if levels[parent] >= levels[child] and levels[parent] + 1 < len(levels):
                levels[child] = levels[parent] + 1
    # A circle drives its tables to the end; nothing in between may stay empty.
    taken = {level: number for number, level in enumerate(sorted(set(levels.values())))}
    return {name: taken[level] for name, level in levels.items()}


def _rows(table: Table, marks: Marks) -> Iterator[Row]:
    for column in table.columns:
        mark, words = marks.columns.get((table.name, column.name), ("", ""))
        lines = _type(column) + (wrap(words, _TYPE_WIDTH) if mark == "differs" else [])
        yield Row(column.name, keys_of(column, table), tuple(lines), mark)
    for index in table.indexes:
        mark = marks.indexes.get((table.name, index.name), "")
        if mark or len(index.columns) > 1:
            kind = "UK" if index.unique else "IX"
            yield Row(f"{index.name} ({', '.join(index.columns)})", kind, (), mark, is_index=True)


def keys_of(column: Column, table: Table) -> str:
    """PK, FK, UK and IX, as far as the column is part of one; an index that only serves a key is not named."""
    keys: list[ForeignKey] = [key for key in table.foreign_keys if column.name in key.columns]
    indexes = [index for index in table.indexes if column.name in index.columns]
    words = ["PK"] if column.name in table.primary_key else []
    words += ["FK"] if keys else []
    words += ["UK"] if any(index.unique for index in indexes) else []
    words += ["IX"] if any(not index.unique for index in indexes) and not words else []
    return " ".join(words)


def _type(column: Column) -> list[str]:
    """Say type and default; the default stays in one piece."""
    type_ = column.type
    text = f"{type_.name}({', '.join(type_.values)})" if type_.values else str(type_)
    *lines, last = wrap(text + (" NULL" if column.nullable else ""), _TYPE_WIDTH) or [""]
    if column.default is None:
        return [*lines, last]
    default = f"= {column.default}"
    fits = len(last) + 1 + len(default) <= _TYPE_WIDTH
    return [*lines, f"{last} {default}"] if fits else [*lines, last, default]
