"""The context of one run: connection, dialect, lock, and the tables that may be changed."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import peewee as pw

from ..database.connect import PATIENCE
from ..database.query import Connection, retry_while_blocked
from ..database.session import LOCK_WAIT, run_settings, with_settings
from ..errors import ConfigurationError, SchemaConflict
from ..models.namespace import our_names
from ..progress import Progress
from ..schema.declared import resolve
from ..schema.dialect import ALONE, Dialect, Privileges, Topology
from ..schema.diff import Change, diff_schemas
from ..schema.naming import Names, Namespace, as_site
from ..schema.objects import Schema, Table
from ..schema.operations import CreateTable, Operation
from ..schema.plan import Plan, RowWork, make_plan
from ..schema.preconditions import Precondition
from ..schema.statements import COPY_RULE, CopyRule, Statement, Step
from ..settings import RemovalPermission, is_removal_permitted, table_prefix
from ..wordpress.multisite import network_of
from ..wordpress.options import options_table, site_collation
from .apply import ConcurrentChange, Executor
from .introspect import (
    DatabaseNames,
    TableCache,
    count_rows,
    database_names,
    introspect_schema,
    referencing_tables,
    with_free_names,
    with_referenced,
)
from .lock import LEASE_TTL, LockCheck, migration_lock
from .replicas import ReplicaRule
from .topology import PROVE_EVERY, read_topology, refuse, require_one_server

T = TypeVar("T")

#: The attribute of a database that holds its current context.
_CURRENT = "_wch_peewee_context"

#: A schema that still differs after so many rounds is being changed by another session.
_ROUNDS = 4

#: Called with a WordPress option's name, its new value, or None if it was deleted, and the prefix of its table.
OptionWritten = Callable[[str, str | None, str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The behaviour of a run. The fields are DatabaseManager's arguments of the same names."""

    patience: float = PATIENCE
    lock_wait: int = LOCK_WAIT
    lease_ttl: float = LEASE_TTL
    remove_data: RemovalPermission = None
    copies: CopyRule = COPY_RULE
    replicas: ReplicaRule | None = None
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.lease_ttl > 0:
            raise ConfigurationError(f"lease_ttl is {self.lease_ttl!r}; expected seconds above 0: a lease has to last.")


@dataclass(frozen=True, slots=True)
class RunListener:
    """The callbacks of a run. The fields are DatabaseManager's attributes of the same names."""

    before_statement: Callable[[Statement], None] | None = None
    on_progress: Progress | None = None


DEFAULT_OPTIONS, NO_LISTENER = RunOptions(), RunListener()


