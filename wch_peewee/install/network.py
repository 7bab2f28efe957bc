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
from ..execution.introspect import Definitions, TableCache
from ..execution.session import one_connection, read_session
from ..migrate.ledger import Books, book_selects, read_all_books
from ..migrate.state import InstalledState, state_of
from ..progress import SiteStarted
from ..schema.base import Query
from ..schema.naming import Names, options_table_name
from ..schema.objects import Schema
from ..schema.plan import Plan
from ..wordpress.multisite import BlogSite, is_network, read_sites
from ..wordpress.options import highest
from .inspection import Installation, InstallPlan, StatusReport
from .manager import DatabaseManager
from .reports import InstallReport, UninstallReport

#: How many sites are read together.
AT_ONCE = 20

R = TypeVar("R")
#: Called with each site before it is read.
OnSite = Callable[[SiteStarted], None]


@dataclass(frozen=True, slots=True)
class SiteReading:
    """The state of one installation as read; ``collation`` and ``texts`` are None if they have not been read.

    Two sites with equal ``likeness`` differ in nothing but their names. None equals nothing.
    """

    state: InstalledState
    present: frozenset[str]
    collation: str | None = None
    texts: Definitions | None = None

    @property
    def likeness(self) -> tuple[object, ...] | None:
        if self.texts is None or any(text is None for text in self.texts.values()):
            return None
        return self.state, self.collation, tuple(self.texts.values())


