"""Where migrations are examined: a SQLite file in a folder of its own, or a scratch database on a server.

Servers are given as in WCH_TEST_SERVERS, ``"mariadb=mysql://root@127.0.0.1:3306 mysql=mysql://..."``. A scratch
database is made for the examination and dropped after it; the account needs the right to do that.

    with open_place("mariadb=mysql://root@127.0.0.1:3306") as place:
        place.url
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import peewee as pw

from ..database.connect import connected, open_database
from ..database.detect import detect_dialect
from ..database.url import parse_url
from ..errors import ConfigurationError

SQLITE = "sqlite"


class Place:
    """One database that is free to be written to. Nothing stays connected between two uses of it."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        with self.opened() as database:
            #: the engine and its version, for people
            self.label = detect_dialect(database).label
            #: Does a statement travel, so that a client can die while it is under way?
            self.remote = not isinstance(database, pw.SqliteDatabase)

    def __repr__(self) -> str:
        return f"<Place {self.name}>"

    @contextlib.contextmanager
    def opened(self) -> Iterator[pw.Database]:
        """Open it for the block. No connection may be open while a child is made."""
        with connected(open_database(parse_url(self.url))) as database:
            yield database


def configured() -> tuple[str, ...]:
    """Return every engine there is to examine on: SQLite, and the servers of WCH_TEST_SERVERS."""
    return (SQLITE, *os.environ.get("WCH_TEST_SERVERS", "").split())


def choose(wanted: Iterable[str] | None = None) -> tuple[str, ...]:
    """Turn names, ``name=mysql://...`` and ``sqlite`` into engines; without any, all that are configured.

    Raises ConfigurationError for a name that is none of them.
    """
    known = {engine.partition("=")[0]: engine for engine in configured()}
    if wanted is None:
        return tuple(known.values())
    chosen = []
    for name in wanted:
        if "=" not in name and name not in known:
            raise ConfigurationError(
                f"There is no engine {name}; there are {', '.join(known)}. Name it in WCH_TEST_SERVERS."
            )
        chosen.append(known.get(name, name))
    return tuple(chosen)


@contextlib.contextmanager
def open_place(engine: str) -> Iterator[Place]:
    """Make an empty database on an engine, and remove it afterwards. Raises DatabaseUnavailable."""
    name, _, server = engine.partition("=")
    if not server:
        with tempfile.TemporaryDirectory(prefix="wch-examination-") as folder:
            yield Place(name, f"sqlite:///{Path(folder).resolve() / 'examined.db'}")
        return
    scratch = f"wch_examination_{os.getpid()}_{secrets.token_hex(3)}"
    administration = open_database(parse_url(_with_database(server, "information_schema")))
    with connected(administration):
        administration.execute_sql(f"CREATE DATABASE `{scratch}` CHARACTER SET utf8mb4")
    try:
        yield Place(name, _with_database(server, scratch))
    finally:
        with connected(administration):
            administration.execute_sql(f"DROP DATABASE IF EXISTS `{scratch}`")


def _with_database(server: str, name: str) -> str:
    parts = urlsplit(server)
    if parts.path.strip("/"):
        raise ConfigurationError("A server to examine on is given without a database: mysql://user@host:3306")
    return urlunsplit(parts._replace(path=f"/{name}"))
