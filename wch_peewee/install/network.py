"""A whole WordPress network, site by site: each site has its own prefix, version, history and lock."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import peewee as pw

from ..database.connect import collation_beside, connect, is_dedicated
from ..errors import Busy, DatabaseUnavailable, WchError
from ..execution.context import RunContext
from ..execution.introspect import TableCache
from ..execution.session import one_connection, read_session
from ..migrate.state import InstalledState
from ..progress import SiteStarted
from ..schema.base import Query
from ..schema.objects import Schema
from ..wordpress.multisite import BlogSite, is_network, read_sites
from .inspection import InstallPlan, StatusReport
from .manager import DatabaseManager
from .reports import InstallReport, UninstallReport

R = TypeVar("R")
#: Called with each site before it is read.
OnSite = Callable[[SiteStarted], None]
#: Makes a report of what has been read: the state, and the live tables.
Describe = Callable[[DatabaseManager, RunContext, InstalledState, Schema], R]


class _Reader(Generic[R]):
    """Reads the sites of a network over one connection, with the result of ``Installation.status`` and ``plan``.

    The names of all tables are read once, and in full only a table that is unlike those of other sites: make a new one
    for each look. Names are compared exactly, never by pattern.
    """

    def __init__(self, context: RunContext, describe: Describe[R]) -> None:
        self._connection, self._dialect, self._topology = context.connection, context.dialect, context.topology
        self._describe = describe
        self._names = {self._dialect.folded(str(row[0])) for row in self._connection.query(self._dialect.all_tables())}
        self._tables = TableCache(self._connection)

    def report(self, one: DatabaseManager) -> R:
        """Return the report on a site. Raises ConfigurationError, and peewee's errors."""
        context = RunContext(self._connection, one.names, one.options, topology=self._topology)
        context.table_cache = self._tables
        state = one.state(context)
        options = self._dialect.quote(one.names.options)
        own = f"SELECT {self._dialect.collation_of('option_name')} FROM {options} LIMIT 1"
        for (collation,) in self._connection.query(Query(own)) if self._is_there(one.names.options) else ():
            context.known_collation = collation_beside(str(collation)) if collation else None
        names = (one.names.table(table.name) for table in one.declared(state))
        live = self._tables.read(one.names, [name for name in names if self._is_there(name)])
        return self._describe(one, context, state, live)

    def _is_there(self, name: str) -> bool:
        return self._dialect.folded(name) in self._names


@dataclass(frozen=True, slots=True)
class SiteResult(Generic[R]):
    """The outcome for one site: a report, or the error that ended it."""

    site: BlogSite
    report: R | None = None
    error: WchError | None = None

    def to_dict(self) -> dict[str, Any]:
        report: Any = self.report
        error = None if self.error is None else {"type": type(self.error).__name__, "message": str(self.error)}
        site = {"blog_id": self.site.blog_id, "prefix": self.site.prefix, "url": f"{self.site.domain}{self.site.path}"}
        return {**site, "report": None if report is None else report.to_dict(), "error": error}


@dataclass(frozen=True, slots=True)
class NetworkReport(Generic[R]):
    """The results by site, ordered by id. ``skipped`` sites were not tried, because the server is gone or refused."""

    results: tuple[SiteResult[R], ...]
    skipped: tuple[BlogSite, ...] = ()

    @property
    def failures(self) -> tuple[SiteResult[R], ...]:
        return tuple(result for result in self.results if result.error is not None)

    @property
    def ok(self) -> bool:
        """True if every site was tried and none failed."""
        return not self.failures and not self.skipped

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return {
            "ok": self.ok,
            "sites": [result.to_dict() for result in self.results],
            "skipped": [site.blog_id for site in self.skipped],
        }


