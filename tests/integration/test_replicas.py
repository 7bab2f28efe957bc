"""A real replica: a run waits while it is behind, and stops if it does not replicate."""

from __future__ import annotations

from collections.abc import Iterator

import peewee as pw
import pytest

from tests.support.concurrency import eventually
from tests.support.engines import Engine
from tests.support.replicas import Pair, query, replicated_pair
from tests.support.servers import PrivateServer
from wch_peewee import Busy, ConfigurationError, DatabaseManager
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution.replicas import ReplicaRule, seconds_behind

pytestmark = pytest.mark.families("mysql", "mariadb")


@pytest.fixture(scope="module")
def pair(engine: Engine) -> Iterator[Pair]:
    """A primary, and a replica with a delay of one hour."""
    with replicated_pair(engine, delay=3600) as found:
        query(found.primary, "CREATE DATABASE shop")
        yield found


def opened(server: PrivateServer) -> pw.Database:
    return open_database(parse_url(server.address.url("mysql")))


def sits(database: pw.Database) -> bool:
    """Return True if the replica has a change that it delays; before that its lag may be a second or unknown."""
    cursor = database.execute_sql("SHOW REPLICA STATUS")
    row, headings = cursor.fetchone(), [column[0] for column in cursor.description]
    return row[headings.index("SQL_Remaining_Delay")] is not None


def test_it_is_waited_for_and_then_the_run_stops(pair: Pair) -> None:
    primary, replica = pair.primary, pair.replica
    database = opened(replica)
    eventually(lambda: sits(database))  # on the CREATE DATABASE
    eventually(lambda: seconds_behind(database) >= 1)
    rule = ReplicaRule([database], max_lag=0, patience=0.0)
    with pytest.raises(Busy, match=r"seconds? behind, and 0 are allowed"):
        DatabaseManager(primary.address.url("shop"), replicas=rule).install()
    assert query(primary, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'") == ((0,),)
    rule = ReplicaRule([database], max_lag=3600, patience=0.0)
    assert DatabaseManager(primary.address.url("shop"), replicas=rule).install().changed

    query(replica, f"STOP {pair.word}")
    with pytest.raises(Busy, match="is not replicating"):
        seconds_behind(database)
    database.close()
    with pytest.raises(ConfigurationError, match="is not a replica"):
        seconds_behind(opened(primary))
