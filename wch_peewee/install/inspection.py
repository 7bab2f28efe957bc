"""One installation of the tables, as far as it can be read without writing: names, status, plan."""

import copy
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import peewee as pw

from ..database.connect import PATIENCE, describe, open_database, unwrap
from ..database.session import LOCK_WAIT
from ..database.url import parse_url
from ..execution.context import RunContext, RunOptions
from ..execution.leftovers import tool_at_work
from ..execution.lock import LEASE_TTL
from ..execution.replicas import ReplicaRule
from ..execution.session import read_session
from ..migrate.dry_run import DryRun
from ..migrate.folder import MigrationFolder, migrations_folder
from ..migrate.state import HISTORY_SHAPE, InstalledState, options_step, options_trouble, read_state
from ..models.site import current_prefix
from ..models.tables import MODELS, BaseModel
from ..schema.base import Query
from ..schema.declared import logical_tables, physical_name
from ..schema.diff import additions
from ..schema.naming import check_prefix, full_table_name, options_table_name, owned_names
from ..schema.objects import Schema, Table
from ..schema.plan import DryRunResult, Plan
from ..schema.statements import COPY_RULE, CopyRule
from ..settings import RemovalPermission, is_removal_permitted
from ..wordpress.multisite import require_site, site_prefixes
from .access import ModelAccess, model_access
from .orphans import count_orphans
from .reports import Report


@dataclass(frozen=True, slots=True)
class StatusReport(Report):
    """The state of an installation, read without writing."""

    target: str
    prefix: str
    engine: str
    version: str | None
    code_version: str
    applied: tuple[str, ...]
    pending: tuple[str, ...]
    missing_tables: tuple[str, ...]
    #: somebody has made the database newer, ``reason`` says who, and nothing is changed
    is_newer: bool = False
    #: the version in the option is right, or not ours to change
    is_stamped: bool = True
    reason: str = ""
    #: what the models can do with a newer database
    models: tuple[ModelAccess, ...] = ()

    @property
    def is_current(self) -> bool:
        return not (self.pending or self.missing_tables or self.is_newer) and self.is_stamped


