"""The database manager: install, upgrade, verify and remove the tables of one installation.

It holds no connection between calls; each run opens its own and takes the lock. Reading calls
(``status``, ``check``, ``plan``) write nothing.

    DatabaseManager("sqlite:///wch.db").install()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import peewee as pw

from .database import describe, open_database, unwrap
from .errors import ConfigurationError, SchemaConflict, SchemaTooNew
from .migrate.folder import MigrationFolder
from .migrate.history import HISTORY_SHAPE, applied_names
from .migrate.lock import LEASE_TTL
from .migrate.version import delete_version, options_step, read_version, write_version
from .migrations_folder import migrations_folder
from .models import MODELS, BaseModel
from .naming import check_prefix, get_table_name, history_table_name
from .preflight import REMOVAL, UPGRADE, require_privileges
from .progress import Progress
from .reports import InstallPlan, InstallReport, Outcome, StatusReport, UninstallReport
from .schema.desired import logical_tables
from .schema.introspect import present_tables
from .schema.objects import Table
from .schema.plan import Plan
from .schema.reconcile import Reconciled
from .schema.resolve import physical_name
from .schema.statements import Statement
from .settings import remove_data_allowed
from .site import current_prefix
from .url import parse_url
from .wordpress.version import is_plain, version_compare
from .workspace import PATIENCE, Workspace, look, open_workspace


class DatabaseManager:
    """Owns the six tables of one installation.

    ``database`` is a URL or a peewee Database; ``prefix`` defaults to the prefix of the moment;
    ``remove_data`` beats the environment's WCH_REMOVE_DATA; ``patience`` is how many seconds a run waits
    for another run or for somebody's transaction; ``lease_ttl`` is after how many seconds without a sign
    of life another node's run counts as dead on a Galera cluster. ``migrations`` and ``models`` replace
    the shipped ones.
    """

    def __init__(
        self,
        database: str | pw.Database,
        *,
        prefix: str | None = None,
        remove_data: bool | None = None,
        patience: float = PATIENCE,
        lease_ttl: float = LEASE_TTL,
        migrations: Path | str | None = None,
        models: Sequence[type[BaseModel]] = MODELS,
    ) -> None:
        self.database = open_database(parse_url(database)) if isinstance(database, str) else unwrap(database)
        self.prefix = check_prefix(current_prefix() if prefix is None else prefix)
        self.patience = patience
        self.lease_ttl = lease_ttl
        self._remove_data = remove_data
        self._migrations = migrations
        self._models = tuple(models)
        #: Called ahead of each statement that changes the schema; what it raises stops the run.
        self.before_statement: Callable[[Statement], None] | None = None
        #: Told of each migration's step and of each batch of rows, in the run's own thread.
        self.on_progress: Progress | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target!r}, prefix={self.prefix!r})"

    @property
    def target(self) -> str:
        """The database for people, without its password."""
        return describe(self.database)

    @cached_property
    def folder(self) -> MigrationFolder:
        return MigrationFolder(Path(self._migrations) if self._migrations is not None else migrations_folder())

    @cached_property
    def version(self) -> str:
        """The schema version of this code: the newest migration's."""
        return self.folder.version

    @property
    def tables(self) -> tuple[Table, ...]:
        """The declared tables, without prefix."""
        return logical_tables(self._models)

    @property
    def table_names(self) -> tuple[str, ...]:
        """The full names of the tables, parents first."""
        return tuple(physical_name(table.name, self.prefix) for table in self.tables)

    def get_table_name(self, table: str) -> str:
        """Return the full name of one of the six tables; ``carts`` and ``wch_carts`` are the same.

        Raises UnknownTable.
        """
        return get_table_name(table, self.prefix)

    def install(self) -> InstallReport:
        """Install or upgrade: migrations, then what is still missing, then verify, and stamp the version last.

        When everything is there, nothing is written and no lock is taken.

        Raises SchemaTooNew, SchemaConflict, MigrationFailed, MissingPrivileges, Busy, DatabaseUnavailable.
        """
        with look(self.database, self.prefix) as workspace:
            report = self._settled(workspace)
            if report is not None:
                return report
        with self._open() as workspace:
            # Somebody else may have done it while we waited for the lock.
            return self._settled(workspace) or self._install(workspace)

    def run_migrations(self) -> tuple[str, ...]:
        """Apply the pending migrations under the lock; return the names of those applied.

        A database of a newer minor version is left alone. Raises SchemaTooNew and what ``install`` raises.
        """
        with look(self.database, self.prefix) as workspace:
            if self._left_alone(workspace) or not self._pending(workspace):
                return ()
        with self._open() as workspace:
            if self._left_alone(workspace):
                return ()
            require_privileges(workspace, self.target)
            return self._migrate(workspace)

    def rollback(self) -> str:
        """Take the newest applied migration back; return its name. Raises RemovalRefused where it loses data."""
        from .migrate.router import MigrationRouter

        with look(self.database, self.prefix) as workspace:
            self._refuse_to_roll_back_newer(workspace)
            if not applied_names(workspace.database, workspace.dialect, self.prefix):
                raise ConfigurationError(f"{self.target}: there is no applied migration to roll back.")
        with self._open() as workspace:
            self._refuse_to_roll_back_newer(workspace)
            require_privileges(workspace, self.target, UPGRADE + REMOVAL)
            return MigrationRouter(workspace, self.folder).rollback()

    def uninstall(self) -> UninstallReport:
        """Remove exactly our tables, history and option, for this prefix; only when WCH_REMOVE_DATA is true."""
        if not self.remove_data:
            return UninstallReport(False, reason="WCH_REMOVE_DATA is not true; nothing was removed")
        from .migrate.steps import drop_named

        names = (*self.table_names, history_table_name(self.prefix))
        with look(self.database, self.prefix) as workspace:
            present = present_tables(workspace.database, workspace.dialect, names)
            if not present and read_version(workspace) is None:
                return UninstallReport(True, reason="nothing was there")
        with self._open() as workspace:
            present = present_tables(workspace.database, workspace.dialect, names)
            require_privileges(workspace, self.target, REMOVAL)
            drop_named(workspace, present)
            return UninstallReport(True, tables=present, option=delete_version(workspace))

    @property
    def remove_data(self) -> bool:
        """Whether removing data is allowed. Raises ConfigurationError when the setting is neither yes nor no."""
        return remove_data_allowed() if self._remove_data is None else self._remove_data

    def status(self) -> StatusReport:
        """Say what is there and what is pending."""
        with look(self.database, self.prefix) as workspace:
            applied = applied_names(workspace.database, workspace.dialect, self.prefix)
            present = present_tables(workspace.database, workspace.dialect, self.table_names)
            return StatusReport(
                target=self.target,
                prefix=self.prefix,
                engine=workspace.dialect.label,
                version=read_version(workspace),
                code_version=self.version,
                applied=applied,
                pending=tuple(name for name in self.folder.names if name not in applied),
                missing_tables=tuple(name for name in self.table_names if name not in present),
            )

    def plan(self) -> InstallPlan:
        """Plan what ``install`` would do, with the very statements: nothing on a newer database. Reads only."""
        with look(self.database, self.prefix) as workspace:
            stored = read_version(workspace)
            if self.is_newer(stored):
                return InstallPlan(stored, self.version, (), Plan())
            pending = self._pending(workspace)
            declared = ((HISTORY_SHAPE,) if pending else ()) + self.tables
            plan = workspace.plan(declared)
            steps = (*plan.steps, *(options_step(workspace) if stored != self.version else ()))
            return InstallPlan(stored, self.version, pending, replace(plan, steps=steps))

    def missing_tables(self) -> tuple[str, ...]:
        """Name the tables that are not there, in one query."""
        with look(self.database, self.prefix) as workspace:
            present = present_tables(workspace.database, workspace.dialect, self.table_names)
        return tuple(name for name in self.table_names if name not in present)

    def row_counts(self) -> dict[str, int]:
        """Count the rows of each table that is there, exactly."""
        with look(self.database, self.prefix) as workspace:
            present = present_tables(workspace.database, workspace.dialect, self.table_names)
            quote = workspace.dialect.quote
            counts = {}
            for name in present:
                row = workspace.database.execute_sql(f"SELECT COUNT(*) FROM {quote(name)}").fetchone()
                counts[name] = int(row[0])
            return counts

    def is_newer(self, version: str | None) -> bool:
        """Say whether a stored version is newer than this code's."""
        return version is not None and is_plain(version) and version_compare(version, self.version) > 0

    def _open(self) -> AbstractContextManager[Workspace]:
        return open_workspace(
            self.database,
            self.prefix,
            remove_data=self.remove_data,
            patience=self.patience,
            lease_ttl=self.lease_ttl,
            before=self.before_statement,
            on_progress=self.on_progress,
        )

    def _pending(self, workspace: Workspace) -> tuple[str, ...]:
        applied = applied_names(workspace.database, workspace.dialect, self.prefix)
        return tuple(name for name in self.folder.names if name not in applied)

    def _settled(self, workspace: Workspace) -> InstallReport | None:
        """Report when there is nothing to do, or nothing may be done; None when a run is needed."""
        stored = read_version(workspace)
        if self.is_newer(stored):
            self._refuse_newer(workspace, stored)
            reason = f"the database is at {stored} and this code at {self.version}; nothing was changed"
            return InstallReport("newer", stored, stored, reason=reason)
        if stored != self.version or self._pending(workspace):
            return None
        plan = workspace.plan(self.tables)
        if not plan.is_empty or plan.blocking:
            return None
        return InstallReport("current", stored, stored, refusals=plan.refusals, extras=plan.extras)

    def _left_alone(self, workspace: Workspace) -> bool:
        """Say whether the database is of a newer minor version; a newer major one raises SchemaTooNew."""
        stored = read_version(workspace)
        self._refuse_newer(workspace, stored)
        return self.is_newer(stored)

    def _refuse_to_roll_back_newer(self, workspace: Workspace) -> None:
        stored = read_version(workspace)
        if self.is_newer(stored):
            raise SchemaTooNew(
                f"{self.target}: the database is at version {stored} and this code knows {self.version} at most; "
                "roll back with the release that upgraded it. Nothing was changed."
            )

    def _refuse_newer(self, workspace: Workspace, stored: str | None) -> None:
        if not self.is_newer(stored) or stored is None:
            return
        if stored.split(".")[0] != self.version.split(".")[0]:
            raise SchemaTooNew(
                f"{self.target}: the database is at version {stored} and this code knows {self.version} at most; "
                "upgrade wch-peewee. Nothing was changed."
            )

    def _install(self, workspace: Workspace) -> InstallReport:
        before = read_version(workspace)
        require_privileges(workspace, self.target)
        existed = present_tables(workspace.database, workspace.dialect, self.table_names)
        migrations = self._migrate(workspace)
        result = workspace.reconcile(self.tables)
        self._verify(result)
        if read_version(workspace) != self.version:
            write_version(workspace, self.version)
        outcome: Outcome = "upgraded" if existed else "installed"
        changes = tuple(workspace.outcomes)
        return InstallReport(outcome, before, self.version, migrations, changes, result.refusals, result.extras)

    def _verify(self, result: Reconciled) -> None:
        blocking = tuple(str(refusal) for refusal in result.refusals if refusal.blocking)
        if blocking:
            reasons = "\n".join(blocking)
            raise SchemaConflict(
                f"{self.target}: the models cannot work with what is there, and mending it is not safe. "
                f"The version was not written.\n{reasons}",
                reasons=blocking,
            )

    def _migrate(self, workspace: Workspace) -> tuple[str, ...]:
        from .migrate.router import MigrationRouter

        return tuple(MigrationRouter(workspace, self.folder).run())


#: The name that WordPress developers know.
WCH_Database_Manager = DatabaseManager
