"""What MySQL and MariaDB of every version have in common, and admin_init needs.

MySQLWords().quote("wp_options")
"""

from __future__ import annotations

from collections.abc import Sequence

from ..dialect import Failure, Words
from ..statements import Query

_DEADLOCK = 1213

_MEANINGS: dict[Failure, frozenset[int]] = {
    # lock wait timeout, deadlock, user-level lock deadlock
    "waiting": frozenset({1205, _DEADLOCK, 3058}),
    # table, column, index, foreign key (errno 121 is told apart below), duplicate FK, duplicate check
    "exists": frozenset({1050, 1060, 1061, 1826, 3822}),
    "missing": frozenset({1051, 1146}),
    "lost": frozenset({0, 1053, 1927, 2006, 2013, 2055}),
    "denied": frozenset({1044, 1045, 1142, 1143, 1227, 1370}),
    # not supported, not supported for a reason, too many row versions (MySQL)
    "dearer": frozenset({1845, 1846, 4092}),
    "orphans": frozenset({1452}),
}


def error_meaning(arguments: Sequence[object]) -> Failure:
    number = arguments[0] if arguments else None
    if number == 1005 and "errno: 121" in str(arguments[-1]):
        return "exists"
    for word, numbers in _MEANINGS.items():
        if number in numbers:
            return word
    return "other"


def is_deadlock(arguments: Sequence[object]) -> bool:
    """Also what Galera calls it when a change of the schema comes in from another node and a read is in its way."""
    return bool(arguments) and arguments[0] == _DEADLOCK


def name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def per_table(select: str, names: Sequence[str]) -> Query:
    """Ask ``select`` of each table by itself, in one round trip.

    On MariaDB a join condition or an IN list makes the server open every table of the database, or of all databases.
    """
    params = [name for name in names for _ in range(select.count("%s"))]
    return Query(" UNION ALL ".join([select] * len(names)), tuple(params))


class MySQLWords(Words):
    """MySQL or MariaDB."""

    placeholder = "%s"

    def quote(self, name_: str) -> str:
        return name(name_)

    def presence(self, names: Sequence[str]) -> Query:
        return per_table(
            "SELECT %s AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s", names
        )

    def failure(self, arguments: Sequence[object]) -> Failure:
        return error_meaning(arguments)

    def is_broken_off(self, arguments: Sequence[object]) -> bool:
        return is_deadlock(arguments)

    def escape(self, sql: str) -> str:
        # PyMySQL formats with % as soon as it is handed parameters, even none.
        return sql.replace("%", "%%")
