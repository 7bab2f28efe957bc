"""A real replica: a run waits while it is behind, and stops if it does not replicate."""

from __future__ import annotations

from collections.abc import Iterator

import peewee as pw
import pytest

from tests.support.concurrency import eventually
from tests.support.engines import Engine
from tests.support.servers import PrivateServer
from wch_peewee import Busy, ConfigurationError, DatabaseManager
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution.replicas import ReplicaRule, seconds_behind

pytestmark = pytest.mark.families("mysql", "mariadb")

_FOLLOW = {
    "mariadb": (
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='root', MASTER_DELAY=3600",
        "START SLAVE",
        "STOP SLAVE",
    ),
    "mysql": (
        (
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='root', "
            "SOURCE_DELAY=3600, GET_SOURCE_PUBLIC_KEY=1"
        ),
        "START REPLICA",
        "STOP REPLICA",
    ),
}


@pytest.fixture(scope="module")
def pair(engine: Engine) -> Iterator[tuple[PrivateServer, PrivateServer]]:
    """A primary, and a replica with a delay of one hour."""
    program = engine.program()
    if program is None:
        pytest.skip(f"the program of {engine.name} is not on this machine")
    with (
        PrivateServer(program, "--server-id=1", "--log-bin=binlog") as primary,
        PrivateServer(program, "--server-id=2", "--skip-log-bin") as replica,
    ):
        with replica.address.connection() as connection, connection.cursor() as cursor:
            follow, start, _ = _FOLLOW[engine.family]
            cursor.execute(follow.format(port=primary.address.port))
            cursor.execute(start)
        with primary.address.connection() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
        yield primary, replica


def opened(server: PrivateServer) -> pw.Database:
    return open_database(parse_url(server.address.url("mysql")))


def sits(database: pw.Database) -> bool:
    """Return True if the replica has a change that it delays; before that its lag may be a second or unknown."""
    cursor = database.execute_sql("SHOW REPLICA STATUS")
    row, headings = cursor.fetchone(), [column[0] for column in cursor.description]
    return row[headings.index("SQL_Remaining_Delay")] is not None


def test_it_is_waited_for_and_then_the_run_stops(engine: Engine, pair: tuple[PrivateServer, PrivateServer]) -> None:
    primary, replica = pair
    database = opened(replica)
    eventually(lambda: sits(database))  # on the CREATE DATABASE
    eventually(lambda: seconds_behind(database) >= 1)
    rule = ReplicaRule([database], max_lag=0, patience=0.0)
    with pytest.raises(Busy, match=r"seconds behind, and 0 are allowed"):
        DatabaseManager(primary.address.url("shop"), replicas=rule).install()
    with primary.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'")
        assert cursor.fetchone() == (0,)
    rule = ReplicaRule([database], max_lag=3600, patience=0.0)
    assert DatabaseManager(primary.address.url("shop"), replicas=rule).install().changed

    with replica.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute(_FOLLOW[engine.family][2])
    with pytest.raises(Busy, match="does not replicate now"):
        seconds_behind(database)
    database.close()
    with pytest.raises(ConfigurationError, match="is no replica"):
        seconds_behind(opened(primary))
