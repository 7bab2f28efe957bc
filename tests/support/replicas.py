"""A primary and its replica, on private servers; the replica can be held where it is.

with replicated_pair(engine) as pair, fresh_on_server(engine.name, engine.family, pair.primary.address) as database:
    pair.catch_up()
    pair.hold()
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.concurrency import eventually
from tests.support.engines import Engine
from tests.support.servers import PrivateServer

_FOLLOW = {
    "mariadb": (
        (
            "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='root', "
            "MASTER_DELAY={delay}, MASTER_CONNECT_RETRY=1"
        ),
        "SLAVE",
    ),
    "mysql": (
        (
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='root', "
            "SOURCE_DELAY={delay}, SOURCE_CONNECT_RETRY=1, GET_SOURCE_PUBLIC_KEY=1"
        ),
        "REPLICA",
    ),
}


@dataclass(frozen=True)
class Pair:
    """Both servers, and the word for a replica in the server's statements."""

    primary: PrivateServer
    replica: PrivateServer
    word: str

    def catch_up(self) -> None:
        """Wait until the replica has done all that the primary has done by now."""
        query(self.primary, "CREATE DATABASE IF NOT EXISTS marks")
        query(self.primary, "CREATE TABLE IF NOT EXISTS marks.marks (id int AUTO_INCREMENT PRIMARY KEY)")
        query(self.primary, "INSERT INTO marks.marks VALUES ()")
        ((last,),) = query(self.primary, "SELECT MAX(id) FROM marks.marks")
        known = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'marks'"
        eventually(lambda: query(self.replica, known) == ((1,),))
        eventually(lambda: query(self.replica, f"SELECT COUNT(*) FROM marks.marks WHERE id = {last}") == ((1,),))

    def hold(self) -> None:
        """Have the replica do nothing more of what the primary does."""
        query(self.replica, f"STOP {self.word} SQL_THREAD")

    def go_on(self) -> None:
        query(self.replica, f"START {self.word}")


def query(server: PrivateServer, sql: str) -> tuple[tuple[Any, ...], ...]:
    """Run one statement on a connection of its own."""
    with server.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return tuple(cursor.fetchall())


@contextmanager
def replicated_pair(engine: Engine, *, delay: int = 0) -> Iterator[Pair]:
    """Start both; the replica is ``delay`` seconds behind."""
    program = engine.program()
    if program is None:
        pytest.skip(f"the program of {engine.name} is not on this machine")
    with (
        PrivateServer(program, "--server-id=1", "--log-bin=binlog") as primary,
        PrivateServer(program, "--server-id=2", "--skip-log-bin") as replica,
    ):
        follow, word = _FOLLOW[engine.family]
        query(replica, follow.format(port=primary.address.port, delay=delay))
        query(replica, f"START {word}")
        yield Pair(primary, replica, word)
