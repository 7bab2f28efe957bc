"""Settings from the environment: ``WCH_DATABASE_URL``, ``WCH_TABLE_PREFIX``, ``WCH_REMOVE_DATA``.

Explicit values always win; the reader here only fills what was not given. WCH_REMOVE_DATA is read where
something is about to be removed, and nowhere else.

    settings = Settings.gather(database="sqlite:///wch.db")
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ConfigurationError
from .naming import DEFAULT_PREFIX, check_prefix
from .url import Target, parse_url

DEFAULT_URL = "sqlite:///wch.db"

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the tables are, and how they are called."""

    target: Target
    prefix: str

    @classmethod
    def gather(
        cls,
        *,
        database: str | None = None,
        prefix: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """Take what is given, else the environment, else the defaults. Raises ConfigurationError."""
        environment = os.environ if environment is None else environment
        url = database if database is not None else environment.get("WCH_DATABASE_URL") or DEFAULT_URL
        return cls(
            target=parse_url(url),
            prefix=table_prefix(environment) if prefix is None else check_prefix(prefix),
        )


def table_prefix(environment: Mapping[str, str] | None = None) -> str:
    """Read ``WCH_TABLE_PREFIX``; set but empty is the empty prefix."""
    environment = os.environ if environment is None else environment
    return check_prefix(environment.get("WCH_TABLE_PREFIX", DEFAULT_PREFIX))


def remove_data_allowed(environment: Mapping[str, str] | None = None) -> bool:
    """Read ``WCH_REMOVE_DATA``; anything but a plain yes or no is an error, and nothing is removed."""
    environment = os.environ if environment is None else environment
    value = environment.get("WCH_REMOVE_DATA", "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ConfigurationError(f"WCH_REMOVE_DATA is {value!r}; expected true or false. Nothing is removed.")
