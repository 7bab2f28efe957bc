"""The connection settings for a tool, with the password in a private file, never on the command line."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import peewee as pw

from ...errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """A server's address and account for a client; ``flavor`` and ``version`` are the dialect's."""

    database: str
    user: str
    flavor: str
    version: tuple[int, ...]
    host: str = "localhost"
    port: int = 3306
    socket: str = ""
    certificate: str = ""
    password: str = field(default="", repr=False)


def target_of(database: pw.Database, flavor: str, version: tuple[int, ...]) -> ToolTarget:
    """Return the settings of an application's database. Raises ConfigurationError on SQLite, which no tool supports."""
    if not isinstance(database, pw.MySQLDatabase):
        raise ConfigurationError("--online is for MySQL and MariaDB; SQLite rebuilds a table by itself.")
    said = database.connect_params
    password = said.get("password") or said.get("passwd") or ""
    return ToolTarget(
        database=str(database.database),
        user=str(said.get("user") or ""),
        flavor=flavor,
        version=version,
        host=str(said.get("host") or "localhost"),
        port=int(said.get("port") or 3306),
        socket=str(said.get("unix_socket") or ""),
        certificate=str(said.get("ssl_ca") or ""),
        password=password.decode("utf-8", "surrogateescape") if isinstance(password, bytes) else str(password),
    )


@contextlib.contextmanager
def credentials(target: ToolTarget) -> Iterator[Path]:
    """Create a private option file (mode 0600) for the duration of the block."""
    handle, name = tempfile.mkstemp(prefix="wch-", suffix=".cnf")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            lines = {"user": target.user, "password": target.password, "ssl-ca": target.certificate}
            file.write("[client]\n")
            file.writelines(f"{key}={_quoted(value)}\n" for key, value in lines.items() if value)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
