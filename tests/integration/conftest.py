"""Fixtures: ``site``, six tables with rows, put back before each test; ``installed``, six empty ones; ``chain``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chained import chain_folder
from tests.databases import LiveDatabase
from tests.engines import Engine
from tests.populate import populate
from tests.pristine import Pristine
from wch_peewee import DatabaseManager


@pytest.fixture(scope="module")
def populated(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pristine]:
    with engine.fresh(tmp_path_factory.mktemp("site")) as database:
        DatabaseManager(database.url).install()
        populate(database)
        pristine = Pristine(database)
        yield pristine
        pristine.close()


@pytest.fixture
def site(populated: Pristine) -> LiveDatabase:
    """All six tables as they should be, with rows."""
    populated.restore()
    return populated.database


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The migrations 001 to 007 of the tests' own chain."""
    return chain_folder(tmp_path)


@pytest.fixture(scope="module")
def untouched(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pristine]:
    with engine.fresh(tmp_path_factory.mktemp("installed")) as database:
        DatabaseManager(database.url).install()
        pristine = Pristine(database)
        yield pristine
        pristine.close()


@pytest.fixture
def installed(engine: Engine, request: pytest.FixtureRequest) -> LiveDatabase:
    """The six tables, empty, and the books; no session of an earlier test is left."""
    if engine.family == "sqlite":
        # A file is made at once; a cursor that a test has left half read would keep it from being put back.
        fresh: LiveDatabase = request.getfixturevalue("database")
        DatabaseManager(fresh.url).install()
        return fresh
    pristine: Pristine = request.getfixturevalue("untouched")
    pristine.database.reopen()
    pristine.restore()
    return pristine.database
