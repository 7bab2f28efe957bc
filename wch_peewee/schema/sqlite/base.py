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


#: By family: SQLite's function, and the length of a value without its fraction of a second.
_CLOCKS = {"date": ("date", 10), "time": ("time", 8), "moment": ("datetime", 19)}


def as_stored(expression: str, was: ColumnType, now: ColumnType) -> str:
    """Return the expression for a value of another column as one of the type ``now`` has it: a moment is a text."""
    if (was.family, now.family) == ("moment", "date"):
        return f"SUBSTR({expression}, 1, 10)"
    if was == now or now.family not in ("time", "moment") or was.family not in (now.family, "date", "text"):
        return expression
    function, length = _CLOCKS[now.family]
    whole = f"({expression} || ' 00:00:00')" if was.family == "date" else expression
    fraction = f"CASE WHEN INSTR({whole}, '.') THEN '000000' ELSE '.000000' END"
    end = length + 1 + now.size if now.size else length
    cut = f"SUBSTR({whole} || {fraction}, 1, {end})"
    return f"CASE WHEN {_is_clock(function, whole, length)} THEN {cut} ELSE {expression} END"


def _is_clock(function: str, expression: str, length: int) -> str:
    return f"{function}(SUBSTR({expression}, 1, {length})) IS SUBSTR({expression}, 1, {length})"


def _changes_moment(expression: str, was: ColumnType, now: ColumnType) -> str:
    assert now.family is not None
    function, length = _CLOCKS[now.family]
    if (was.family, now.family) == ("date", "moment"):
        function, length = "date", 10
    end = length + 1 + now.size if now.size else length
    zeros = " :.0" if was.family == "moment" else ".0"
    same = f"{_is_clock(function, expression, length)} AND RTRIM(SUBSTR({expression}, {end + 1}), '{zeros}') = ''"
    if now.name == "timestamp":
        same += f" AND {expression} BETWEEN '1970-01-01 00:00:01' AND '2038-01-19 03:14:07.999999'"
    return f"NOT ({same})"


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

    def changes_as(self, expression: str, was: ColumnType, now: ColumnType, *, as_text: bool) -> str:
        family = now.family
        if family == "json":
            return f"{expression} IS NOT NULL AND NOT json_valid({expression})"
        if family == "text" and was.family == "real":
            return f"CAST(CAST({expression} AS TEXT) AS REAL) IS NOT {expression}"
        if now.name == "char":
            return f"{expression} LIKE '% '"
        if family in _CLOCKS:
            return _changes_moment(expression, was, now)
        if now.name == "float":  # with the digits that a server shows
            converted = f"CASE WHEN {expression} IS NOT NULL THEN CAST(PRINTF('%.6g', {expression}) AS REAL) END"
        elif family in ("whole", "real"):
            converted = f"CAST({expression} AS {'INTEGER' if family == 'whole' else 'REAL'})"
        elif family == "decimal":
            number, scale = f"CAST({expression} AS NUMERIC)", now.scale or 0
            limit = f"1{'0' * ((now.size or 10) - scale)}.0"
            fits = f"ROUND({number}, {scale}) = {number} AND {number} > -{limit} AND {number} < {limit}"
            same = f"CAST({number} AS TEXT) = CAST({expression} AS TEXT)"
            return f"NOT ({fits} AND {same})"
        elif now.name == "binary":
            return f"NOT (LENGTH({expression}) IS {now.size} OR {expression} IS NULL)"
        else:
            return f"{expression} IS NOT NULL"
        if as_text:
            return f"CAST({converted} AS TEXT) IS NOT CAST({expression} AS TEXT)"
        return f"({converted}) IS NOT {expression}"

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
