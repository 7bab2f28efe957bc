"""The plugin's lifecycle, as a host calls it: activate, deactivate, admin_init, uninstall."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import peewee as pw

from ..database.connect import (
    PATIENCE,
    connect,
    describe,
    is_autocommitted,
    is_private,
    open_database,
    release_lost,
    unwrap,
)
from ..database.driver import ServerDatabase
from ..database.failures import database_error
from ..database.query import base_dialect, run_query
from ..database.session import LOCK_WAIT
from ..database.url import parse_url
from ..errors import Busy, ConfigurationError, SchemaTooNew, WchError
from ..hookspecs import hookimpl
from ..migrate.folder import MigrationFolder, migrations_folder
from ..models.site import Site, current_prefix, set_default_site, use_site
from ..schema.naming import TABLES, check_prefix, full_table_name
from ..settings import RemovalPermission, Settings
from ..wordpress.multisite import MAIN, blog_prefix
from ..wordpress.options import VERSION_OPTION, option_in, option_query
from .reports import InstallReport, UninstallReport

if TYPE_CHECKING:
    from ..execution.context import OptionWritten
    from ..models.base import BaseModel
    from .manager import DatabaseManager
    from .network import Network, NetworkReport


class VersionCheck:
    """The one SELECT of an admin_init. It is prepared once, so that each call costs only the query."""

    def __init__(self, database: pw.Database, prefix: str) -> None:
        self._database = database
        self._dialect = base_dialect(database)
        self._query = option_query(self._dialect, prefix, VERSION_OPTION)

    def version(self) -> str | None:
        """Return the stored version, or None.

        A connection that the server has closed meanwhile is opened again, unless it is in a transaction: only the
        application may give that up. Raises DatabaseUnavailable.
        """
        if not isinstance(self._database, ServerDatabase):  # which looks itself
            release_lost(self._database)
        if self._database.is_closed():
            connect(self._database)
        try:
            return self._ask()
        except pw.PeeweeException as error:
            raise database_error(describe(self._database), self._dialect.failure(error.args), error) from error

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the tables that do not exist, with one query. Raises DatabaseUnavailable."""
        try:
            present = {row[0] for row in run_query(self._database, self._dialect, self._dialect.presence(names))}
        except pw.PeeweeException as error:
            raise database_error(describe(self._database), self._dialect.failure(error.args), error) from error
        return tuple(name for name in names if name not in present)

    def _ask(self) -> str | None:
        try:
            rows = run_query(self._database, self._dialect, self._query)
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "missing":
                return None
            raise
        return str(rows[0][0]) if len(rows) == 1 else option_in(rows)


