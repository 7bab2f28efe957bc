"""The schema as an SVG picture: a box of text lines for each table, and a path for each foreign key."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from xml.sax.saxutils import escape

from .mermaid import EXTRA, MISSING, NO_MARKS, Marks, keys_of
from .objects import Column, Schema, Table

#: The width of a character in a monospaced font of 12 pixels, the height of a line, and the gap between boxes.
CHARACTER, LINE, GAP = 7.3, 17, 40
#: In characters: longer types, those with a list of values, are wrapped.
_TYPE_WIDTH = 30
_STACKS = 3

_STYLE = """\
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; }
rect { fill: #ffffff; stroke: #8c959f; }
path { fill: none; stroke: #8c959f; }
.title { font-weight: bold; }
.keys { fill: #8250df; }
.missing { fill: #cf222e; }
.differs { fill: #9a6700; }
.extra { fill: #818b98; font-style: italic; }
rect.missing, path.missing { fill: none; stroke: #cf222e; stroke-dasharray: 5 3; }
path.extra { fill: none; stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
rect { fill: #0d1117; }
.keys { fill: #ab7df8; }
.missing { fill: #f85149; }
.differs { fill: #d29922; }
}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a box: a column with its type, what is left of a long type, or an index with its columns."""

    style: str
    keys: str
    name: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A table's box. Its first line is the title, and ``names`` is the width of a name in characters."""

    table: Table
    lines: tuple[Line, ...]
    names: int
    x: float
    y: float
    width: float

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 10

    def y_of(self, column: str) -> float:
        """Return where the path of a foreign key meets a column."""
        return self.y + LINE * next((n for n, line in enumerate(self.lines) if line.name == column), 0) + 10


def place_boxes(tables: Schema, marks: Marks = NO_MARKS) -> list[Box]:
    """Return the boxes in three stacks, each next table on the lowest: parents come first."""
    lines = {table: tuple(_lines(table, marks)) for table in tables}
    every = [line for one in lines.values() for line in one]
    names = max((len(line.name) for line in every if line.words), default=0)
    width = max((max(len(line.name), names) + len(line.words) + 8 for line in every), default=0) * CHARACTER + 20
    ends = [GAP / 2] * _STACKS
    boxes = []
    for table in tables:
        stack = ends.index(min(ends))
        boxes.append(Box(table, lines[table], names, GAP / 2 + stack * (width + GAP), ends[stack], width))
        ends[stack] += boxes[-1].height + GAP / 2
    return boxes


def svg_diagram(tables: Schema, marks: Marks = NO_MARKS) -> str:
    """Return the picture of tables with full names; with marks it shows differences, in color and words."""
    boxes = place_boxes(tables, marks)
    width = max((box.x + box.width for box in boxes), default=0) + GAP / 2
    height = max((box.y + box.height for box in boxes), default=0) + GAP / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" xml:space="preserve">',
        f"<title>{_text(f'{len(boxes)} tables: ' + ', '.join(table.name for table in tables))}</title>",
        f"<style>\n{_STYLE}</style>",
    ]
    for box in boxes:
        lines += _paths(box, boxes, marks)
    for box in boxes:
        lines += _box(box)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _lines(table: Table, marks: Marks) -> Iterator[Line]:
    mark = marks.get((table.name, None), "")
    yield Line(_style(mark), "", f"{table.name} ({mark})" if mark else table.name)
    for column in table.columns:
        mark = marks.get((table.name, column), "")
        keys = keys_of(column, table) or ["IX"] * any(column.name in index.columns for index in table.indexes)
        first, *rest = [*_type(column), *wrap(mark, _TYPE_WIDTH)]
        yield Line(_style(mark), " ".join(keys), column.name, first)
        yield from (Line(_style(mark), "", "", words) for words in rest)
    for index in table.indexes:
        mark = marks.get((table.name, index), "")
        if mark or len(index.columns) > 1:
            words = f"({', '.join(index.columns)}) {mark}".strip()
            yield Line(_style(mark), "UK" if index.unique else "IX", index.name, words)


def _type(column: Column) -> list[str]:
    """Return the lines for a column's type and default."""
    type_ = column.type
    text = f"{type_.name}({', '.join(type_.values)})" if type_.values else str(type_)
    text += " NULL" if column.nullable else ""
    return wrap(text if column.default is None else f"{text} = {column.default}", _TYPE_WIDTH) or [""]


def _style(mark: str) -> str:
    return {"": "", MISSING: "missing", EXTRA: "extra"}.get(mark, "differs")


def _box(box: Box) -> Iterator[str]:
    place = f'x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height}"'
    yield f'<rect class="{box.lines[0].style}" {place} rx="4"/>'
    for number, line in enumerate(box.lines):
        words = f'<tspan class="keys">{line.keys:<6}</tspan>{_text(f"{line.name:<{box.names}}  {line.words}")}'
        style, text = (line.style, words) if number else (f"title {line.style}", _text(line.name))
        yield f'<text class="{style}" x="{box.x + 10:.0f}" y="{box.y + number * LINE + 16:.0f}">{text}</text>'


def _paths(child: Box, boxes: list[Box], marks: Marks) -> Iterator[str]:
    """Yield the foreign keys of a table: from the parent's right side to the child, with a crow's foot there."""
    for number, key in enumerate(child.table.foreign_keys):
        parent = next((box for box in boxes if box.table.name == key.referenced_table), None)
        if parent is None:  # not a managed table
            continue
        name = child.table.name
        mark = marks.get((name, None)) or marks.get((name, key), "")
        start, end = parent.y_of(key.referenced_columns[0]), child.y_of(key.columns[0])
        left, side = parent.x + parent.width, -1 if child.x > parent.x else 1
        right = child.x + (child.width if side == 1 else 0)
        turn = (left if side == -1 else max(left, right)) + 8 + number * 3
        what = f"{name} ({', '.join(key.columns)}) refers to {key.referenced_table}" + (f" ({mark})" if mark else "")
        foot = "".join(f"M{right + side * 11:.0f} {end:.0f}L{right:.0f} {end + y:.0f}" for y in (-6, 6))
        path = f"M{left:.0f} {start:.0f}H{turn:.0f}V{end:.0f}H{right:.0f}{foot}"
        yield f'<path class="{_style(mark)}" d="{path}"><title>{_text(what)}</title></path>'


def _text(text: str) -> str:
    """Escape a text for XML, and spell out what XML cannot hold: names in a live database can be anything."""
    return escape(
        "".join(c if c.isprintable() and c not in "\ufffe\uffff" else c.encode("unicode_escape").decode() for c in text)
    )