class BulkIntrospection:
    """Reads many installations in one database together: a few queries for dozens of sites.

    It reads what ``Installation.status`` and ``plan`` read of one. What holds for all sites is read once, so make a new
    one for each look. Names are compared exactly, never by pattern.
    """

    def __init__(self, context: RunContext) -> None:
        self._connection, self._dialect = context.connection, context.dialect
        self._tables = {self._dialect.folded(str(row[0])) for row in self._connection.query(self._dialect.all_tables())}
        self._table_cache: TableCache | None = None

    def read(self, installations: Sequence[Installation], *, tables: bool = False) -> dict[str, SiteReading]:
        """Return what there is, by prefix; with ``tables`` also columns and keys. Raises peewee's errors."""
        versions = self._versions([one.names for one in installations])
        histories = self._histories([one.names for one in installations])
        result = {}
        for one in installations:
            version, collation = versions.get(one.prefix, (None, None))
            state = state_of(version, histories.get(one.prefix, Books()), one.folder)
            result[one.prefix] = SiteReading(
                state,
                frozenset(filter(self._is_there, one.names.tables)),
                collation_beside(collation) if collation else None,
                self._texts(one, state) if tables else None,
            )
        return result

    def has_site(self, prefix: str) -> bool:
        """Return True if WordPress's options table of this prefix is there."""
        return self._is_there(options_table_name(prefix))

    def _is_there(self, name: str) -> bool:
        return self._dialect.folded(name) in self._tables

    def _versions(self, sites: Sequence[Names]) -> dict[str, tuple[str, str | None]]:
        """Return the stored versions, each with the collation of the options' names."""
        value, collation = self._dialect.hex_of("option_value"), self._dialect.collation_of("option_name")
        selects = [
            f"SELECT {number}, {value}, {collation} FROM {self._dialect.quote(names.options)} "
            f"WHERE option_name = '{names.namespace.version_option}'"
            for number, names in enumerate(sites)
            if self._is_there(names.options)
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

    def tables(self, one: Installation, reading: SiteReading) -> Schema:
        """Return the tables of an installation that has been read with ``tables``."""
        return self.known_tables().schema(one.names, reading.texts or {})

    def _texts(self, one: Installation, state: InstalledState) -> Definitions:
        names = (one.names.table(table.name) for table in one.declared(state))
        return self.known_tables().texts(one.names, [name for name in names if self._is_there(name)])

    def known_tables(self) -> TableCache:
        if self._table_cache is None:
            self._table_cache = TableCache(self._connection)
        return self._table_cache

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


class _Ahead(Generic[R]):
    """The reports of the next sites, from a few queries for all of them."""

    def __init__(
        self,
        describe: Callable[[DatabaseManager, RunContext, SiteReading, BulkIntrospection], R],
        *,
        tables: bool = False,
    ) -> None:
        self._describe = describe
        self._tables = tables
        self._readings: BulkIntrospection | None = None
        self.reports: dict[str, R] = {}

    def read(self, manager: DatabaseManager, sites: Sequence[BlogSite]) -> None:
        """Read ``sites`` together. If one of them is odd, those left out are read one by one."""
        self.reports = {}
        with contextlib.suppress(WchError), read_session(manager.database, manager.names, manager.options) as context:
            self._readings = self._readings or BulkIntrospection(context)
            managers = [
                manager.at(site.prefix, manager.prefix) for site in sites if self._readings.has_site(site.prefix)
            ]
            readings = self._readings.read(managers, tables=self._tables)
            for one in managers:
                reading = readings[one.prefix]
                there = RunContext(context.connection, one.names, one.options, topology=context.topology)
                there.known_collation = reading.collation
                there.table_cache = self._readings.known_tables()
                self.reports[one.prefix] = self._describe(one, there, reading, self._readings)


class _Plans:
    """Plans sites, and reuses an empty plan for every site that is like an earlier one."""

    def __init__(self) -> None:
        self._nothing: dict[tuple[object, ...], InstallPlan] = {}

    def of(
        self, manager: DatabaseManager, context: RunContext, reading: SiteReading, readings: BulkIntrospection
    ) -> InstallPlan:
        likeness = reading.likeness
        if likeness is not None and likeness in self._nothing:
            return self._nothing[likeness]
        plan = manager.plan_of(context, reading.state, readings.tables(manager, reading))
        if likeness is not None and plan.is_empty and plan.plan == Plan() and not plan.dry_run.steps:
            self._nothing[likeness] = plan
        return plan

    def status_of(
        self, manager: DatabaseManager, context: RunContext, reading: SiteReading, readings: BulkIntrospection
    ) -> StatusReport:
        """Return a site's status; tables that are like those of an earlier site are not compared again."""
        actual, known = readings.tables(manager, reading), None
        if not (reading.state.is_newer or reading.state.pending):
            known = self.of(manager, context, reading, readings).plan
        return manager.status_of(context, reading.state, actual, known)


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
        return self._each(DatabaseManager.status, on_site, ahead=_Ahead(_Plans().status_of, tables=True))

    def plan(self, on_site: OnSite = lambda event: None) -> NetworkReport[InstallPlan]:
        """Compare every site with the declaration. Reads only, many sites at once."""
        return self._each(DatabaseManager.plan, on_site, ahead=_Ahead(_Plans().of, tables=True))

    def uninstall(self, on_site: OnSite = lambda event: None) -> NetworkReport[UninstallReport]:
        """Remove the tables of every site, the main one last, and only if removing data is allowed."""
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
                    if runs and is_dedicated(manager.database):
                        connect(manager.database)
                    known = None if ahead is None else ahead.reports.get(site.prefix)
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

    def _as_it_is(self) -> DatabaseManager:
        """Return a copy of the manager that has read the folder of migrations once for all sites."""
        manager = copy.copy(self.manager)
        manager.needs_site = True
        # Where the folder is needed, each site reports what is wrong with it; uninstalling does not need it.
        with contextlib.suppress(WchError):
            manager.folder = manager.folder.as_it_is()
        return manager

    @contextlib.contextmanager
    def _for_looks(self) -> Iterator[DatabaseManager]:
        """Read all sites over one connection."""
        manager = self._as_it_is()
        with one_connection(manager.database, manager.options) as manager.database:
            yield manager

    @contextlib.contextmanager
    def _for_runs(self) -> Iterator[DatabaseManager]:
        """Install all sites over one connection; read in full only a table that is unlike those of other sites."""
        manager = self._as_it_is()
        with (
            one_connection(manager.database, manager.options) as manager.database,
            read_session(manager.database, manager.names, manager.options, deciding=True) as context,
        ):
            if not context.dialect.transactional_ddl:
                manager.table_cache = TableCache(context.connection)
            yield manager
