"""The settings: the database, the prefix and the permission to remove data, from arguments, environment or site."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .database.url import Target, parse_url
from .errors import ConfigurationError
from .models.namespace import WCH
from .schema.naming import DEFAULT_PREFIX, check_prefix

if TYPE_CHECKING:
    from .wordpress.site import WordPressSite

T = TypeVar("T")

DEFAULT_URL = "sqlite:///wch.db"

#: The environment variables that exist, beside those of the tests and benchmarks.
VARIABLES = (
    "WCH_DATABASE_URL", "WCH_TABLE_PREFIX", "WCH_WORDPRESS", "WCH_PHP", "WCH_REMOVE_DATA", "WCH_IGNORE", "WCH_DEBUG",
    "WCH_MODELS", "WCH_MIGRATIONS",
)  # fmt: skip
_DEVELOPERS_VARIABLES = re.compile(r"WCH_(?:(?:TEST|BENCHMARK|PEER)_\w+|PYTHON|EXAMPLES)")

#: May data be removed? Yes, no, a function that is called when it matters, or None for the namespace's constant.
RemovalPermission = bool | Callable[[], bool] | None

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """The database and the prefix of the tables; ``site`` is the WordPress site that was read, if any.

    ``needs_site`` is True if the database is the site's own, so that WordPress has to be installed there under this
    prefix. ``unclear`` says which variable of the environment may have been meant otherwise; empty if none.
    """

    target: Target
    prefix: str
    site: WordPressSite | None = None
    needs_site: bool = False
    ignore: tuple[str, ...] = ()
    unclear: str = field(default="", compare=False)

    @property
    def served_by(self) -> Path | None:
        """The folder of a WordPress site in which the SQLite file lies, or would lie; None elsewhere."""
        if self.target.scheme != "sqlite" or self.target.path == ":memory:":
            return None
        from .wordpress.find import served_folder

        try:
            return served_folder(Path(self.target.path))
        except (OSError, ValueError):  # a name that is not possible; connecting says why
            return None

    def check_for_writing(self) -> None:
        """Raise ConfigurationError if the environment is unclear, or if a new SQLite file would lie in a web site."""
        if self.unclear:
            raise ConfigurationError(f"{self.unclear} Nothing was changed.")
        if (served := self.served_by) is not None and not Path(self.target.path).exists():
            raise ConfigurationError(
                f"{self.target} would be a new file in {served}, from where a web server may serve it to everyone; "
                "name a file elsewhere, or the site's own database. Nothing was changed."
            )

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
        php: str | None = None,
        around: Path | None = None,
        environment: Mapping[str, str] | None = None,
        removal: str = WCH.remove_data,
    ) -> Settings:
        """Return the arguments' values, else the environment's, else the WordPress site's, else the defaults.

        The environment is WCH_DATABASE_URL, WCH_TABLE_PREFIX, WCH_WORDPRESS and WCH_PHP. ``wordpress`` is a site's
        folder or its wp-config.php; a site named here wins over the environment, except for values that its file leaves
        unknown. ``php`` is the PHP that evaluates the file; without it no PHP is run. Without a named site and a named
        database, the site that contains the folder ``around`` is used.
        ``removal`` is the constant that allows data to be removed.
        An empty or misspelt variable is ``unclear``, unless the arguments leave nothing to the environment.

        Raises ConfigurationError, and for wp-config.php only if a value that is still missing cannot be known.
        """
        environment = os.environ if environment is None else environment
        url = environment.get("WCH_DATABASE_URL") or None
        php = php or environment.get("WCH_PHP")
        site = _find_site(wordpress, around if database is None and url is None else None, environment, php, removal)
        site_first = wordpress is not None
        target, needs_site = _target(site, url, site_first) if database is None else (parse_url(database), False)
        return cls(
            target,
            prefix=_prefix(site, environment, site_first) if prefix is None else check_prefix(prefix),
            site=site,
            needs_site=needs_site,
            ignore=tuple(filter(None, map(str.strip, environment.get("WCH_IGNORE", "").splitlines()))),
            unclear="" if site_first else _unclear(environment, database, prefix),
        )


def _find_site(
    wordpress: Path | str | None, around: Path | None, environment: Mapping[str, str], php: str | None, removal: str
) -> WordPressSite | None:
    path = wordpress if wordpress is not None else environment.get("WCH_WORDPRESS") or None
    if path is None and around is None:
        return None
    from .wordpress.find import site_around
    from .wordpress.site import read_site

    place = path if path is not None or around is None else site_around(around)
    return None if place is None else read_site(place, environment, php=php, removal=removal)


def _target(site: WordPressSite | None, url: str | None, site_first: bool) -> tuple[Target, bool]:
    """Return the database, and whether it is the site's own."""
    if url is None:
        return (parse_url(DEFAULT_URL), False) if site is None else (site.target, True)
    known = _known(lambda: site.target) if site is not None and site_first else None
    return (parse_url(url), False) if known is None else (known, True)


def _unclear(environment: Mapping[str, str], database: str | None, prefix: str | None) -> str:
    """Return what an empty or misspelt variable may have been meant to say, or an empty text."""
    for name in ("WCH_DATABASE_URL", "WCH_WORDPRESS") if database is None else ():
        if name in environment:
            if environment[name]:
                break
            return f"{name} is set, but empty; give it a value, or unset it."
    if database is not None and prefix is not None:
        return ""
    for name in environment:
        if name.upper().startswith("WCH_") and name not in VARIABLES and not _DEVELOPERS_VARIABLES.fullmatch(name):
            from difflib import get_close_matches  # rarely needed

            meant = "".join(f"; did you mean {each}?" for each in get_close_matches(name.upper(), VARIABLES, 1))
            return f"Unknown variable {name}{meant or '.'} Known variables: {', '.join(VARIABLES)}."
    return ""


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


def remove_data_allowed(
    environment: Mapping[str, str] | None = None, site: WordPressSite | None = None, constant: str = WCH.remove_data
) -> bool:
    """Return the value of the site's constant in its wp-config.php, else of ``constant`` in the environment.

    In wp-config.php only PHP's ``true`` is yes; if the value there is not set or cannot be known, the environment
    decides. Raises ConfigurationError if the value is neither a plain yes nor a plain no.
    """
    environment = os.environ if environment is None else environment
    if site is not None and (said := site.remove_data) is not None:
        return said
    constant = constant if site is None else site.removal
    value = environment.get(constant, "").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ConfigurationError(f"{constant} is {value!r}; expected true or false. Nothing was removed.")


def is_removal_permitted(permission: RemovalPermission, constant: str) -> bool:
    """Return True if data may be removed. Raises ConfigurationError if an unclear ``constant`` decides."""
    if permission is None:
        return remove_data_allowed(constant=constant)
    return permission() if callable(permission) else permission
