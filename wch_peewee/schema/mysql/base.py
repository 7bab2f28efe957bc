"""What MySQL and MariaDB of every version have in common, and admin_init needs.

MySQLWords().quote("wp_options")
"""

from __future__ import annotations

from collections.abc import Sequence

from .._part_statements_query import Query
from ..words import Failure, Words
from . import errors as mysql_errors


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
        return mysql_errors.meaning(arguments)

    def is_broken_off(self, arguments: Sequence[object]) -> bool:
        return mysql_errors.is_deadlock(arguments)

    def wire(self, sql: str) -> str:
        # PyMySQL formats with % as soon as it is handed parameters, even none.
        return sql.replace("%", "%%")
