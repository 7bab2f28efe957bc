"""What SQLite of every version has in common, and admin_init needs.

SQLiteWords().quote("wp_options")
"""

from __future__ import annotations

from collections.abc import Sequence

from .._part_statements_query import Query
from ..words import Failure, Words
from . import errors as sqlite_errors


def quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class SQLiteWords(Words):
    """SQLite."""

    placeholder = "?"

    def quote(self, name: str) -> str:
        return quote_name(name)

    def presence(self, names: Sequence[str]) -> Query:
        """Ask for the names as they were given, however the file spells them."""
        asked = " UNION ALL ".join("SELECT ? AS name" for _ in names) or "SELECT NULL AS name"
        return Query(
            f"SELECT asked.name FROM ({asked}) AS asked WHERE EXISTS (SELECT 1 FROM sqlite_master AS there "
            "WHERE there.type IN ('table', 'view') AND there.name = asked.name COLLATE NOCASE)",
            tuple(names),
        )

    def failure(self, arguments: Sequence[object]) -> Failure:
        return sqlite_errors.meaning(arguments)

    def is_broken_off(self, arguments: Sequence[object]) -> bool:
        return False

    def wire(self, sql: str) -> str:
        return sql
