"""A whole WordPress network, site by site: each site has its own prefix, version, history and lock.

One site that fails does not keep the others waiting: it is written down, and the next one is taken. A run that
was killed is repeated: sites that are done are looked at and left alone.

    network = Network(DatabaseManager("mysql://root@localhost/wordpress", prefix="wp_"))
    report = network.install()
    print(report.failures)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .database import connected
from .errors import Busy, DatabaseUnavailable, WchError
from .manager import DatabaseManager
from .progress import SiteStarted
from .reports import InstallPlan, InstallReport, StatusReport, UninstallReport
from .wordpress.sites import BlogSite, read_sites
from .workspace import look

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
        """Say what is there and what is pending on every site. Reads only."""
        return self._each(DatabaseManager.status, on_site)

    def plan(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallPlan]:
        """Compare every site with the declaration. Reads only."""
        return self._each(DatabaseManager.plan, on_site)

    def uninstall(self, on_site: OnSite = lambda event: None) -> NetworkReport[UninstallReport]:
        """Remove the tables of every site, the main one last, only when WCH_REMOVE_DATA is true."""
        return self._each(DatabaseManager.uninstall, on_site, last_first=True)

    def _each(
        self, work: Callable[[DatabaseManager], R], on_site: OnSite, *, last_first: bool = False
    ) -> NetworkReport[R]:
        results: list[SiteResult[R]] = []
        with self._one_connection():
            sites = self.sites()
            order = sites[::-1] if last_first else sites
            for number, site in enumerate(order, start=1):
                on_site(SiteStarted(site.prefix, number, len(sites)))
                try:
                    results.append(SiteResult(site, report=work(self.manager.at(site.prefix))))
                except WchError as error:
                    results.append(SiteResult(site, error=error))
                    if isinstance(error, DatabaseUnavailable) and not isinstance(error, Busy):
                        return NetworkReport(tuple(results), skipped=tuple(order[number:]))
        return NetworkReport(tuple(results))

    @contextmanager
    def _one_connection(self) -> Iterator[None]:
        """Look at all sites over one connection, where the database can keep one open."""
        with connected(self.manager.database):
            yield
