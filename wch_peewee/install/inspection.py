"""One installation of the tables, as far as it can be read without writing: names, status, plan."""

import copy
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import peewee as pw

from ..database.connect import PATIENCE, describe, open_database, unwrap
from ..database.session import LOCK_WAIT
from ..database.url import parse_url
from ..errors import ConfigurationError
from ..execution.context import RunContext, RunOptions
from ..execution.leftovers import tool_at_work
from ..execution.lock import LEASE_TTL
from ..execution.replicas import ReplicaRule
from ..execution.session import read_session
from ..migrate.dry_run import DryRun, dry_run_after, dry_run_on_empty
from ..migrate.folder import MigrationFolder, folder_of
from ..migrate.ledger import HISTORY_SHAPE, LEDGER_SHAPE, MigrationRun, read_runs
from ..migrate.state import InstalledState, claimed_by_another, options_trouble, read_state
from ..models.tables import MODELS, BaseModel
from ..schema.base import Query
from ..schema.declared import logical_tables, parents_first
from ..schema.diff import additions
from ..schema.naming import DEFAULT_PREFIX, Names, Namespace, names_of, require_namespace
from ..schema.objects import Schema, Table
from ..schema.operations import DropColumn, RenameColumn
from ..schema.plan import DryRunResult, Plan
from ..schema.statements import COPY_RULE, CopyRule, Step
from ..settings import RemovalPermission, is_removal_permitted
from ..wordpress.multisite import require_site, site_prefixes
from .access import ModelAccess, model_access
from .drift import REPAIR, Difference, differences_of
from .orphans import Missing, orphans_of
from .reports import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection(Report):
    """What every look at an installation finds."""

    version: str | None
    code_version: str
    pending: tuple[str, ...] = ()
    #: somebody has made the database newer, ``reason`` says who, and nothing is changed
    is_newer: bool = False
    #: the version in the option is right, or not ours to change
    is_stamped: bool = True
    reason: str = ""
    #: what the models can do with a newer database
    models: tuple[ModelAccess, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport(Inspection):
    """The state of an installation, read without writing.

    >>> DatabaseManager("sqlite:///wch.db").status().applied
    ('001_initial_schema',)
    """

    target: str
    prefix: str
    engine: str
    applied: tuple[str, ...]
    missing_tables: tuple[str, ...]
    #: applied migrations whose way back was begun and not finished
    half_rolled_back: tuple[str, ...] = ()
    #: pending migrations that were begun and not finished
    half_applied: tuple[str, ...] = ()
    #: applied migrations whose file does something else since
    changed_files: tuple[str, ...] = ()
    #: applied migrations of which there is no file
    missing_files: tuple[str, ...] = ()
    #: how the tables differ, in words; looked for only where nothing is pending and no table is missing
    differences: tuple[str, ...] = ()
    #: why nothing may be written through this address, and which one to use; empty if it may
    trouble: str = ""

    @property
    def is_current(self) -> bool:
        """True if history, version and tables agree with this code."""
        wrong = self.pending or self.missing_tables or self.changed_files or self.missing_files or self.differences
        return self.is_stamped and not (wrong or self.is_newer)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan(Inspection):
    """The plan of ``install``. ``plan`` is what remains to be repaired after the pending migrations: drift.

    ``dry_run`` has all steps in order, the migrations' first. A migration that would stop the run ends it, and
    ``plan`` is empty then. For a newer database ``plan`` is what ``repair`` would add, and ``install`` does nothing.
    """

    plan: Plan
    dry_run: DryRunResult = field(default_factory=DryRunResult)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do, even if something has been refused."""
        return self.is_newer or (self.plan.is_empty and not self.pending and self.is_stamped)

    def differences(self, names: Names) -> Iterator[Difference]:
        """Yield the steps of pending migrations, and the drift that would remain after them."""
        for name in self.pending:
            yield Difference("pending", None, f"Run migration {name}", reason="wch migrate and wch activate run it")
        for forecast in self.dry_run.steps:
            if forecast.migration:
                yield from differences_of("pending", forecast.work)
        if (stopped := self.dry_run.stopped) is not None:
            where = f"step {stopped.number} of {stopped.of}" if stopped.number else "its beginning"
            what = f"{stopped.migration} would stop at {where}" if stopped.migration else "wch activate would stop"
            yield Difference("pending", None, what, reason=stopped.reason)
        if not self.is_stamped and not self.pending:  # a migration writes its version itself
            reason = f"it is {self.version or 'none'}, expected {self.code_version}; wch activate writes it"
            yield Difference("drift", names.options, "Write the version", reason=reason)
        for step in self.plan.steps:
            # What keeps the books belongs to the run that is to come, and is none of repair's business.
            if step.table in (*names.books, names.options):
                yield from differences_of("pending" if self.pending else "drift", step)
            else:
                yield from differences_of("drift", step, REPAIR)
        for refusal in self.plan.refusals:
            yield Difference("drift", refusal.table, refusal.what, reason=refusal.reason)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: what would be done in words, without the statements."""
        return {
            "version": self.version,
            "code_version": self.code_version,
            "pending": self.pending,
            "steps": [line for forecast in self.dry_run.steps for line in forecast.describe()],
            "refusals": [asdict(refusal) for refusal in self.plan.refusals],
            "extras": self.plan.extras,
            "is_newer": self.is_newer,
            "is_stamped": self.is_stamped,
            "is_empty": self.is_empty,
            "reason": self.reason,
            "models": [asdict(model) for model in self.models],
        }


class Installation:
    """The tables of one namespace under one prefix in one database.

    ``database`` is a URL or a peewee Database; ``prefix`` defaults to ``wp_``.
    ``remove_data`` wins over the environment's constant (WCH_REMOVE_DATA), and may be a function that is called when
    it matters.
    ``patience`` is how many seconds a run waits for another run or for an open transaction; ``lock_wait`` how many
    seconds one statement waits for a lock, with others queueing behind it, before it is retried.
    ``lease_ttl`` is after how many seconds without a heartbeat another node's run counts as dead on a Galera cluster.
    ``copies`` is which tables may be copied where the server knows nothing cheaper; ``replicas`` how far they may fall
    behind. ``ignore`` names the refusals that are accepted, by their words up to the colon, in which ``*`` stands for
    any text. ``migrations`` and ``models`` replace the shipped ones; ``namespace`` is that of the models.
    """

    #: True if the database is WordPress's: its options table has to be there, and is not created.
    needs_site = False
    #: The options that every printed command repeats, with a space in front.
    repeated = ""

    def __init__(
        self,
        database: str | pw.Database,
        *,
        prefix: str | None = None,
        remove_data: RemovalPermission = None,
        patience: float = PATIENCE,
        lock_wait: int = LOCK_WAIT,
        lease_ttl: float = LEASE_TTL,
        migrations: Path | str | None = None,
        models: Sequence[type[BaseModel]] = MODELS,
        copies: CopyRule = COPY_RULE,
        replicas: ReplicaRule | None = None,
        ignore: Iterable[str] = (),
        namespace: Namespace | None = None,
    ) -> None:
        self.database = open_database(parse_url(database)) if isinstance(database, str) else unwrap(database)
        self.options = RunOptions(patience, lock_wait, lease_ttl, remove_data, copies, replicas, tuple(ignore))
        self._migrations = migrations
        self._models = parents_first(models)
        self.names = names_of(self._models, prefix)
        require_namespace(self.names, namespace)

    def at(self, prefix: str, network: str | None = None) -> Self:
        """Return the same installation under another prefix in the same database.

        ``network`` is the prefix of the main site of its network; it is looked up if it is not given.
        """
        _ = self.tables, self.folder  # what has been worked out once is copied, too
        other = copy.copy(self)
        other.names = self.names.at(prefix, network)
        return other

    @property
    def prefix(self) -> str:
        """The site's table prefix."""
        return self.names.prefix

    @property
    def target(self) -> str:
        """The database for people, without its password."""
        return describe(self.database)

    @cached_property
    def folder(self) -> MigrationFolder:
        return folder_of(self.names.namespace, self._migrations)

    @cached_property
    def version(self) -> str:
        """The schema version of this code: the newest migration's."""
        return self.folder.version

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The declared tables, without prefix."""
        return logical_tables(self._models)

    def get_table_name(self, table: str) -> str:
        """Return the full name of one of the tables; ``carts`` and ``wch_carts`` are the same.

        Raises UnknownTable.
        """
        return self.names.known(table)

    @property
    def remove_data(self) -> bool:
        """True if removing data is allowed. Raises ConfigurationError if the setting is neither yes nor no."""
        return is_removal_permitted(self.options.remove_data, self.names.namespace.remove_data)

    def status(self) -> StatusReport:
        """Return what is installed and what is pending, and whether the tables are as they are declared."""
        with read_session(self.database, self.names, self.options) as context:
            return self.status_of(context, self.state(context), context.read(self.names.tables))

    def changed_files(self, state: InstalledState) -> tuple[str, ...]:
        """Return the applied migrations whose file does something else than when it was run."""
        there = {name: was for name, was in state.checksums if was and name in state.known}
        return tuple(name for name, was in there.items() if self.folder.checksum_of(name) != was)

    def command(self, words: str) -> str:
        """Return the ``wch`` command of these words for this installation's prefix."""
        return f"wch{self.repeated} {words}" + (
            "" if self.prefix == DEFAULT_PREFIX else f" --prefix {shlex.quote(self.prefix)}"
        )

    def _obstacle(self, context: RunContext) -> str:
        """Return what keeps any run from beginning here: the server's place among others, or a tool at work."""
        topology = context.topology
        if (trouble := topology.trouble or claimed_by_another(context)) or not context.dialect.has_online_tools:
            return trouble
        return str(tool_at_work(context.connection, topology, self.names.owned) or "")

    def disagreement(self, context: RunContext) -> str:
        """Return the columns that a run would add because the models have them, and that the migrations remove.

        The shipped migrations are those of the shipped models; others are replayed without a statement.
        """
        if self._migrations is None:
            return ""
        _ = context.collation  # read here, it is not read again for the replay
        try:
            replayed = dry_run_on_empty(context, self.folder, self.folder.names)
        except ConfigurationError:
            return ""  # the run says what is wrong with them
        works = (forecast.work for forecast in replayed.forecasts if isinstance(forecast.work, Step))
        changes = [one for work in works for one in work.operations]
        removed = {(one.table, one.column) for one in changes if isinstance(one, DropColumn)}
        removed |= {(one.table, one.old) for one in changes if isinstance(one, RenameColumn)}
        there = {(table.name, column.name) for table in replayed.tables for column in table.columns}
        found = [
            f"{table.name}.{column.name}"
            for table in self.tables
            for column in table.columns
            if (self.names.table(table.name), column.name) in removed - there
        ]
        if not found:
            return ""
        are = "is" if len(found) == 1 else "are"
        return (
            f"The migrations ({self.version}) and the models disagree: {', '.join(found)} {are} added by the models "
            "and removed by the migrations; use --models, or install the release."
        )

    def _access(
        self, context: RunContext, state: InstalledState, actual: Schema | None = None
    ) -> tuple[ModelAccess, ...]:
        if not state.is_newer:
            return ()
        desired = context.resolve(self.tables)
        return model_access(self._models, desired, context.read(self.names.tables) if actual is None else actual)

    def status_of(self, context: RunContext, state: InstalledState, actual: Schema) -> StatusReport:
        """Return the report on what has been read; ``actual`` are the live tables."""
        missing = tuple(name for name in self.names.tables if actual.table(name) is None)
        compared = not (state.is_newer or state.pending or missing)
        plan = context.plan(self.tables, actual) if compared else Plan()
        return StatusReport(
            target=self.target,
            prefix=self.prefix,
            engine=context.dialect.label,
            applied=state.applied or (),
            missing_tables=missing,
            half_rolled_back=state.half_back,
            half_applied=() if state.is_newer else state.half_applied,
            changed_files=self.changed_files(state),
            missing_files=() if state.is_newer else tuple(one for one in state.applied or () if one not in state.known),
            differences=(*plan.describe(), *map(str, plan.refusals)),
            trouble=context.topology.trouble,
            **self._found(context, state, actual),
        )

    def _found(self, context: RunContext, state: InstalledState, actual: Schema | None) -> dict[str, Any]:
        """Return the fields of ``Inspection``."""
        return {
            "version": state.version,
            "code_version": self.version,
            "pending": () if state.is_newer else state.pending,
            "is_newer": state.is_newer,
            "is_stamped": state.is_stamped,
            "reason": state.why_newer,
            "models": self._access(context, state, actual),
        }

    def migration_plan(self, name: str, *, backwards: bool = False) -> DryRunResult:
        """Return what one migration does on an empty database of this engine; ``backwards`` its way back. Reads only.

        Raises ConfigurationError if there is no such migration.
        """
        with read_session(self.database, self.names, self.options) as context:
            return dry_run_after(context, self.folder, name, backwards=backwards).result()

    def history(self) -> tuple[MigrationRun, ...]:
        """Return what was done with migrations, by whom and how it ended, oldest first. Reads only."""
        with read_session(self.database, self.names, self.options) as context:
            return read_runs(context.connection, self.names)

    def plan(self, *, counts: bool = False) -> InstallPlan:
        """Return what ``install`` would do, with its statements. Reads only.

        With ``counts`` the tables' sizes are read and conflicting rows are counted, which can take as long as reading a
        whole table.
        """
        with read_session(self.database, self.names, self.options) as context:
            return self.plan_of(context, self.state(context), counts=counts)

    def plan_of(
        self, context: RunContext, state: InstalledState, actual: Schema | None = None, *, counts: bool = False
    ) -> InstallPlan:
        """Return the plan for what has been read. ``actual`` are live tables; others are read when needed."""
        if state.is_newer:
            actual = context.read(self.names.tables) if actual is None else actual
            return InstallPlan(plan=self.additions(context, state, actual), **self._found(context, state, actual))
        dry_run = DryRun(context, actual, counts=counts)
        if not state.is_stamped and (trouble := options_trouble(context)):
            dry_run.stop(trouble)
        elif state.pending:
            from ..migrate.dry_run import dry_run_migrations

            dry_run_migrations(dry_run, self.folder, state.pending)
        plan = Plan()
        if dry_run.stopped is None:
            plan = dry_run.plan(self.declared(state))
            plan = replace(plan, steps=(*plan.steps, *(() if state.is_stamped else dry_run.options_step())))
            dry_run.at("", 0, 0)
            dry_run.note(plan.steps)
        obstacle = context.topology.trouble if context.topology.is_split else ""
        if dry_run.forecasts:
            obstacle = self._obstacle(context) or self.disagreement(context)
        if obstacle:
            dry_run.at("", 0, 0)
            dry_run.stop(obstacle)
        return InstallPlan(plan=plan, dry_run=dry_run.result(), **self._found(context, state, actual))

    def additions(self, context: RunContext, state: InstalledState, actual: Schema) -> Plan:
        """Return what ``repair`` may add to tables that PHP has upgraded; nothing to those of a newer release."""
        if not state.is_foreign:
            return Plan()
        desired = additions(context.resolve(self.tables), actual)
        return replace(context.plan_to(desired, actual), extras=())

    def declared(self, state: InstalledState) -> tuple[Table, ...]:
        """Return the tables that a plan compares with, including the history if it is still to be created."""
        return ((HISTORY_SHAPE, LEDGER_SHAPE) if state.pending else ()) + self.tables

    def orphans(self) -> tuple[Missing, ...]:
        """Return the parents that rows refer to and that are not there. Reads only."""
        with read_session(self.database, self.names, self.options) as context:
            return tuple(one for found in orphans_of(context, self._models) for one in found.missing())

    def row_counts(self) -> dict[str, int]:
        """Return the exact number of rows of each table that exists, and that an uninstall would remove."""
        with read_session(self.database, self.names, self.options) as context:
            present = context.connection.present(self.names.owned)
            quote = context.dialect.quote
            counts = {}
            for name in present:
                ((count,),) = context.connection.query(Query(f"SELECT COUNT(*) FROM {quote(name)}"))
                counts[name] = int(count)
            return counts

    def state(self, context: RunContext) -> InstalledState:
        """Return the stored version and the applied migrations. Raises ConfigurationError without a site it needs."""
        state = read_state(context, self.folder)
        if self.needs_site and state.version is None and not context.is_ready:  # else it was there before the lock
            require_site(context.connection, self.prefix, self.target)
        return state

    def neighbours(self) -> tuple[str, ...]:
        """Return the prefixes of WordPress's sites and other installations there; none where this one has a table."""
        with read_session(self.database, self.names, self.options) as context:
            own = (self.names.options, *self.names.owned)
            if context.connection.present(own):
                return ()
            there = {str(row[0]) for row in context.connection.query(context.dialect.all_tables())}
            marks = [name.removeprefix(self.prefix) for name in (self.names.history, self.names.tables[0])]
            ours = {name.removesuffix(mark) for name in there for mark in marks if name.endswith(mark)}
            return tuple(ours.union(site_prefixes(there)))
