"""peewee-migrate's router, made safe for a live process."""

import logging
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from types import CodeType
from typing import Any

import peewee as pw
from peewee_migrate import Migrator, Router
from peewee_migrate.models import MigrateHistory
from playhouse.migrate import Operation

from .. import errors
from ..database.connect import describe
from ..database.failures import database_error
from ..execution.context import RunContext
from ..models.fields import UtcDateTimeField, utc_now
from ..progress import StepStarted
from .folder import MigrationFolder, in_words
from .ledger import Ledger, ensure_history
from .state import InstalledState, read_state
from .steps.special import irreversible, stamp

logger = logging.getLogger("wch_peewee.migrate")


class _Migrator(Migrator):
    """Keeps a step together with its function, so that the step can be identified."""

    def run(self, func: Any, *args: Any, **kwargs: Any) -> None:
        self.__ops__.append(partial(func, *args, **kwargs))


@lru_cache(maxsize=64)
def _compiled(path: str, text: str) -> CodeType:
    """Compile a text once: a network runs the same migration thousands of times."""
    return compile(text, path, "exec", dont_inherit=True)


class MigrationRouter(Router):
    """Runs the migrations of one folder inside one run context, which holds the lock.

    The base class replays applied migrations under process-wide mock patches, so that other threads lose writes
    meanwhile; it shares one history model among all routers, creates folder and table while reading, and wraps DDL in a
    transaction, which MySQL ends at once. This class does none of that: a migration carries its own definitions and
    inspects the live schema, so nothing has to be replayed.
    """

    def __init__(self, context: RunContext, folder: MigrationFolder) -> None:
        super().__init__(
            context.database,
            migrate_dir=folder.path,
            migrate_table=context.names.history,
            logger=logger,
        )
        self.context = context
        self.folder = folder
        self.ledger = Ledger(context)
        self._recorded: tuple[str, ...] = ()

    @cached_property
    def model(self) -> type[MigrateHistory]:
        """A history model for this router alone; the base class binds one class for the whole process."""
        meta = type("Meta", (), {"database": self.context.database, "table_name": self.migrate_table})
        # Written as text: APSW takes no datetime.
        moment = UtcDateTimeField(default=utc_now)
        fields = {"name": pw.CharField(191, unique=True), "migrated_at": moment, "Meta": meta}
        return type("MigrateHistory", (MigrateHistory,), fields)

    @cached_property
    def migrator(self) -> Migrator:
        """A migrator into which no applied migration has been replayed."""
        return _Migrator(self.context.database)

    def run(self, name: str | None = None, *, fake: bool = False, state: InstalledState | None = None) -> list[str]:
        """Apply the pending migrations, up to ``name`` if given; return the names applied.

        With ``fake`` they are only recorded. ``state`` is the installed state, if it has been read under this lock.
        """
        self.folder.require(name)
        state = read_state(self.context, self.folder) if state is None else state
        pending = state.pending_to(name)
        if fake:
            return list(self.mark(pending, state))
        if pending:
            ensure_history(self.context)
        self._recorded = state.applied or ()
        return [self.run_one(candidate, self.migrator, fake=False) for candidate in pending]

    def mark(self, names: Sequence[str], state: InstalledState) -> tuple[str, ...]:
        """Record migrations as applied without running them; return their names."""
        if names:
            ensure_history(self.context)
        self._recorded = state.applied or ()
        for name in names:
            # First what can be there twice: a run that is killed in between is repeated.
            self.ledger.append(name, "forward", "marked", self.folder.checksum_of(name))
            self._record(name)
        return tuple(names)

    def roll_back(self, names: Sequence[str]) -> tuple[str, ...]:
        """Take applied migrations back, in the order given; return their names."""
        ensure_history(self.context)
        return tuple(self.run_one(name, self.migrator, fake=False, downgrade=True) for name in names)

    def read(self, name: str) -> tuple[Any, Any]:
        """Load a migration under its real file name, so that tracebacks show its lines."""
        path = self.folder.path / f"{name}.py"
        scope: dict[str, Any] = {"__file__": str(path), "__name__": f"wch_migration_{name}"}
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise errors.ConfigurationError(
                f"Cannot read {path} ({error.strerror}): it was removed or its permissions changed."
            ) from error
        except UnicodeError as error:
            raise errors.ConfigurationError(f"{in_words(error, path)}.") from error
        try:
            exec(_compiled(str(path), text), scope)
        except (Exception, SystemExit) as error:  # an author's file may raise anything
            raise errors.ConfigurationError(f"{in_words(error, path)}.") from error
        missing = [function for function in ("migrate", "rollback") if function not in scope]
        if missing:
            raise errors.ConfigurationError(f"{path} has no {' and no '.join(missing)}().")
        return scope["migrate"], scope["rollback"]

    def run_one(
        self, name: str, migrator: Migrator, *, fake: bool = True, downgrade: bool = False, force: bool = False
    ) -> str:
        """Run one migration step by step, then record it in the history.

        A last step that writes the version comes after that: whoever finds the version asks for nothing else.
        """
        checksum = self.folder.checksum_of(name)
        steps = self.steps(name, downgrade=downgrade)
        with self.ledger.keeping(name, "back" if downgrade else "forward", checksum) as done:
            self._run_steps(name, steps, done, downgrade=downgrade)
        logger.info("%s migration %s", "Rolled back" if downgrade else "Applied", name)
        return name

    def _run_steps(self, name: str, steps: Sequence[Any], done: Callable[[], None], *, downgrade: bool) -> None:
        stamps = bool(steps) and not downgrade and isinstance(steps[-1], partial) and steps[-1].func is stamp
        for number, step in enumerate(steps, start=1):
            if self.context.listener.on_progress is not None:
                self.context.listener.on_progress(StepStarted(name, number, len(steps)))
            if stamps and number == len(steps):
                self._record(name)
                done()
            self._run_step(name, number, len(steps), step)
        if downgrade:
            self.context.write(self.model.delete().where(self.model.name == name).execute, self.migrate_table)
        elif not stamps:
            self._record(name)
        if not stamps:
            done()

    def _record(self, name: str) -> None:
        if name not in self._recorded:  # as one that was half rolled back still is
            self.context.write(lambda: self.model.create(name=name), self.migrate_table)

    def steps(self, name: str, database: pw.Database | None = None, *, downgrade: bool = False) -> list[Any]:
        """Return the steps of a migration. Raises Undecided and Irreversible before any of them has run."""
        migrate, rollback = self.read(name)
        migrator = self.migrator
        migrator.__ops__ = []
        try:
            (rollback if downgrade else migrate)(migrator, database or self.context.database, fake=False)
            steps = list(migrator.__ops__)
            for step in steps:
                if isinstance(step, partial) and step.func is irreversible:
                    step()
        except errors.Undecided as error:
            raise errors.Undecided(f"{name} has an open question (steps.decide in its file): {error}") from error
        except errors.Irreversible as error:
            raise errors.Irreversible(f"Cannot roll back {name}: {error}. Nothing was changed.") from error
        except (errors.WchError, pw.PeeweeException):
            raise
        except Exception as error:  # of an author's own
            raise errors.ConfigurationError(f"{in_words(error, self.folder.path / f'{name}.py')}.") from error
        finally:
            migrator.__ops__ = []
        return steps

    def _run_step(self, name: str, number: int, steps: int, step: Any) -> None:
        try:
            step.run() if isinstance(step, Operation) else step()
        except errors.RemovalRefused as error:
            raise errors.RemovalRefused(f"{name}, step {number} of {steps}: {error}") from error
        except errors.ConfigurationError:  # it says for itself what to do
            raise
        except Exception as error:
            if isinstance(error, pw.PeeweeException) and self.context.dialect.failure(error.args) == "damaged":
                raise
            if isinstance(error, errors.Busy) and not error.of_statement:
                raise  # a lost lock or lease, or a replica that is behind: it says for itself what to do
            raise self._failure(name, number, steps, error) from error

    def _failure(self, name: str, number: int, steps: int, error: Exception) -> errors.MigrationFailed:
        # A migration's own SQL can fail with the driver's words, a number first; the library has its own for them.
        if isinstance(error, pw.PeeweeException):
            meaning = self.context.dialect.failure(error.args)
            error = database_error(describe(self.context.database), meaning, error)
        where: dict[str, Any] = {"migration": name, "step": number, "steps": steps}
        if isinstance(error, errors.StatementFailed):
            return errors.MigrationFailed(error.reason, **where, sql=error.sql, lost=error.lost)
        lost = isinstance(error, errors.DatabaseUnavailable)
        if isinstance(error, errors.Busy):
            return errors.MigrationBlocked(str(error), **where)
        said = str(error) if isinstance(error, errors.WchError) else in_words(error, self.folder.path / f"{name}.py")
        if isinstance(error, errors.SchemaConflict) and error.by_hand:
            said += f"; if the tables already have the result of {name}, record it with wch migrate --mark {name}"
        return errors.MigrationFailed(said, **where, lost=lost)
