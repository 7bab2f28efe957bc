"""A whole WordPress network, site by site: each site has its own prefix, version, history and lock.

One site that fails does not keep the others waiting: it is written down, and the next one is taken. A run that
was killed is repeated: sites that are done are looked at and left alone.

    network = Network(DatabaseManager("mysql://root@localhost/wordpress", prefix="wp_"))
    report = network.install()
    print(report.failures)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .database import connected
from .errors import Busy, DatabaseUnavailable, WchError
from .manager import DatabaseManager
from .opening import look
from .progress import SiteStarted
from .readings import Reading, Readings
from .reports import InstallPlan, InstallReport, StatusReport, UninstallReport
from .wordpress.sites import BlogSite, read_sites
from .workspace import Workspace

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
        self,
        manager: DatabaseManager,
        describe: Callable[[DatabaseManager, Workspace, Reading], R],
        *,
        tables: bool = False,
    ) -> None:
        self._manager = manager
        self._describe = describe
        self._tables = tables
        self._readings: Readings | None = None
        self.reports: dict[str, R] = {}

    def read(self, sites: Sequence[BlogSite]) -> None:
        """Read ``sites`` together; those left out, because one of them is odd, are to be read one by one."""
        self.reports = {}
        managers = [self._manager.at(site.prefix) for site in sites]
        with contextlib.suppress(WchError), look(self._manager.database, self._manager.prefix) as workspace:
            self._readings = self._readings or Readings(workspace)
            readings = self._readings.read(managers, tables=self._tables)
            for manager in managers:
                reading = readings[manager.prefix]
                there = Workspace(workspace.database, workspace.dialect, manager.prefix)
                there.known_collation = reading.collation
                self.reports[manager.prefix] = self._describe(manager, there, reading)


def _status_of(manager: DatabaseManager, workspace: Workspace, reading: Reading) -> StatusReport:
    return manager.status_of(workspace, reading.standing, reading.present)


def _plan_of(manager: DatabaseManager, workspace: Workspace, reading: Reading) -> InstallPlan:
    return manager.plan_of(workspace, reading.standing, reading.actual)


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
        return self._each(DatabaseManager.install, on_site)

    def status(self, on_site: OnSite = lambda event: None) -> NetworkReport[StatusReport]:
        """Say what is there and what is pending on every site. Reads only, of many sites at once."""
        return self._each(DatabaseManager.status, on_site, ahead=_Ahead(self.manager, _status_of))

    def plan(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallPlan]:
        """Compare every site with the declaration. Reads only, of many sites at once."""
        return self._each(DatabaseManager.plan, on_site, ahead=_Ahead(self.manager, _plan_of, tables=True))

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
    ) -> NetworkReport[R]:
        results: list[SiteResult[R]] = []
        with self._one_connection():
            sites = self.sites()
            order = sites[::-1] if last_first else sites
            for number, site in enumerate(order, start=1):
                on_site(SiteStarted(site.prefix, number, len(sites)))
                if ahead is not None and (number - 1) % AT_ONCE == 0:
                    ahead.read(order[number - 1 : number - 1 + AT_ONCE])
                try:
                    known = None if ahead is None else ahead.reports.get(site.prefix)
                    report = work(self.manager.at(site.prefix)) if known is None else known
                    results.append(SiteResult(site, report=report))
                except WchError as error:
                    results.append(SiteResult(site, error=error))
                    if isinstance(error, DatabaseUnavailable) and not isinstance(error, Busy):
                        return NetworkReport(tuple(results), skipped=tuple(order[number:]))
        return NetworkReport(tuple(results))

    @contextlib.contextmanager
    def _one_connection(self) -> Iterator[None]:
        """Look at all sites over one connection, where the database can keep one open."""
        with connected(self.manager.database):
            yield
