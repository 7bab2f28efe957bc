"""The address of a database server, and connections to it.

ServerAddress.parse("mysql://root@127.0.0.1:3306").version()  # "10.11.19-MariaDB"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pymysql


class ServerError(Exception):
    """A server that cannot be started or reached. The message is one line."""


@dataclass(frozen=True)
class ServerAddress:
    """A server's host and port, and the account that connects."""

    host: str
    port: int
    user: str = "root"
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> ServerAddress:
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port or 3306
        except ValueError:
            host, port = None, 0
        if parts.scheme != "mysql" or not host or parts.path.strip("/"):
            raise ServerError("a server is given as mysql://user:password@host:port")
        return cls(host, port, unquote(parts.username or "root"), unquote(parts.password or ""))

    def url(self, database: str) -> str:
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        return f"mysql://{quote(self.user, safe='')}{secret}@{self.host}:{self.port}/{database}"

    def arguments(self) -> dict[str, Any]:
        """Return the connection parameters for PyMySQL and peewee."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "charset": "utf8mb4",
        }

    def connection(self) -> pymysql.Connection[Any]:
        """Open a connection for the tests themselves, in autocommit and with short lock timeouts."""
        return pymysql.connect(
            **self.arguments(),
            autocommit=True,
            connect_timeout=5,
            # Two or three statements are sent on it: on this machine to agree on TLS would be most of the work.
            ssl_disabled=self.host in ("127.0.0.1", "localhost"),
            init_command="SET SESSION lock_wait_timeout = 20, time_zone = '+00:00'",
        )

    def version(self) -> str:
        try:
            with self.connection() as connection, connection.cursor() as cursor:
                cursor.execute("SELECT VERSION()")
                (version,) = cursor.fetchall()[0]
                return str(version)
        except pymysql.Error as error:
            raise ServerError(f"no server answers at {self.host}:{self.port}: {error.args[-1]}") from error


def family_of(version: str) -> str:
    return "mariadb" if "mariadb" in version.lower() else "mysql"
