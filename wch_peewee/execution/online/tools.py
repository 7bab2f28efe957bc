"""pt-online-schema-change: its command line, and its option file with the password, which is nowhere else."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import peewee as pw

from ...database.query import Connection
from ..leftovers import OWN_COPY, PT_OSC
from . import password_of


def command(
    connection: Connection, table: str, clauses: str, file: str, address: Mapping[str, str] | None = None
) -> list[str]:
    """Return the command line of pt-online-schema-change that makes the change ``clauses`` to ``table``.

    Measured with 3.2.1 on MariaDB 10.11, 11.8 and MySQL 9.7. The port must be in the DSN. MySQL 9 explains queries as a
    tree by default, from which the tool reads no row counts and copies everything in one statement. With
    foreign_key_checks off the keys of other tables are restored without checking each row.
    """
    dialect, said = connection.dialect, connection.database.connect_params
    variables = ["lock_wait_timeout=1", "foreign_key_checks=0"]
    if dialect.name == "mysql" and dialect.version >= (8, 0, 32):
        variables.append("explain_format=TRADITIONAL")
    where = {"F": file, "D": str(connection.database.database), "t": table, "A": "utf8mb4"}
    if address is not None:
        where |= address
    elif said.get("unix_socket"):
        where["S"] = str(said["unix_socket"])
    else:
        where |= {"h": str(said.get("host") or "localhost"), "P": str(said.get("port") or 3306)}
    place = ",".join("{}={}".format(key, value.replace(",", "\\,")) for key, value in where.items())
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
        place,
    ]


def copy_name(table: str) -> str:
    """Return the name of the table that the tool makes beside ``table``."""
    return f"_{table}{OWN_COPY}"


@contextlib.contextmanager
def option_file(database: pw.Database, *, anonymous: bool = False) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the path of a private option file (mode 0600) and the descriptors that a child needs to open it.

    It has the account of the open ``database``, unless it is ``anonymous``. On Linux the file is in memory alone, and
    is gone with the processes that have it open. Elsewhere it is removed at the end of the block.
    """
    said = database.connect_params
    lines = {"user": str(said.get("user") or ""), "password": password_of(said)}
    if anonymous:
        lines = {"user": "nobody"}
    if demands_tls(said):
        own: Any = database
        lines |= tls_options(said, own.connection()._sock.getpeercert(True))
    text = "[client]\n" + "".join(f"{name}={_quoted(value)}\n" for name, value in lines.items() if value)
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


def demands_tls(said: Mapping[str, Any]) -> bool:
    """Return True if PyMySQL would refuse to speak in plain text."""
    names = ("ssl", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity")
    return not said.get("ssl_disabled") and any(said.get(name) for name in names)


def tls_options(said: Mapping[str, Any], certificate: bytes) -> dict[str, str]:
    """Return the options that tie a client to the server's ``certificate``, which our own connection has accepted.

    Of MariaDB's client library only ssl-fp and ssl-verify-server-cert insist on TLS: ssl-enforce and ssl-ca are content
    with plain text if the server, or somebody between, offers no TLS. MySQL's knows ssl-mode.
    """
    own = said.get("ssl")
    files = own if isinstance(own, dict) else {}
    lines = {f"ssl-{name}": str(said.get(f"ssl_{name}") or files.get(name) or "") for name in ("ca", "cert", "key")}
    lines["ssl-mode"] = "VERIFY_IDENTITY" if lines["ssl-ca"] else "REQUIRED"
    lines["ssl-fp"] = hashlib.sha1(certificate).hexdigest()
    return lines


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
