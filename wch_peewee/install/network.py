"""A whole WordPress network, site by site: each site has its own prefix, version, history and lock.

One site that fails does not keep the others waiting: it is written down, and the next one is taken. A run that
was killed is repeated: sites that are done are looked at and left alone.

    network = Network(DatabaseManager("mysql://root@localhost/wordpress", prefix="wp_"))
    report = network.install()
    print(report.failures)
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import peewee as pw

from ..database.connect import connect, connected, is_for_runs
from ..errors import Busy, DatabaseUnavailable, WchError
from ..execution.context import Workspace
from ..execution.session import look, one_connection
from ..execution.table_cache import Shapes
from ..progress import SiteStarted
from ..schema.plan import Plan
from ..wordpress.multisite import BlogSite, read_sites
from ._part_reports_reports import InstallReport, UninstallReport
from .manager import DatabaseManager
from .readings import Reading, Readings
from .reports import InstallPlan, StatusReport

#: How many sites are read together.
AT_ONCE = 20

R = TypeVar("R")
#: Told of each site before it is looked at.
OnSite = Callable[[SiteStarted], None]


@dataclass(frozen=True, slots=True)
class SiteResult(Generic[R]):
    """What came of one site: a report, or the error that ended it."""

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
    """The results by site, in the order of their ids; ``skipped`` were not tried, because the server was gone."""

    results: tuple[SiteResult[R], ...]
    skipped: tuple[BlogSite, ...] = ()

    @property
    def failures(self) -> tuple[SiteResult[R], ...]:
        return tuple(result for result in self.results if result.error is not None)

    @property
    def ok(self) -> bool:
        """True when every site was tried and none failed."""
        return not self.failures and not self.skipped

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return {
            "ok": self.ok,
            "sites": [result.to_dict() for result in self.results],
            "skipped": [site.blog_id for site in self.skipped],
        }


class _Ahead(Generic[R]):
    """The reports of the next sites, made from what is read of all of them in a few queries."""

    def __init__(
        self, describe: Callable[[DatabaseManager, Workspace, Reading, Readings], R], *, tables: bool = False
    ) -> None:
        self._describe = describe
        self._tables = tables
        self._readings: Readings | None = None
        self.reports: dict[str, R] = {}

    def read(self, manager: DatabaseManager, sites: Sequence[BlogSite]) -> None:
        """Read ``sites`` together; those left out, because one of them is odd, are to be read one by one."""
        self.reports = {}
        managers = [manager.at(site.prefix) for site in sites]
        with contextlib.suppress(WchError), look(manager.database, manager.prefix) as workspace:
            self._readings = self._readings or Readings(workspace)
            readings = self._readings.read(managers, tables=self._tables)
            for one in managers:
                reading = readings[one.prefix]
                there = Workspace(workspace.database, workspace.dialect, one.prefix)
                there.known_collation = reading.collation
                self.reports[one.prefix] = self._describe(one, there, reading, self._readings)


def _status_of(manager: DatabaseManager, workspace: Workspace, reading: Reading, readings: Readings) -> StatusReport:
    return manager.status_of(workspace, reading.standing, reading.present)


class _Plans:
    """Plans sites; of a site where there is nothing to say nothing is to be said of those like it, either."""

    def __init__(self) -> None:
        self._nothing: dict[tuple[object, ...], InstallPlan] = {}

    def of(self, manager: DatabaseManager, workspace: Workspace, reading: Reading, readings: Readings) -> InstallPlan:
        likeness = reading.likeness
        if likeness is not None and likeness in self._nothing:
            return self._nothing[likeness]
        plan = manager.plan_of(workspace, reading.standing, readings.tables(manager, reading))
        if likeness is not None and plan.is_empty and plan.plan == Plan() and not plan.rehearsed.steps:
            self._nothing[likeness] = plan
        return plan


class Network:
    """The sites of the network whose own prefix is the manager's; what the manager was made with holds for each."""

    def __init__(self, manager: DatabaseManager) -> None:
        self.manager = manager

    def sites(self) -> tuple[BlogSite, ...]:
        """Read the sites in use. Raises ConfigurationError where there is no network."""
        with look(self.manager.database, self.manager.prefix) as workspace:
            return read_sites(workspace.database, workspace.dialect, self.manager.prefix)

    def install(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallReport]:
        """Install or upgrade every site; errors of single sites are in the report."""
        return self._each(DatabaseManager.install, on_site, runs=True)

    def status(self, on_site: OnSite = lambda event: None) -> NetworkReport[StatusReport]:
        """Say what is there and what is pending on every site. Reads only, of many sites at once."""
        return self._each(DatabaseManager.status, on_site, ahead=_Ahead(_status_of))

    def plan(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallPlan]:
        """Compare every site with the declaration. Reads only, of many sites at once."""
        return self._each(DatabaseManager.plan, on_site, ahead=_Ahead(_Plans().of, tables=True))

    def uninstall(self, on_site: OnSite = lambda event: None) -> NetworkReport[UninstallReport]:
        """Remove the tables of every site, the main one last, only when WCH_REMOVE_DATA is true."""
        return self._each(DatabaseManager.uninstall, on_site, last_first=True)

    def _each(
        self,
        work: Callable[[DatabaseManager], R],
        on_site: OnSite,
        *,
        last_first: bool = False,
        ahead: _Ahead[R] | None = None,
        runs: bool = False,
    ) -> NetworkReport[R]:
        results: list[SiteResult[R]] = []
        with self._for_runs() if runs else self._for_looks() as manager:
            sites = Network(manager).sites()  # over the same connection
            order = sites[::-1] if last_first else sites
            for number, site in enumerate(order, start=1):
                on_site(SiteStarted(site.prefix, number, len(sites)))
                if ahead is not None and (number - 1) % AT_ONCE == 0:
                    ahead.read(manager, order[number - 1 : number - 1 + AT_ONCE])
                try:
                    if runs and is_for_runs(manager.database):
                        connect(manager.database)
                    known = None if ahead is None else ahead.reports.get(site.prefix)
                    report = work(manager.at(site.prefix)) if known is None else known
                    results.append(SiteResult(site, report=report))
                except WchError as error:
                    results.append(SiteResult(site, error=error))
                    if runs and is_for_runs(manager.database):
                        # It may be lost, or not as it was: the next site begins anew.
                        with contextlib.suppress(pw.PeeweeException):
                            manager.database.close()
                    if isinstance(error, DatabaseUnavailable) and not isinstance(error, Busy):
                        return NetworkReport(tuple(results), skipped=tuple(order[number:]))
        return NetworkReport(tuple(results))

    def _as_it_is(self) -> DatabaseManager:
        """Read the folder of migrations once for all sites."""
        manager = copy.copy(self.manager)
        # Who needs it says for each site what is wrong with it; whoever removes tables does not.
        with contextlib.suppress(WchError):
            manager.folder = manager.folder.as_it_is()
        return manager

    @contextlib.contextmanager
    def _for_looks(self) -> Iterator[DatabaseManager]:
        """Look at all sites over one connection."""
        manager = self._as_it_is()
        with connected(manager.database):
            yield manager

    @contextlib.contextmanager
    def _for_runs(self) -> Iterator[DatabaseManager]:
        """Install all sites over one connection, and read in full only tables that no other site has the like of."""
        manager = self._as_it_is()
        with one_connection(manager.database, patience=manager.patience, lock_wait=manager.lock_wait) as database:
            manager.database = database
            with look(database, manager.prefix) as workspace:
                if not workspace.dialect.transactional_ddl:
                    manager.shapes = Shapes(database, workspace.dialect)
                yield manager
