"""The database manager: install, upgrade, verify and remove the tables of one installation."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import peewee as pw

from ..errors import ConfigurationError, RunStopped, SchemaConflict, SchemaTooNew, some
from ..execution.context import OptionWritten, RunContext, RunListener
from ..execution.introspect import TableCache
from ..execution.session import one_connection, read_session, run_in_session
from ..migrate.dry_run import left_to_do
from ..migrate.runner import MigrationRouter
from ..migrate.state import (
    InstalledState,
    delete_version,
    is_above,
    read_version,
    write_version,
)
from ..migrate.steps import stamp
from ..migrate.steps.structure import drop_named
from ..progress import Progress
from ..schema.diff import Refusal, additions
from ..schema.plan import Stopped
from ..schema.statements import Statement
from .inspection import Installation, InstallPlan
from .orphans import orphans_of
from .privileges import REMOVAL, UPGRADE, require_options, require_privileges
from .reports import InstallReport, Report, UninstallReport
from .rollback import RollbackPlan, plan_back, rehearse

T = TypeVar("T")

logger = logging.getLogger("wch_peewee")


#: What to do about rows that refer to a parent which is not there.
Orphans = Literal["report", "delete", "reattach"]


@dataclass(frozen=True, slots=True)
class RepairReport(Report):
    """The outcome of a repair. ``orphans`` is the number of orphaned rows, ``changes`` are dbDelta's words."""

    orphans: int = 0
    deleted: int = 0
    reattached: int = 0
    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()
    #: rows whose reference to a missing parent was set to NULL
    nulled: int = 0

    @property
    def changed(self) -> bool:
        """True if anything was written."""
        return bool(self.deleted or self.nulled or self.reattached or self.changes)


