"""Settings: what is given, else the environment, else a WordPress site's wp-config.php, else the defaults.

The environment is ``WCH_DATABASE_URL``, ``WCH_TABLE_PREFIX``, ``WCH_WORDPRESS`` and ``WCH_REMOVE_DATA``. Explicit
values always win; the readers here only fill what was not given, and of wp-config.php only what is still missing has
to be known. WCH_REMOVE_DATA is read where something is about to be removed, and nowhere else.

    settings = Settings.gather(database="sqlite:///wch.db")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .database.url import Target, parse_url
from .errors import ConfigurationError
from .schema.naming import DEFAULT_PREFIX, check_prefix

if TYPE_CHECKING:
    from .wordpress.site import WordPressSite

DEFAULT_URL = "sqlite:///wch.db"

#: Leave to remove data: yes or no, or who to ask when it comes to it; None leaves it to the environment.
Leave = bool | Callable[[], bool] | None

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the tables are, and how they are called; ``site`` is the WordPress site that was asked, if any."""

    target: Target
    prefix: str
    site: WordPressSite | None = None

    @property
    def remove_data(self) -> Leave:
        """Who to ask for leave to remove data."""
        return None if self.site is None else partial(remove_data_allowed, site=self.site)

    @classmethod
    def gather(
        cls,
        *,
        database: str | None = None,
        prefix: str | None = None,
        wordpress: Path | str | None = None,
        around: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """Take what is given, else the environment, else the WordPress site, else the defaults.

        ``wordpress`` is a site's folder or its wp-config.php; named here, it wins over the environment, too, but for
        what its file leaves unknown. Without one, and with no database named, the site that
        the folder ``around`` belongs to is taken. Raises ConfigurationError.
        """
        environment = os.environ if environment is None else environment
        url = environment.get("WCH_DATABASE_URL") or None
        site = _site(wordpress, around if database is None and url is None else None, environment)
        # A site that is named is as good as a database that is named.
        named = site if wordpress is not None else None
        return cls(
            target=parse_url(database) if database is not None else _target(url, site, named),
            prefix=check_prefix(prefix) if prefix is not None else _prefix(site, named, environment),
            site=site,
        )


def _site(wordpress: Path | str | None, around: Path | None, environment: Mapping[str, str]) -> WordPressSite | None:
    path = wordpress if wordpress is not None else environment.get("WCH_WORDPRESS") or None
    if path is None and around is None:
        return None
    from .wordpress.find import site_around
    from .wordpress.site import read_site

    if path is not None:
        return read_site(path, environment)
    place = site_around(around) if around is not None else None
    return None if place is None else read_site(place, environment)


def _target(url: str | None, site: WordPressSite | None, named: WordPressSite | None) -> Target:
    if named is not None:
        try:
            return named.target
        except ConfigurationError:
            if url is None:
                raise
    return site.target if url is None and site is not None else parse_url(DEFAULT_URL if url is None else url)


def _prefix(site: WordPressSite | None, named: WordPressSite | None, environment: Mapping[str, str]) -> str:
    if named is not None:
        try:
            return named.prefix
        except ConfigurationError:
            if "WCH_TABLE_PREFIX" not in environment:
                raise
    return table_prefix(environment) if site is None or "WCH_TABLE_PREFIX" in environment else site.prefix


def table_prefix(environment: Mapping[str, str] | None = None) -> str:
    """Read ``WCH_TABLE_PREFIX``; set but empty is the empty prefix."""
    environment = os.environ if environment is None else environment
    return check_prefix(environment.get("WCH_TABLE_PREFIX", DEFAULT_PREFIX))


def remove_data_allowed(environment: Mapping[str, str] | None = None, site: WordPressSite | None = None) -> bool:
    """Read ``WCH_REMOVE_DATA``; anything but a plain yes or no is an error, and nothing is removed.

    What the ``site``'s wp-config.php says wins over the environment, and there only PHP's ``true`` is yes. Where it
    says nothing, or what it says cannot be known, the environment decides.
    """
    environment = os.environ if environment is None else environment
    if site is not None and site.remove_data_is_set:
        return site.remove_data
    value = environment.get("WCH_REMOVE_DATA", "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ConfigurationError(f"WCH_REMOVE_DATA is {value!r}; expected true or false. Nothing is removed.")


def leave_to_remove(given: Leave) -> bool:
    """Whether removing is allowed: as given, or as whoever was named says, or as the environment does."""
    if given is None:
        return remove_data_allowed()
    return given() if callable(given) else given
