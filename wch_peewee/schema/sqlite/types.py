"""Column types and defaults as SQLite stores them: a declared type and, for lengths, enums and JSON, a CHECK.

SQLite enforces none of these by the type. A length without its CHECK limits nothing and is read as no length.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ..objects import ColumnType, Default, plain_default, text
from ..types import complete
from .base import quote_name, quote_text
from .parser import ParseError, Token, fold, source, tokenize

Affinity = Literal["integer", "real", "numeric", "text", "blob"]

_ENFORCED_BY_CHECK = ("enum", "json")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( [A-Za-z_][A-Za-z0-9_]*)*\Z")


def adapt_type(wanted: ColumnType) -> ColumnType:
    """Return a declared type as SQLite can tell it from others."""
    if wanted.name == "set":
        return text()
    wanted = replace(wanted, name="int") if wanted.name == "integer" else wanted
    if wanted.name in _ENFORCED_BY_CHECK:
        return replace(wanted, size=None)
    return complete(wanted) if wanted.family == "whole" else wanted


def declared_type(wanted: ColumnType) -> str:
    """Return the type that is written in a column's definition."""
    if wanted.name in _ENFORCED_BY_CHECK:
        return "TEXT"
    written = wanted.name.upper() + (" UNSIGNED" if wanted.unsigned else "")
    if wanted.size is None:
        return written
    return f"{written}({wanted.size})" if wanted.scale is None else f"{written}({wanted.size},{wanted.scale})"


def check(column: str, wanted: ColumnType) -> str | None:
    """Return the condition of the CHECK that enforces the type; None if it needs none."""
    name = quote_name(column)
    if wanted.is_bounded and wanted.size is not None:
        return f"length({name}) <= {wanted.size}"
    if wanted.name == "enum":
        return f"{name} IN ({', '.join(map(quote_text, wanted.values))})"
    if wanted.name == "json":
        # Before SQLite 3.45, json_valid(NULL) is false, not NULL.
        return f"{name} IS NULL OR json_valid({name})"
    return None


def read_declared_type(words: Sequence[Token], sizes: Sequence[Token]) -> tuple[ColumnType, tuple[str, ...]]:
    """Read a declared type without its CHECK; the second part lists in words what a ColumnType cannot restate."""
    written = " ".join(token.value for token in words)
    size, scale = _read_sizes([token.value for token in sizes])
    if not _PLAIN.match(written) or (sizes and size is None):
        inside = "(" + "".join(token.value for token in sizes) + ")" if sizes else ""
        return ColumnType(written.lower(), size), (f"type {written}{inside}" if written else "no type",)
    name, _, last = written.lower().rpartition(" ")
    unsigned = last == "unsigned" and name != ""
    return adapt_type(ColumnType(name if unsigned else written.lower(), size, unsigned, (), scale)), ()


def _read_sizes(sizes: Sequence[str]) -> tuple[int | None, int | None]:
    """Return the one or two numbers between the brackets, None for what is not there."""
    if len(sizes) not in (1, 3) or sizes[1:2] not in ([], [","]) or not all(size.isdecimal() for size in sizes[::2]):
        return None, None
    return int(sizes[0]), int(sizes[2]) if sizes[1:] else None


def apply_checks(column: str, declared: ColumnType, checks: Sequence[str]) -> tuple[ColumnType, list[int]]:
    """Return the type that a column's CHECKs complete, and the positions of the CHECKs that do not belong to it."""
    found: ColumnType | None = None
    others = []
    for place, condition in enumerate(checks):
        held = None if found else _checked_type(column, declared, tokenize(condition))
        if held is None:
            others.append(place)
        else:
            found = held
    unbounded = replace(declared, size=None) if declared.is_bounded else declared
    return found or unbounded, others


def _checked_type(column: str, declared: ColumnType, condition: Sequence[Token]) -> ColumnType | None:
    """Return the type whose CHECK this is, however its column is quoted; None for another condition."""
    values = tuple(token.value for token in condition if token.kind == "string")
    candidates = [declared] if declared.is_bounded else []
    if declared == text():
        candidates = [ColumnType("enum", values=values) if values else ColumnType("json")]
    own = ((type_, check(column, type_)) for type_ in candidates)
    return next((type_ for type_, words in own if words and _folded(tokenize(words)) == _folded(condition)), None)


def _folded(tokens: Sequence[Token]) -> list[tuple[bool, str]]:
    """Return the tokens in the form in which equal conditions compare equal."""
    texts = [(token.kind == "string", token.value) for token in tokens]
    return [(is_string, value if is_string else fold(value)) for is_string, value in texts]


def affinity(declared: str) -> Affinity:
    """Return the affinity of a declared type, by SQLite's rules in their order."""
    written = declared.upper()
    if "INT" in written:
        return "integer"
    if any(part in written for part in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in written or not written:
        return "blob"
    return "real" if any(part in written for part in ("REAL", "FLOA", "DOUB")) else "numeric"


_BARE = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
#: The numbers that a text column stores as exactly these characters.
_SAME_AS_TEXT = re.compile(r"(0|-?[1-9][0-9]{0,17})\Z")
_CLOCKS = ("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")


def write_default(default: Default, affinity: Affinity) -> str:
    """Return what is written behind DEFAULT."""
    if not default.is_expression:
        bare = affinity in ("integer", "real", "numeric") and _BARE.match(default.text)
        return default.text if bare else quote_text(default.text)
    return default.text.upper() if default.text.upper() in _CLOCKS else f"({default.text})"


def read_default(written: str, affinity: Affinity) -> Default | None:
    """Read what is written behind DEFAULT; NULL is no default."""
    tokens = tokenize(written)
    enclosed = tokens[0].is_any("(")
    inner = tokens[1:-1] if enclosed else tokens
    value = inner[-1]
    negative = len(inner) == 2 and inner[0].is_any("-") and value.kind == "number"
    positive = len(inner) == 2 and inner[0].is_any("+") and value.kind == "number"
    if len(inner) == 1 or negative or positive:
        if value.kind == "string":
            return Default(value.value)
        if value.is_any("NULL"):
            return None
        if value.is_any(*_CLOCKS):
            return Default(value.value.lower(), is_expression=True)
        if value.kind in ("word", "name") and not enclosed and not value.is_any("TRUE", "FALSE"):
            return Default(value.value)  # SQLite takes an unquoted or double-quoted name here for a string
        number = "1" if value.is_any("TRUE") else "0" if value.is_any("FALSE") else value.value
        if value.kind == "number" or value.is_any("TRUE", "FALSE"):
            number = "-" + number if negative else number
            fits = {"text": _SAME_AS_TEXT, "blob": None}.get(affinity, _BARE)
            if fits is not None and fits.match(number):
                return Default(number)
    return Default(source(written, inner), is_expression=True)


def adapt_default(default: Default | None, type_: ColumnType) -> Default | None:
    """Return a declared default as it will be read back once it is written."""
    default, kind = plain_default(type_, default), affinity(declared_type(type_))
    if default is None:
        return None
    try:
        return plain_default(type_, read_default(write_default(default, kind), kind))
    except (ParseError, IndexError):
        return default  # SQLite will refuse it
