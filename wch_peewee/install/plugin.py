"""The plugin's lifecycle, as a host calls it: activate, deactivate, admin_init, uninstall."""

from __future__ import annotations

import copy
import re
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

import peewee as pw

from ..database.connect import (
    PATIENCE,
    address,
    connect,
    describe,
    is_autocommitted,
    is_private,
    open_database,
    release_lost,
    synchronous,
    unwrap,
)
from ..database.driver import ServerDatabase
from ..database.failures import database_error
from ..database.query import base_dialect, failure_of, run_query
from ..database.session import LOCK_WAIT
from ..database.url import parse_url
from ..errors import Busy, ConfigurationError, SchemaTooNew, WchError
from ..hookspecs import hookimpl
from ..migrate.folder import folder_of
from ..models.namespace import WCH, our_names
from ..models.site import SiteModels, bind, sites_of
from ..schema.naming import Names, Namespace, as_site, names_of, require_namespace
from ..settings import RemovalPermission, Settings
from ..wordpress.multisite import MAIN, blog_prefix
from ..wordpress.options import option_in, option_query
from .reports import InstallReport, UninstallReport

if TYPE_CHECKING:
    from ..execution.context import OptionWritten
    from ..models.base import BaseModel
    from .manager import DatabaseManager
    from .network import Network, NetworkReport

M = TypeVar("M", bound=pw.Model)


class VersionCheck:
    """The one SELECT of an admin_init. It is prepared once, so that each call costs only the query."""

    def __init__(self, database: pw.Database, names: Names) -> None:
        self.database = synchronous(database)
        self._dialect = base_dialect(database)
        self._query = option_query(self._dialect, names.options, names.namespace.version_option)

    def version(self) -> str | None:
        """Return the stored version, or None.

        A connection that the server has closed meanwhile is opened again, unless it is in a transaction: only the
        application may give that up. Raises DatabaseUnavailable.
        """
        release_lost(self.database)
        if self.database.is_closed():
            connect(self.database)
        try:
            rows = run_query(self.database, self._dialect, self._query)
        except pw.PeeweeException as error:
            if failure_of(self.database, error) == "missing":
                return None
            raise self._failure(error) from error
        return str(rows[0][0]) if len(rows) == 1 else option_in(rows)

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the tables that do not exist, with one query. Raises DatabaseUnavailable."""
        try:
            present = {row[0] for row in run_query(self.database, self._dialect, self._dialect.presence(names))}
        except pw.PeeweeException as error:
            raise self._failure(error) from error
        return tuple(name for name in names if name not in present)

    def _failure(self, error: pw.PeeweeException) -> WchError:
        return database_error(describe(self.database), failure_of(self.database, error), error)


def _network_of(database: pw.Database, prefix: str) -> str | None:
    """Look for the network that a prefix is a site's of. Raises DatabaseUnavailable."""
    if as_site(prefix) is None:
        return None
    from ..execution.session import read_session

    with read_session(database, our_names(prefix)) as context:
        return context.names.network


