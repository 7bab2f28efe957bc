"""PHP source as a syntax tree, and the values of its literals. Tree-sitter is imported only here, when needed."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from ...errors import ConfigurationError
from .values import Unknown, joined

_HALT = re.compile(rb"\b__halt_compiler\s*\(\s*\)", re.IGNORECASE)


def parse(source: bytes) -> Any:
    """Return the tree's root, up to __halt_compiler(). Raises ConfigurationError if the parser is not installed."""
    halt = _HALT.search(source)
    root = last = _parser().parse(source[: halt.start()] if halt else source).root_node
    while halt and last.children:
        last = last.children[-1]
    # In a comment or in HTML it is only a word.
    return _parser().parse(source).root_node if halt and (root.has_error or last.type in ("comment", "text")) else root


@cache
def _parser() -> Any:
    try:
        import tree_sitter
        import tree_sitter_php
    except ImportError:
        raise ConfigurationError(
            "Reading wp-config.php needs a PHP parser; install it with: pip install 'wch-peewee[wordpress]'."
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_php.language_php()))


def line_of(node: Any) -> int:
    return int(node.start_point[0]) + 1


def first_error(root: Any) -> Any:
    """Return the node of the first syntax error, or None."""
    node = root
    while inner := [child for child in node.children if child.has_error or child.is_missing]:
        node = inner[0]
    return node if root.has_error else None


def content(node: Any) -> str:
    """Return the node's source as text, for names."""
    return bytes(node.text).decode("utf-8", "surrogateescape")


def named(node: Any) -> list[Any]:
    """Return the named children without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def part(node: Any, name: str) -> Any:
    """Return the child in a field, or None."""
    return node.child_by_field_name(name)


_SIMPLE = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"e": b"\x1b", b"f": b"\f", b"\\": b"\\", b"$": b"$",
}  # fmt: skip
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]+)\}|(.))", re.DOTALL)


def single_quoted(source: bytes) -> bytes:
    """Return the value of ``'...'``, in which only the quote and the backslash are escaped."""
    return re.sub(rb"\\([\\'])", rb"\1", source[source.index(b"'") + 1 : -1])


def unescape(source: bytes, quote: bytes = b"") -> bytes:
    """Replace the escapes of a double-quoted string or a heredoc."""

    def spelled(match: re.Match[bytes]) -> bytes:
        octal, hexadecimal, point, other = match.groups()
        if octal or hexadecimal:
            return bytes([(int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF])
        if point:
            number = int(point[-8:], 16)
            return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else match[0]
        return other if other == quote else _SIMPLE.get(other, match[0])

    return _ESCAPE.sub(spelled, source)


def interpolated(node: Any, evaluate: Callable[[Any], Any]) -> bytes | Unknown:
    """Return the value of ``"..."``, ``<<<NAME`` or ``<<<'NAME'``; ``evaluate`` is for what is embedded in it."""
    offset, source, tag = node.start_byte, bytes(node.text), part(node, "end_tag")
    if tag is None:
        first, last, indentation = source.index(b'"') + 1, len(source) - 1, 0
    else:
        first, last = source.index(b"\n") + 1, source.rindex(b"\n", 0, tag.start_byte - offset)
        indentation = tag.start_byte - offset - last - 1
        last -= source[last - 1 : last] == b"\r"

    def text(start: int, end: int) -> bytes:
        """Return a literal part, without the indentation of the closing name and with its escapes replaced."""
        line = rb"(?:^|(?<=\n))" if start == first else rb"(?<=\n)"
        written = re.sub(line + rb"[ \t]{0,%d}" % indentation, b"", source[start:end])
        return written if node.type == "nowdoc" else unescape(written, b'"' if tag is None else b"")

    position, pieces = first, list[Any]()
    body = node if tag is None else part(node, "value")
    for child in body.children if body is not None and node.type != "nowdoc" else []:
        if child.type in ("string_content", "escape_sequence") or not (child.is_named or child.type in "{}"):
            continue
        pieces.append(text(position, max(child.start_byte - offset, position)))
        position = max(child.end_byte - offset, position)
        pieces += [evaluate(child)] if child.is_named else []
    return joined(*pieces, text(position, max(last, position)))


def integer_literal(source: bytes) -> int | Unknown:
    """Return the value of ``10``, ``0x1F``, ``017``, ``0o17``, ``0b11``, ``1_000``."""
    digits = source.replace(b"_", b"").lower()
    is_octal = digits.startswith(b"0") and digits.isdigit() and len(digits) > 1
    value = int(digits[:32], 8 if is_octal else 0)
    return value if value < 1 << 63 else Unknown("a very large number")