@dataclass(slots=True)
class RunContext:
    """The context of a run: its connection, its options, its lock, and what it has done so far."""

    connection: Connection
    names: Names
    options: RunOptions = DEFAULT_OPTIONS
    listener: RunListener = NO_LISTENER
    #: Checks that the lock is still held; None without a lock.
    check_lock: LockCheck | None = None
    #: The server's place among others.
    topology: Topology = ALONE
    #: When one server was last seen to answer everything, in monotonic seconds.
    proved: float = 0.0
    #: What has been done so far, in dbDelta's words.
    outcomes: list[str] = field(default_factory=list)
    #: The WordPress options that have been written, or may have been, with their values; None is a deleted one.
    written: dict[str, str | None] = field(default_factory=dict)
    #: The site's collation if it has been read already; it is read when first needed.
    known_collation: str | None = None
    #: The tables of other sites, in a run over many of them.
    table_cache: TableCache | None = None
    #: What sites have in common whose tables differ in nothing but their names; None if it is not known.
    likeness: tuple[str | None, ...] | None = None

    @property
    def is_settled(self) -> bool:
        """True if another site with the same tables had nothing to do."""
        return self.table_cache is not None and self.likeness in self.table_cache.settled

    @property
    def prefix(self) -> str:
        return self.names.prefix

    @property
    def namespace(self) -> Namespace:
        return self.names.namespace

    @property
    def database(self) -> pw.Database:
        return self.connection.database

    @property
    def dialect(self) -> Dialect:
        return self.connection.dialect

    @property
    def may_remove_data(self) -> bool:
        """True if rows may be lost: as given, else as the namespace's constant says, which is read only when needed."""
        return is_removal_permitted(self.options.remove_data, self.namespace.remove_data)

    @property
    def collation(self) -> str | None:
        """The site's collation, read once."""
        if self.known_collation is None:
            self.known_collation = site_collation(self.connection, self.prefix)
        return self.known_collation

    def database_names(self) -> DatabaseNames:
        """Return the names that are unique in the whole database."""
        return database_names(self.connection) if self.table_cache is None else self.table_cache.database_names()

    def resolve(self, tables: Iterable[Table]) -> Schema:
        """Name and adapt declared tables for this installation."""
        return resolve(tables, names=self.names, dialect=self.dialect, collation=self.collation)

    def find_topology(self, *, writing: bool, deciding: bool = False) -> None:
        """Find out the server's place among others, and the network that the prefix is a site's of.

        With ``writing`` raise if nothing may be written there.

        With ``deciding`` what is read decides whether a run follows: raise if other servers answer, too.
        """
        if not self.dialect.transactional_ddl:
            self.topology = read_topology(self.connection, locking=writing)
            if writing or (deciding and self.topology.is_split):
                refuse(self.connection, self.topology)
            self.connection = replace(self.connection, by_writer=writing or deciding)
            self.proved = time.monotonic()
        if self.names.network is None and as_site(self.prefix) is not None:
            self.names = self.names.at(self.prefix, network_of(self.connection, self.prefix))

    @property
    def is_ready(self) -> bool:
        """True if steps may begin, because the lock is held."""
        return self.check_lock is not None

    @property
    def is_imaginary(self) -> bool:
        """True if nothing that the database holds counts: a dry run that begins with an empty one."""
        return False

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the tables that exist, in the order given."""
        return self.connection.present(names)

    def count(self, precondition: Precondition) -> int:
        """Count the rows that conflict with ``precondition``."""
        return count_rows(self.connection, precondition)

    def records(self, work: RowWork) -> bool:
        """Return False: row work has to be done. A dry run records it and returns True."""
        return False

    def read(self, names: Sequence[str]) -> Schema:
        """Read live tables by their full names, as far as they exist."""
        if self.table_cache is not None:
            return self.table_cache.read(self.names, self.present(names))
        return introspect_schema(self.connection, names)

    def live(self, name: str, *, for_columns: bool = False) -> Table | None:
        """Read one table by its full name; ``for_columns`` as in ``introspect_schema``."""
        return introspect_schema(self.connection, [name], for_columns=for_columns).table(name)

    def plan(self, tables: Iterable[Table], actual: Schema | None = None) -> Plan:
        """Plan what brings the live tables (``actual`` if already read) to the declared definition. Reads only."""
        if self.is_settled:
            return Plan()
        desired = self.resolve(tables)
        if actual is None:
            actual = self.read(with_referenced(desired))
        return self.plan_to(desired, actual)

    def plan_to(self, desired: Schema, actual: Schema, count: Callable[[Precondition], int] | None = None) -> Plan:
        """Plan what brings ``actual`` to ``desired``, both under their full names. Reads only.

        ``count`` replaces the database's answer for conflicting rows.
        """

        def is_possible(change: Change) -> bool:
            live = actual.table(change.operation.table)
            return live is None or not self.dialect.obstacles(live, [change.operation])

        diff = diff_schemas(desired, actual)
        named = with_free_names((change.operation for change in diff.changes), self.dialect, self.database_names)
        changes = [replace(change, operation=one) for change, one in zip(diff.changes, named, strict=True)]
        # What cannot be done whatever the rows are is not counted for: in a large table that takes long.
        kept = tuple(change if is_possible(change) else replace(change, requires=()) for change in changes)
        diff = replace(diff, changes=kept)
        counts = {need: (count or self.count)(need) for need in diff.preconditions()}
        plan = make_plan(diff, actual, self.dialect, counts).without(self.options.ignore)
        if self.table_cache is not None and self.likeness is not None and plan == Plan():
            self.table_cache.settled.add(self.likeness)
        return plan

    def reconcile(self, tables: Iterable[Table], *, verify: bool = True) -> Plan:
        """Bring the live tables to the declared definition; arguments and errors are those of ``reconcile_to``."""
        return self.reconcile_to(self.resolve(tables), verify=verify)

    def reconcile_to(self, desired: Schema, *, verify: bool = True) -> Plan:
        """Bring the live tables to ``desired``, which has their full names, as far as is safe.

        Applies plans until the plan is empty; returns the last one, with the refusals that stay. Without ``verify``
        tables that have only been created are not read again: such a caller verifies before the run is done.
        Raises SchemaConflict if the schema keeps differing, and what the executor raises.
        """
        executor = Executor(self, {*self.names.owned, *(table.name for table in desired)})
        for _ in range(_ROUNDS):
            plan = self.plan_to(desired, self.read(with_referenced(desired)))
            if plan.is_empty:
                return plan
            try:
                executor.run_steps(plan.steps)
            except ConcurrentChange:
                continue
            if not verify and all(isinstance(one, CreateTable) for step in plan.steps for one in step.operations):
                return plan
        left = "; ".join(plan.describe())
        raise SchemaConflict(
            f"the schema still differs after {_ROUNDS} attempts; another process may be changing it. Left: {left}",
            reasons=plan.describe(),
        )

    def change(self, name: str, operations: Iterable[Operation], live: Table | None = None) -> None:
        """Run operations on the one table ``name``, a full name, without checking whether they are safe.

        ``live`` is the table if it has just been read.
        """
        named = with_free_names(operations, self.dialect, self.database_names)
        self.run_steps(self.dialect.render(live or self.live(name), named), name)

    def options_step(self) -> tuple[Step, ...]:
        """Return the step that creates the options table if it is missing."""
        if self.present([self.names.options]):
            return ()
        create = options_table(self.dialect, self.prefix, self.collation)
        return self.dialect.render(None, with_free_names([create], self.dialect, self.database_names))

    def create_options(self) -> None:
        """Create the options table if it is missing, for the lease: ahead of the run, whose listener is not told.

        Without WordPress several nodes may be creating it at once.
        """
        ahead = replace(self, listener=NO_LISTENER, outcomes=[])
        with contextlib.suppress(ConcurrentChange):
            ahead.run_steps(self.options_step(), self.names.options)

    def run_steps(self, steps: Iterable[Step], name: str) -> None:
        """Run rendered steps on the one table ``name``."""
        Executor(self, {*self.names.owned, name}).run_steps(steps)

    def write(self, action: Callable[[], T], *tables: str) -> T:
        """Do one write to rows of ``tables`` under the lock, and wait for rows that another session has locked.

        Raises Busy.
        """
        # Inside a transaction (pw_migrate's) a deadlock has undone more than this statement: one try only.
        patience = 0.0 if self.database.in_transaction() else self.options.patience
        return retry_while_blocked(action, self.connection, tables=tables, patience=patience, check=self.check)

    def referencing_tables(self, names: Sequence[str]) -> dict[str, str]:
        """Return the other tables with a foreign key to one of ``names``, each with what drops its keys."""
        return referencing_tables(self.connection, names)

    def privileges(self) -> Privileges | None:
        """Return the account's privileges here; None if the engine has no accounts."""
        answers = [self.connection.query(query) for query in self.dialect.privileges()]
        return self.dialect.read_privileges(answers, self.names.owned, self.names.options)

    def check(self) -> None:
        """Check before a statement that the run may go on. Raises Busy, and DatabaseUnavailable behind a splitter."""
        if self.options.replicas is not None:
            self.options.replicas.hold()
        if self.check_lock is not None:
            self.check_lock()
            if not self.dialect.transactional_ddl and time.monotonic() - self.proved >= PROVE_EVERY:
                require_one_server(self.connection)
                self.proved = time.monotonic()