class Plugin:
    """One installation's lifecycle.

    Two plugins in one process, for two databases or prefixes, share nothing. A plugin can be registered with a
    ``pluggy.PluginManager("wch")``; pluggy itself is not needed.

    ``verify_every`` is how often, in seconds, ``admin_init`` also checks that the tables exist;
    ``retry_after`` is how many seconds it waits after a failed upgrade. ``clock`` returns monotonic seconds.
    ``on_option_written`` is called with the version option's name, and its new value or None, after a run
    has written or deleted it: a host with a persistent object cache clears it there. What it raises is logged, and
    the run counts as done. The other arguments are DatabaseManager's.
    """

    def __init__(
        self,
        database: str | pw.Database,
        *,
        prefix: str | None = None,
        remove_data: RemovalPermission = None,
        patience: float = PATIENCE,
        lock_wait: int = LOCK_WAIT,
        verify_every: float = 600.0,
        retry_after: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        migrations: Path | str | None = None,
        models: Sequence[type[BaseModel]] | None = None,
        on_option_written: OptionWritten | None = None,
        ignore: Iterable[str] = (),
    ) -> None:
        self._database = open_database(parse_url(database)) if isinstance(database, str) else unwrap(database)
        self._prefix = check_prefix(current_prefix() if prefix is None else prefix)
        self._settings: dict[str, Any] = {
            "remove_data": remove_data,
            "patience": patience,
            "lock_wait": lock_wait,
            "ignore": tuple(ignore),
            **({} if models is None else {"models": models}),
        }
        self._migrations = migrations
        self._on_option_written = on_option_written
        self.verify_every = verify_every
        self.retry_after = retry_after
        self._clock = clock
        self._version_check = VersionCheck(self._database, self._prefix)
        self._guard = threading.Lock()
        self._verified_at: float | None = None
        self._failed_at: float | None = None
        self._failure = ""
        self._newer: InstallReport | None = None
        self._current: InstallReport | None = None
        self._needs_site = False

    @classmethod
    def from_wordpress(
        cls,
        path: Path | str,
        *,
        database: str | None = None,
        prefix: str | None = None,
        remove_data: bool | None = None,
        **options: Any,
    ) -> Plugin:
        """Return the plugin of a WordPress site, read from its folder or its wp-config.php. No PHP is run.

        Arguments win over the environment, which wins over wp-config.php; ``options`` are
        Plugin's. Raises ConfigurationError if there is no site, or if the file leaves something unknown that
        is not set elsewhere; reading it needs ``pip install 'wch-peewee[wordpress]'``. Without ``database``, WordPress
        has to be installed under the prefix: nothing is created beside it.
        """
        settings = Settings.gather(database=database, prefix=prefix, wordpress=path)
        leave = settings.remove_data if remove_data is None else remove_data
        return cls.from_settings(settings, remove_data=leave, **options)

    @classmethod
    def from_settings(cls, settings: Settings, **options: Any) -> Plugin:
        """Return the plugin of settings that have been gathered; ``options`` are Plugin's."""
        plugin = cls(open_database(settings.target), prefix=settings.prefix, **{"ignore": settings.ignore, **options})
        plugin._needs_site = settings.needs_site
        return plugin

    def __repr__(self) -> str:
        return f"Plugin({describe(self._database)!r}, prefix={self._prefix!r})"

    @property
    def database(self) -> pw.Database:
        """The application's database, for the models."""
        return self._database

    @property
    def prefix(self) -> str:
        return self._prefix

    @cached_property
    def manager(self) -> DatabaseManager:
        """The manager that installs, upgrades and removes; created when first needed, in most processes never."""
        from .manager import DatabaseManager

        manager = DatabaseManager(self._database, prefix=self._prefix, migrations=self._migrations, **self._settings)
        manager.on_option_written = self._on_option_written
        manager.needs_site = self._needs_site
        return manager

    @cached_property
    def _code_version(self) -> str:
        return MigrationFolder(migrations_folder() if self._migrations is None else Path(self._migrations)).version

    @property
    def network(self) -> Network:
        """The sites of the WordPress network whose own prefix this is."""
        from .network import Network

        return Network(self.manager)

    def site(self, blog_id: int | None = None) -> AbstractContextManager[Site]:
        """Return a context manager in which the models use this installation, in this thread or task alone.

        ``blog_id`` takes a site of the network instead, as WordPress's ``switch_to_blog`` does.
        """
        release_lost(self.database)
        prefix = self.prefix if blog_id is None else blog_prefix(self.prefix, blog_id)
        return use_site(self.database, prefix)

    def bind(self) -> None:
        """Make this installation the default for the models, wherever no ``site()`` block says otherwise."""
        set_default_site(self.database, self.prefix)

    @overload
    def activate(self, network_wide: Literal[False] = False) -> InstallReport: ...
    @overload
    def activate(self, network_wide: bool) -> InstallReport | NetworkReport[InstallReport]: ...
    @hookimpl
    def activate(self, network_wide: bool = False) -> InstallReport | NetworkReport[InstallReport]:
        """Install or upgrade, and verify the real schema whatever the version says.

        ``network_wide`` does it for every site of the network, and continues past a site that fails. Raises what
        DatabaseManager.install raises, and ConfigurationError if this is not a network.
        """
        if network_wide:
            return self.network.install()
        report = self.manager.install()
        self._settle(report)
        return report

    @hookimpl
    def deactivate(self) -> None:
        """Keep everything: deactivating a plugin never removes data."""

    @hookimpl
    def admin_init(self) -> InstallReport:
        """Upgrade on a version mismatch. With a current version it sends one SELECT and does nothing else.

        The first call, and one every ``verify_every`` seconds, also checks that the tables exist. A connection that was
        closed is closed again, but for a database in memory. A failed upgrade raises; calls within ``retry_after``
        seconds report ``deferred`` instead of trying again.
        """
        was_closed = self._database.is_closed()
        try:
            stored = self._version_check.version()
            if self._newer is not None and stored == self._newer.version:
                return self._newer
            if stored is not None and stored == self._code_version and self._is_whole():
                return self._report_current(stored)
        finally:
            if was_closed and not is_private(self._database):
                self._database.close()
        if self._failed_at is not None and self._clock() - self._failed_at < self.retry_after:
            reason = f"an upgrade failed less than {self.retry_after:g} seconds ago: {self._failure}"
            return InstallReport("deferred", stored, stored, reason=reason)
        try:
            report = self.manager.install()
        except (Busy, SchemaTooNew):
            raise  # another run is or has been upgrading: not a failed upgrade
        except (WchError, pw.PeeweeException) as error:
            with self._guard:
                self._failed_at, self._failure = self._clock(), str(error).splitlines()[0]
            raise
        self._settle(report)
        return report

    @hookimpl
    def site_created(self, blog_id: int) -> InstallReport:
        """Install a new site of the network, as ``wp_initialize_site`` asks for once WordPress's tables are there."""
        return self.network.at(blog_prefix(self.prefix, blog_id)).install()

    @hookimpl
    def site_deleted(self, blog_id: int) -> UninstallReport:
        """Remove a deleted site's tables, which WordPress leaves behind, and only if WCH_REMOVE_DATA is true.

        Raises ConfigurationError for the main site, which cannot be deleted.
        """
        if blog_id <= MAIN:
            raise ConfigurationError("The main site of a network cannot be deleted; uninstall() removes its tables.")
        return self.manager.at(blog_prefix(self.prefix, blog_id)).uninstall()

    @overload
    def uninstall(self, network_wide: Literal[False] = False) -> UninstallReport: ...
    @overload
    def uninstall(self, network_wide: bool) -> UninstallReport | NetworkReport[UninstallReport]: ...
    @hookimpl
    def uninstall(self, network_wide: bool = False) -> UninstallReport | NetworkReport[UninstallReport]:
        """Remove everything of this installation if WCH_REMOVE_DATA is true; otherwise change nothing.

        ``network_wide`` does it for every site of the network.
        """
        if network_wide:
            return self.network.uninstall()
        report = self.manager.uninstall()
        with self._guard:
            self._verified_at = None
        return report

    def _is_whole(self) -> bool:
        """Return True if the tables exist, or if no verification is due."""
        if not self._verification_due():
            return True
        whole = False
        try:
            whole = not self._missing_tables()
            return whole
        finally:
            if not whole:
                # Nothing has been verified: the next call looks again, until a repair succeeds.
                with self._guard:
                    self._verified_at = None

    def _missing_tables(self) -> tuple[str, ...]:
        if "models" in self._settings or not is_autocommitted(self._database):
            return self.manager.missing_tables()
        return self._version_check.missing([full_table_name(table, self._prefix) for table in TABLES])

    def _verification_due(self) -> bool:
        """Return True if a verification is due. Only one thread per interval gets True."""
        with self._guard:
            now = self._clock()
            if self._verified_at is not None and now - self._verified_at < self.verify_every:
                return False
            self._verified_at = now
            return True

    def _report_current(self, version: str) -> InstallReport:
        """Return the report for a current version, made once: on SQLite that is a tenth of the cost of the query."""
        report = self._current
        if report is None or report.version != version:
            report = self._current = InstallReport("current", version, version)
        return report

    def _settle(self, report: InstallReport) -> None:
        with self._guard:
            self._verified_at, self._failed_at, self._failure = self._clock(), None, ""
            # The next call need not look into it again.
            self._newer = report if report.outcome == "newer" else None
