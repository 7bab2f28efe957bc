"""PHP source as a syntax tree, and the values of its literals. Tree-sitter is imported only here, when needed."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from ...errors import ConfigurationError
from .values import Unknown, fit

#: The largest file that is read, in bytes.
MAX_FILE_SIZE = 512 * 1024


def parse(source: bytes) -> Any:
    """Return the tree's root. Raises ConfigurationError if the parser is not installed."""
    return _parser().parse(source).root_node


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


def first_error(root: Any) -> int:
    """Return the line of the first syntax error, or 0."""
    node = root
    if not node.has_error:
        return 0
    while True:
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None or node.is_error:
            return int(node.start_point[0]) + 1
        node = inner


def line_of(node: Any) -> int:
    return int(node.start_point[0]) + 1


def content(node: Any) -> str:
    """Return the node's source as text, for names."""
    return bytes(node.text).decode("utf-8", "surrogateescape")


def arguments_of(node: Any) -> list[Any]:
    """Return the nodes of a call's arguments, in order, without comments."""
    listed = node.child_by_field_name("arguments")
    if listed is None:
        listed = next((child for child in node.named_children if child.type == "arguments"), None)
    return [child for child in listed.named_children if child.type != "comment"] if listed is not None else []


def named(node: Any) -> list[Any]:
    """Return the named children without comments."""
    return [child for child in node.named_children if child.type != "comment"]


_SIMPLE = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"e": b"\x1b", b"f": b"\f", b"\\": b"\\", b"$": b"$",
}  # fmt: skip
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]+)\}|(.))", re.DOTALL)
_LITERAL = ("string_content", "escape_sequence")


def single_quoted(source: bytes) -> bytes:
    """Return the value of ``'...'``, in which only the quote and the backslash are escaped."""
    inner = source[source.index(b"'") + 1 : -1]
    return re.sub(rb"\\([\\'])", rb"\1", inner)


def unescape(source: bytes, quote: bytes = b"") -> bytes:
    """Replace the escapes of a double-quoted string or a heredoc."""

    def spelled(match: re.Match[bytes]) -> bytes:
        octal, hexadecimal, point, other = match.groups()
        if octal is not None:
            return bytes([int(octal, 8) & 0xFF])
        if hexadecimal is not None:
            return bytes([int(hexadecimal, 16)])
        if point is not None:
            number = int(point[-8:], 16)
            return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else match[0]
        if other == quote:
            return other
        return _SIMPLE.get(other, match[0])

    return _ESCAPE.sub(spelled, source)


def double_quoted(node: Any, embedded: Callable[[Any], bytes | Unknown]) -> bytes | Unknown:
    """Return the value of ``"..."``; ``embedded`` evaluates the variables in it."""
    source = bytes(node.text)
    start = node.start_byte + source.index(b'"') + 1
    parts = _parts(node, start, node.end_byte - 1, embedded)
    if isinstance(parts, Unknown):
        return parts
    return b"".join(unescape(part, b'"') if literal else part for literal, part in parts)


def heredoc(node: Any, embedded: Callable[[Any], bytes | Unknown]) -> bytes | Unknown:
    """Return the value of ``<<<NAME`` or ``<<<'NAME'``, without the indentation of the closing name."""
    source = bytes(node.text)
    end = node.child_by_field_name("end_tag")
    first = source.index(b"\n") + 1
    before_end = source[: end.start_byte - node.start_byte]
    last_break = before_end.rindex(b"\n")
    indentation = before_end[last_break + 1 :]
    last = last_break - (source[last_break - 1 : last_break] == b"\r")
    if last < first:
        return b""
    body = node.child_by_field_name("value")
    if node.type == "nowdoc" or body is None:
        return _dedent(source[first:last], indentation, at_line_start=True)
    parts = _parts(body, node.start_byte + first, node.start_byte + last, embedded, node)
    if isinstance(parts, Unknown):
        return parts
    found, at_line_start = [], True
    for literal, part in parts:
        if literal:
            dedented = _dedent(part, indentation, at_line_start=at_line_start)
            found.append(unescape(dedented))
            at_line_start = False
        else:
            found.append(part)
            at_line_start = False
    return b"".join(found)


def _dedent(source: bytes, indentation: bytes, *, at_line_start: bool) -> bytes:
    if not indentation:
        return source
    size = len(indentation)
    lines = source.split(b"\n")
    for number, line in enumerate(lines):
        if number or at_line_start:
            lines[number] = line[min(size, len(line) - len(line.lstrip(b" \t"))) :]
    return b"\n".join(lines)


def _parts(
    node: Any, start: int, end: int, embedded: Callable[[Any], bytes | Unknown], holder: Any = None
) -> list[tuple[bool, bytes]] | Unknown:
    """Split a string into its literal parts, as written, and the values between them."""
    holder = holder or node
    source, offset = bytes(holder.text), holder.start_byte
    parts: list[tuple[bool, bytes]] = []
    position = start
    for child in node.children:
        if child.type in _LITERAL or (not child.is_named and child.type not in ("{", "}")):
            continue
        if child.start_byte > position:
            parts.append((True, source[position - offset : child.start_byte - offset]))
        position = child.end_byte
        if child.is_named:
            value = embedded(child)
            if isinstance(value, Unknown):
                return value
            parts.append((False, value))
    if position < end:
        parts.append((True, source[position - offset : end - offset]))
    return parts


def integer_literal(source: bytes) -> int | float:
    """Return the value of ``10``, ``0x1F``, ``017``, ``0o17``, ``0b11``, ``1_000``."""
    digits = source.replace(b"_", b"").lower()
    if digits.startswith((b"0x", b"0b", b"0o")):
        return fit(int(digits, 0))
    return fit(int(digits, 8 if digits.startswith(b"0") and len(digits) > 1 else 10))
