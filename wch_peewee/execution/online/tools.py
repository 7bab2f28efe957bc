"""pt-online-schema-change: its command line, and its option file with the password, which is nowhere else."""

import contextlib
import hashlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import peewee as pw

from ...errors import ConfigurationError
from ..leftovers import OWN_COPY, PT_OSC


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """A server's address and account for a client; ``flavor`` and ``version`` are the dialect's.

    ``tls`` are the lines of an option file without which a client's connection would ask for less than ours.
    """

    database: str
    user: str
    flavor: str
    version: tuple[int, ...]
    host: str = "localhost"
    port: int = 3306
    socket: str = ""
    password: str = field(default="", repr=False)
    tls: Mapping[str, str] = field(default_factory=dict)


def demands_tls(database: pw.Database) -> bool:
    """Return True if PyMySQL would refuse to speak in plain text. Raises ConfigurationError for an SSLContext."""
    said = database.connect_params
    if isinstance(said.get("ssl"), ssl.SSLContext):
        raise ConfigurationError("An SSLContext cannot be handed to an online tool; use ssl_ca, ssl_cert and ssl_key.")
    names = ("ssl", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity")
    return not said.get("ssl_disabled") and any(said.get(name) for name in names)


def tool_target(
    database: pw.Database, flavor: str, version: tuple[int, ...], certificate: bytes | None = None
) -> ToolTarget:
    """Return the settings of an application's database. Raises ConfigurationError on SQLite, which no tool supports.

    ``certificate`` is the server's, in DER, as our own connection has accepted it.
    """
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
        password=password.decode("utf-8", "surrogateescape") if isinstance(password, bytes) else str(password),
        tls=_tls(said, certificate) if demands_tls(database) else {},
    )


def _tls(said: Mapping[str, Any], certificate: bytes | None) -> dict[str, str]:
    """Return the lines that tie a client to the certificate that we have accepted.

    Of MariaDB's client library only ssl-fp and ssl-verify-server-cert insist on TLS: ssl-enforce and ssl-ca are content
    with plain text if the server, or somebody between, offers no TLS. MySQL's knows ssl-mode.
    """
    own = said.get("ssl")
    files = own if isinstance(own, dict) else {}
    lines = {f"ssl-{name}": str(said.get(f"ssl_{name}") or files.get(name) or "") for name in ("ca", "cert", "key")}
    lines["ssl-mode"] = "VERIFY_IDENTITY" if lines["ssl-ca"] else "REQUIRED"
    lines["ssl-fp"] = hashlib.sha1(certificate or b"").hexdigest()
    return lines


@contextlib.contextmanager
def option_file(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the path of a private option file (mode 0600) and the descriptors that a child needs to open it.

    On Linux the file is in memory alone, and is gone with the processes that have it open. Elsewhere it is removed at
    the end of the block.
    """
    data = text.encode("utf-8", "surrogateescape")
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("wch"), "wb", buffering=0) as file:
            os.fchmod(file.fileno(), 0o600)  # a client ignores what others may write
            file.write(data)
            yield f"/proc/self/fd/{file.fileno()}", (file.fileno(),)
        return
    with tempfile.NamedTemporaryFile("wb", buffering=0, prefix="wch-", suffix=".cnf") as named:
        named.write(data)
        yield named.name, ()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


#: A line of the tool's output that reports progress.
_PROGRESS = re.compile(r"^Copying .*?:\s+(\d+)% ")


def command(target: ToolTarget, table: str, clauses: str, file: str) -> list[str]:
    """Return the command line of pt-online-schema-change that makes the change ``clauses`` to ``table``.

    Measured with 3.2.1 on MariaDB 10.11, 11.8 and MySQL 9.7. The port must be in the DSN. MySQL 9 explains queries as a
    tree by default, from which the tool reads no row counts and copies everything in one statement. With
    foreign_key_checks off the keys of other tables are restored without checking each row.
    """
    variables = ["lock_wait_timeout=1", "foreign_key_checks=0"]
    if target.flavor == "mysql" and target.version >= (8, 0, 32):
        variables.append("explain_format=TRADITIONAL")
    where = {"F": file, "D": target.database, "t": table, "A": "utf8mb4"}
    where |= {"S": target.socket} if target.socket else {"h": target.host, "P": str(target.port)}
    return [
        PT_OSC,
        "--execute",
        "--no-version-check",
        "--recursion-method=none",
        "--alter-foreign-keys-method=rebuild_constraints",
        f"--new-table-name=_%T{OWN_COPY}",
        "--set-vars=" + ",".join(variables),
        "--progress=time,1",
        f"--alter={clauses}",
        ",".join(f"{key}={_escaped(value)}" for key, value in where.items()),
    ]


def copy_name(table: str) -> str:
    """Return the name of the table that the tool makes beside ``table``."""
    return f"_{table}{OWN_COPY}"


def options(target: ToolTarget) -> str:
    """Return the text of the tool's option file."""
    lines = {"user": target.user, "password": target.password, **target.tls}
    return "[client]\n" + "".join(f"{key}={_quoted(value)}\n" for key, value in lines.items() if value)


def percent(line: str) -> int | None:
    """Return the progress from a line of the tool's output."""
    match = _PROGRESS.match(line)
    return int(match[1]) if match else None


def _escaped(value: str) -> str:
    return value.replace(",", "\\,")