@dataclass(frozen=True, slots=True)
class InstallPlan(Report):
    """The plan of ``install``. ``plan`` is what remains to be repaired after the pending migrations: drift.

    ``dry_run`` has all steps in order, the migrations' first. A migration that would stop the run ends it, and
    ``plan`` is empty then. For a newer database ``plan`` is what ``repair`` would add, and ``install`` does nothing.
    """

    version: str | None
    code_version: str
    pending: tuple[str, ...]
    plan: Plan
    #: somebody has made the database newer, ``reason`` says who, and nothing is changed
    is_newer: bool = False
    #: the version in the option is right, or not ours to change
    is_stamped: bool = True
    reason: str = ""
    #: what the models can do with a newer database
    models: tuple[ModelAccess, ...] = ()
    dry_run: DryRunResult = field(default_factory=DryRunResult)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do, even if something has been refused."""
        return self.is_newer or (self.plan.is_empty and not self.pending and self.is_stamped)

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
    """The six tables under one prefix in one database.

    ``database`` is a URL or a peewee Database; ``prefix`` defaults to the current prefix.
    ``remove_data`` wins over the environment's WCH_REMOVE_DATA, and may be a function that is called when it matters.
    ``patience`` is how many seconds a run waits for another run or for an open transaction; ``lock_wait`` how many
    seconds one statement waits for a lock, with others queueing behind it, before it is retried.
    ``lease_ttl`` is after how many seconds without a heartbeat another node's run counts as dead on a Galera cluster.
    ``copies`` is which tables may be copied where the server knows nothing cheaper; ``replicas`` how far they may fall
    behind. ``ignore`` names the refusals that are accepted, by their words up to the colon, in which ``*`` stands for
    any text. ``migrations`` and ``models`` replace the shipped ones.
    """

    #: True if the database is WordPress's: its options table has to be there, and is not created.
    needs_site = False

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
    ) -> None:
        self.database = open_database(parse_url(database)) if isinstance(database, str) else unwrap(database)
        self.prefix = check_prefix(current_prefix() if prefix is None else prefix)
        self.options = RunOptions(patience, lock_wait, lease_ttl, remove_data, copies, replicas, tuple(ignore))
        self._migrations = migrations
        self._models = tuple(models)

    def at(self, prefix: str) -> Self:
        """Return the same installation under another prefix in the same database."""
        _ = self.tables, self.folder  # what has been worked out once is copied, too
        other = copy.copy(self)
        other.prefix = check_prefix(prefix)
        return other

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target!r}, prefix={self.prefix!r})"

    @property
    def patience(self) -> float:
        """The seconds that a run waits for another run or for an open transaction."""
        return self.options.patience

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

    @cached_property
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
        return full_table_name(table, self.prefix)

    @property
    def remove_data(self) -> bool:
        """True if removing data is allowed. Raises ConfigurationError if the setting is neither yes nor no."""
        return is_removal_permitted(self.options.remove_data)

    def status(self) -> StatusReport:
        """Return what is installed and what is pending."""
        with read_session(self.database, self.prefix, self.options) as context:
            present = context.connection.present(self.table_names)
            return self.status_of(context, self.state(context), present)

    def _access(
        self, context: RunContext, state: InstalledState, actual: Schema | None = None
    ) -> tuple[ModelAccess, ...]:
        if not state.is_newer:
            return ()
        desired = context.resolve(self.tables)
        return model_access(self._models, desired, context.read(self.table_names) if actual is None else actual)

    def status_of(self, context: RunContext, state: InstalledState, present: Collection[str]) -> StatusReport:
        """Return the report on what has been read; ``present`` are the tables that exist."""
        return StatusReport(
            target=self.target,
            prefix=self.prefix,
            engine=context.dialect.label,
            version=state.version,
            code_version=self.version,
            applied=state.applied or (),
            pending=() if state.is_newer else state.pending,
            missing_tables=tuple(name for name in self.table_names if name not in present),
            is_newer=state.is_newer,
            is_stamped=state.is_stamped,
            reason=state.why_newer,
            models=self._access(context, state),
        )

    def plan(self, *, counts: bool = False) -> InstallPlan:
        """Return what ``install`` would do, with its statements. Reads only.

        With ``counts`` the tables' sizes are read and conflicting rows are counted, which can take as long as reading a
        whole table.
        """
        with read_session(self.database, self.prefix, self.options) as context:
            return self.plan_of(context, self.state(context), counts=counts)

    def plan_of(
        self, context: RunContext, state: InstalledState, actual: Schema | None = None, *, counts: bool = False
    ) -> InstallPlan:
        """Return the plan for what has been read. ``actual`` are live tables; others are read when needed."""
        if state.is_newer:
            actual = context.read(self.table_names) if actual is None else actual
            return InstallPlan(
                state.version,
                self.version,
                (),
                self.additions(context, state, actual),
                is_newer=True,
                reason=state.why_newer,
                models=self._access(context, state, actual),
            )
        dry_run = DryRun(context, actual, counts=counts)
        if not state.is_stamped and (trouble := options_trouble(context)):
            dry_run.stop(trouble)
        elif state.pending:
            from ..migrate.dry_run import dry_run_migrations

            dry_run_migrations(dry_run, self.folder, state.pending)
        plan = Plan()
        if dry_run.stopped is None:
            plan = dry_run.plan(self.declared(state))
            plan = replace(plan, steps=(*plan.steps, *(() if state.is_stamped else options_step(dry_run))))
            dry_run.at("", 0, 0)
            dry_run.note(plan.steps)
        asks = dry_run.forecasts and context.dialect.has_online_tools
        if asks and (tool := tool_at_work(context.connection, owned_names(self.prefix))) is not None:
            dry_run.at("", 0, 0)
            dry_run.stop(str(tool))
        return InstallPlan(
            state.version,
            self.version,
            state.pending,
            plan,
            is_stamped=state.is_stamped,
            dry_run=dry_run.result(),
        )

    def additions(self, context: RunContext, state: InstalledState, actual: Schema) -> Plan:
        """Return what ``repair`` may add to tables that PHP has upgraded; nothing to those of a newer release."""
        if not state.is_foreign:
            return Plan()
        desired = additions(context.resolve(self.tables), actual)
        return replace(context.plan_to(desired, actual), extras=())

    def declared(self, state: InstalledState) -> tuple[Table, ...]:
        """Return the tables that a plan compares with, including the history if it is still to be created."""
        return ((HISTORY_SHAPE,) if state.pending else ()) + self.tables

    def missing_tables(self) -> tuple[str, ...]:
        """Return the tables that do not exist, with one query."""
        with read_session(self.database, self.prefix, self.options) as context:
            present = context.connection.present(self.table_names)
        return tuple(name for name in self.table_names if name not in present)

    def orphans(self, limit: int | None = None) -> dict[int, int]:
        """Return the number of messages of each missing conversation, by its id; of the first ``limit`` only. Reads."""
        with read_session(self.database, self.prefix, self.options) as context:
            wanted = [full_table_name(key, self.prefix) for key in ("messages", "conversations")]
            if len(context.connection.present(wanted)) < len(wanted):
                return {}
            return count_orphans(context, limit)

    def row_counts(self) -> dict[str, int]:
        """Return the exact number of rows of each table that exists."""
        with read_session(self.database, self.prefix, self.options) as context:
            present = context.connection.present(self.table_names)
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
        with read_session(self.database, self.prefix, self.options) as context:
            own = (options_table_name(self.prefix), *owned_names(self.prefix))
            if context.connection.present(own):
                return ()
            there = {str(row[0]) for row in context.connection.query(context.dialect.all_tables())}
            marks = ("wch_migratehistory", "wch_conversations")
            ours = {name.removesuffix(mark) for name in there for mark in marks if name.endswith(mark)}
            return tuple(ours.union(site_prefixes(there)))
