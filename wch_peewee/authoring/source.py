"""Python source as a tree, written as ``ruff format`` writes it: 120 columns, one line where one is enough.

layout(Call("Column", (text("note"), Call("varchar", ("20",)))), indent=4)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
