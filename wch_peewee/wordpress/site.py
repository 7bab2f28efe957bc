"""A WordPress site as its wp-config.php describes it. Nothing is connected, and no PHP is run."""

import os
import re
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..database.url import Target
from ..errors import ConfigurationError
from ..models.namespace import WCH
from ..schema.naming import check_prefix
from .find import SiteLocation, find_site
from .php.reader import ConfigValues, read_config
from .php.values import ABSENT, Unknown, to_bool, to_string

DATABASE_SETTING = "--database or WCH_DATABASE_URL"
_REMEDY = f"correct it, or set {DATABASE_SETTING}"

#: The usual values of mysqli.default_socket in PHP's packages, in the order that they are tried.
SOCKETS = (
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "/run/mysql/mysql.sock",
    "/var/mysql/mysql.sock",
    "/opt/lampp/var/mysql/mysql.sock",
)

#: Collations that every server knows. Any other value of DB_COLLATE could make the connection fail.
_COLLATIONS = ("utf8mb4_unicode_520_ci", "utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin")

_CLIENT_SSL, _CLIENT_SSL_VERIFY = 2048, 1 << 30
_IPV6_HOST = re.compile(r"\[?([0-9a-fA-F:]+)(?:\]:([0-9]+))?")
_HOST_AND_PORT = re.compile(r"([^:/]*)(?::([0-9]+))?")


@dataclass(frozen=True, slots=True)
class WordPressSite:
    """A WordPress site: ``path`` is WordPress's folder, ``config`` its wp-config.php. Equal sites agree in everything.

    A property raises ConfigurationError if the file leaves its value unknown, with the construct, its line, and the
    setting to use instead; a value that is set elsewhere is never read.
    """

    path: Path
    config: Path
    values: ConfigValues = field(repr=False)
    #: The constant that allows data to be removed.
    removal: str = WCH.remove_data

    def __str__(self) -> str:
        inside = self.config.parent == self.path
        return f"{self.path} ({self.config.name if inside else self.config})"

    @property
    def target(self) -> Target:
        """The database that PHP would open."""
        name, user, password = self._required("DB_NAME"), self._required("DB_USER"), self._string("DB_PASSWORD")
        host = parse_db_host(self._string("DB_HOST"))
        options = self._tls() + self._collation()
        if host.name.lower() in ("", "localhost"):  # PHP takes a Unix socket then, and ignores the port
            socket = host.socket or self._default_socket()
            return Target("mysql", "", "localhost", 3306, user, password, name, (("unix_socket", socket), *options))
        if not 0 <= (host.port or 3306) <= 65535:
            raise ConfigurationError(f"DB_HOST in {self.config} has an invalid port: {host.port}; {_REMEDY}.")
        return Target("mysql", "", host.name, host.port or 3306, user, password, name, options)

    @property
    def prefix(self) -> str:
        """``$table_prefix``."""
        value = self.values.table_prefix
        setting = "--prefix or WCH_TABLE_PREFIX"
        if value is ABSENT:
            raise ConfigurationError(f"$table_prefix is not set in {self.config}; set it there, or with {setting}.")
        written = to_string(value)
        if isinstance(written, Unknown):
            raise self._unknown_value("$table_prefix", written, setting)
        return check_prefix(written.decode("utf-8", "replace"))

    @property
    def remove_data(self) -> bool | None:
        """True if the constant is PHP's ``true``; None if it is not set, or unknown. Raises if it is anything else."""
        value = self.values.constants[self.removal]
        if value is ABSENT or isinstance(value, Unknown):
            return None
        if value is not True and to_bool(value) is True:
            raise ConfigurationError(
                f"{self.removal} in {self.config} is set, but not to true; write define('{self.removal}', true) "
                "there. Nothing was removed."
            )
        return value is True

    @property
    def remove_data_unknown(self) -> str:
        """The reason why the constant cannot be known; empty if it can."""
        value = self.values.constants[self.removal]
        return str(value) if isinstance(value, Unknown) else ""

    @property
    def content(self) -> Path | None:
        """The folder ``wp-content``, or None if unknown."""
        value = self.values.constants["WP_CONTENT_DIR"]
        if value is ABSENT:
            return self.path / "wp-content"
        return Path(os.fsdecode(value)) if isinstance(value, bytes) else None

    @property
    def own_database_layer(self) -> bool:
        """True if wp-content/db.php replaces WordPress in connecting; then DB_HOST may mean nothing."""
        return self.content is not None and (self.content / "db.php").is_file()

    def _default_socket(self) -> str:
        for path in SOCKETS:
            try:
                if Path(path).is_socket():
                    return path
            except OSError:
                continue
        raise ConfigurationError(
            f"DB_HOST in {self.config} means a Unix socket, but none of the usual ones exists ({', '.join(SOCKETS)}); "
            f"set {DATABASE_SETTING} to mysql://user:password@localhost/name?unix_socket=/path/to/mysqld.sock, or to a "
            "host and port."
        )

    def _tls(self) -> tuple[tuple[str, str], ...]:
        flags: Any = self.values.constants["MYSQL_CLIENT_FLAGS"]
        if flags is ABSENT:
            return ()
        if isinstance(flags, Unknown):
            raise self._unknown_value("MYSQL_CLIENT_FLAGS", flags, DATABASE_SETTING)
        if not isinstance(flags, int):
            raise ConfigurationError(f"MYSQL_CLIENT_FLAGS in {self.config} is not an integer; {_REMEDY}.")
        if not flags & _CLIENT_SSL:
            return ()
        if not flags & _CLIENT_SSL_VERIFY:
            return (("ssl", "1"),)
        known = ssl.get_default_verify_paths()
        return (("ssl_ca", known.cafile or known.openssl_cafile),)

    def _collation(self) -> tuple[tuple[str, str], ...]:
        """Return the collation that WordPress determines, if it is one that every server knows."""
        written = [self.values.constants[name] for name in ("DB_CHARSET", "DB_COLLATE")]
        charset, collation = (b"" if value is ABSENT else to_string(value) for value in written)
        if isinstance(charset, Unknown) or isinstance(collation, Unknown):
            return ()
        found = collation.decode("utf-8", "replace").lower()
        found = found.replace("utf8_", "utf8mb4_", 1) if found.startswith("utf8_") else found
        found = "utf8mb4_unicode_520_ci" if found in ("", "utf8mb4_unicode_ci") else found
        is_utf8 = charset.lower() in (b"utf8", b"utf8mb3", b"utf8mb4")
        return (("collation", found),) if is_utf8 and found in _COLLATIONS else ()

    def _string(self, name: str) -> str:
        """Return a constant as PHP passes it to mysqli: a string, empty if not defined."""
        value = self.values.constants[name]
        found = b"" if value is ABSENT else to_string(value)
        if isinstance(found, Unknown):
            raise self._unknown_value(name, found, DATABASE_SETTING)
        try:
            shown = found.decode("utf-8")
        except UnicodeDecodeError:
            if name == "DB_PASSWORD":
                return found.decode("utf-8", "surrogateescape")
            raise ConfigurationError(f"{name} in {self.config} is not UTF-8; {_REMEDY}.") from None
        if "\0" in shown:
            raise ConfigurationError(f"{name} in {self.config} contains a NUL byte; {_REMEDY}.")
        return shown

    def _required(self, name: str) -> str:
        found = self._string(name)
        if not found:
            how = "not defined" if self.values.constants[name] is ABSENT else "empty"
            raise ConfigurationError(f"{name} is {how} in {self.config}; {_REMEDY}.")
        return found

    def _unknown_value(self, name: str, unknown: Unknown, setting: str) -> ConfigurationError:
        """Return the error for an unknown value: the construct, its line, and what to set instead."""
        where = f"{unknown.file or self.config}, line {unknown.line}" if unknown.line else self.config
        php = ", or let PHP evaluate the file with --php (WCH_PHP=php)" if shutil.which("php") else ""
        return ConfigurationError(
            f"Cannot determine {name} because of {where}: {unknown.what}; set it with {setting}{php}."
        )


