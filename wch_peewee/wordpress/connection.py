"""From what wp-config.php says to the database that PHP would open."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..database.url import Target
from ..errors import ConfigurationError
from .host import parse_db_host
from .php.reader import Reading
from .php.values import Unknown, text
from .php.variables import ABSENT

#: Where PHP's packages have mysqli.default_socket, in the order that they are tried.
SOCKETS = (
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "/run/mysql/mysql.sock",
    "/var/mysql/mysql.sock",
    "/opt/lampp/var/mysql/mysql.sock",
)

_SSL, _VERIFY = 2048, 1 << 30
#: Collations that every server knows; another one that DB_COLLATE names could keep us from connecting at all.
_COLLATIONS = ("utf8mb4_unicode_520_ci", "utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin")

DATABASE_SETTING = "--database or WCH_DATABASE_URL"


def target_of(reading: Reading, config: str, sockets: Sequence[str] = SOCKETS) -> Target:
    """The database that PHP would open; raises ConfigurationError with the construct and the setting to use instead."""
    name, user = needed(reading, config, "DB_NAME"), needed(reading, config, "DB_USER")
    password = wanted(reading, config, "DB_PASSWORD")
    host = parse_db_host(wanted(reading, config, "DB_HOST"))
    options = _tls(reading, config) + _collation(reading)
    if host.is_local:
        socket = host.socket or _default_socket(config, sockets)
        return Target("mysql", "", "localhost", 3306, user, password, name, (("unix_socket", socket), *options))
    if not 0 <= (host.port or 3306) <= 65535:
        raise ConfigurationError(f"DB_HOST in {config} names port {host.port}, which is none; {_instead()}.")
    return Target("mysql", "", host.name, host.port or 3306, user, password, name, options)


def wanted(reading: Reading, config: str, name: str) -> str:
    """A constant as PHP hands it to mysqli: as a string, the empty one where it is not defined."""
    value = reading.constants[name]
    found = b"" if value is ABSENT else text(value)
    if isinstance(found, Unknown):
        raise cannot(name, config, found, DATABASE_SETTING)
    try:
        shown = found.decode("utf-8")
    except UnicodeDecodeError:
        if name == "DB_PASSWORD":
            return found.decode("utf-8", "surrogateescape")
        raise ConfigurationError(f"{name} in {config} is not UTF-8; {_instead()}.") from None
    if "\0" in shown:
        raise ConfigurationError(f"{name} in {config} holds a zero byte; {_instead()}.")
    return shown


def needed(reading: Reading, config: str, name: str) -> str:
    found = wanted(reading, config, name)
    if not found:
        how = "not defined" if reading.constants[name] is ABSENT else "empty"
        raise ConfigurationError(f"{name} is {how} in {config}; {_instead()}.")
    return found


def cannot(name: str, config: str, unknown: Unknown, setting: str) -> ConfigurationError:
    """The error for a value that is not known: the construct, where it stands, and what to set instead."""
    where = f"{unknown.file or config}, line {unknown.line}" if unknown.line else config
    return ConfigurationError(f"{name} cannot be known: {where}: {unknown.what}; set it with {setting}.")


def _instead() -> str:
    return f"correct it, or set {DATABASE_SETTING}"


def _default_socket(config: str, sockets: Sequence[str]) -> str:
    for path in sockets:
        try:
            if Path(path).is_socket():
                return path
        except OSError:
            continue
    raise ConfigurationError(
        f"DB_HOST in {config} means a Unix socket, and none of the usual ones is there ({', '.join(sockets)}); "
        "set --database or WCH_DATABASE_URL to mysql://user:password@localhost/name?unix_socket=/path/to/mysqld.sock, "
        "or to a host and port."
    )


def _tls(reading: Reading, config: str) -> tuple[tuple[str, str], ...]:
    flags: Any = reading.constants["MYSQL_CLIENT_FLAGS"]
    if flags is ABSENT:
        return ()
    if isinstance(flags, Unknown):
        raise cannot("MYSQL_CLIENT_FLAGS", config, flags, DATABASE_SETTING)
    if not isinstance(flags, int):
        raise ConfigurationError(f"MYSQL_CLIENT_FLAGS in {config} is no integer; {_instead()}.")
    if not flags & _SSL:
        return ()
    if not flags & _VERIFY:
        return (("ssl", "1"),)
    known = ssl.get_default_verify_paths()
    authorities = known.cafile or known.openssl_cafile
    if not Path(authorities).exists():
        raise ConfigurationError(
            f"MYSQL_CLIENT_FLAGS in {config} asks for a certificate that is checked, and this machine has no list of "
            f"authorities at {authorities}; set --database or WCH_DATABASE_URL with ?ssl_ca=FILE."
        )
    return (("ssl_ca", authorities),)


def charset_of(reading: Reading) -> tuple[str | None, str | None]:
    """Charset and collation as WordPress settles them; None for what is not known or not set."""
    charset, collation = (_word(reading.constants[name]) for name in ("DB_CHARSET", "DB_COLLATE"))
    if charset is None or collation is None:
        return charset, collation or None
    if charset in ("utf8", "utf8mb3"):
        charset = "utf8mb4"
    if charset == "utf8mb4":
        collation = collation.replace("utf8_", "utf8mb4_", 1) if collation.startswith("utf8_") else collation
        if collation in ("", "utf8mb4_unicode_ci"):
            collation = "utf8mb4_unicode_520_ci"
    return charset or None, collation or None


def _word(value: Any) -> str | None:
    found = b"" if value is ABSENT else text(value)
    return None if isinstance(found, Unknown) else found.decode("utf-8", "replace").lower()


def _collation(reading: Reading) -> tuple[tuple[str, str], ...]:
    charset, collation = charset_of(reading)
    return (("collation", collation),) if charset == "utf8mb4" and collation in _COLLATIONS else ()