class DatabaseManager(Installation):
    """Owns the tables of one installation; see ``Installation`` for the arguments.

    It holds no connection between calls; each run opens its own and takes the lock.

    >>> DatabaseManager("sqlite:///shop.db").run_migrations()
    ('001_initial_schema',)
    """

    #: The tables of other sites, in a run over many of them.
    table_cache: TableCache | None = None
    #: Called before each statement that changes the schema; an exception stops the run.
    before_statement: Callable[[Statement], None] | None = None
    #: Called with each migration's step and each batch of rows, in the run's own thread.
    on_progress: Progress | None = None
    #: Called with the version option, its new value or None, and the prefix, after a run has written or deleted it.
    on_option_written: OptionWritten | None = None

    def install(self) -> InstallReport:
        """Install or upgrade: run migrations, create what is still missing, verify, and write the version.

        Each migration writes its own version at its end; without one the version is written last.

        If everything is in place, nothing is written and no lock is taken.

        Raises SchemaTooNew, SchemaConflict, MigrationFailed, MissingPrivileges, Busy, DatabaseUnavailable.
        """
        return self._run_unless(self._settled, self._install, "activate")

    def run_migrations(self, *, to: str | None = None) -> tuple[str, ...]:
        """Apply the pending migrations under the lock; return the names of those applied. The version is written last.

        ``to`` is the version at which to stop; newer migrations stay pending. A database that somebody has made newer
        is left alone. Raises SchemaTooNew and what ``install`` raises.
        """
        last = None if to is None else self.folder.newest_of(to)

        def settled(context: RunContext, state: InstalledState) -> tuple[str, ...] | None:
            if self._left_alone(state):
                return ()
            if to is None:
                return None if state.pending or not state.is_stamped else ()
            if is_above(state.version, to):
                back = self.command(f"rollback --to {to}")
                raise ConfigurationError(f"{self.target}: already at version {state.version}; {back} would go back.")
            return None if state.version != to or state.pending_to(last) else ()

        def work(context: RunContext, state: InstalledState) -> tuple[str, ...]:
            require_privileges(context, self.target)
            require_options(context, self.target)
            names = MigrationRouter(context, self.folder).run(last, state=state)
            if to is None:
                self._stamp(context)
            else:
                stamp(context.database, to)
            return tuple(names)

        return self._run_unless(settled, work, "migrate" if to is None else f"migrate --to {to}")

    def mark(self, name: str) -> tuple[str, ...]:
        """Record ``name``, and those pending before it, as applied without running them; return their names.

        It is for what PHP or a person has done already, and for a file that was changed on purpose after that.
        The tables are compared with what the migrations make; what they do to rows is not looked at. Raises
        SchemaConflict where the tables differ, and what ``install`` raises.
        """
        self.folder.require(name)

        def to_mark(state: InstalledState) -> tuple[str, ...]:
            return state.pending_to(name) or tuple({name} & {*self.changed_files(state)})

        def settled(context: RunContext, state: InstalledState) -> tuple[str, ...] | None:
            left = to_mark(state) or is_above(self.folder.version_of(name), state.version)
            return None if left and not self._left_alone(state) else ()

        def work(context: RunContext, state: InstalledState) -> tuple[str, ...]:
            require_privileges(context, self.target)
            require_options(context, self.target)
            names = to_mark(state)
            if names and (differences := left_to_do(context, self.folder, names)):
                words = f"{self.target}: the tables differ from the result of {name}. Nothing was recorded."
                raise SchemaConflict("\n".join((words, *differences)), reasons=differences)
            MigrationRouter(context, self.folder).mark(names, state)
            stamp(context.database, self.folder.version_of(name))
            return names

        return self._run_unless(settled, work, f"migrate --mark {name}")

    def rollback(self, name: str | None = None, *, to: str | None = None, allow_loss: bool = False) -> tuple[str, ...]:
        """Take applied migrations back, newest first; return their names, none if they are back already.

        ``name`` is the migration to roll back, after those applied since; ``to`` the version to go back to; with
        neither it is the newest, and each call rolls back one more; one that drops tables has to be named. All of it
        is rehearsed before the first statement. Where rows or values would be lost, ``allow_loss`` is needed. One that
        was stopped half way is gone on with by the same call, and undone by ``run_migrations``. Raises RemovalRefused
        without the name or that leave, SchemaConflict if a step would fail on the rows that are there, Irreversible if
        a migration has no way back, and what ``install`` raises.
        """
        with read_session(self.database, self.names, self.options, deciding=True) as context:
            plan = plan_back(self._rollback_allowed(self.state(context)), self.folder, name, to)
            if name is None and to is None:
                rehearse(context, self.folder, plan).require_name(self.target, self.command)
        return self.roll_back(plan, allow_loss=allow_loss)

    def roll_back(self, plan: RollbackPlan, *, allow_loss: bool = False) -> tuple[str, ...]:
        """Do what ``rollback_plan`` has shown, and nothing else; return the names that were rolled back.

        It may lose what that plan counts, and more only with ``allow_loss``. Raises SchemaConflict if another migration
        has been applied since, and what ``rollback`` raises.
        """
        if not plan.names:
            return ()

        def work(context: RunContext) -> tuple[str, ...]:
            state = self._rollback_allowed(self.state(context))
            now = plan_back(state, self.folder, plan.names[-1] if plan.to is None else None, plan.to)
            if not now.names:  # another run has done it while this one waited for the lock
                return ()
            if others := [name for name in now.names if name not in plan.names]:
                raise SchemaConflict(f"{self.target}: {others[0]} was applied by another run. Nothing was changed.")
            require_privileges(context, self.target, UPGRADE + REMOVAL)
            allowed = None if allow_loss else plan.losses
            rehearse(context, self.folder, now).require(self.target, self.command, allowed=allowed)
            context.options = replace(context.options, remove_data=True)
            return MigrationRouter(context, self.folder).roll_back(now.names)

        try:
            return self._run(work, f"rollback {plan.names[-1]}{' --allow-loss' if allow_loss else ''}")
        except RunStopped as error:
            error.target = plan.names[-1]
            raise

    def rollback_plan(self, name: str | None = None, *, to: str | None = None) -> RollbackPlan:
        """Return what ``rollback`` would do, and what it would lose. Reads only, and counts rows."""
        with read_session(self.database, self.names, self.options) as context:
            state = self._rollback_allowed(self.state(context))
            plan = rehearse(context, self.folder, plan_back(state, self.folder, name, to))
            if plan.names and not plan.refusals and (obstacle := self._obstacle(context)):
                plan = replace(plan, dry_run=replace(plan.dry_run, stopped=Stopped("", 0, 0, obstacle)))
            return plan

    def repair(self, orphans: Orphans = "report") -> RepairReport:
        """Repair what differs from the declaration and is safe to repair, after dealing with orphaned rows.

        ``delete`` deletes rows whose parent is missing, or sets NULL where the key does (SET NULL); ``reattach`` makes
        them a parent where its model says how (``stand_in``); ``report`` counts them. To tables that the PHP
        plugin has upgraded it only adds indexes and foreign keys. Raises ConfigurationError if migrations are pending,
        which come first; SchemaTooNew for tables that a newer release has upgraded; and what ``install`` raises.
        """

        def work(context: RunContext, state: InstalledState) -> RepairReport:
            self._require_agreement(context)
            if orphans == "reattach":
                self._require_parents(context, state)
            deletes = ("DELETE",) if orphans == "delete" else ()
            require_privileges(context, self.target, UPGRADE + deletes)
            found = deleted = nulled = reattached = 0
            for each in orphans_of(context, self._models):
                if count := sum(missing.rows for missing in each.missing()):
                    found += count
                    gone = each.delete() if orphans == "delete" else 0
                    deleted, nulled = (deleted, nulled + gone) if each.nulls else (deleted + gone, nulled)
                    reattached += each.reattach() if orphans == "reattach" else 0
            if state.is_newer:
                desired = additions(context.resolve(self.tables), context.read(self.names.tables))
                result = replace(context.reconcile_to(desired), extras=())
            else:
                result = context.reconcile(self.tables)
            changes = tuple(context.outcomes)
            return RepairReport(found, deleted, reattached, changes, result.refusals, result.extras, nulled)

        return self._run_unless(lambda context, state: self._repair_allowed(state), work, "repair")

    def repair_plan(self) -> InstallPlan:
        """Return the plan of ``repair``, without what it does about orphans. Reads only; raises what it raises."""
        with read_session(self.database, self.names, self.options) as context:
            state = self.state(context)
            self._repair_allowed(state)
            return self.plan_of(context, state)

    def uninstall(self) -> UninstallReport:
        """Remove exactly our tables, history and option of this prefix, and only if removing data is allowed."""
        if not self.remove_data:
            return UninstallReport(False, reason=f"{self.names.namespace.remove_data} is not true; nothing was removed")
        names = self.names.owned
        with read_session(self.database, self.names, self.options, deciding=True) as context:
            present = context.connection.present(names)
            if not present and read_version(context) is None:
                return UninstallReport(True, reason="nothing was there")

        def work(context: RunContext) -> UninstallReport:
            present = context.connection.present(names)
            require_privileges(context, self.target, REMOVAL)
            drop_named(context, present)
            return UninstallReport(True, tables=tuple(reversed(present)), option=delete_version(context))

        return self._run(work, "uninstall")

    def _run_unless(
        self,
        settled: Callable[[RunContext, InstalledState], T | None],
        work: Callable[[RunContext, InstalledState], T],
        command: str,
    ) -> T:
        """Return what ``settled`` says of a database in which nothing is to be done; else do ``work`` under the lock.

        There it is asked again, because another run may have done it while this one waited.
        """

        def locked(context: RunContext) -> T:
            state = self.state(context)
            found = settled(context, state)
            return work(context, state) if found is None else found

        with one_connection(self.database, self.options) as database:
            with read_session(database, self.names, self.options, deciding=True) as context:
                context.table_cache = self.table_cache
                found = settled(context, self.state(context))
            return self._run(locked, command, database) if found is None else found

    def _run(self, work: Callable[[RunContext], T], command: str, database: pw.Database | None = None) -> T:
        contexts: list[RunContext] = []

        def watched(context: RunContext) -> T:
            contexts[:] = [context]  # SQLite may undo it all and do it again: the last one counts
            return work(context)

        own, listener, failed = database or self.database, RunListener(self.before_statement, self.on_progress), True
        try:
            result = run_in_session(watched, own, self.names, self.options, listener, table_cache=self.table_cache)
            failed = False
            return result
        except RunStopped as error:
            error.command = self.command(command)
            raise
        finally:
            for context in contexts:
                if not (failed and context.dialect.transactional_ddl):
                    self._tell_of_options(context)

    def _tell_of_options(self, context: RunContext) -> None:
        """Call ``on_option_written`` for each option that a run has written, when the lock is free.

        That is also a write that stays although the run failed afterwards, and one whose connection was lost, so that
        it may have been done. What it raises is logged: the upgrade is done, and an error would say the opposite.
        """
        hook = self.on_option_written
        if hook is None:
            return
        for name, value in context.written.items():
            try:
                hook(name, value, context.prefix)
            except Exception:
                done = "was deleted" if value is None else f"was set to {value}"
                words = "%s %s, and on_option_written failed; what caches it may show the old value"
                logger.exception(words, name, done)

    def _settled(self, context: RunContext, state: InstalledState) -> InstallReport | None:
        """Return the report if there is nothing to do or nothing may be done; None if a run is needed."""
        stored = state.version
        if self._left_alone(state):
            return InstallReport("newer", stored, stored, reason=f"{state.why_newer}; nothing was changed")
        if state.pending or not state.is_stamped:
            return None
        plan = context.plan(self.tables)
        if not plan.is_empty or plan.blocking:
            return None
        return InstallReport("current", stored, stored, refusals=plan.refusals, extras=plan.extras)

    def _left_alone(self, state: InstalledState) -> bool:
        """Return True if somebody has made the database newer. Raises SchemaTooNew for a newer major version of ours.

        What the PHP plugin has upgraded stays as it is, and is no error: its next upgrade would undo what we change.
        """
        if state.is_newer and not state.is_foreign and str(state.version).split(".")[0] != self.version.split(".")[0]:
            raise self._too_new(state, f"upgrade {self.names.namespace.package}")
        return state.is_newer

    def _rollback_allowed(self, state: InstalledState) -> InstalledState:
        if unknown := [name for name in state.applied or () if state.is_newer and name not in state.known]:
            back = self.command(f"rollback {unknown[0]}")
            words = f"this release does not have {', '.join(unknown)}; roll back with the newer release: {back}"
            raise self._too_new(state, words)
        if state.is_newer:
            raise self._too_new(state, "a rollback could break them")
        return state

    def _repair_allowed(self, state: InstalledState) -> None:
        if state.is_newer and not state.is_foreign:
            raise self._too_new(state, "repair it with that release")
        if state.pending and not state.is_newer:
            raise ConfigurationError(f"{self.target}: {state.pending[0]} is pending; run wch activate first.")

    def _require_parents(self, context: RunContext, state: InstalledState) -> None:
        parents = {each.parent for each in orphans_of(context, self._models)}
        for access in self._access(context, state):
            if access.table in parents and not access.writable:
                raise SchemaConflict(f"{access.table} does not accept new rows: {'; '.join(access.reasons)}.")

    def _too_new(self, state: InstalledState, advice: str) -> SchemaTooNew:
        return SchemaTooNew(f"{self.target}: {state.why_newer}; {advice}. Nothing was changed.")

    def _require_agreement(self, context: RunContext) -> None:
        if words := self.disagreement(context):
            raise ConfigurationError(f"{self.target}: {words} Nothing was changed.")

    def _install(self, context: RunContext, before: InstalledState) -> InstallReport:
        self._require_agreement(context)
        require_privileges(context, self.target)
        if not before.is_stamped:
            require_options(context, self.target)
        existed = context.present(self.names.tables)
        migrations = tuple(MigrationRouter(context, self.folder).run(None, state=before))
        result = context.reconcile(self.tables)
        if blocking := tuple(map(str, result.blocking)):
            words = "the models cannot use these tables, and repairing them is not safe. The version was not changed."
            undone = context.dialect.transactional_ddl or not context.outcomes
            done = () if undone else (f"Done so far: {some(context.outcomes)}.",)
            raise SchemaConflict("\n".join((f"{self.target}: {words}", *blocking, *done)), reasons=blocking)
        version = self._stamp(context)
        return InstallReport(
            "upgraded" if existed else "installed",
            before.version,
            version,
            migrations,
            changes=tuple(context.outcomes),
            refusals=result.refusals,
            extras=result.extras,
            adopted=before.version if before.applied is None and existed else None,
        )

    def _stamp(self, context: RunContext) -> str:
        """Write the version if it is not there yet; return what is stored, which is PHP's version if that is higher."""
        if context.written.get(context.namespace.version_option) != self.version:  # no migration of this run did
            after = self.state(context)
            if after.is_newer:  # somebody has upgraded meanwhile
                return str(after.version)
            if not after.is_stamped:
                write_version(context, self.version)
        return self.version


#: The name that WordPress developers know.
WCH_Database_Manager = DatabaseManager
