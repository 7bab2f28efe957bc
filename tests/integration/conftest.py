"""Fixtures: ``site``, six tables with rows, restored before each test; ``installed``, six empty tables; ``php``, six of
the PHP plugin's; ``chain``, migrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database_reset import SavedDatabase, restored_database, saved_database
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.migration_chain import chain_folder, use_migrations
from tests.support.notes_migrations import notes_folder
from tests.support.php_tables import PhpPlugin
from tests.support.populate import populate
from wch_peewee import DatabaseManager


def install(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()


@pytest.fixture(scope="module")
def populated(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedDatabase]:
    def fill(database: LiveDatabase) -> None:
        install(database)
        populate(database)

    with saved_database(engine, tmp_path_factory.mktemp("site"), fill) as saved:
        yield saved


@pytest.fixture
def site(populated: SavedDatabase) -> LiveDatabase:
    """The six tables as declared, with rows."""
    populated.restore()
    return populated.database


@pytest.fixture
def php(database: LiveDatabase) -> PhpPlugin:
    """Version 1.0.0 with rows, created by the PHP plugin."""
    plugin = PhpPlugin(database)
    plugin.install()
    plugin.fill()
    return plugin


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The migrations 001 to 007 of the tests' chain."""
    return chain_folder(tmp_path)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations 001, 002_notes and 003_renamed, which the command has, too."""
    folder = notes_folder(tmp_path)
    use_migrations(monkeypatch, folder)
    return folder


@pytest.fixture(scope="module")
def untouched(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedDatabase]:
    with saved_database(engine, tmp_path_factory.mktemp("installed"), install) as saved:
        yield saved


@pytest.fixture
def installed(engine: Engine, request: pytest.FixtureRequest) -> LiveDatabase:
    """The six tables, empty, with history and version."""
    return restored_database(engine, request, install, "untouched")
