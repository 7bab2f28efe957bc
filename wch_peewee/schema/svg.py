"""The schema as an SVG picture: boxes for tables, crow's feet for foreign keys, in light and dark."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from textwrap import wrap
from xml.sax.saxutils import escape

from .mermaid import Mark, Marks, is_optional, is_unique
from .objects import Column, ForeignKey, Schema, Table

#: The width of a character in a monospaced font of 12 pixels; wide enough for the widest font.
CHARACTER = 7.3
LINE = 17
PAD = 10
HEAD = 26
#: The gaps between columns of boxes, where the lines turn, and between the boxes of a column.
GAP_X, GAP_Y = 76, 26
MARGIN = 24

#: In characters: longer types, those with a list of values, are wrapped.
_TYPE_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Row:
    """A column, or an index at the foot of a box. ``lines`` are its type, its default and its differences."""

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
    """A table's box. ``at`` is its column of boxes; ``names`` and ``types`` are where these texts begin inside."""

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
        """Return the y coordinate of a column's row, where a line ends."""
        y = self.y + HEAD + 3
        for row in self.rows:
            if row.name == column:
                return y + LINE / 2
            y += row.height
        return self.y + HEAD / 2


def place_boxes(tables: Schema, marks: Marks) -> tuple[Box, ...]:
    """Return the boxes: parents left of their children, and unrelated tables where there is room."""
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
    """Return the number of generations above each related table; a cycle is cut somewhere."""
    edges = [(key.referenced_table, table.name) for table in tables for key in table.foreign_keys]
    there = {table.name for table in tables}
    edges = [(parent, child) for parent, child in edges if parent in there and parent != child]
    levels = {name: 0 for edge in edges for name in edge}
    for _ in levels:
        for parent, child in edges:
            if levels[parent] >= levels[child] and levels[parent] + 1 < len(levels):
                levels[child] = levels[parent] + 1
    # A cycle drives its tables to the end; no column of boxes in between may stay empty.
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
    """Return PK, FK, UK and IX, as far as the column is part of one; an index that only serves a key is left out."""
    keys: list[ForeignKey] = [key for key in table.foreign_keys if column.name in key.columns]
    indexes = [index for index in table.indexes if column.name in index.columns]
    words = ["PK"] if column.name in table.primary_key else []
    words += ["FK"] if keys else []
    words += ["UK"] if any(index.unique for index in indexes) else []
    words += ["IX"] if any(not index.unique for index in indexes) and not words else []
    return " ".join(words)


def _type(column: Column) -> list[str]:
    """Return the lines for type and default; the default is not wrapped."""
    type_ = column.type
    text = f"{type_.name}({', '.join(type_.values)})" if type_.values else str(type_)
    *lines, last = wrap(text + (" NULL" if column.nullable else ""), _TYPE_WIDTH) or [""]
    if column.default is None:
        return [*lines, last]
    default = f"= {column.default}"
    fits = len(last) + 1 + len(default) <= _TYPE_WIDTH
    return [*lines, f"{last} {default}"] if fits else [*lines, last, default]


_STYLE = """\
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; }
.page { fill: #ffffff; }
.box { fill: #ffffff; stroke: #8c959f; }
.head { fill: #eaeef2; stroke: #8c959f; }
.title { font-weight: bold; }
.key { fill: #8250df; }
.type { fill: #59636e; }
.line { fill: none; stroke: #59636e; stroke-width: 1.3; }
.foot { fill: none; stroke: #d1d9e0; }
.missing { fill: #cf222e; }
.differs { fill: #9a6700; }
.extra { fill: #818b98; font-style: italic; }
.dashed { fill: none; stroke: #cf222e; stroke-dasharray: 5 3; }
.faint { stroke: #818b98; stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.page, .box { fill: #0d1117; }
.box, .head { stroke: #656c76; }
.head { fill: #212830; }
.key { fill: #ab7df8; }
.type { fill: #9198a1; }
.line { stroke: #9198a1; }
.foot { stroke: #3d444d; }
.missing { fill: #f85149; }
.differs { fill: #d29922; }
.extra { fill: #818b98; }
.dashed { stroke: #f85149; }
.faint { stroke: #818b98; }
}
"""

_NONE = Marks()
_LEGEND: tuple[tuple[Mark, str], ...] = (
    ("missing", "red, dashed: missing in the database"),
    ("differs", "amber: not as declared"),
    ("extra", "grey: not declared"),
)


