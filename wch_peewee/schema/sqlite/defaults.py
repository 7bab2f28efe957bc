"""Read and write a column's DEFAULT, and bring a declared one to the form that comes back.

A number in a numeric column stands bare, every other literal is a string, and what is neither is an
expression in parentheses. Whether a value fits its column is not judged.

    write_default(Default("pending"), "text") == "'pending'"
"""

from __future__ import annotations

import re

from ..objects import Default
from .tokens import SyntaxTrouble, source, tokenize
from .types import Affinity, quote_text

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
