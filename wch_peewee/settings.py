"""The settings: the database, the prefix and the permission to remove data, from arguments, environment or site."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .database.url import Target, parse_url
from .errors import ConfigurationError
from .schema.naming import DEFAULT_PREFIX, check_prefix

if TYPE_CHECKING:
    from .wordpress.site import WordPressSite

T = TypeVar("T")

DEFAULT_URL = "sqlite:///wch.db"

#: May data be removed? Yes, no, a function that is called when it matters, or None for WCH_REMOVE_DATA.
RemovalPermission = bool | Callable[[], bool] | None

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """The database and the prefix of the tables; ``site`` is the WordPress site that was read, if any."""

    target: Target
    prefix: str
    site: WordPressSite | None = None

    @property
    def remove_data(self) -> RemovalPermission:
        """The permission to remove data: the site's, else None, which leaves it to the environment."""
        return None if self.site is None else lambda: remove_data_allowed(site=self.site)

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
        """Return the arguments' values, else the environment's, else the WordPress site's, else the defaults.

        The environment is WCH_DATABASE_URL, WCH_TABLE_PREFIX and WCH_WORDPRESS. ``wordpress`` is a site's folder or
        its wp-config.php; a site named here wins over the environment, except for values that its file leaves
        unknown. Without a named site and a named database, the site that contains the folder ``around`` is used.

        Raises ConfigurationError, and for wp-config.php only if a value that is still missing cannot be known.
        """
        environment = os.environ if environment is None else environment
        url = environment.get("WCH_DATABASE_URL") or None
        site = _find_site(wordpress, around if database is None and url is None else None, environment)
        site_first = wordpress is not None
        return cls(
            target=_target(site, url, site_first) if database is None else parse_url(database),
            prefix=_prefix(site, environment, site_first) if prefix is None else check_prefix(prefix),
            site=site,
        )


def _find_site(
    wordpress: Path | str | None, around: Path | None, environment: Mapping[str, str]
) -> WordPressSite | None:
    path = wordpress if wordpress is not None else environment.get("WCH_WORDPRESS") or None
    if path is None and around is None:
        return None
    from .wordpress.find import site_around
    from .wordpress.site import read_site

    if path is not None:
        return read_site(path, environment)
    place = site_around(around) if around is not None else None
    return None if place is None else read_site(place, environment)


def _target(site: WordPressSite | None, url: str | None, site_first: bool) -> Target:
    if url is None:
        return parse_url(DEFAULT_URL) if site is None else site.target
    known = _known(lambda: site.target) if site is not None and site_first else None
    return parse_url(url) if known is None else known


def _prefix(site: WordPressSite | None, environment: Mapping[str, str], site_first: bool) -> str:
    if "WCH_TABLE_PREFIX" not in environment:
        return DEFAULT_PREFIX if site is None else site.prefix
    known = _known(lambda: site.prefix) if site is not None and site_first else None
    return table_prefix(environment) if known is None else known


def _known(read: Callable[[], T]) -> T | None:
    """Return a value of wp-config.php, or None if the file leaves it unknown."""
    try:
        return read()
    except ConfigurationError:
        return None


def table_prefix(environment: Mapping[str, str] | None = None) -> str:
    """Return ``WCH_TABLE_PREFIX``, or the default if it is not set; set but empty is the empty prefix."""
    environment = os.environ if environment is None else environment
    return check_prefix(environment.get("WCH_TABLE_PREFIX", DEFAULT_PREFIX))


def remove_data_allowed(environment: Mapping[str, str] | None = None, site: WordPressSite | None = None) -> bool:
    """Return the value of ``WCH_REMOVE_DATA`` in the site's wp-config.php, else in the environment.

    In wp-config.php only PHP's ``true`` is yes; if the value there is not set or cannot be known, the environment
    decides. Raises ConfigurationError if the value is neither a plain yes nor a plain no.
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


def is_removal_permitted(permission: RemovalPermission) -> bool:
    """Return True if data may be removed. Raises ConfigurationError if an unclear WCH_REMOVE_DATA decides."""
    if permission is None:
        return remove_data_allowed()
    return permission() if callable(permission) else permission
