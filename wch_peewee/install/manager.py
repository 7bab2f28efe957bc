"""The database manager: install, upgrade, verify and remove the tables of one installation.

It holds no connection between calls; each run opens its own and takes the lock. What only reads
(``status``, ``plan``, ``row_counts``) it has from ``Installation``, and writes nothing.

    DatabaseManager("sqlite:///wch.db").install()
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import peewee as pw

from ..database.query import present_tables
from ..errors import ConfigurationError, RunStopped, SchemaConflict, SchemaTooNew
from ..execution.context import Workspace
from ..execution.reconcile import Reconciled
from ..execution.session import look, one_connection, run_in_workspace
from ..execution.table_cache import Shapes
from ..migrate.state import Standing, delete_version, read_version, write_version
from ..models.site import switch_prefix
from ..progress import Progress
from ..schema.naming import DEFAULT_PREFIX, get_table_name, history_table_name, options_table_name
from ..schema.statements import Statement
from ..wordpress.options import VERSION_OPTION
from .inspection import Installation
from .orphans import count_orphans, delete_orphans, reattach_orphans
from .privileges import REMOVAL, UPGRADE, require_privileges
from .reports import InstallReport, Orphans, RepairReport, UninstallReport

#: Called with the option's name and its new value.
OptionWritten = Callable[[str, str | None], None]

Work = Callable[[Workspace], Any]

logger = logging.getLogger("wch_peewee")


@contextlib.contextmanager
def option_news(hook: OptionWritten | None) -> Iterator[Callable[[Work], Work]]:
    """Give a wrapper for a run's work; call ``hook`` at the end of the block for each option that it has written."""
    seen: list[Workspace] = []

    def watched(work: Work) -> Work:
        def watching(workspace: Workspace) -> Any:
            # SQLite may undo it all and do it again: the last one counts.
            seen[:] = [workspace]
            return work(workspace)

        return watching

    failed = True
    try:
        yield watched
        failed = False
    finally:
        if hook is not None and seen and not (failed and seen[0].dialect.transactional_ddl):
            for name, value in seen[0].options.items():
                with switch_prefix(seen[0].prefix):
                    _tell(hook, name, value)


def _tell(hook: OptionWritten, name: str, value: str | None) -> None:
    try:
        hook(name, value)
    except Exception:
        done = "was deleted" if value is None else f"was set to {value}"
        logger.exception("%s %s, and on_option_written failed; what caches it may show the old value", name, done)


T = TypeVar("T")


