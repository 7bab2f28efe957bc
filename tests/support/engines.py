"""The engines that the tests run on.

SQLite always. Servers are those of WCH_TEST_SERVERS ("name=mysql://root@127.0.0.1:3306 ..."), or else a private one for
each family that is installed. WCH_TEST_ENGINES or --engines selects some of them, by name or by family.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.addresses import ServerAddress, ServerError, family_of
from tests.support.databases import LiveDatabase, fresh_on_server, fresh_sqlite
from tests.support.server_programs import ServerBinary, installed_servers, running_server
from tests.support.servers import PrivateServer


class EngineError(Exception):
    """An engine that was asked for and is missing. The message is one line."""


class Engine:
    """One engine of the matrix. A private server is started when the first test needs it."""

    def __init__(
        self,
        name: str,
        family: str,
        version: str,
        *,
        address: ServerAddress | None = None,
        binary: ServerBinary | None = None,
    ) -> None:
        self.name = name
        self.family = family
        self.version = version
        self._address = address
        self._binary = binary
        self._server: PrivateServer | None = None
        self._failure = ""

    def __repr__(self) -> str:
        return f"<Engine {self}>"

    def __str__(self) -> str:
        return f"{self.name} {self.version}" + (" (private)" if self._binary else "")

    def fresh(self, folder: Path) -> AbstractContextManager[LiveDatabase]:
        """Create a new database, and remove it after the block. ``folder`` is for the SQLite file."""
        if self.family == "sqlite":
            return fresh_sqlite(self.name, folder)
        return fresh_on_server(self.name, self.family, self.address())

    def address(self) -> ServerAddress:
        """Return the server's address; start it first if it is private. Raises EngineError."""
        if self._address is None:
            assert self._binary is not None, "SQLite has no server"
            # One attempt: hundreds of tests shall not wait for the same failure.
            if self._failure:
                raise EngineError(self._failure)
            server = PrivateServer(self._binary)
            try:
                server.start()
            except BaseException as error:
                self._failure = f"engine {self.name}: {error}"
                server.remove()
                if isinstance(error, ServerError):
                    raise EngineError(self._failure) from error
                raise
            self._server, self._address = server, server.address
        return self._address

    def program(self) -> ServerBinary | None:
        """Return the program to start another server of this kind from, or None if it is not on this machine."""
        if self._binary is None and self._address is not None and self._address.host in ("127.0.0.1", "localhost"):
            return running_server(self._address.port)
        return self._binary

    def close(self) -> None:
        if self._server is not None:
            self._server.remove()
            self._server = self._address = None


def choose_engines(servers: str, asked: str) -> tuple[list[Engine], list[str]]:
    """Return the engines to test on, and one line with the reason for each family that is left out.

    ``servers`` is the value of WCH_TEST_SERVERS, ``asked`` that of WCH_TEST_ENGINES or --engines. Raises EngineError if
    an engine that was asked for is missing.
    """
    names = [name for name in asked.replace(",", " ").split() if name]
    addresses = _addresses(servers)
    if names and not {"mariadb", "mysql"} & set(names):
        # Only these are visited. For a family all are: what a server is, it must say itself.
        addresses = {name: address for name, address in addresses.items() if name in names}
    engines = [Engine("sqlite", "sqlite", sqlite3.sqlite_version)]
    engines += [_reached(name, address) for name, address in addresses.items()]
    if not servers.strip():
        installed = installed_servers().values()
        engines += [Engine(binary.family, binary.family, binary.version, binary=binary) for binary in installed]

    if names:
        for want in names:
            if not any(want in (engine.name, engine.family) for engine in engines):
                raise EngineError(
                    f"engine {want} was asked for and is not there; there are: "
                    + ", ".join([engine.name for engine in engines])
                    + ". Install mariadb-server-core or mysql-server-core, or name servers in WCH_TEST_SERVERS."
                )
        engines = [engine for engine in engines if engine.name in names or engine.family in names]

    why = "was not asked for" if names else "none in WCH_TEST_SERVERS" if servers.strip() else "no server is installed"
    families = {engine.family for engine in engines}
    return engines, [
        f"{family}: not tested ({why})" for family in ("sqlite", "mariadb", "mysql") if family not in families
    ]


def _addresses(servers: str) -> dict[str, ServerAddress]:
    result: dict[str, ServerAddress] = {}
    for entry in servers.split():
        name, equals, url = entry.partition("=")
        if not equals or not name.isidentifier() or name in ("sqlite", *result):
            raise EngineError('WCH_TEST_SERVERS has the form "name=mysql://user@host:port name2=...", each name once')
        try:
            result[name] = ServerAddress.parse(url)
        except ServerError as error:
            raise EngineError(f"WCH_TEST_SERVERS, {name}: {error}") from error
    return result


def _reached(name: str, address: ServerAddress) -> Engine:
    try:
        version = address.version()
    except ServerError as error:
        raise EngineError(f"engine {name} was asked for and cannot be reached: {error}") from error
    return Engine(name, family_of(version), version.partition("-")[0], address=address)