# The current context. Migration steps receive only the database, so a run's context is stored on it, and nowhere else:
# two runs in one process have two connections, and never see each other's context.


def attach(database: pw.Database, context: RunContext | None) -> None:
    """Make ``context`` the database's current one; None removes it."""
    setattr(database, _CURRENT, context)


@contextlib.contextmanager
def attached(context: RunContext) -> Iterator[None]:
    """Make ``context`` the current one of its own database for the block."""
    previous = getattr(context.database, _CURRENT, None)
    attach(context.database, context)
    try:
        yield
    finally:
        attach(context.database, previous)


@contextlib.contextmanager
def locked(context: RunContext) -> Iterator[None]:
    """Hold the lock for the block, in which ``context`` is the current one. Raises Busy."""
    with migration_lock(context) as context.check_lock:
        try:
            with attached(context):
                yield
        finally:
            context.check_lock = None


@contextlib.contextmanager
def context_of(database: pw.Database) -> Iterator[RunContext]:
    """Yield the database's current context.

    Stock pw_migrate has none, or one without a lock: then the lock is held for the block, and without a context a new
    one is made.
    """
    context: RunContext | None = getattr(database, _CURRENT, None)
    if context is not None and context.is_ready:
        yield context
        return
    settings: AbstractContextManager[None] = contextlib.nullcontext()
    if context is None:
        context = RunContext(Connection.detect(database), our_names(table_prefix()))
        settings = with_settings(database, run_settings(LOCK_WAIT))
    with settings:
        context.find_topology(writing=True)
        with locked(context):
            yield context
