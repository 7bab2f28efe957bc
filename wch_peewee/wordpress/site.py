"""A WordPress site as its wp-config.php describes it.

    site = read_site("/srv/www/site")
    site.target, site.prefix

Nothing is connected, and no PHP is run. Each property raises ConfigurationError when the file leaves it unknown, with
the construct, its line, and the setting that says it instead; whoever sets that never asks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..database.url import Target
from ..errors import ConfigurationError
from ..schema.naming import check_prefix
from .connection import SOCKETS, cannot, charset_of, target_of
from .find import Place, find_site
from .php.reader import REMOVE_DATA, Reading, read_config
from .php.values import Unknown, text, truth
from .php.variables import ABSENT


@dataclass(frozen=True, slots=True)
class Multisite:
    """A network's constants; None is what is not set, or not known."""

    enabled: bool | None
    subdomains: bool | None = None
    domain: str | None = None
    path: str | None = None
    site_id: int | None = None
    blog_id: int | None = None


@dataclass(frozen=True, slots=True)
class WordPressSite:
    """``path`` is WordPress's folder, ``config`` its wp-config.php. Two of them are equal when both agree in all."""

    path: Path
    config: Path
    reading: Reading = field(repr=False)
    sockets: tuple[str, ...] = field(default=SOCKETS, repr=False)

    def __str__(self) -> str:
        inside = self.config.parent == self.path
        return f"{self.path} ({self.config.name if inside else self.config})"

    @property
    def target(self) -> Target:
        """The database that PHP would open."""
        return target_of(self.reading, str(self.config), self.sockets)

    @property
    def prefix(self) -> str:
        """``$table_prefix``."""
        value = self.reading.table_prefix
        setting = "--prefix or WCH_TABLE_PREFIX"
        if value is ABSENT:
            raise ConfigurationError(f"$table_prefix is not set in {self.config}; set it there, or with {setting}.")
        written = text(value)
        if isinstance(written, Unknown):
            raise cannot("$table_prefix", str(self.config), written, setting)
        return check_prefix(written.decode("utf-8", "replace"))

    @property
    def remove_data(self) -> bool:
        """Whether WCH_REMOVE_DATA is PHP's ``true``; not known is no. Raises when it is set, but to something else."""
        value = self.reading.constants[REMOVE_DATA]
        if value is ABSENT or isinstance(value, Unknown):
            return False
        if value is not True and truth(value) is True:
            raise ConfigurationError(
                f"WCH_REMOVE_DATA in {self.config} is set, but not to true; write define('WCH_REMOVE_DATA', true) or "
                "set WCH_REMOVE_DATA in the environment. Nothing is removed."
            )
        return value is True

    @property
    def remove_data_is_set(self) -> bool:
        """Whether the file says anything about WCH_REMOVE_DATA that can be known."""
        value = self.reading.constants[REMOVE_DATA]
        return value is not ABSENT and not isinstance(value, Unknown)

    @property
    def remove_data_unknown(self) -> str:
        """Why WCH_REMOVE_DATA cannot be known; empty when it can."""
        value = self.reading.constants[REMOVE_DATA]
        return str(value) if isinstance(value, Unknown) else ""

    @property
    def charset(self) -> str | None:
        """The charset that WordPress uses, None when it is not known."""
        return charset_of(self.reading)[0]

    @property
    def collation(self) -> str | None:
        """The collation that WordPress makes tables with, as far as wp-config.php says it."""
        return charset_of(self.reading)[1]

    @property
    def multisite(self) -> Multisite:
        """Whether this is a network of sites, as WordPress's is_multisite() says, and where it lives."""
        found = self.reading.constants
        return Multisite(
            enabled=_is_multisite(found),
            subdomains=_flag(found["SUBDOMAIN_INSTALL"]),
            domain=_words(found["DOMAIN_CURRENT_SITE"]),
            path=_words(found["PATH_CURRENT_SITE"]),
            site_id=_number(found["SITE_ID_CURRENT_SITE"]),
            blog_id=_number(found["BLOG_ID_CURRENT_SITE"]),
        )

    @property
    def content(self) -> Path | None:
        """The folder ``wp-content``, None when it is not known."""
        value = self.reading.constants["WP_CONTENT_DIR"]
        if value is ABSENT:
            return self.path / "wp-content"
        return Path(os.fsdecode(value)) if isinstance(value, bytes) else None

    @property
    def own_database_layer(self) -> bool:
        """Whether wp-content/db.php takes WordPress's place in connecting; then DB_HOST may mean nothing."""
        return self.content is not None and (self.content / "db.php").is_file()


def read_site(
    path: Path | str | Place, environment: Mapping[str, str] | None = None, sockets: Sequence[str] = SOCKETS
) -> WordPressSite:
    """Find the site and read its wp-config.php; ``environment`` is what getenv() sees, this process's without one.

    Raises ConfigurationError when there is no site, or no parser for PHP.
    """
    place = path if isinstance(path, Place) else find_site(path)
    variables = os.environ if environment is None else environment
    reading = read_config(place.config, place.abspath, variables)
    return WordPressSite(place.folder, place.config, reading, tuple(sockets))


def _is_multisite(found: Mapping[str, Any]) -> bool | None:
    if found["MULTISITE"] is not ABSENT:
        return _flag(found["MULTISITE"])
    others = [found[name] for name in ("SUBDOMAIN_INSTALL", "VHOST", "SUNRISE")]
    if any(value is not ABSENT and not isinstance(value, Unknown) for value in others):
        return True
    return None if any(isinstance(value, Unknown) for value in others) else False


def _flag(value: Any) -> bool | None:
    answer = None if value is ABSENT else truth(value)
    return None if isinstance(answer, Unknown) else answer


def _words(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
