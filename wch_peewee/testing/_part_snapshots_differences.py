"""Say in words how one snapshot differs from another: missing tables, changed lines of a definition, changed rows.

print(differences(expected, found) or "alike")
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator

from .snapshots import Snapshot, TableState

#: More rows than that say no more.
_ROWS = 3
_WIDTH = 200


def differences(expected: Snapshot, found: Snapshot) -> str:
    """Return one line or more for each difference; empty when they are alike."""
    return "\n".join(_all(expected, found))


def _all(expected: Snapshot, found: Snapshot) -> Iterator[str]:
    if expected.history != found.history:
        yield f"the history is {_list(found.history)} and should be {_list(expected.history)}"
    if expected.version != found.version:
        yield f"the version is {found.version} and should be {expected.version}"
    for name in sorted(expected.tables.keys() | found.tables.keys()):
        if name not in found.tables:
            yield f"{name} is not there"
        elif name not in expected.tables:
            yield f"{name} is there and should not be"
        else:
            yield from _table(name, expected.tables[name], found.tables[name])


def _table(name: str, expected: TableState, found: TableState) -> Iterator[str]:
    if expected.definition != found.definition:
        yield f"{name} has another definition (- expected, + found):"
        pair = difflib.unified_diff(_lines(expected.definition), _lines(found.definition), n=0, lineterm="")
        yield from (_cut(line) for line in pair if not line.startswith(("---", "+++", "@@")))
    if (expected.columns, expected.rows) != (found.columns, found.rows):
        yield f"{name} has other rows, {len(found.rows)} where {len(expected.rows)} are expected (- expected, + found):"
        # By repr: rows can hold what has no hash.
        was, now = Counter(map(repr, expected.rows)), Counter(map(repr, found.rows))
        yield from _some("-", was - now)
        yield from _some("+", now - was)


def _some(sign: str, rows: Counter[str]) -> Iterator[str]:
    several = sorted(rows.elements())
    yield from (_cut(f"{sign} {row}") for row in several[:_ROWS])
    if len(several) > _ROWS:
        yield f"{sign} ... and {len(several) - _ROWS} more"


def _lines(definition: str) -> list[str]:
    """SQLite prints a table as it was written, often in one line; a comma then begins a new one."""
    return [line.strip().rstrip(",") for line in re.sub(r",\s*(?=[\"`'\w]+ )", ",\n", definition).splitlines()]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "empty"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."
