"""Many processes do the same job at once and are killed meanwhile: nothing is lost or doubled, and no error comes.

With --slow 2, 8 and 32 processes, and every race with its server killed in the middle.
"""

from __future__ import annotations

import pytest

from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.engines import Engine
from tests.support.races import RACES, Edit, Ingest, Queue, Race, run
from tests.support.servers import PrivateServer
from wch_peewee import Plugin


def named(race: type[Race]) -> str:
    return race.__name__.lower()


@pytest.mark.parametrize("race", RACES, ids=named)
def test_who_does_the_same_at_once_loses_and_doubles_nothing(race: type[Race], installed: LiveDatabase) -> None:
    faults = run(race, installed.url, processes=4, size=20, kills=3)
    assert faults.clean, (str(faults), *faults.errors)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 8, 32])
@pytest.mark.parametrize("race", RACES, ids=named)
def test_with_more_processes(race: type[Race], processes: int, installed: LiveDatabase) -> None:
    faults = run(race, installed.url, processes=processes, size=max(400 // processes, 20), kills=processes)
    assert faults.clean, (str(faults), *faults.errors)


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(
    "race",
    [pytest.param(race, marks=[] if race in (Ingest, Edit, Queue) else [pytest.mark.slow]) for race in RACES],
    ids=named,
)
def test_while_the_server_is_killed_and_comes_back(race: type[Race], engine: Engine, own_server: PrivateServer) -> None:
    with fresh_on_server(engine.name, engine.family, own_server.address) as database:
        Plugin(database.url).activate()
        database.close()
        faults = run(race, database.url, processes=4, size=40, kills=2, server=own_server)
        database.reopen()
    assert faults.clean, (str(faults), *faults.errors)
