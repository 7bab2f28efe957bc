"""The common part of every version of SQLite, which is all that ``admin_init`` needs."""

import re
from collections.abc import Sequence

from ..base import BaseDialect, Failure, Query

_FAILURES: tuple[tuple[Failure, re.Pattern[str]], ...] = (
    ("waiting", re.compile(r"database (table |schema )?is locked")),
    # Not for indexes or a rebuild's table: if their names are taken, a retry finds them taken again.
    ("exists", re.compile(r"table (?!.*__rebuild\"? already).* already exists\Z|duplicate column name: ", re.DOTALL)),
    ("missing", re.compile(r"no such table: ")),
    # FileDatabase says these.
    ("lost", re.compile(r"the file has been deleted or replaced|the connection belongs to the process")),
    (
        "damaged",
        re.compile(
            r"database disk image is malformed|malformed database schema|database corruption|unsupported file format|"
            r"file is (encrypted or is )?not a database|Could not decode to UTF-8 column"
        ),
    ),
    ("denied", re.compile(r"attempt to write a readonly database|unable to open database file|not authorized")),
    ("orphans", re.compile(r"FOREIGN KEY constraint failed")),
)


def quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class SQLiteBase(BaseDialect):
    """SQLite."""

    placeholder = "?"
    text_length = "LENGTH"

    def quote(self, name: str) -> str:
        return quote_name(name)

    def literal(self, text: str) -> str:
        return quote_text(text)

    def presence(self, names: Sequence[str]) -> Query:
        """Return the query for the names as they are given here, however the file spells them."""
        asked = " UNION ALL ".join("SELECT ? AS name" for _ in names) or "SELECT NULL AS name"
        return Query(
            f"SELECT asked.name FROM ({asked}) AS asked WHERE EXISTS (SELECT 1 FROM sqlite_master AS there "
            "WHERE there.type IN ('table', 'view') AND there.name = asked.name COLLATE NOCASE)",
            tuple(names),
        )

    def failure(self, arguments: Sequence[object]) -> Failure:
        text = str(arguments[0]) if arguments else ""
        return next((failure for failure, pattern in _FAILURES if pattern.match(text)), "other")

    def is_aborted(self, arguments: Sequence[object]) -> bool:
        return False

    def escape(self, sql: str) -> str:
        return sql
