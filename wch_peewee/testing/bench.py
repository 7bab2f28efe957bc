"""The subjects of an examination, and the bench that runs one from the same start as often as needed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..database.connect import open_database
from ..database.url import parse_url
from ..errors import ConfigurationError
from ..execution.session import run_session
from ..install.delta import db_delta
from ..install.manager import DatabaseManager
from ..migrate.folder import MigrationFolder
from ..migrate.runner import MigrationRouter
from ..models.tables import MODELS
from ..schema.naming import history_table_name
from .child import Child, Ending, Failure
from .scratch import SavedState, ScratchDatabase, restore_state, save_state
from .snapshots import Snapshot, read_snapshot, without_order
from .writes import Moment, Point, Write


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of an examination: actions on a database URL, each over a connection of its own.

    ``forward`` applies everything, ``back`` rolls back the newest migration, and ``up_to`` applies the migrations up
    to the one it is given first. ``names`` are the migrations in their order, ``history`` is the table that lists them.
    """

    forward: Callable[[str], object]
    prefix: str
    history: str
    names: tuple[str, ...] = ()
    back: Callable[[str], object] | None = None
    up_to: Callable[[str, str], object] | None = None


def our_migrations(folder: Path, prefix: str) -> Subject:
    """Return a folder of migrations, run like ``wch migrate`` and ``wch rollback`` without permission to remove data.

    Raises ConfigurationError if the folder has no migrations.
    """

    def manager(url: str) -> DatabaseManager:
        return DatabaseManager(url, prefix=prefix, remove_data=False, migrations=folder)

    def up_to(name: str, url: str) -> None:
        with run_session(open_database(parse_url(url)), prefix) as context:
            MigrationRouter(context, MigrationFolder(folder)).run(name)

    return Subject(
        forward=lambda url: manager(url).run_migrations(),
        back=lambda url: manager(url).rollback(),
        up_to=up_to,
        prefix=prefix,
        history=history_table_name(prefix),
        names=_not_empty(MigrationFolder(folder).names, folder),
    )


def installation(prefix: str, **options: Any) -> Subject:
    """Return an installation like that of ``wch activate``; the options are those of DatabaseManager."""
    return Subject(
        lambda url: DatabaseManager(url, prefix=prefix, **options).install(),
        prefix=prefix,
        history=history_table_name(prefix),
    )


def delta(prefix: str) -> Subject:
    """Return a run of ``db_delta`` on the shipped models."""
    return Subject(
        lambda url: db_delta(MODELS, open_database(parse_url(url)), prefix=prefix),
        prefix=prefix,
        history=history_table_name(prefix),
    )


STOCK_HISTORY = "migratehistory"


def stock_migrations(folder: Path, prefix: str = "wp_") -> Subject:
    """Return a folder of migrations, run by peewee-migrate's own Router over an ordinary connection."""
    from peewee_migrate import Router

    # The Router would log to the terminal, from hundreds of children.
    quiet = logging.getLogger("wch_peewee.testing.stock")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False

    def router(url: str) -> Router:
        return Router(open_database(parse_url(url)), migrate_dir=folder, migrate_table=STOCK_HISTORY, logger=quiet)

    return Subject(
        forward=lambda url: router(url).run(),
        back=lambda url: router(url).rollback(),
        up_to=lambda name, url: router(url).run(name),
        prefix=prefix,
        history=STOCK_HISTORY,
        names=_not_empty(tuple(sorted(path.stem for path in folder.glob("[0-9][0-9][0-9]_*.py"))), folder),
    )


def _not_empty(names: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Return the names. Raises ConfigurationError without any: an examination of nothing would succeed."""
    if not names:
        raise ConfigurationError(f"There are no migrations in {folder}.")
    return names


class Bench:
    """One subject on one scratch database; ``applied`` of its migrations are part of the start."""

    def __init__(
        self, scratch: ScratchDatabase, subject: Subject, start: str, saved: SavedState, applied: int = 0
    ) -> None:
        self.scratch = scratch
        self.subject = subject
        self.start = start
        self.applied = applied
        self._saved = saved
        self.reset()
        #: The undisturbed run, and the state after it.
        self.undisturbed = self.run(subject.forward)
        self.expected = self.snapshot()

    @property
    def failure(self) -> Failure | None:
        """The failure of the undisturbed run; if there is one, there is nothing to compare with."""
        return self.undisturbed.failure

    def reset(self) -> None:
        """Bring the database back to the start."""
        self.restore(self._saved)

    def save(self) -> SavedState:
        with self.scratch.opened() as database:
            return save_state(database)

    def restore(self, saved: SavedState) -> None:
        with self.scratch.opened() as database:
            restore_state(database, saved)

    def start_child(
        self, action: Callable[[str], object], *, kill: Point | None = None, hold: Point | None = None
    ) -> Child:
        return Child(partial(action, self.scratch.url), kill=kill, hold=hold)

    def run(self, action: Callable[[str], object], *, kill: Point | None = None) -> Ending:
        """Run an action of the subject in a child process."""
        with self.start_child(action, kill=kill) as child:
            return child.end()

    def snapshot(self) -> Snapshot:
        with self.scratch.opened() as database:
            return read_snapshot(database, prefix=self.subject.prefix, history=self.subject.history)

    def exact_snapshot(self) -> Snapshot:
        """Return a snapshot that includes the ids and timestamps of the history."""
        with self.scratch.opened() as database:
            return read_snapshot(database, prefix=self.subject.prefix, history="")

    def unordered_snapshot(self) -> Snapshot:
        """Return a snapshot without the order of columns and keys."""
        with self.scratch.opened() as database:
            found = read_snapshot(database, prefix=self.subject.prefix, history=self.subject.history)
            return without_order(found, database)

    def points(self, writes: tuple[Write, ...], every: int) -> list[Point]:
        """Return every ``every``-th point of a run with these writes; before, during and after take turns."""
        moments: tuple[Moment, ...] = ("before", "during", "after") if self.scratch.remote else ("before", "after")
        chosen = range(0, len(writes) * len(moments), every)
        return [
            Point(writes[index // len(moments)].number, moments[turn % len(moments)])
            for turn, index in enumerate(chosen)
        ]
