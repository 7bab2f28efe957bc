"""SQLite's error messages, by what they mean for a run. The driver hands over nothing but the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..words import Failure

_MEANINGS: tuple[tuple[Failure, re.Pattern[str]], ...] = (
    ("waiting", re.compile(r"database (table |schema )?is locked")),
    # Not so for indexes and for a rebuild's table: whoever has those names will have them at the next look, too.
    ("exists", re.compile(r"table (?!.*__rebuild\"? already).* already exists\Z|duplicate column name: ", re.DOTALL)),
    ("missing", re.compile(r"no such table: ")),
    ("denied", re.compile(r"attempt to write a readonly database|unable to open database file|not authorized")),
    ("orphans", re.compile(r"FOREIGN KEY constraint failed")),
)


def meaning(arguments: Sequence[object]) -> Failure:
    text = str(arguments[0]) if arguments else ""
    return next((word for word, pattern in _MEANINGS if pattern.match(text)), "other")
