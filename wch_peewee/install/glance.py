"""What admin_init looks at, on the application's own connection: the stored version, and whether tables are there.

Nothing is sent before the one SELECT and nothing after it; the server is not even asked who it is.

    Glance(database, "wp_").version()
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import peewee as pw

from ..database.connect import connect, database_error, describe
from ..database.detect import words_of
from ..database.query import present_tables
from ..wordpress.options import VERSION_OPTION, ask_option, option_query


class Glance:
    """Knows how to ask, so that asking costs the one SELECT."""

    def __init__(self, database: pw.Database, prefix: str) -> None:
        self._database = database
        self._words = words_of(database)
        self._query = option_query(self._words, prefix, VERSION_OPTION)

    def version(self) -> str | None:
        """Return the stored version, None when there is none.

        A connection that the server has closed meanwhile is opened anew, unless it is in a transaction,
        which is the application's to lose. Raises DatabaseUnavailable.
        """
        if self._database.is_closed():
            connect(self._database)
        try:
            return self._ask()
        except pw.PeeweeException as error:
            meaning = self._words.failure(error.args)
            if meaning != "lost" or self._database.in_transaction():
                raise database_error(describe(self._database), meaning, error) from error
        with contextlib.suppress(pw.PeeweeException):
            self._database.close()
        connect(self._database)
        return self._ask()

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """Name those of the tables that are not there, in one query. Raises DatabaseUnavailable."""
        try:
            present = present_tables(self._database, self._words, names)
        except pw.PeeweeException as error:
            raise database_error(describe(self._database), self._words.failure(error.args), error) from error
        return tuple(name for name in names if name not in present)

    def _ask(self) -> str | None:
        return ask_option(self._database, self._words, self._query)