def svg_diagram(tables: Schema, marks: Marks = _NONE) -> str:
    """Return the picture of tables with full names; with marks it shows differences and a legend."""
    boxes = place_boxes(tables, marks)
    by_name = {box.name: box for box in boxes}
    width = (
        max((box.x + box.width for box in boxes), default=0) + MARGIN + (GAP_X / 2 if _has_loop(tables, by_name) else 0)
    )
    height = max((box.y + box.height for box in boxes), default=0) + MARGIN + (LINE * 2 if marks.live else 0)
    width = max(width, 2 * MARGIN + (sum(len(text) + 3 for _, text in _LEGEND) * CHARACTER if marks.live else 0))
    size = f'width="{width:.0f}" height="{height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{_text(f'{len(boxes)} tables: ' + ', '.join(box.name for box in boxes))}</title>",
        f"<style>\n{_STYLE}</style>",
        f'<rect class="page" {size}/>',
    ]
    lines += _relations(tables, marks, by_name)
    for box in boxes:
        lines += _box(box)
    if marks.live:
        lines += _legend(height - MARGIN)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _box(box: Box) -> Iterator[str]:
    place = f'x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}"'
    yield f'<rect class="{"page" if box.mark else "box"}" {place} height="{box.height:.0f}" rx="4"/>'
    yield f'<rect class="head" {place} height="{HEAD}" rx="4"/>'
    if box.mark:
        yield f'<rect class="dashed" {place} height="{box.height:.0f}" rx="4"/>'
    title = f"{box.name} (missing)" if box.mark == "missing" else box.name
    yield _words(box.x + PAD, box.y + 17, f"title {box.mark}".strip(), title)
    y = box.y + HEAD + 3
    foot = False
    for row in box.rows:
        if row.is_index and not foot:
            foot, y = True, y + 6
            yield f'<path class="foot" d="M{box.x:.0f} {y - 3:.0f}h{box.width:.0f}"/>'
        yield from _row(box, row, y)
        y += row.height


def _row(box: Box, row: Row, y: float) -> Iterator[str]:
    # A missing table is marked once, and not for each of its columns.
    mark = row.mark or box.mark
    base = y + 13
    if row.keys:
        yield _words(box.x + PAD, base, mark or "key", row.keys)
    yield _words(box.x + box.names, base, mark or ("type" if row.is_index else ""), row.name)
    for number, line in enumerate(row.lines):
        yield _words(box.x + box.types, base + number * LINE, mark or "type", line)
    if row.mark == "missing":
        place = f'x="{box.x + 4:.0f}" y="{y + 1:.0f}" width="{box.width - 8:.0f}" height="{row.height - 2:.0f}"'
        yield f'<rect class="dashed" {place} rx="3"/>'


def _relations(tables: Schema, marks: Marks, boxes: Mapping[str, Box]) -> Iterator[str]:
    turns: dict[int, Iterator[int]] = {}
    for table in tables:
        for key in table.foreign_keys:
            parent, child = boxes.get(key.referenced_table), boxes[table.name]
            if parent is None:  # not a managed table
                continue
            number = next(turns.setdefault(parent.at, count()))
            mark: Mark = marks.tables.get(table.name) or marks.keys.get((table.name, key.columns), "")
            yield from _relation(table, key, parent, child, number, mark)


def _relation(table: Table, key: ForeignKey, parent: Box, child: Box, number: int, mark: Mark) -> Iterator[str]:
    start, end = parent.line_of(key.referenced_columns[0]), child.line_of(key.columns[0])
    left = parent.x + parent.width
    forward = child.at > parent.at
    # Forward it ends at the child's left side; to itself, or backwards, it goes around the right.
    right, side = (child.x, -1) if forward else (child.x + child.width, 1)
    room = GAP_X - 48
    turn = (left if forward else max(left, right)) + 24 + (number * 7) % room
    style = "line" + {"missing": " dashed", "extra": " faint"}.get(mark, "")
    what = _text(f"{table.name} ({', '.join(key.columns)}) refers to {key.referenced_table}")
    yield f'<g class="{style}"><title>{what}{f" ({mark})" if mark else ""}</title>'
    yield f'<path class="{style}" d="M{left:.0f} {start:.1f}H{turn:.0f}V{end:.1f}H{right:.0f}"/>'
    yield f'<path class="{style}" d="{_one(left, start, 1, optional=is_optional(key, table))}"/>'
    many = _one(right, end, side, optional=True) if is_unique(key, table) else _many(right, end, side)
    yield f'<path class="{style}" d="{many}"/></g>'


def _one(x: float, y: float, side: int, *, optional: bool) -> str:
    """Return the path of a bar for one, with a ring before it if there may be none."""
    bar = f"M{x + side * 7:.0f} {y - 5:.1f}v10"
    second = f"M{x + side * 11:.0f} {y - 5:.1f}v10"
    return bar + (_ring(x + side * 15, y) if optional else second)


def _many(x: float, y: float, side: int) -> str:
    """Return the path of a crow's foot for many, with a ring for none."""
    tip = x + side * 11
    return f"M{tip:.0f} {y:.1f}L{x:.0f} {y - 6:.1f}M{tip:.0f} {y:.1f}L{x:.0f} {y + 6:.1f}" + _ring(x + side * 15, y)


def _ring(x: float, y: float) -> str:
    return f"M{x - 4:.0f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"


def _legend(y: float) -> Iterator[str]:
    x: float = MARGIN
    for mark, text in _LEGEND:
        yield _words(x, y, mark, text)
        x += (len(text) + 3) * CHARACTER


def _has_loop(tables: Schema, boxes: Mapping[str, Box]) -> bool:
    """Return True if a line may go around the right side of the last column of boxes."""
    return any(
        boxes[key.referenced_table].at >= boxes[table.name].at
        for table in tables
        for key in table.foreign_keys
        if key.referenced_table in boxes
    )


def _words(x: float, y: float, style: str, text: str) -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.0f}">{_text(text)}</text>'


def _text(text: str) -> str:
    """Escape a text for XML, and spell out what XML cannot hold: names in a live database can be anything."""
    return escape(
        "".join(c if c.isprintable() and c not in "\ufffe\uffff" else c.encode("unicode_escape").decode() for c in text)
    )
