"""The database manager: install, upgrade, verify and remove the tables of one installation."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import peewee as pw

from ..errors import ConfigurationError, RunStopped, SchemaConflict, SchemaTooNew
from ..execution.apply import Reconciled
from ..execution.context import OptionWritten, RunContext, RunListener
from ..execution.introspect import TableCache
from ..execution.session import one_connection, read_session, run_in_session
from ..migrate.state import InstalledState, delete_version, read_version, write_version
from ..models.site import switch_prefix
from ..progress import Progress
from ..schema.diff import Refusal, additions
from ..schema.naming import DEFAULT_PREFIX, full_table_name, history_table_name, options_table_name
from ..schema.statements import Statement
from ..wordpress.options import VERSION_OPTION
from .inspection import Installation, InstallPlan
from .orphans import count_orphans, delete_orphans, reattach_orphans
from .privileges import REMOVAL, UPGRADE, require_options, require_privileges
from .reports import InstallReport, Report, UninstallReport

T = TypeVar("T")
Work = Callable[[RunContext], Any]

logger = logging.getLogger("wch_peewee")


@contextlib.contextmanager
def notify_option_written(hook: OptionWritten | None) -> Iterator[Callable[[Work], Work]]:
    """Return a wrapper for a run's work; at the end of the block ``hook`` is called for each option it has written.

    By then the lock is free and every session can read the row. ``value`` is None for a deleted option, and the
    current prefix is that of the options table. The hook also learns of a write that stays although the run fails
    afterwards, and of one whose connection was lost, so that it may have been done. What the hook raises is logged: the
    upgrade is done, and an error would say the opposite. A process killed at this point sends no notification.
    """
    seen: list[RunContext] = []

    def watched(work: Work) -> Work:
        def watching(context: RunContext) -> Any:
            # SQLite may undo it all and do it again: the last one counts.
            seen[:] = [context]
            return work(context)

        return watching

    failed = True
    try:
        yield watched
        failed = False
    finally:
        if hook is not None and seen and not (failed and seen[0].dialect.transactional_ddl):
            for name, value in seen[0].written.items():
                with switch_prefix(seen[0].prefix):
                    _tell(hook, name, value)


def _tell(hook: OptionWritten, name: str, value: str | None) -> None:
    try:
        hook(name, value)
    except Exception:
        done = "was deleted" if value is None else f"was set to {value}"
        logger.exception("%s %s, and on_option_written failed; what caches it may show the old value", name, done)


#: What to do about messages without their conversation.
Orphans = Literal["report", "delete", "reattach"]


@dataclass(frozen=True, slots=True)
class RepairReport(Report):
    """The outcome of a repair. ``orphans`` is the number of orphaned messages, ``changes`` are dbDelta's words."""

    orphans: int = 0
    deleted: int = 0
    reattached: int = 0
    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True if anything was written."""
        return bool(self.deleted or self.reattached or self.changes)


class DatabaseManager(Installation):
    """Owns the six tables of one installation; see ``Installation`` for the arguments.

    It holds no connection between calls; each run opens its own and takes the lock.
    """

    #: The tables of other sites, in a run over many of them.
    table_cache: TableCache | None = None
    #: Called before each statement that changes the schema; an exception stops the run.
    before_statement: Callable[[Statement], None] | None = None
    #: Called with each migration's step and each batch of rows, in the run's own thread.
    on_progress: Progress | None = None
    #: Called with the version option, and its new value or None, after a run has written or deleted it.
    on_option_written: OptionWritten | None = None

    def install(self) -> InstallReport:
        """Install or upgrade: run migrations, create what is still missing, verify, and write the version.

        Each migration writes its own version at its end; without one the version is written last.

        If everything is in place, nothing is written and no lock is taken.

        Raises SchemaTooNew, SchemaConflict, MigrationFailed, MissingPrivileges, Busy, DatabaseUnavailable.
        """

        def work(context: RunContext) -> InstallReport:
            # Another run may have done it while this one waited for the lock.
            state = self.state(context)
            return self._settled(context, state) or self._install(context, state)

        with one_connection(self.database, self.options) as database:
            with read_session(database, self.prefix, self.options) as context:
                context.table_cache = self.table_cache
                report = self._settled(context, self.state(context))
                if report is not None:
                    return report
            return self._run(work, "activate", database)

    def run_migrations(self) -> tuple[str, ...]:
        """Apply the pending migrations under the lock; return the names of those applied. The version is written last.

        A database that somebody has made newer is left alone. Raises SchemaTooNew and what ``install`` raises.
        """
        with read_session(self.database, self.prefix, self.options) as context:
            if self._left_alone(state := self.state(context)) or (state.is_stamped and not state.pending):
                return ()

        def work(context: RunContext) -> tuple[str, ...]:
            if self._left_alone(state := self.state(context)):
                return ()
            require_privileges(context, self.target)
            require_options(context, self.target)
            names = self._migrate(context, state)
            self._stamp(context)
            return names

        return self._run(work, "migrate")

    def rollback(self) -> str:
        """Roll back the newest applied migration; return its name. Raises RemovalRefused if data would be lost."""
        from ..migrate.runner import MigrationRouter

        with read_session(self.database, self.prefix, self.options) as context:
            if not self._rollback_allowed(self.state(context)).applied:
                raise ConfigurationError(f"{self.target}: there is no applied migration to roll back.")

        def work(context: RunContext) -> str:
            self._rollback_allowed(self.state(context))
            require_privileges(context, self.target, UPGRADE + REMOVAL)
            return MigrationRouter(context, self.folder).rollback()

        return self._run(work, "rollback")

    def repair(self, orphans: Orphans = "report") -> RepairReport:
        """Repair what differs from the declaration and is safe to repair, after dealing with orphaned messages.

        ``delete`` deletes messages whose conversation is missing, ``reattach`` gives them a closed conversation
        again, ``report`` counts them. To tables that the PHP plugin has upgraded it only adds indexes and foreign keys.
        Raises ConfigurationError if migrations are pending, which come first; SchemaTooNew for tables that a newer
        release has upgraded; and what ``install`` raises.
        """

        with read_session(self.database, self.prefix, self.options) as context:
            self._repair_allowed(self.state(context))

        def work(context: RunContext) -> RepairReport:
            state = self.state(context)
            self._repair_allowed(state)
            if orphans == "reattach":
                self._insist_on_conversations(context, state)
            deletes = ("DELETE",) if orphans == "delete" else ()
            require_privileges(context, self.target, UPGRADE + deletes)
            found = deleted = reattached = 0
            if {full_table_name(key, self.prefix) for key in ("messages", "conversations")} <= set(
                context.connection.present(self.table_names)
            ):
                found = sum(count_orphans(context).values())
                deleted = delete_orphans(context) if orphans == "delete" and found else 0
                reattached = reattach_orphans(context) if orphans == "reattach" and found else 0
            if state.is_newer:
                desired = additions(context.resolve(self.tables), context.read(self.table_names))
                result = replace(context.reconcile_to(desired), extras=())
            else:
                result = context.reconcile(self.tables)
            changes = tuple(context.outcomes)
            return RepairReport(found, deleted, reattached, changes, result.refusals, result.extras)

        return self._run(work, "repair")

    def repair_plan(self) -> InstallPlan:
        """Return the plan of ``repair``, without what it does about orphans. Reads only; raises what it raises."""
        with read_session(self.database, self.prefix, self.options) as context:
            state = self.state(context)
            self._repair_allowed(state)
            return self.plan_of(context, state)

    def uninstall(self) -> UninstallReport:
        """Remove exactly our tables, history and option of this prefix, and only if WCH_REMOVE_DATA is true."""
        if not self.remove_data:
            return UninstallReport(False, reason="WCH_REMOVE_DATA is not true; nothing was removed")
        from ..migrate.steps.structure import drop_named

        names = (*self.table_names, history_table_name(self.prefix))
        with read_session(self.database, self.prefix, self.options) as context:
            present = context.connection.present(names)
            if not present and read_version(context) is None:
                return UninstallReport(True, reason="nothing was there")

        def work(context: RunContext) -> UninstallReport:
            present = context.connection.present(names)
            require_privileges(context, self.target, REMOVAL)
            drop_named(context, present)
            return UninstallReport(True, tables=tuple(reversed(present)), option=delete_version(context))

        return self._run(work, "uninstall")

    def _run(self, work: Callable[[RunContext], T], command: str, database: pw.Database | None = None) -> T:
        try:
            listener = RunListener(self.before_statement, self.on_progress, self.on_option_written)
            with notify_option_written(listener.on_option_written) as watched:
                result: T = run_in_session(
                    watched(work),
                    database or self.database,
                    self.prefix,
                    self.options,
                    listener,
                    table_cache=self.table_cache,
                )
            return result
        except RunStopped as error:
            error.command = f"wch {command}" + ("" if self.prefix == DEFAULT_PREFIX else f" --prefix {self.prefix}")
            raise

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
            raise self._too_new(state, "upgrade wch-peewee")
        return state.is_newer

    def _rollback_allowed(self, state: InstalledState) -> InstalledState:
        if state.is_newer:
            raise self._too_new(state, "what has been upgraded since would not work with what is taken back")
        return state

    def _repair_allowed(self, state: InstalledState) -> None:
        if state.is_newer and not state.is_foreign:
            raise self._too_new(state, "repair it with that release")
        if state.pending and not state.is_newer:
            raise ConfigurationError(f"{self.target}: {state.pending[0]} is pending; run wch activate first.")

    def _insist_on_conversations(self, context: RunContext, state: InstalledState) -> None:
        name = full_table_name("conversations", self.prefix)
        for access in self._access(context, state):
            if access.table == name and not access.writable:
                raise SchemaConflict(f"{name} takes no new conversations: {'; '.join(access.reasons)}.")

    def _too_new(self, state: InstalledState, advice: str) -> SchemaTooNew:
        return SchemaTooNew(f"{self.target}: {state.why_newer}; {advice}. Nothing was changed.")

    def _install(self, context: RunContext, before: InstalledState) -> InstallReport:
        require_privileges(context, self.target)
        if not before.is_stamped:
            require_options(context, self.target)
        there = context.note_present(
            (*self.table_names, history_table_name(self.prefix), options_table_name(self.prefix))
        )
        existed = set(there) & set(self.table_names)
        migrations = self._migrate(context, before)
        result = context.reconcile(self.tables)
        self._verify(result)
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
        if context.written.get(VERSION_OPTION) != self.version:  # which a migration of this run has written
            after = self.state(context)
            if after.is_newer:  # somebody has upgraded meanwhile
                return str(after.version)
            if not after.is_stamped:
                write_version(context, self.version)
        return self.version

    def _verify(self, result: Reconciled) -> None:
        blocking = tuple(str(refusal) for refusal in result.refusals if refusal.blocking)
        if blocking:
            reasons = "\n".join(blocking)
            raise SchemaConflict(
                f"{self.target}: the models cannot work with what is there, and mending it is not safe. "
                f"The version was left as it is.\n{reasons}",
                reasons=blocking,
            )

    def _migrate(self, context: RunContext, state: InstalledState) -> tuple[str, ...]:
        from ..migrate.runner import MigrationRouter

        return tuple(MigrationRouter(context, self.folder).run(state=state))


#: The name that WordPress developers know.
WCH_Database_Manager = DatabaseManager
