"""The tests' chain of migrations, 001 to 007: the shipped first one and the six of tests/chain.

manager = DatabaseManager(url, migrations=chain_folder(tmp_path))
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from wch_peewee import BroadcastCampaign, CustomerProfile
from wch_peewee.migrate.folder import MigrationFolder, migrations_folder
from wch_peewee.schema.naming import Namespace

CHAIN = Path(__file__).parents[1] / "chain"

#: The version that it ends at.
NEWEST = "2.0.1"

#: Tables that the chain leaves as they are: the models of the others are those of version 1.0.0.
SETTLED = (CustomerProfile, BroadcastCampaign)


def chain_folder(parent: Path, names: Iterable[str] | None = None) -> Path:
    """Create the folder ``migrations`` in ``parent`` with the whole chain, or with 001 and the named ones."""
    folder = parent / "migrations"
    folder.mkdir()
    shutil.copy(migrations_folder() / "001_initial_schema.py", folder)
    add_chain(folder, names)
    return folder


def add_chain(folder: Path, names: Iterable[str] | None = None) -> None:
    """Copy the six migrations, or the named ones, into a folder that has the first."""
    for file in sorted(CHAIN.glob("0*.py")):
        if names is None or file.stem in names:
            shutil.copy(file, folder)


def use_migrations(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have every installation that names no migrations take those of ``folder``."""

    def chosen(namespace: Namespace, path: Path | str | None = None) -> MigrationFolder:
        return MigrationFolder(folder if path is None else Path(path))

    monkeypatch.setattr("wch_peewee.install.inspection.folder_of", chosen)
