"""The physical form of the canonical column types: a declared type and, for some, a CHECK.

SQLite enforces neither lengths nor enums nor JSON, so an unnamed CHECK of the column does. A declared
length without its CHECK bounds nothing and is read as what it is: ``varchar`` without a size. Rows and
tables are none of this module's business.

    declared_type(varchar(20)), check("phone", varchar(20))
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ..objects import ColumnType, Default, bigint, text
from .base import quote_name, quote_text
from .parser import SyntaxTrouble, Token, fold, source, tokenize

Affinity = Literal["integer", "real", "numeric", "text", "blob"]

_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "integer", "bigint")
_BOUNDED = ("varchar", "char")
_HELD_BY_CHECK = ("enum", "json")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( [A-Za-z_][A-Za-z0-9_]*)*\Z")


def adapt_type(wanted: ColumnType, *, counts: bool) -> ColumnType:
    """Bring a declared type to what SQLite can tell apart; only a 64-bit INTEGER can count by itself."""
    if counts:
        return bigint(unsigned=True)
    name = "int" if wanted.name == "integer" else wanted.name
    if name == "set":
        return text()
    if name in _INTEGERS:
        return replace(wanted, name=name, size=1 if (name, wanted.size) == ("tinyint", 1) else None)
    if name in _HELD_BY_CHECK:
        return replace(wanted, size=None)
    return wanted


def declared_type(wanted: ColumnType) -> str:
    """Write what stands behind a column's name."""
    if wanted.name in _HELD_BY_CHECK:
        return "TEXT"
    written = wanted.name.upper() + (" UNSIGNED" if wanted.unsigned else "")
    return written if wanted.size is None else f"{written}({wanted.size})"


def check(column: str, wanted: ColumnType) -> str | None:
    """Write the condition that holds the type, or None where the declared type says it all."""
    name = quote_name(column)
    if wanted.name in _BOUNDED and wanted.size is not None:
        return f"length({name}) <= {wanted.size}"
    if wanted.name == "enum":
        return f"{name} IN ({', '.join(map(quote_text, wanted.values))})"
    if wanted.name == "json":
        # Before SQLite 3.45, json_valid(NULL) is false, not NULL.
        return f"{name} IS NULL OR json_valid({name})"
    return None


def read_declared_type(words: Sequence[Token], sizes: Sequence[Token]) -> tuple[ColumnType, tuple[str, ...]]:
    """Read a declared type, CHECKs apart; the second part says in words what a ColumnType cannot hold."""
    written = " ".join(token.value for token in words)
    size = int(sizes[0].value) if len(sizes) == 1 and sizes[0].value.isdecimal() else None
    if not _PLAIN.match(written) or (sizes and size is None):
        inside = "(" + "".join(token.value for token in sizes) + ")" if sizes else ""
        return ColumnType(written.lower(), size), (f"type {written}{inside}" if written else "no type",)
    name, _, last = written.lower().rpartition(" ")
    unsigned = last == "unsigned" and name != ""
    return adapt_type(ColumnType(name if unsigned else written.lower(), size, unsigned), counts=False), ()


def apply_checks(column: str, declared: ColumnType, checks: Sequence[str]) -> tuple[ColumnType, list[int]]:
    """Let the column's CHECKs complete its declared type; return also the places of those that are none of ours."""
    found: ColumnType | None = None
    strange = []
    for place, condition in enumerate(checks):
        held = None if found else _held_by(column, declared, tokenize(condition))
        if held is None:
            strange.append(place)
        else:
            found = held
    unbounded = replace(declared, size=None) if declared.name in _BOUNDED else declared
    return found or unbounded, strange


def _held_by(column: str, declared: ColumnType, tokens: Sequence[Token]) -> ColumnType | None:
    """Recognise one CHECK of ours, however its column is quoted."""

    def is_column(token: Token) -> bool:
        return token.kind in ("word", "name") and fold(token.value) == fold(column)

    def is_call(function: str, at: int = 0) -> bool:
        return (
            len(tokens) >= at + 4
            and tokens[at].says(function)
            and tokens[at + 1].says("(")
            and is_column(tokens[at + 2])
            and tokens[at + 3].says(")")
        )

    def begins_null_or() -> bool:
        return len(tokens) == 8 and is_column(tokens[0]) and all(map(Token.says, tokens[1:4], ("IS", "NULL", "OR")))

    if declared.name in _BOUNDED and declared.size is not None:
        bounded = is_call("LENGTH") and [token.value for token in tokens[4:]] == ["<=", str(declared.size)]
        return declared if bounded else None
    if declared != text():
        return None
    if begins_null_or() and is_call("JSON_VALID", 4):
        return ColumnType("json")
    if len(tokens) >= 5 and is_column(tokens[0]) and tokens[1].says("IN") and tokens[2].says("("):
        values, commas = tokens[3:-1:2], tokens[4:-1:2]
        separated = all(token.says(",") for token in commas) and len(values) == len(commas) + 1
        if separated and tokens[-1].says(")") and all(token.kind == "string" for token in values):
            return ColumnType("enum", values=tuple(token.value for token in values))
    return None


def affinity(declared: str) -> Affinity:
    """Say how SQLite converts what is stored in a column so declared; its own rules, in its own order."""
    written = declared.upper()
    if "INT" in written:
        return "integer"
    if any(part in written for part in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in written or not written:
        return "blob"
    return "real" if any(part in written for part in ("REAL", "FLOA", "DOUB")) else "numeric"


_BARE = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
#: the numbers that a text column turns into exactly these characters
_SAME_AS_TEXT = re.compile(r"(0|-?[1-9][0-9]{0,17})\Z")
_CLOCKS = ("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")


def write_default(default: Default, affinity: Affinity) -> str:
    """Write what follows the word DEFAULT."""
    if not default.is_expression:
        bare = affinity in ("integer", "real", "numeric") and _BARE.match(default.text)
        return default.text if bare else quote_text(default.text)
    return default.text.upper() if default.text.upper() in _CLOCKS else f"({default.text})"


def read_default(written: str, affinity: Affinity) -> Default | None:
    """Read what follows the word DEFAULT; ``DEFAULT NULL`` is no default."""
    tokens = tokenize(written)
    enclosed = tokens[0].says("(")
    inner = tokens[1:-1] if enclosed else tokens
    value = inner[-1]
    negative = len(inner) == 2 and inner[0].says("-") and value.kind == "number"
    positive = len(inner) == 2 and inner[0].says("+") and value.kind == "number"
    if len(inner) == 1 or negative or positive:
        if value.kind == "string":
            return Default(value.value)
        if value.says("NULL"):
            return None
        if value.says(*_CLOCKS):
            return Default(value.value.lower(), is_expression=True)
        if value.kind in ("word", "name") and not enclosed and not value.says("TRUE", "FALSE"):
            return Default(value.value)  # SQLite takes a bare or double-quoted name here for a string
        number = "1" if value.says("TRUE") else "0" if value.says("FALSE") else value.value
        if value.kind == "number" or value.says("TRUE", "FALSE"):
            number = "-" + number if negative else number
            fits = {"text": _SAME_AS_TEXT, "blob": None}.get(affinity, _BARE)
            if fits is not None and fits.match(number):
                return Default(number)
    return Default(source(written, inner), is_expression=True)


def adapt_default(default: Default | None, affinity: Affinity) -> Default | None:
    """Bring a declared default to what ``read_default`` makes of it once it is written."""
    if default is None:
        return None
    written = write_default(default, affinity)
    try:
        return read_default(written, affinity)
    except (SyntaxTrouble, IndexError):
        return default  # nonsense stays nonsense, and SQLite will say so
