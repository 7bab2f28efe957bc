"""Stock peewee-migrate's own Router as a subject, for comparison: what it does where ours is examined.

The folder is written as its documentation shows, and uses nothing of this library. It has no prefix.

    subject = stock_migrations(Path("tests/stock"))
"""

from __future__ import annotations

import logging
from pathlib import Path

from ..database.connect import open_database
from ..database.url import parse_url
from .subjects import Subject, some

HISTORY = "migratehistory"


def stock_migrations(folder: Path, prefix: str = "wp_") -> Subject:
    """Run a folder with the Router of peewee-migrate, on an application's ordinary connection."""
    from peewee_migrate import Router

    # It would write to the terminal, from hundreds of children.
    quiet = logging.getLogger("wch_peewee.testing.stock")
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
