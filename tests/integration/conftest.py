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


@pytest.fixture
def installed(database: LiveDatabase) -> LiveDatabase:
    """A database of the test's own with the six tables, empty, and the books."""
    DatabaseManager(database.url).install()
    return database