def read_site(
    path: Path | str | SiteLocation,
    environment: Mapping[str, str],
    php: str | None = None,
    removal: str = WCH.remove_data,
) -> WordPressSite:
    """Return the site in a folder; ``environment`` is what getenv() sees.

    With ``php``, the path or name of PHP, that evaluates the file. Raises ConfigurationError if there is no site, no
    parser for PHP, or no such PHP.
    """
    location = path if isinstance(path, SiteLocation) else find_site(path)
    if php:
        from .php.interpreter import ask_php

        values = ask_php(php, location.config, location.abspath, environment, removal)
    else:
        values = read_config(location.config, location.abspath, environment, removal)
    return WordPressSite(location.folder, location.config, values, removal)


class Host(NamedTuple):
    """The host that PHP connects to; ``port`` and ``socket`` are None if DB_HOST has none."""

    name: str
    port: int | None = None
    socket: str | None = None


def parse_db_host(written: str) -> Host:
    """Parse DB_HOST as WordPress does. A value that it cannot parse is the host's name, unchanged."""
    rest, socket = written, None
    position = written.find(":/")
    if position >= 0:
        rest, socket = written[:position], written[position + 1 :]
    match = (_IPV6_HOST if rest.count(":") > 1 else _HOST_AND_PORT).match(rest)
    if match is None:
        return Host(written)
    # In PHP the strings "" and "0" are both empty.
    name = match[1] if match[1] != "0" else ""
    port = int(match[2]) if match[2] and match[2] != "0" else None
    return Host(name, port, socket)