class Plugin:
    """One installation's lifecycle, and its models.

    >>> plugin = Plugin("sqlite:///shop.db")
    >>> plugin.activate().version
    '1.0.0'

    Two plugins in one process, for two databases or prefixes, share nothing. A plugin can be registered with a
    ``pluggy.PluginManager("wch")``; pluggy itself is not needed.

    ``verify_every`` is how often, in seconds, ``admin_init`` also checks that the tables exist;
    ``retry_after`` is how many seconds it waits after a failed upgrade. ``clock`` returns monotonic seconds.
    ``on_option_written`` is called with the version option's name, its new value or None, and the prefix, after a run
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
        namespace: Namespace | None = None,
    ) -> None:
        if models is None:
            names = our_names(prefix)
        else:
            from ..schema.declared import logical_tables, parents_first

            models = parents_first(models)
            logical_tables(models)  # refused now if no engine, or not every one, can keep them
            names = names_of(models, prefix)
            folder_of(names.namespace, migrations)
        require_namespace(names, namespace)
        self._database = open_database(parse_url(database)) if isinstance(database, str) else unwrap(database)
        self._sites = sites_of(self._database, address, _network_of)
        self._settings: dict[str, Any] = {
            "remove_data": remove_data,
            "patience": patience,
            "lock_wait": lock_wait,
            "ignore": tuple(ignore),
            "migrations": migrations,
            **({} if models is None else {"models": models}),
        }
        self._on_option_written = on_option_written
        self.verify_every = verify_every
        self.retry_after = retry_after
        self._clock = clock
        self._needs_site = False
        self._plugins: dict[str, Any] = {}
        self._begin(names)
        if isinstance(self._database, ServerDatabase) and not self._database.collated_as:
            self._database.collated_as = self._tables[0]
        self._plugins[self._prefix] = self
        self._network_prefix = self._prefix

    def _begin(self, names: Names) -> None:
        """Set what belongs to one prefix."""
        self._names, self._tables = names, names.tables
        self._prefix = names.prefix
        self._sites.claim(names)
        self._site = self._sites.at(names.prefix, names.network)
        self._version_check = VersionCheck(self._database, names)
        self._guard = threading.Lock()
        self._verified_at: float | None = None
        self._failed_at: float | None = None
        self._failure = ""
        self._newer: InstallReport | None = None
        self._current: InstallReport | None = None

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
        space = names_of(options["models"]).namespace if options.get("models") is not None else WCH
        settings = Settings.gather(database=database, prefix=prefix, wordpress=path, removal=space.remove_data)
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
        """The table prefix of the site, such as ``wp_``."""
        return self._prefix

    @cached_property
    def manager(self) -> DatabaseManager:
        """The manager that installs, upgrades and removes; created when first needed, in most processes never."""
        from .manager import DatabaseManager

        manager = DatabaseManager(self._database, prefix=self._prefix, **self._settings)
        manager.names = self._names
        manager.on_option_written = self._on_option_written
        manager.needs_site = self._needs_site
        return manager

    @cached_property
    def _code_version(self) -> str:
        return folder_of(self._names.namespace, self._settings["migrations"]).version

    @property
    def network(self) -> Network:
        """The sites of the WordPress network whose own prefix this is."""
        from .network import Network

        return Network(self.manager)

    def at(self, prefix: str, network: str | None = None) -> Self:
        """Return the plugin of another prefix in the same database, always the same one.

        ``network`` is the prefix of the main site of its network; it is looked up if it is not given.
        """
        if prefix not in self._plugins:
            other = copy.copy(self)
            for name in ("manager", "models"):
                vars(other).pop(name, None)
            other._begin(self._names.at(prefix, network))
            self._plugins.setdefault(prefix, other)
        plugin: Self = self._plugins[prefix]
        return plugin

    def site(self, blog_id: int) -> Self:
        """Return the plugin of a site of the network whose own prefix this is. Raises ConfigurationError."""
        if re.fullmatch(rf"{self._network_prefix}\d+_", self.prefix):
            raise ConfigurationError(
                f"{self.prefix} is a site's prefix; ask the plugin of the network ({self._network_prefix}) for another."
            )
        return self.at(blog_prefix(self.prefix, blog_id), self._network_prefix)

    @cached_property
    def models(self) -> SiteModels:
        """The models of this installation: ordinary peewee models with its database and its tables' names.

        It is a tuple with their names, those of the six where no other models were given.
        """
        from ..models.tables import MODELS

        declared = self._settings.get("models", MODELS)
        names = [model.__name__ for model in declared]
        tuple_of: Any = namedtuple
        return cast("SiteModels", tuple_of("SiteModels", names)(*map(self._site.model, declared)))

    def model(self, model: type[M]) -> type[M]:
        """Return this installation's class for a declared model; ``model(Cart)`` is ``models.Cart``.

        It is a subclass, made once. Its relations lead to classes of the same installation. Raises ConfigurationError
        for a model without ``Meta.table_key``, and for a class of another installation.
        """
        return self._site.model(model)

    def bind(self) -> None:
        """Give the declared models (``wch_peewee.Cart``) this installation's database and prefix, in the whole process.

        As peewee's ``bind``, it also gives the database to models that refer to them, and to what is derived from them.
        """
        from ..models.base import BaseModel

        bind(BaseModel, self._database, self._prefix, self._names.namespace, self._site.prefix_of)

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
        database = self._version_check.database
        was_closed = database.is_closed()
        try:
            stored = self._version_check.version()
            if self._newer is not None and stored == self._newer.version:
                return self._newer
            if stored is not None and stored == self._code_version and self._is_whole():
                return self._report_current(stored)
        finally:
            if was_closed and not is_private(database):
                database.close()
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
        """Remove a deleted site's tables, which WordPress leaves behind, and only if its constant is true.

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
        """Remove everything of this installation if its constant (WCH_REMOVE_DATA) is true; otherwise change nothing.

        ``network_wide`` does it for every site of the network.
        """
        if network_wide:
            return self.network.uninstall()
        report = self.manager.uninstall()
        with self._guard:
            self._verified_at = None
        return report

    def _is_whole(self) -> bool:
        """Return True if the tables are known to exist, or no verification is due; one thread per interval looks."""
        with self._guard:
            now, verified_at = self._clock(), self._verified_at
            if verified_at is not None and now - verified_at < self.verify_every:
                return True
            self._verified_at = now
        whole = False
        try:
            # What is read inside a transaction decides nothing: then the manager looks over its own connection.
            is_sure = is_autocommitted(self._version_check.database)
            whole = is_sure and not self._version_check.missing(self._tables)
            return whole
        finally:
            if not whole:
                # Nothing has been verified: the next call looks again, until a repair succeeds.
                with self._guard:
                    self._verified_at = None

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
