"""Python source as a tree, laid out so that ``ruff format`` keeps it: 120 columns, on one line if it fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace

from ..schema.objects import ColumnType, ForeignKey, Table, column_type

WIDTH = 120


@dataclass(frozen=True, slots=True)
class Text:
    """A string; a long one is split into several below each other."""

    value: str


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """An argument given by name."""

    name: str
    value: Expression


#: A plain ``str`` is source as it stands: a name, a number.
Expression = str | Text | Call | Items | Named


def flat(expression: Expression) -> str:
    """Return the expression on one line."""
    match expression:
        case Text(value):
            return quoted(value)
        case Call(function, arguments):
            return f"{function}({', '.join(map(flat, arguments))})"
        case Items(items):
            return f"({', '.join(map(flat, items))}{',' if len(items) == 1 else ''})"
        case Named(name, value):
            return f"{name}={flat(value)}"
    return str(expression)


def layout(expression: Expression, *, indent: int = 0, used: int | None = None, follows: int = 0) -> str:
    """Return the expression from column ``used`` of a line indented by ``indent``.

    ``follows`` more characters come after it.
    """
    used = indent if used is None else used
    line = flat(expression)
    if used + len(line) + follows <= WIDTH:
        return line
    match expression:
        case Named(name, value):
            return f"{name}={layout(value, indent=indent, used=used + len(name) + 1, follows=follows)}"
        case Text(value):
            return f"\n{' ' * indent}".join(map(quoted, _pieces(value, WIDTH - indent - 2 - follows)))
        case Call(function, arguments):
            return f"{function}({_one_below_the_other(arguments, indent)})"
        case Items(items):
            return f"({_one_below_the_other(items, indent)})"
    return line


def quoted(text: str) -> str:
    """Return a string literal with the quotes that need the fewest escapes, double ones in doubt."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return f"{mark}{escaped(text, mark)}{mark}"


def escaped(text: str, mark: str) -> str:
    """Return a text for inside of a literal: the mark, backslashes and what cannot be printed are escaped."""
    return "".join(
        f"\\{character}"
        if character in (mark, "\\")
        else character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _one_below_the_other(expressions: Iterable[Expression], indent: int) -> str:
    inside = indent + 4
    lines = [f"{' ' * inside}{layout(each, indent=inside, follows=1)},\n" for each in expressions]
    return "\n" + "".join(lines) + " " * indent


def _pieces(text: str, room: int) -> Iterable[str]:
    """Split after blanks, each piece as long as it fits."""
    piece = ""
    for word in text.split(" "):
        if piece and len(quoted(f"{piece}{word} ")) - 2 > room:
            yield piece
            piece = ""
        piece += f"{word} "
    yield piece[:-1]


@dataclass(frozen=True, slots=True)
class StepLine:
    """``migrator.run(function, database, *arguments)``; the ``tables`` are the first argument, each a constant."""

    function: str
    arguments: tuple[Expression, ...] = ()
    tables: tuple[Table, ...] = ()

    def code(self) -> Call:
        """Return the source of the step."""
        tables = (Items(tuple(constant_name(table) for table in self.tables)),) if self.tables else ()
        return Call("migrator.run", (self.function, "database", *tables, *self.arguments))


def constant_name(table: Table) -> str:
    return f"{table.name.upper()}_TABLE"


@dataclass(frozen=True, slots=True)
class Mark:
    """``steps.decide(question)``."""

    question: str

    def code(self) -> Call:
        """Return the source of the question."""
        return Call("steps.decide", (Text(f"{self.question}; then remove this line"),))


Line = StepLine | Mark


def together(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Join successive creations of tables into one step, and successive drops, named parents first."""
    found: list[Line] = []
    for line in lines:
        last = found[-1] if found else None
        if isinstance(line, StepLine) and isinstance(last, StepLine) and line.function == last.function:
            if line.function == "steps.create_tables":
                found[-1] = replace(last, tables=(*last.tables, *line.tables))
                continue
            if line.function == "steps.drop_tables":  # it drops the last one first
                found[-1] = replace(last, tables=(*line.tables, *last.tables))
                continue
        found.append(line)
    return tuple(found)


#: The helpers of ``schema.objects`` for types without arguments of their own.
_SHORT = {
    ColumnType("int"): Call("integer", ()),
    ColumnType("bigint"): Call("bigint", ()),
    ColumnType("bigint", unsigned=True): Call("bigint", (Named("unsigned", "True"),)),
    ColumnType("tinyint", size=1): Call("boolean", ()),
    ColumnType("text"): Call("text", ()),
    ColumnType("json"): Call("json", ()),
    ColumnType("datetime"): Call("datetime", ()),
}

#: Fields of schema values that a migration does not declare: they belong to a live table.
_LIVE = ("collation", "comment", "opaque", "engine", "foreign", "is_view", "source", "is_rowid")


def source_of(value: object) -> Expression:
    """Return the source of a schema value: required fields by position, others by name, defaults left out."""
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, tuple):
        return Items(tuple(map(source_of, value)))
    if isinstance(value, ColumnType):
        if value in _SHORT:
            return _SHORT[value]
        if value == ColumnType("varchar", size=value.size) and value.size is not None:
            return Call("varchar", (str(value.size),))
        if value == ColumnType("enum", values=value.values):
            return Call("enum", tuple(map(Text, value.values)))
        if column_type(str(value)) == value:
            return Call("column_type", (Text(str(value)),))
    if not is_dataclass(value):
        return repr(value)
    arguments: list[Expression] = []
    for field in fields(value):
        one = getattr(value, field.name)
        if one == field.default or field.name in _LIVE or (isinstance(value, ForeignKey) and field.name == "name"):
            continue
        by_position = field.default is MISSING or field.name == "referenced_columns"
        if isinstance(value, Table) and field.name == "columns":
            by_position = False
        arguments.append(source_of(one) if by_position else Named(field.name, source_of(one)))
    return Call(type(value).__name__, tuple(arguments))
