"""Database URLs: ``sqlite:///wch.db``, ``sqlite:////srv/wch.db``, ``mysql://user:password@host:3306/name``."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import ConfigurationError

_FORMS = "expected sqlite:///file.db or mysql://user:password@host:3306/name"
_SCHEME = re.compile(r"[a-z]+(\+[a-z]+)?", re.ASCII)
_OPTIONS = ("unix_socket", "ssl", "ssl_ca", "connect_timeout")
#: urlsplit leaves some of these out without a word, and C's functions end a text at a NUL.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENCODING = "in a user or password write # as %23, / as %2F, ? as %3F, [ as %5B, ] as %5D, % as %25"


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
    if _CONTROL.search(url):
        raise ConfigurationError("The database URL contains a control character, such as a line break; remove it.")
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
            "The SQLite URL has no file name; expected sqlite:///file.db or sqlite:////absolute/file.db."
        )
    path, question, _ = rest[1:].partition("?")
    if question:
        raise ConfigurationError("A SQLite URL has no options; expected sqlite:///file.db.")
    path = _decoded(path)
    if "\0" in path:
        raise ConfigurationError("The SQLite URL contains %00, which no file name can contain.")
    return Target("sqlite", path=path)


def _decoded(text: str) -> str:
    # Bytes that are not UTF-8 stay what they are: by default unquote replaces them without a word.
    return unquote(text, errors="surrogateescape")


def _server(url: str) -> Target:
    # Where an @ follows, one of these characters is a part of the password, and was taken for the end of the host.
    authority, _, rest = re.sub("[/?#]", "\n", url.partition("://")[2], count=1).partition("\n")
    hint = f" ({_ENCODING})" if "@" in rest or "[" in authority.rpartition("@")[0] else ""
    try:
        parts = urlsplit(url)
        port = 3306 if parts.port is None else parts.port
    except ValueError:
        # Not "from error": its text may hold the password.
        raise ConfigurationError(f"The database URL's host or port cannot be read{hint}; {_FORMS}.") from None
    if port == 0:
        raise ConfigurationError(f"The database URL's port is 0{hint}; {_FORMS}.")
    name = _decoded(parts.path.lstrip("/"))
    if not name or "/" in name or "@" in parts.path:
        raise ConfigurationError(f"The database URL has no database name{hint}; {_FORMS}.")
    if parts.fragment:
        raise ConfigurationError(f"The database URL contains a '#' ({_ENCODING}).")
    try:
        options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ConfigurationError(f"The database URL's options cannot be read; known: {', '.join(_OPTIONS)}.") from None
    unknown = [key for key, _ in options if key not in _OPTIONS]
    if unknown:
        shown = hint or f": {', '.join(unknown)}"
        raise ConfigurationError(f"The database URL has unknown options{shown}; known: {', '.join(_OPTIONS)}.")
    return Target(
        "mysql",
        host=parts.hostname or "localhost",
        port=port,
        user=_decoded(parts.username or ""),
        password=_decoded(parts.password or ""),
        name=name,
        options=options,
    )
