"""The common part of every version of MySQL and MariaDB, which is all that ``admin_init`` needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..base import BaseDialect, Failure, Query

if TYPE_CHECKING:
    from ..objects import ColumnType

_DEADLOCK = 1213

#: Too many connections: to the server, of one account, and beyond what an account may have.
CROWDED = frozenset({1040, 1203, 1226})

_FAILURES: dict[Failure, frozenset[int]] = {
    # lock wait timeout, deadlock, user-level lock deadlock, snapshot conflict (MariaDB)
    "waiting": CROWDED | {1020, 1205, _DEADLOCK, 3058},
    # table, column, index, duplicate foreign key, duplicate check; for 1005 see failure()
    "exists": frozenset({1050, 1060, 1061, 1826, 3822}),
    "missing": frozenset({1051, 1146}),
    "lost": frozenset({0, 1053, 1927, 2006, 2013, 2055}),
    # Galera's node is out of its cluster; a read-only mode; for 1290 see failure()
    "not here": frozenset({1047, 1836}),
    "denied": frozenset({1044, 1045, 1142, 1143, 1227, 1370}),
    # not supported, not supported for a reason, too many row versions (MySQL)
    "unsupported": frozenset({1845, 1846, 4092}),
    "orphans": frozenset({1452}),
    "referenced": frozenset({1217, 3776}),
}


def quote_name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def slots(values: Sequence[object]) -> str:
    """Return the parameters of an IN list."""
    return ", ".join(["%s"] * len(values))


def per_table(select: str, names: Sequence[str]) -> Query:
    """Return ``select`` for each table by itself, in one round trip.

    On MariaDB a join condition or an IN list makes the server open every table of the database, or of all databases.
    """
    params = [name for name in names for _ in range(select.count("%s"))]
    return Query(" UNION ALL ".join([select] * len(names)), tuple(params))


class MySQLBase(BaseDialect):
    """MySQL or MariaDB."""

    placeholder = "%s"
    text_length = "CHAR_LENGTH"

    def quote(self, name: str) -> str:
        return quote_name(name)

    def literal(self, text: str) -> str:
        return quote_text(text)

    def byte_length(self, expression: str) -> str:
        return f"LENGTH({expression})"

    def exactly(self, expression: str) -> str:
        return f"CAST(CONVERT({expression} USING utf8mb4) AS BINARY)"

    def changes_as(self, expression: str, was: ColumnType, now: ColumnType, *, as_text: bool) -> str:
        family = now.family
        if family == "json":
            return f"{expression} IS NOT NULL AND NOT JSON_VALID({expression})"
        if family == "text" and was.family == "real":
            return f"NOT (CAST(CAST({expression} AS CHAR) AS {was.name}) <=> {expression})"
        if now.name == "char":
            return f"{expression} LIKE '% '"
        if family == "whole":
            target = "UNSIGNED" if now.unsigned else "SIGNED"
        elif family in ("decimal", "date", "time", "moment") or now.name == "binary":
            target = str(replace(now, name="datetime" if family == "moment" else now.name, unsigned=False)).upper()
        elif family == "real":
            target = now.name
        else:
            return f"{expression} IS NOT NULL"
        converted = f"CAST({expression} AS {target})"
        if now.name == "float":  # otherwise a double beyond is an error
            converted = f"IF(ABS({expression}) < 3.4e38, {converted}, NULL)"
        elif now.name == "timestamp":
            seconds = f"UNIX_TIMESTAMP({converted})"
            converted = f"IF({seconds} BETWEEN 1 AND 2147483647.999999, FROM_UNIXTIME({seconds}), NULL)"
        if {was.family, family} == {"decimal", "real"}:
            # As they are shown: in a comparison the decimal would become a real, and a float is not 0.1 but nearly.
            sides = (f"CAST(CAST({value} AS CHAR) AS DECIMAL(65,30))" for value in (converted, expression))
            return f"NOT ({' <=> '.join(sides)})"
        if not as_text:
            return f"NOT ({converted} <=> {expression})"
        # By bytes: collations ignore the zeros that fill a BINARY, and bytes can be no text.
        pairs = ((converted, now), (expression, was))
        printed = (value if type_.family == "bytes" else f"CAST({value} AS CHAR)" for value, type_ in pairs)
        return f"NOT ({' <=> '.join(f'CAST({value} AS BINARY)' for value in printed)})"

    def presence(self, names: Sequence[str]) -> Query:
        return per_table(
            "SELECT %s AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s", names
        )

    def failure(self, arguments: Sequence[object]) -> Failure:
        number = arguments[0] if arguments else None
        # 1005 is a table that cannot be created, here because the name of its foreign key exists.
        if number == 1005 and "errno: 121" in str(arguments[-1]):
            return "exists"
        # 1290 is an option that forbids the statement; there are others than --read-only and --super-read-only.
        if number == 1290 and "read-only" in str(arguments[-1]):
            return "not here"
        # What the MySQL connector has no number for.
        if number == -1 and "Connection not available" in str(arguments[1]):
            return "lost"
        return next((failure for failure, numbers in _FAILURES.items() if number in numbers), "other")

    def is_aborted(self, arguments: Sequence[object]) -> bool:
        # Galera says the same when a schema change from another node conflicts with a read.
        return bool(arguments) and arguments[0] == _DEADLOCK

    def escape(self, sql: str) -> str:
        # PyMySQL formats with % whenever it gets parameters, even an empty tuple.
        return sql.replace("%", "%%")
