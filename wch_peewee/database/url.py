"""Database URLs: ``sqlite:///wch.db``, ``sqlite:////srv/wch.db``, ``mysql://user:password@host:3306/name``."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import ConfigurationError

_FORMS = "expected sqlite:///file.db or mysql://user:password@host:3306/name"
_SCHEME = re.compile(r"[a-z]+(\+[a-z]+)?", re.ASCII)
_OPTIONS = ("unix_socket", "ssl", "ssl_ca", "connect_timeout")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a database is. ``path`` is for SQLite, the rest for servers. ``str()`` and repr hide the password."""

    scheme: str
    path: str = ""
    host: str = ""
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if self.scheme == "sqlite":
            return f"sqlite:///{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        options = "&".join(f"{key}={value}" for key, value in self.options)
        return f"{self.scheme}://{user}{host}:{self.port}/{self.name}" + (f"?{options}" if options else "")


def parse_url(url: str) -> Target:
    """Parse a URL. Raises ConfigurationError, which never repeats the URL, because it may hold a password.

    ``mariadb://`` is the same as ``mysql://``. ``?unix_socket=/run/mysqld.sock`` replaces host and port, ``?ssl=1``
    requires TLS.
    """
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise ConfigurationError(f"The database URL has no scheme; {_FORMS}.")
    if scheme == "sqlite":
        return _sqlite(rest)
    if scheme in ("mysql", "mariadb", "mysql+pymysql"):
        return _server(url)
    if not _SCHEME.fullmatch(scheme):  # a URL that lost its scheme may begin with a password
        raise ConfigurationError(f"The database URL's scheme cannot be read; {_FORMS}.")
    raise ConfigurationError(f"The database URL begins with {scheme!r}; {_FORMS}.")


def _sqlite(rest: str) -> Target:
    if not rest.startswith("/") or rest == "/":
        raise ConfigurationError(
            "The SQLite URL names no file; expected sqlite:///file.db or sqlite:////absolute/file.db."
        )
    path, question, _ = rest[1:].partition("?")
    if question:
        raise ConfigurationError("A SQLite URL takes no options; expected sqlite:///file.db.")
    return Target("sqlite", path=unquote(path))


def _server(url: str) -> Target:
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError as error:
        raise ConfigurationError(f"The database URL's host or port cannot be read; {_FORMS}.") from error
    name = unquote(parts.path.lstrip("/"))
    # With an @ it is the rest of a password that holds an unescaped slash.
    if not name or "/" in name or "@" in name:
        raise ConfigurationError(f"The database URL names no database; {_FORMS}.")
    if parts.fragment:
        raise ConfigurationError("The database URL holds a '#'; write it as %23 in a password.")
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    unknown = [key for key, _ in options if key not in _OPTIONS]
    if unknown:
        raise ConfigurationError(
            f"The database URL has unknown options: {', '.join(unknown)}; known: {', '.join(_OPTIONS)}."
        )
    return Target(
        "mysql",
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=name,
        options=options,
    )
