"""Fixtures: ``site``, the six tables with rows, put back before each test; ``installed``, empty and made anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
def installed(database: LiveDatabase) -> LiveDatabase:
    """A database of the test's own with the six tables, empty, and the books."""
    DatabaseManager(database.url).install()
    return database
