"""The common part of every version of SQLite, which is all that ``admin_init`` needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base import BaseDialect, Failure, Query

if TYPE_CHECKING:
    from ..objects import ColumnType

_FAILURES: tuple[tuple[Failure, re.Pattern[str]], ...] = (
    ("waiting", re.compile(r"database (table |schema )?is locked")),
    # Not for indexes or a rebuild's table: if their names are taken, a retry finds them taken again.
    ("exists", re.compile(r"table (?!.*__rebuild\"? already).* already exists\Z|duplicate column name: ", re.DOTALL)),
    ("missing", re.compile(r"no such table: ")),
    # FileDatabase says these.
    ("lost", re.compile(r"the file has been deleted or replaced|belongs to the parent process")),
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

#: cysqlite puts SQLite's message between the statement and the number.
_OF_CYSQLITE = re.compile(r"error [a-z ]+: \[.*\] (.*) \(code=\d+, ext=\d+\)", re.DOTALL)


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

    def byte_length(self, expression: str) -> str:
        return f"LENGTH(CAST({expression} AS BLOB))"

    def changes_as(self, expression: str, type_: ColumnType, *, as_text: bool) -> str:
        family = type_.family
        if family == "json":
            return f"{expression} IS NOT NULL AND NOT json_valid({expression})"
        if type_.name in ("date", "datetime", "time"):
            converted = f"{type_.name}({expression})"
        elif family in ("whole", "real"):
            converted = f"CAST({expression} AS {'INTEGER' if family == 'whole' else 'REAL'})"
        elif family == "decimal":
            number, scale = f"CAST({expression} AS NUMERIC)", type_.scale or 0
            limit = f"1{'0' * ((type_.size or 10) - scale)}.0"
            fits = f"ROUND({number}, {scale}) = {number} AND {number} > -{limit} AND {number} < {limit}"
            same = f"CAST({number} AS TEXT) = CAST({expression} AS TEXT)"
            return f"NOT ({fits} AND {same})"
        elif type_.name == "binary":
            return f"NOT (LENGTH({expression}) IS {type_.size} OR {expression} IS NULL)"
        else:
            return f"{expression} IS NOT NULL"
        return f"CAST({converted} AS TEXT) IS NOT CAST({expression} AS TEXT)"

    def presence(self, names: Sequence[str]) -> Query:
        """Return the query for the names as they are given here, however the file spells them."""
        asked = " UNION ALL ".join("SELECT ? AS name" for _ in names) or "SELECT NULL AS name"
        return Query(
            f"SELECT asked.name FROM ({asked}) AS asked WHERE EXISTS (SELECT 1 FROM sqlite_master AS there "
            "WHERE there.type IN ('table', 'view') AND there.name = asked.name COLLATE NOCASE)",
            tuple(names),
        )

    def failure(self, arguments: Sequence[object]) -> Failure:
        text = _OF_CYSQLITE.sub(r"\1", str(arguments[0])) if arguments else ""
        return next((failure for failure, pattern in _FAILURES if pattern.match(text)), "other")

    def is_aborted(self, arguments: Sequence[object]) -> bool:
        return False

    def escape(self, sql: str) -> str:
        return sql
