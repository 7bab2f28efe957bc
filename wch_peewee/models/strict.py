"""Strict writes: sessions of the application's own neither cut a value nor store question marks for its characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from typing import Any

import peewee

from ..errors import ConfigurationError
from .fields.base import TypedField

_STRICT = (
    "SET @wch_sql_mode = @@SESSION.sql_mode, "
    "SESSION sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_TRANS_TABLES')"
)
_AS_IT_IS = nullcontext()
_AS_BEFORE = "SET SESSION sql_mode = @wch_sql_mode"
#: What a parameter matches that gives the session another charset than utf8mb4.
_OTHER_CHARSET = {
    "charset": r"(?!utf8mb4\Z)",
    "collation": r"(?!utf8mb4_)",
    "init_command": r".*\b(names|charset|character\s+set|character_set_\w+\s*=)\s*['\"]?(?!utf8mb4|default)\w",
}


def strict(database: Any, values: Any) -> AbstractContextManager[None]:
    """Make the session strict for one write of ``values``, unless Python knows and has checked them all.

    Raises ConfigurationError on a connection whose charset cannot hold every character.
    """
    if not isinstance(database, peewee.MySQLDatabase):
        return _AS_IT_IS
    parameters = database.connect_params
    _check_charset(tuple([parameters.get(name) for name in _OTHER_CHARSET]))
    if "STRICT" in str(parameters.get("sql_mode")):
        return _AS_IT_IS
    known = isinstance(values, dict) and all(
        isinstance(getattr(field, "rel_field", field), TypedField) and not isinstance(value, peewee.Node)
        for field, value in values.items()
    )
    return _AS_IT_IS if known else _made_strict(database)


@cache
def _check_charset(values: tuple[str | None, ...]) -> None:
    for (name, pattern), value in zip(_OTHER_CHARSET.items(), values, strict=True):
        if value and re.match(pattern, value, re.IGNORECASE | re.DOTALL):
            raise ConfigurationError(
                f"The database was made with {name}={value!r}, which cannot store every character, an emoji for "
                "example; create it with charset='utf8mb4'. Nothing was written."
            )


@contextmanager
def _made_strict(database: Any) -> Iterator[None]:
    database.execute_sql(_STRICT)
    try:
        yield
    finally:
        with suppress(peewee.PeeweeException):  # lost, and its settings with it
            database.execute_sql(_AS_BEFORE)


class StrictUpdate(peewee.ModelUpdate):
    """peewee's UPDATE."""

    _update: Any

    def _execute(self: Any, database: Any) -> Any:
        with strict(database, self._update):
            return super()._execute(database)  # type: ignore[misc]
