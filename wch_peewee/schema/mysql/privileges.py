"""What an account may do in the current database, read from SHOW GRANTS.

A grant that cannot be read for sure (an active role on MySQL, rights on single tables) makes the answer
"unknown", which is never "not allowed".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .._part_statements_query import Query
from ..dialect import Rows

QUERIES = (Query("SELECT DATABASE(), CURRENT_ROLE()"), Query("SHOW GRANTS"))

#: What ALL PRIVILEGES on a database holds, as far as we ever ask.
EVERYTHING = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "TRIGGER"}
)

_LINE = re.compile(
    r"^(?P<verb>GRANT|REVOKE) (?P<rights>.+?) ON "
    r"(?P<database>\*|`(?:[^`]|``)*`)\.(?P<object>\*|`(?:[^`]|``)*`) (?:TO|FROM) "
)


def read(answers: Sequence[Rows]) -> frozenset[str] | None:
    (database, role), grants = answers[0][0], answers[1]
    held: set[str] = set()
    uncertain = role not in (None, "NONE", "")
    for (line,) in grants:
        match = _LINE.match(str(line))
        if match is None or not _covers(match["database"], str(database)):
            continue
        if match["object"] != "*":
            uncertain = True
            continue
        rights = {right.strip() for right in match["rights"].split(",")} - {"USAGE"}  # the word for nothing
        if "ALL PRIVILEGES" in rights or "ALL" in rights:
            rights = set(EVERYTHING)
        held = held - rights if match["verb"] == "REVOKE" else held | rights
    if uncertain and not held >= EVERYTHING:
        return None
    return frozenset(held)


def _covers(pattern: str, database: str) -> bool:
    """Match a grant's database, in which ``_`` and ``%`` are wildcards unless escaped."""
    if pattern == "*":
        return True
    text, regex, position = pattern[1:-1].replace("``", "`"), "", 0
    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            position += 1
            regex += re.escape(text[position])
        else:
            regex += {"_": ".", "%": ".*"}.get(character, re.escape(character))
        position += 1
    return re.fullmatch(regex, database, re.DOTALL) is not None
