"""Read the stored version on the application's own connection: one SELECT, nothing before it and nothing after.

VersionReader(database, "wp_").read()
"""

from __future__ import annotations

import peewee as pw

from .database import connect
from .dialects.base import Dialect
from .dialects.mysql import MySQLDialect
from .dialects.sqlite import SQLiteDialect
from .wordpress.options import VERSION_OPTION, read_option


class VersionReader:
    """Remembers how to ask, so that asking costs the one SELECT. It leaves the connection as it was."""

    def __init__(self, database: pw.Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        # Which version of the engine it is does not matter for a SELECT, so nobody is asked.
        self._dialect: Dialect = (
            SQLiteDialect((3, 35)) if isinstance(database, pw.SqliteDatabase) else MySQLDialect("mysql", (8, 0, 13))
        )

    def read(self) -> str | None:
        """Return the stored version, None when there is none. Raises DatabaseUnavailable."""
        if self._database.is_closed():
            connect(self._database)
        return read_option(self._database, self._dialect, self._prefix, VERSION_OPTION)
