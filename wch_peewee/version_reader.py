"""Read the stored version on the application's own connection: one SELECT, nothing before it and nothing after.

VersionReader(database, "wp_").read()
"""

from __future__ import annotations

import contextlib

import peewee as pw

from .database import connect, database_error, describe
from .server import assumed_dialect
from .wordpress.options import VERSION_OPTION, read_option


class VersionReader:
    """Knows how to ask, so that asking costs the one SELECT."""

    def __init__(self, database: pw.Database, prefix: str) -> None:
        self._database = database
        self._prefix = prefix
        self._dialect = assumed_dialect(database)

    def read(self) -> str | None:
        """Return the stored version, None when there is none.

        A connection that the server has closed meanwhile is opened anew, unless it is in a transaction,
        which is the application's to lose. Raises DatabaseUnavailable.
        """
        if self._database.is_closed():
            connect(self._database)
        try:
            return self._ask()
        except pw.PeeweeException as error:
            meaning = self._dialect.failure(error.args)
            if meaning != "lost" or self._database.in_transaction():
                raise database_error(describe(self._database), meaning, error) from error
        with contextlib.suppress(pw.PeeweeException):
            self._database.close()
        connect(self._database)
        return self._ask()

    def _ask(self) -> str | None:
        return read_option(self._database, self._dialect, self._prefix, VERSION_OPTION)
