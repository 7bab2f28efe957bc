"""Fixtures: ``site``, six tables with rows, put back before each test; ``installed``, six empty ones; ``chain``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database_reset import Pristine, made_once, put_back
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.migration_chain import chain_folder
from tests.support.populate import populate
from wch_peewee import DatabaseManager


def install(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()


@pytest.fixture(scope="module")
def populated(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pristine]:
    def fill(database: LiveDatabase) -> None:
        install(database)
        populate(database)

    with made_once(engine, tmp_path_factory.mktemp("site"), fill) as pristine:
        yield pristine


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
    with made_once(engine, tmp_path_factory.mktemp("installed"), install) as pristine:
        yield pristine


@pytest.fixture
def installed(engine: Engine, request: pytest.FixtureRequest) -> LiveDatabase:
    """The six tables, empty, and the books."""
    return put_back(engine, request, install, "untouched")
