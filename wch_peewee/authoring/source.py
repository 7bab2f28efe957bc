"""Python source as a tree, written as ``ruff format`` writes it: 120 columns, one line where one is enough.

layout(Call("Column", (text("note"), Call("varchar", ("20",)))), indent=4)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..schema.objects import Column, ColumnType, Default, ForeignKey, Index, Table

WIDTH = 120


@dataclass(frozen=True, slots=True)
class Text:
    """A string; a long one is cut into several that stand below each other."""

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
    """Write it on one line."""
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


def called(expression: Expression) -> Iterator[str]:
    """Name every function that is called in it, and every name that stands as an argument."""
    match expression:
        case Call(function, arguments):
            yield function
            for argument in arguments:
                yield from called(argument)
        case Items(items):
            for item in items:
                yield from called(item)
        case Named(value=value):
            yield from called(value)
        case str():
            yield expression


def layout(expression: Expression, *, indent: int = 0, used: int | None = None, follows: int = 0) -> str:
    """Write it from column ``used`` of a line indented by ``indent``; ``follows`` more characters come behind it."""
    used = indent if used is None else used
    line = flat(expression)
    if used + len(line) + follows <= WIDTH:
        return line
    inside = indent + 4
    match expression:
        case Named(name, value):
            return f"{name}={layout(value, indent=indent, used=used + len(name) + 1, follows=follows)}"
        case Text(value):
            return f"\n{' ' * indent}".join(map(quoted, _pieces(value, WIDTH - indent - 2 - follows)))
        case Call(function, arguments):
            together = ", ".join(map(flat, arguments))
            if inside + len(together) <= WIDTH:
                return f"{function}(\n{' ' * inside}{together}\n{' ' * indent})"
            if len(arguments) == 1 and isinstance(arguments[0], Text):
                return f"{function}(\n{' ' * inside}{layout(arguments[0], indent=inside)}\n{' ' * indent})"
            return f"{function}({_one_below_the_other(arguments, indent)})"
        case Items(items):
            return f"({_one_below_the_other(items, indent)})"
    return line


def quoted(text: str) -> str:
    """Write a string with the quotes that need the fewest escapes, double ones where it makes no difference."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    written = "".join(
        f"\\{character}"
        if character in (mark, "\\")
        else character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
    return f"{mark}{written}{mark}"


def _one_below_the_other(expressions: Iterable[Expression], indent: int) -> str:
    inside = indent + 4
    lines = [f"{' ' * inside}{layout(each, indent=inside, follows=1)},\n" for each in expressions]
    return "\n" + "".join(lines) + " " * indent


def _pieces(text: str, room: int) -> Iterable[str]:
    """Cut behind blanks, each piece as long as it fits."""
    piece = ""
    for word in text.split(" "):
        if piece and len(quoted(f"{piece}{word} ")) - 2 > room:
            yield piece
            piece = ""
        piece += f"{word} "
    yield piece[:-1]


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema value in a line, and its name where it becomes a constant; ``listed`` ones always do, in a tuple."""

    code: Expression
    name: str
    listed: bool = False


@dataclass(frozen=True, slots=True)
class StepLine:
    """``migrator.run(function, database, *arguments)``; options come last."""

    function: str
    arguments: tuple[Expression | Shape, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """``steps.decide(question)``."""

    question: str


Line = StepLine | Mark


def together(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Make tables that come one after the other in one step, and drop them in one, named parents first."""
    found: list[Line] = []
    for line in lines:
        last = found[-1] if found else None
        if isinstance(line, StepLine) and isinstance(last, StepLine) and line.function == last.function:
            if line.function == "steps.create_tables":
                found[-1] = StepLine(line.function, (*last.arguments, *line.arguments))
                continue
            if line.function == "steps.drop_tables":  # it drops the last one first
                found[-1] = StepLine(line.function, (line.arguments[0], *last.arguments))
                continue
        found.append(line)
    return tuple(found)


#: What a type of that shape is called in ``schema.objects``.
_SHORT = {
    ColumnType("int"): Call("integer", ()),
    ColumnType("bigint"): Call("bigint", ()),
    ColumnType("bigint", unsigned=True): Call("bigint", (Named("unsigned", "True"),)),
    ColumnType("tinyint", size=1): Call("boolean", ()),
    ColumnType("text"): Call("text", ()),
    ColumnType("json"): Call("json", ()),
    ColumnType("datetime"): Call("datetime", ()),
}


def names(columns: tuple[str, ...]) -> Items:
    return Items(tuple(map(Text, columns)))


def type_code(type_: ColumnType) -> Call:
    if type_ in _SHORT:
        return _SHORT[type_]
    if type_ == ColumnType("varchar", size=type_.size) and type_.size is not None:
        return Call("varchar", (str(type_.size),))
    if type_ == ColumnType("enum", values=type_.values):
        return Call("enum", tuple(map(Text, type_.values)))
    more: list[Expression] = []
    if type_.size is not None:
        more.append(Named("size", str(type_.size)))
    if type_.unsigned:
        more.append(Named("unsigned", "True"))
    if type_.values:
        more.append(Named("values", names(type_.values)))
    return Call("ColumnType", (Text(type_.name), *more))


def column_code(column: Column) -> Call:
    more: list[Expression] = []
    if column.nullable:
        more.append(Named("nullable", "True"))
    if column.default is not None:
        more.append(Named("default", _default(column.default)))
    if column.auto_increment:
        more.append(Named("auto_increment", "True"))
    return Call("Column", (Text(column.name), type_code(column.type), *more))


def index_code(index: Index) -> Call:
    unique = (Named("unique", "True"),) if index.unique else ()
    return Call("Index", (Text(index.name), names(index.columns), *unique))


def foreign_key_code(key: ForeignKey) -> Call:
    more: list[Expression] = []
    if key.referenced_columns != ("id",):
        more.append(names(key.referenced_columns))
    for word, action in (("on_delete", key.on_delete), ("on_update", key.on_update)):
        if action != "NO ACTION":
            more.append(Named(word, Text(action)))
    return Call("ForeignKey", (names(key.columns), Text(key.referenced_table), *more))


def table_code(table: Table) -> Call:
    more: list[Expression] = [Named("columns", Items(tuple(map(column_code, table.columns))))]
    if table.primary_key != ("id",):
        more.append(Named("primary_key", names(table.primary_key)))
    if table.indexes:
        more.append(Named("indexes", Items(tuple(map(index_code, table.indexes)))))
    if table.foreign_keys:
        more.append(Named("foreign_keys", Items(tuple(map(foreign_key_code, table.foreign_keys)))))
    return Call("Table", (Text(table.name), *more))


def _default(default: Default) -> Call:
    more = (Named("is_expression", "True"),) if default.is_expression else ()
    return Call("Default", (Text(default.text), *more))
