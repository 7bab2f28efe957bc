"""A whole WordPress network, site by site: each site has its own prefix, version, history and lock."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import peewee as pw

from ..database.connect import collation_beside, connect, is_dedicated
from ..errors import Busy, DatabaseUnavailable, WchError
from ..execution.context import RunContext
from ..execution.introspect import TableCache
from ..execution.session import one_connection, read_session
from ..migrate.ledger import Books, book_selects, read_all_books
from ..migrate.state import InstalledState, state_of
from ..progress import SiteStarted
from ..schema.base import Query
from ..schema.naming import Names
from ..schema.objects import Schema
from ..wordpress.multisite import BlogSite, is_network, read_sites
from ..wordpress.options import highest
from .inspection import InstallPlan, StatusReport
from .manager import DatabaseManager
from .reports import InstallReport, UninstallReport

#: How many sites are read together.
AT_ONCE = 20

R = TypeVar("R")
#: Called with each site before it is read.
OnSite = Callable[[SiteStarted], None]


class _Reader(Generic[R]):
    """Makes the reports of many sites in one database: a few queries for dozens of sites.

    It reads what ``Installation.status`` and ``plan`` read of one. What holds for all sites is read once, so make a new
    one for each look. Names are compared exactly, never by pattern.
    """

    def __init__(
        self, context: RunContext, describe: Callable[[DatabaseManager, RunContext, InstalledState, Schema], R]
    ) -> None:
        self._context, self._describe = context, describe
        self._connection, self._dialect = context.connection, context.dialect
        self._names = {self._dialect.folded(str(row[0])) for row in self._connection.query(self._dialect.all_tables())}
        self._tables = TableCache(self._connection)

    def reports(self, managers: Sequence[DatabaseManager]) -> dict[str, R]:
        """Return the reports of the sites with an options table, by prefix. Raises peewee's errors and WchErrors."""
        with_options = [one for one in managers if self._is_there(one.names.options)]
        versions = self._versions([one.names for one in with_options])
        histories = self._histories([one.names for one in with_options])
        result = {}
        for one in with_options:
            version, collation = versions.get(one.prefix, (None, None))
            state = state_of(version, histories.get(one.prefix, Books()), one.folder)
            context = RunContext(
                self._connection,
                one.names,
                one.options,
                topology=self._context.topology,
                known_collation=collation_beside(collation) if collation else None,
                table_cache=self._tables,
            )
            names = [name for table in one.declared(state) if self._is_there(name := one.names.table(table.name))]
            texts = self._tables.texts(one.names, names)
            if not (state.is_newer or state.pending or None in texts.values()):
                context.likeness = (context.known_collation, *texts.values())
            live = self._tables.read(one.names, names, texts)
            result[one.prefix] = self._describe(one, context, state, live)
        return result

    def _is_there(self, name: str) -> bool:
        return self._dialect.folded(name) in self._names

    def _versions(self, sites: Sequence[Names]) -> dict[str, tuple[str, str | None]]:
        """Return the stored versions, each with the collation of the options' names."""
        value, collation = self._dialect.hex_of("option_value"), self._dialect.collation_of("option_name")
        selects = [
            f"SELECT {number}, {value}, {collation} FROM {self._dialect.quote(names.options)} "
            f"WHERE option_name = '{names.namespace.version_option}'"
            for number, names in enumerate(sites)
        ]
        found: dict[str, tuple[str, str | None]] = {}
        for number, text, own in self._all(selects):
            prefix, version = sites[int(str(number))].prefix, _text(text)
            known = found[prefix][0] if prefix in found else version
            found[prefix] = highest([known, version]), str(own) if own else None
        return found

    def _histories(self, sites: Sequence[Names]) -> dict[str, Books]:
        """Return the histories of the sites that have one."""
        with_one = [names for names in sites if self._is_there(names.history)]
        selects = [
            select
            for tag, names in enumerate(with_one)
            for select in book_selects(self._dialect, names, tag=tag, ledger=self._is_there(names.ledger))
        ]
        found = read_all_books(self._all(selects))
        return {names.prefix: found.get(tag, Books(())) for tag, names in enumerate(with_one)}

    def _all(self, selects: Sequence[str]) -> list[tuple[object, ...]]:
        return self._connection.query(Query(" UNION ALL ".join(selects))) if selects else []


def _text(value: object) -> str:
    return bytes.fromhex(str(value)).decode("utf-8", "replace")


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
        describe: Callable[[DatabaseManager, RunContext, InstalledState, Schema], R] | None = None,
        runs: bool = False,
    ) -> NetworkReport[R]:
        """Do ``work`` for each site, unless ``describe`` makes the same report of what was read of many together."""
        results: list[SiteResult[R]] = []
        ahead: dict[str, R] = {}
        with self._connected(runs) as (manager, context):
            sites = read_sites(context.connection, manager.prefix)
            reader = None if describe is None else _Reader(context, describe)
            order = sites[::-1] if last_first else sites
            for number, site in enumerate(order, start=1):
                on_site(SiteStarted(site.prefix, number, len(sites)))
                if reader is not None and (number - 1) % AT_ONCE == 0:
                    ahead = {}
                    # If one of them is odd, all are read one by one.
                    with contextlib.suppress(WchError, pw.PeeweeException):
                        together = order[number - 1 : number - 1 + AT_ONCE]
                        ahead = reader.reports([manager.at(one.prefix, manager.prefix) for one in together])
                try:
                    if runs and is_dedicated(manager.database):
                        connect(manager.database)
                    known = ahead.get(site.prefix)
                    report = work(manager.at(site.prefix, manager.prefix)) if known is None else known
                    results.append(SiteResult(site, report=report))
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