class Network:
    """The sites of the network whose own prefix is the manager's; the manager's settings hold for each.

    A site that fails does not keep the others waiting: its error is recorded, and the next one is taken. A run that was
    killed can be repeated: sites that are done are checked and left alone.

        report = Network(DatabaseManager("mysql://root@localhost/wordpress", prefix="wp_")).install()
    """

    def __init__(self, manager: DatabaseManager) -> None:
        self.manager = manager

    def at(self, prefix: str) -> DatabaseManager:
        """Return the manager of a site, which WordPress has to have created if this is a network."""
        manager = self.manager.at(prefix, self.manager.prefix)
        with read_session(manager.database, manager.names, manager.options) as context:
            manager.needs_site = manager.needs_site or is_network(context.connection, self.manager.prefix)
        return manager

    def sites(self) -> tuple[BlogSite, ...]:
        """Return the sites in use. Raises ConfigurationError if this is not a network."""
        with read_session(self.manager.database, self.manager.names, self.manager.options) as context:
            return read_sites(context.connection, self.manager.prefix)

    def install(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallReport]:
        """Install or upgrade every site; errors of single sites are in the report."""
        return self._each(DatabaseManager.install, on_site, runs=True)

    def status(self, on_site: OnSite = lambda event: None) -> NetworkReport[StatusReport]:
        """Return what is installed and pending on every site. Reads only, many sites at once."""
        return self._each(DatabaseManager.status, on_site, describe=DatabaseManager.status_of)

    def plan(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallPlan]:
        """Compare every site with the declaration. Reads only, many sites at once."""
        return self._each(DatabaseManager.plan, on_site, describe=DatabaseManager.plan_of)

    def uninstall(self, on_site: OnSite = lambda event: None) -> NetworkReport[UninstallReport]:
        """Remove the tables of every site, the main one last, and only if removing data is allowed."""
        return self._each(DatabaseManager.uninstall, on_site, last_first=True)

    def _each(
        self,
        work: Callable[[DatabaseManager], R],
        on_site: OnSite,
        *,
        last_first: bool = False,
        describe: Describe[R] | None = None,
        runs: bool = False,
    ) -> NetworkReport[R]:
        """Do ``work`` for each site; with ``describe`` only for one that cannot be read as the others are."""
        results: list[SiteResult[R]] = []
        with self._connected(runs) as (manager, context):
            sites = read_sites(context.connection, manager.prefix)
            reader = None if describe is None else _Reader(context, describe)
            order = sites[::-1] if last_first else sites
            for number, site in enumerate(order, start=1):
                on_site(SiteStarted(site.prefix, number, len(sites)))
                try:
                    if runs and is_dedicated(manager.database):
                        connect(manager.database)
                    one, report = manager.at(site.prefix, manager.prefix), None
                    if reader is not None:
                        with contextlib.suppress(pw.PeeweeException):
                            report = reader.report(one)
                    results.append(SiteResult(site, report=work(one) if report is None else report))
                except WchError as error:
                    results.append(SiteResult(site, error=error))
                    if runs and is_dedicated(manager.database):
                        # It may be lost, or not as it was: the next site begins anew.
                        with contextlib.suppress(pw.PeeweeException):
                            manager.database.close()
                    if isinstance(error, DatabaseUnavailable) and not isinstance(error, Busy):
                        return NetworkReport(tuple(results), skipped=tuple(order[number:]))
        return NetworkReport(tuple(results))

    @contextlib.contextmanager
    def _connected(self, runs: bool) -> Iterator[tuple[DatabaseManager, RunContext]]:
        """Yield a manager for all sites, which has read the folder of migrations once, and one connection for them.

        Where the sites are installed, only a table that is unlike those of other sites is read in full.
        """
        manager = copy.copy(self.manager)
        manager.needs_site = True
        # Where the folder is needed, each site reports what is wrong with it; uninstalling does not need it.
        with contextlib.suppress(WchError):
            manager.folder = manager.folder.as_it_is()
        with (
            one_connection(manager.database, manager.options) as manager.database,
            read_session(manager.database, manager.names, manager.options, deciding=runs) as context,
        ):
            if runs and not context.dialect.transactional_ddl:
                manager.table_cache = TableCache(context.connection)
            yield manager, context