class DatabaseManager(Installation):
    """Owns the six tables of one installation; see ``Installation`` for what it is made with."""

    #: What the tables of other sites look like, in a run over many of them.
    shapes: Shapes | None = None
    #: Called ahead of each statement that changes the schema; what it raises stops the run.
    before_statement: Callable[[Statement], None] | None = None
    #: Told of each migration's step and of each batch of rows, in the run's own thread.
    on_progress: Progress | None = None
    #: Told of the version option, and its new value or None, after a run has written or deleted it (``option_news``).
    on_option_written: OptionWritten | None = None

    def install(self) -> InstallReport:
        """Install or upgrade: migrations, then what is still missing, then verify, and stamp the version last.

        When everything is there, nothing is written and no lock is taken.

        Raises SchemaTooNew, SchemaConflict, MigrationFailed, MissingPrivileges, Busy, DatabaseUnavailable.
        """

        def work(workspace: Workspace) -> InstallReport:
            # Somebody else may have done it while we waited for the lock.
            standing = self.standing(workspace)
            return self._settled(workspace, standing) or self._install(workspace, standing)

        with self._connection() as database:
            with look(database, self.prefix) as workspace:
                workspace.shapes = self.shapes
                report = self._settled(workspace, self.standing(workspace))
                if report is not None:
                    return report
            return self._run(work, "activate", database)

    def run_migrations(self) -> tuple[str, ...]:
        """Apply the pending migrations under the lock; return the names of those applied.

        A database of a newer minor version is left alone. Raises SchemaTooNew and what ``install`` raises.
        """
        with look(self.database, self.prefix) as workspace:
            if self._left_alone(standing := self.standing(workspace)) or not standing.pending:
                return ()

        def work(workspace: Workspace) -> tuple[str, ...]:
            if self._left_alone(standing := self.standing(workspace)):
                return ()
            require_privileges(workspace, self.target)
            return self._migrate(workspace, standing)

        return self._run(work, "migrate")

    def rollback(self) -> str:
        """Take the newest applied migration back; return its name. Raises RemovalRefused where it loses data."""
        from ..migrate.runner import MigrationRouter

        with look(self.database, self.prefix) as workspace:
            if not self._rollback_allowed(self.standing(workspace)).applied:
                raise ConfigurationError(f"{self.target}: there is no applied migration to roll back.")

        def work(workspace: Workspace) -> str:
            self._rollback_allowed(self.standing(workspace))
            require_privileges(workspace, self.target, UPGRADE + REMOVAL)
            return MigrationRouter(workspace, self.folder).rollback()

        return self._run(work, "rollback")

    def repair(self, orphans: Orphans = "report") -> RepairReport:
        """Mend what differs from the declaration and can be mended safely, after dealing with orphaned messages.

        ``delete`` deletes messages whose conversation is gone, ``reattach`` gives them a closed conversation
        again, ``report`` counts them. Pending migrations come first: raises ConfigurationError where there are
        some. Raises SchemaTooNew, and what ``install`` raises.
        """

        with look(self.database, self.prefix) as workspace:
            self._repair_allowed(self.standing(workspace))

        def work(workspace: Workspace) -> RepairReport:
            self._repair_allowed(self.standing(workspace))
            deletes = ("DELETE",) if orphans == "delete" else ()
            require_privileges(workspace, self.target, UPGRADE + deletes)
            found = deleted = reattached = 0
            if {get_table_name(key, self.prefix) for key in ("messages", "conversations")} <= set(
                present_tables(workspace.database, workspace.dialect, self.table_names)
            ):
                found = sum(count_orphans(workspace).values())
                deleted = delete_orphans(workspace) if orphans == "delete" and found else 0
                reattached = reattach_orphans(workspace) if orphans == "reattach" and found else 0
            result = workspace.reconcile(self.tables)
            changes = tuple(workspace.outcomes)
            return RepairReport(found, deleted, reattached, changes, result.refusals, result.extras)

        return self._run(work, "repair")

    def uninstall(self) -> UninstallReport:
        """Remove exactly our tables, history and option, for this prefix; only when WCH_REMOVE_DATA is true."""
        if not self.remove_data:
            return UninstallReport(False, reason="WCH_REMOVE_DATA is not true; nothing was removed")
        from ..migrate.steps.structure import drop_named

        names = (*self.table_names, history_table_name(self.prefix))
        with look(self.database, self.prefix) as workspace:
            present = present_tables(workspace.database, workspace.dialect, names)
            if not present and read_version(workspace) is None:
                return UninstallReport(True, reason="nothing was there")

        def work(workspace: Workspace) -> UninstallReport:
            present = present_tables(workspace.database, workspace.dialect, names)
            require_privileges(workspace, self.target, REMOVAL)
            drop_named(workspace, present)
            return UninstallReport(True, tables=tuple(reversed(present)), option=delete_version(workspace))

        return self._run(work, "uninstall")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[pw.Database]:
        """Have what to look and run on: where the application has no connection open, one for both."""
        if not self.database.is_closed():
            yield self.database
            return
        with one_connection(self.database, patience=self.patience, lock_wait=self.lock_wait) as database:
            yield database

    def _run(self, work: Callable[[Workspace], T], command: str, database: pw.Database | None = None) -> T:
        try:
            with option_news(self.on_option_written) as watched:
                result: T = run_in_workspace(
                    watched(work),
                    database or self.database,
                    self.prefix,
                    remove_data=self._remove_data,
                    patience=self.patience,
                    lock_wait=self.lock_wait,
                    lease_ttl=self.lease_ttl,
                    before=self.before_statement,
                    on_progress=self.on_progress,
                    copies=self.copies,
                    hold=None if self.replicas is None else self.replicas.hold,
                    shapes=self.shapes,
                )
            return result
        except RunStopped as error:
            error.command = f"wch {command}" + ("" if self.prefix == DEFAULT_PREFIX else f" --prefix {self.prefix}")
            raise

    def _settled(self, workspace: Workspace, standing: Standing) -> InstallReport | None:
        """Report when there is nothing to do, or nothing may be done; None when a run is needed."""
        stored = standing.version
        if self._left_alone(standing):
            reason = f"the database is at {stored} and this code at {self.version}; nothing was changed"
            return InstallReport("newer", stored, stored, reason=reason)
        if standing.pending or not standing.is_stamped:
            return None
        plan = workspace.plan(self.tables)
        if not plan.is_empty or plan.blocking:
            return None
        return InstallReport("current", stored, stored, refusals=plan.refusals, extras=plan.extras)

    def _left_alone(self, standing: Standing) -> bool:
        """Say whether the database is of a newer minor version; a newer major one raises SchemaTooNew."""
        if standing.is_newer and str(standing.version).split(".")[0] != self.version.split(".")[0]:
            raise self._too_new(standing, "upgrade wch-peewee")
        return standing.is_newer

    def _rollback_allowed(self, standing: Standing) -> Standing:
        if standing.is_newer:
            raise self._too_new(standing, "roll back with the release that upgraded it")
        return standing

    def _repair_allowed(self, standing: Standing) -> None:
        if standing.is_newer:
            raise self._too_new(standing, "repair it with the release that upgraded it")
        if standing.pending:
            raise ConfigurationError(f"{self.target}: {standing.pending[0]} is pending; run wch activate first.")

    def _too_new(self, standing: Standing, advice: str) -> SchemaTooNew:
        return SchemaTooNew(
            f"{self.target}: the database is at version {standing.version} and this code knows {self.version} at most; "
            f"{advice}. Nothing was changed."
        )

    def _install(self, workspace: Workspace, before: Standing) -> InstallReport:
        require_privileges(workspace, self.target)
        there = workspace.look_for(
            (*self.table_names, history_table_name(self.prefix), options_table_name(self.prefix))
        )
        existed = set(there) & set(self.table_names)
        migrations = self._migrate(workspace, before)
        result = workspace.reconcile(self.tables)
        self._verify(result)
        version = self._stamp(workspace)
        return InstallReport(
            "upgraded" if existed else "installed",
            before.version,
            version,
            migrations,
            changes=tuple(workspace.outcomes),
            refusals=result.refusals,
            extras=result.extras,
            adopted=before.version if before.applied is None and existed else None,
        )

    def _stamp(self, workspace: Workspace) -> str:
        """Write the version where it is not there yet; return what is there, PHP's where that is higher."""
        if workspace.options.get(VERSION_OPTION) != self.version:  # which a migration of this run has written
            after = self.standing(workspace)
            if after.is_foreign:
                return str(after.version)
            if not after.is_stamped:
                write_version(workspace, self.version)
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

    def _migrate(self, workspace: Workspace, standing: Standing) -> tuple[str, ...]:
        from ..migrate.runner import MigrationRouter

        return tuple(MigrationRouter(workspace, self.folder).run(standing=standing))


#: The name that WordPress developers know.
WCH_Database_Manager = DatabaseManager
