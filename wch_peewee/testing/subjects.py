"""What is examined: something that brings a database forward, and perhaps back, each time over a connection of its own.

subject = our_migrations(Path("migrations"), "wp_")
subject.forward("sqlite:////srv/wch.db")
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..database.connect import open_database
from ..database.url import parse_url
from ..errors import ConfigurationError
from ..execution.session import run_session
from ..install.delta import db_delta
from ..install.manager import DatabaseManager
from ..migrate.folder import MigrationFolder
from ..models.tables import MODELS, BaseModel
from ..schema.naming import history_table_name
from ..schema.objects import Table


@dataclass(frozen=True, slots=True)
class Subject:
    """``forward`` and ``back`` take a database URL; ``up_to``, before it, the name of the last migration to apply.

    ``back`` takes the newest migration back. ``names`` are the migrations in their order, ``history`` is the
    table that lists them.
    """

    forward: Callable[[str], object]
    prefix: str
    history: str
    names: tuple[str, ...] = ()
    back: Callable[[str], object] | None = None
    up_to: Callable[[str, str], object] | None = None


def our_migrations(folder: Path, prefix: str) -> Subject:
    """Run a folder of migrations as ``wch migrate`` and ``wch rollback`` do; removing data is not allowed.

    Raises ConfigurationError where there are none.
    """

    def manager(url: str) -> DatabaseManager:
        return DatabaseManager(url, prefix=prefix, remove_data=False, migrations=folder)

    def up_to(name: str, url: str) -> None:
        from ..migrate.runner import MigrationRouter

        with run_session(open_database(parse_url(url)), prefix) as context:
            MigrationRouter(context, MigrationFolder(folder)).run(name)

    return Subject(
        forward=lambda url: manager(url).run_migrations(),
        back=lambda url: manager(url).rollback(),
        up_to=up_to,
        prefix=prefix,
        history=history_table_name(prefix),
        names=some(MigrationFolder(folder).names, folder),
    )


def some(names: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Return the names, of which there has to be one: examining nothing would find nothing wrong."""
    if not names:
        raise ConfigurationError(f"There are no migrations in {folder}.")
    return names


def installation(prefix: str, **options: Any) -> Subject:
    """Install or upgrade, verify and stamp, as ``wch activate`` does; the options are those of DatabaseManager."""
    return Subject(
        lambda url: DatabaseManager(url, prefix=prefix, **options).install(),
        prefix=prefix,
        history=history_table_name(prefix),
    )


def delta(prefix: str, models: Sequence[type[BaseModel] | Table] = MODELS) -> Subject:
    """Bring what is there to the declared shape."""
    return Subject(
        lambda url: db_delta(models, open_database(parse_url(url)), prefix=prefix),
        prefix=prefix,
        history=history_table_name(prefix),
    )


HISTORY = "migratehistory"


def stock_migrations(folder: Path, prefix: str = "wp_") -> Subject:
    """Run a folder with the Router of peewee-migrate, on an application's ordinary connection."""
    from peewee_migrate import Router

    # It would write to the terminal, from hundreds of children.
    quiet = logging.getLogger("wch_peewee.testing.subjects")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False

    def router(url: str) -> Router:
        return Router(open_database(parse_url(url)), migrate_dir=folder, migrate_table=HISTORY, logger=quiet)

    return Subject(
        forward=lambda url: router(url).run(),
        back=lambda url: router(url).rollback(),
        up_to=lambda name, url: router(url).run(name),
        prefix=prefix,
        history=HISTORY,
        names=some(tuple(sorted(path.stem for path in folder.glob("[0-9][0-9][0-9]_*.py"))), folder),
    )
