"""A proxy that cuts connections which are silent for too long, in the middle of an ALTER."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cluster_runs import WIDER_TYPE, upgrade
from tests.support.concurrency import Worker, eventually, running
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import SETTLED
from tests.support.populate import populate
from tests.support.proxy import Proxy
from wch_peewee import DatabaseManager

pytestmark = pytest.mark.families("mysql", "mariadb")


def test_an_alter_that_is_cut_off_goes_on_and_the_next_run_finishes(database: LiveDatabase, chain: Path) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    columns = "entity_type, entity_id, action, status, created_at"
    database.execute(
        f"INSERT INTO wp_wch_sync_queue ({columns}) VALUES ('product', 1, 'update', 'pending', '2031-05-04')"
    )
    for _ in range(17):
        database.execute(f"INSERT INTO wp_wch_sync_queue ({columns}) SELECT {columns} FROM wp_wch_sync_queue")
    with Proxy(database.address) as proxy:
        cut = LiveDatabase(database.engine, database.family, (proxy.address(), database.name))
        with Worker(lambda send: len(upgrade(cut, chain))) as first:
            eventually(lambda: running(database, WIDER_TYPE))
            proxy.idle = 0.1
            ending = first.ending()
        cut.close()
    assert ending.startswith("MigrationFailed: migration 00"), ending
    assert "the connection was lost; it is unknown whether the statement was completed" in ending
    assert WIDER_TYPE in ending
    assert "When the server is back, or another has taken its place, run again: wch migrate" in ending
    assert len(upgrade(database, chain)) == 4
    assert not running(database, WIDER_TYPE)
    assert DatabaseManager(database.url, migrations=chain, models=SETTLED).status().pending == ()
