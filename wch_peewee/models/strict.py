"""Strict writes: sessions of the application's own neither cut a value nor store question marks for its characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import peewee

from ..errors import ConfigurationError
from .fields.base import TypedField

_STRICT = (
    "SET @wch_sql_mode = @@SESSION.sql_mode, "
    "SESSION sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_TRANS_TABLES')"
)
_AS_BEFORE = "SET SESSION sql_mode = @wch_sql_mode"
#: What a parameter matches that gives the session another charset than utf8mb4.
_OTHER_CHARSET = {
    "charset": r"(?!utf8mb4\Z)",
    "collation": r"(?!utf8mb4_)",
    "init_command": r".*\b(names|charset|character\s+set|character_set_\w+\s*=)\s*['\"]?(?!utf8mb4|default)\w",
}


@contextmanager
def strict(database: Any, values: Any) -> Iterator[None]:
    """Make the session strict for one write of ``values``, unless Python knows and has checked them all.

    Raises ConfigurationError on a connection whose charset cannot hold every character.
    """
    if not isinstance(database, peewee.MySQLDatabase):
        yield
        return
    parameters = database.connect_params
    for name, pattern in _OTHER_CHARSET.items():
        if (value := parameters.get(name)) and re.match(pattern, value, re.IGNORECASE | re.DOTALL):
            raise ConfigurationError(
                f"The database was made with {name}={value!r}, which cannot store every character, an emoji for "
                "example; create it with charset='utf8mb4'. Nothing was written."
            )
    known = isinstance(values, dict) and all(
        isinstance(getattr(field, "rel_field", field), TypedField) and not isinstance(value, peewee.Node)
        for field, value in values.items()
    )
    if known or "STRICT" in str(parameters.get("sql_mode")):
        yield
        return
    database.execute_sql(_STRICT)
    try:
        yield
    finally:
        with suppress(peewee.PeeweeException):  # lost, and its settings with it
            database.execute_sql(_AS_BEFORE)


class StrictUpdate(peewee.ModelUpdate):
    """peewee's UPDATE."""

    _update: Any

    def _execute(self, database: Any) -> Any:
        with strict(database, self._update):
            return super()._execute(database)  # type: ignore[misc]
