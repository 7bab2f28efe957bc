"""The subject of an examination, and the bench that runs it from the same start as often as needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import peewee as pw

from ..authoring.scratch import make_parents
from ..database.connect import open_database
from ..database.url import parse_url
from ..errors import ConfigurationError
from ..execution.session import run_session
from ..install.manager import DatabaseManager
from ..migrate.folder import folder_of
from ..migrate.runner import MigrationRouter
from ..models.base import BaseModel
from ..models.tables import MODELS
from ..schema.naming import Names, names_of
from .child import Child, Ending, Moment, Point, Write
from .scratch import SavedState, ScratchDatabase, restore_state, save_state
from .snapshots import Snapshot, read_snapshot, without_order


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of an examination: actions on a database URL, each over a connection of its own.

    ``forward`` applies everything. ``up_to`` applies the migrations up to the one that it is given, ``back`` takes that
    one back, and ``back_with_loss`` does so although rows are lost. ``names`` are the migrations in their order,
    ``history`` is the table that lists them. ``prepare`` makes what is there before the first of them.
    """

    forward: Callable[[str], object]
    site: Names
    history: str
    names: tuple[str, ...] = ()
    back: Callable[[str, str], object] | None = None
    back_with_loss: Callable[[str, str], object] | None = None
    up_to: Callable[[str, str], object] | None = None
    prepare: Callable[[pw.Database], object] = lambda database: None


def our_migrations(folder: Path, models: Sequence[type[BaseModel]] = MODELS) -> Subject:
    """Return a folder of migrations for models, run like ``wch migrate`` and ``wch rollback``.

    Raises ConfigurationError if the folder has no migrations, or those of other models.
    """

    site = names_of(models)

    def manager(url: str) -> DatabaseManager:
        return DatabaseManager(url, remove_data=False, migrations=folder, models=models)

    def up_to(name: str, url: str) -> None:
        with run_session(open_database(parse_url(url)), site) as context:
            MigrationRouter(context, files).run(name)

    files = folder_of(site.namespace, folder)
    names = files.names
    if not names:  # an examination of nothing would succeed
        raise ConfigurationError(f"No migrations in {folder}.")
    for name in names:
        files.version_of(name)
    return Subject(
        forward=lambda url: manager(url).run_migrations(),
        back=lambda name, url: manager(url).rollback(name),
        back_with_loss=lambda name, url: manager(url).rollback(name, allow_loss=True),
        up_to=up_to,
        prepare=lambda database: make_parents(database, files, site),
        site=site,
        history=site.history,
        names=names,
    )


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

    def reset(self) -> None:
        """Bring the database back to the start."""
        self.restore(self._saved)

    def save(self) -> SavedState:
        with self.scratch.at_rest() as database:
            return save_state(database)

    def restore(self, saved: SavedState) -> None:
        with self.scratch.at_rest() as database:
            restore_state(database, saved)

    def start_child(
        self, action: Callable[[str], object], *, kill: Point | None = None, hold: Point | None = None
    ) -> Child:
        return Child(partial(action, self.scratch.url), kill=kill, hold=hold)

    def run(self, action: Callable[[str], object], *, kill: Point | None = None) -> Ending:
        """Run an action of the subject in a child process."""
        with self.start_child(action, kill=kill) as child:
            return child.end()

    def snapshot(self, *, exact: bool = False, ordered: bool = True) -> Snapshot:
        """Return the current state; ``exact`` with the ids and timestamps of the history.

        Not ``ordered`` is without the order of columns and keys.
        """
        with self.scratch.at_rest() as database:
            history = "" if exact else self.subject.history
            found = read_snapshot(database, names=self.subject.site, history=history)
            return found if ordered else without_order(found, database)

    def points(self, writes: tuple[Write, ...], every: int) -> list[Point]:
        """Return every ``every``-th point of a run with these writes; before, during and after take turns."""
        moments: tuple[Moment, ...] = ("before", "during", "after") if self.scratch.remote else ("before", "after")
        chosen = range(0, len(writes) * len(moments), every)
        return [
            Point(writes[index // len(moments)].number, moments[turn % len(moments)])
            for turn, index in enumerate(chosen)
        ]
