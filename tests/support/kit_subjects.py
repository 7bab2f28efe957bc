"""Subjects for the test kit beside a folder of migrations: an installation, a db_delta, and stock peewee-migrate."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from peewee_migrate import Router

from wch_peewee import DatabaseManager, db_delta
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.models.namespace import our_names
from wch_peewee.models.tables import MODELS
from wch_peewee.schema.naming import names_of
from wch_peewee.testing.bench import Subject

STOCK_HISTORY = "migratehistory"


def installation(prefix: str, **options: Any) -> Subject:
    """Return an installation like that of ``wch activate``; the options are those of DatabaseManager."""
    site = names_of(options.get("models", MODELS), prefix)
    return Subject(
        lambda url: DatabaseManager(url, prefix=prefix, **options).install(),
        site=site,
        history=site.history,
    )


def delta(prefix: str) -> Subject:
    """Return a run of ``db_delta`` on the shipped models."""
    return Subject(
        lambda url: db_delta(MODELS, open_database(parse_url(url)), prefix=prefix),
        site=our_names(prefix),
        history=our_names(prefix).history,
    )


def stock_migrations(folder: Path, prefix: str = "wp_") -> Subject:
    """Return a folder of migrations, run by peewee-migrate's own Router over an ordinary connection."""
    # The Router would log to the terminal, from hundreds of children.
    quiet = logging.getLogger("tests.stock")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False

    def router(url: str) -> Router:
        return Router(open_database(parse_url(url)), migrate_dir=folder, migrate_table=STOCK_HISTORY, logger=quiet)

    def back(name: str, url: str) -> None:
        if name in (stock := router(url)).done:
            stock.rollback()

    def up_to(name: str, url: str) -> None:
        if name in (stock := router(url)).diff:  # of one that is applied it would run all that are not
            stock.run(name)

    return Subject(
        forward=lambda url: router(url).run(),
        back=back,
        back_with_loss=back,
        up_to=up_to,
        site=our_names(prefix),
        history=STOCK_HISTORY,
        names=tuple(sorted(path.stem for path in folder.glob("[0-9][0-9][0-9]_*.py"))),
    )
