"""The context of one run: connection, dialect, lock, and the tables that may be changed."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

import peewee as pw

from ..database.connect import PATIENCE
from ..database.query import Connection, retry_while_blocked
from ..database.session import LOCK_WAIT, run_settings, with_settings
from ..errors import ConfigurationError
from ..progress import Progress
from ..schema.declared import resolve
from ..schema.dialect import Dialect, Privileges
from ..schema.naming import options_table_name, owned_names
from ..schema.objects import Schema, Table
from ..schema.operations import Operation
from ..schema.plan import Plan, RowWork
from ..schema.preconditions import Precondition
from ..schema.statements import COPY_RULE, CopyRule, Statement, Step
from ..settings import RemovalPermission, is_removal_permitted, table_prefix
from ..wordpress.options import site_collation
from .apply import ApplyResult, Executor, Reconciled, reconcile
from .introspect import (
    DatabaseNames,
    TableCache,
    count_rows,
    database_names,
    introspect_schema,
    plan_for,
    with_free_names,
    with_referenced,
)
from .lock import LEASE_TTL, MigrationLock, migration_lock
from .replicas import ReplicaRule

T = TypeVar("T")

#: The attribute of a database that holds its current context.
_CURRENT = "_wch_peewee_context"

#: Called with a WordPress option's name and its new value, or None if it was deleted.
OptionWritten = Callable[[str, str | None], None]


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
    on_option_written: OptionWritten | None = None


DEFAULT_OPTIONS, NO_LISTENER = RunOptions(), RunListener()


@dataclass(slots=True)
class RunContext:
    """The context of a run: its connection, its options, its lock, and what it has done so far."""

    connection: Connection
    prefix: str
    options: RunOptions = DEFAULT_OPTIONS
    listener: RunListener = NO_LISTENER
    lock: MigrationLock | None = None
    #: What has been done so far, in dbDelta's words.
    outcomes: list[str] = field(default_factory=list)
    #: The WordPress options that have been written, or may have been, with their values; None is a deleted one.
    written: dict[str, str | None] = field(default_factory=dict)
    #: The site's collation if it has been read already; it is read when first needed.
    known_collation: str | None = None
    #: Tables that were missing when last queried (``note_present``).
    absent: set[str] = field(default_factory=set)
    #: The tables of other sites, in a run over many of them.
    table_cache: TableCache | None = None

    @property
    def database(self) -> pw.Database:
        return self.connection.database

    @property
    def dialect(self) -> Dialect:
        return self.connection.dialect

    @property
    def may_remove_data(self) -> bool:
        """True if rows may be lost: as given, else as WCH_REMOVE_DATA says, which is read only when needed."""
        return is_removal_permitted(self.options.remove_data)

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
        return resolve(tables, prefix=self.prefix, dialect=self.dialect, collation=self.collation)

    @property
    def is_ready(self) -> bool:
        """True if steps may begin, because the lock is held."""
        return self.lock is not None

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the tables that exist, in the order given."""
        asked = self._not_known_missing(names)
        return self.connection.present(asked) if asked else ()

    def note_present(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of the tables that exist. A missing one is not queried again, once, before it is created."""
        found = self.connection.present(names)
        self.absent |= set(names) - set(found)
        return found

    def _not_known_missing(self, names: Sequence[str]) -> list[str]:
        """Leave out tables known to be missing, and forget that: by the next time they may have been created."""
        asked = [name for name in names if name not in self.absent]
        self.absent -= set(names)
        return asked

    def count(self, precondition: Precondition) -> int:
        """Count the rows that conflict with ``precondition``."""
        return count_rows(self.connection, precondition)

    def records(self, work: RowWork) -> bool:
        """Return False: row work has to be done. A dry run records it and returns True."""
        return False

    def read(self, names: Sequence[str]) -> Schema:
        """Read live tables by their full names, as far as they exist."""
        if self.table_cache is not None:
            return self.table_cache.read(self.prefix, self.present(names))
        asked = self._not_known_missing(names)
        return introspect_schema(self.connection, asked) if asked else Schema(())

    def live(self, name: str, *, for_columns: bool = False) -> Table | None:
        """Read one table by its full name; ``for_columns`` as in ``introspect_schema``."""
        return introspect_schema(self.connection, [name], for_columns=for_columns).table(name)

    def plan(self, tables: Iterable[Table], actual: Schema | None = None) -> Plan:
        """Plan what brings the live tables (``actual`` if already read) to the declared definition. Reads only."""
        desired = self.resolve(tables)
        if actual is None:
            actual = self.read(with_referenced(desired))
        return self.plan_to(desired, actual)

    def plan_to(self, desired: Schema, actual: Schema, count: Callable[[Precondition], int] | None = None) -> Plan:
        """Plan what brings ``actual`` to ``desired``, both under their full names; ``count`` as in ``plan_for``."""
        plan = plan_for(self.connection, desired, actual, names=self.database_names, count=count)
        return plan.without(self.options.ignore)

    def reconcile(self, tables: Iterable[Table], *, verify: bool = True) -> Reconciled:
        """Bring the live tables to the declared definition as far as is safe; ``verify`` as in ``reconcile``."""
        return self.reconcile_to(self.resolve(tables), verify=verify)

    def reconcile_to(self, desired: Schema, *, verify: bool = True) -> Reconciled:
        """Bring the live tables to ``desired``, which has their full names, as far as is safe."""
        executor = self._executor(table.name for table in desired)
        return reconcile(desired, executor, read=self.read, plan=self.plan_to, verify=verify)

    def change(self, name: str, operations: Iterable[Operation], live: Table | None = None) -> ApplyResult:
        """Run operations on the one table ``name``, a full name, without checking whether they are safe.

        ``live`` is the table if it has just been read.
        """
        named = with_free_names(operations, self.dialect, self.database_names)
        return self.run_steps(self.dialect.render(live or self.live(name), named), name)

    def run_steps(self, steps: Iterable[Step], name: str) -> ApplyResult:
        """Run rendered steps on the one table ``name``."""
        return self._executor([name]).run_steps(steps)

    def write(self, action: Callable[[], T], *tables: str) -> T:
        """Do one write to rows of ``tables`` under the lock, and wait for rows that another session has locked.

        Raises Busy.
        """
        # Inside a transaction (pw_migrate's) a deadlock has undone more than this statement: one try only.
        patience = 0.0 if self.database.in_transaction() else self.options.patience
        return retry_while_blocked(action, self.connection, tables=tables, patience=patience, check=self._check)

    def privileges(self) -> Privileges | None:
        """Return the account's privileges here; None if the engine has no accounts."""
        answers = [self.connection.query(query) for query in self.dialect.privileges()]
        return self.dialect.read_privileges(answers, owned_names(self.prefix), options_table_name(self.prefix))

    def _executor(self, extra: Iterable[str]) -> Executor:
        return Executor(
            self.connection,
            owned={*owned_names(self.prefix), *extra},
            patience=self.options.patience,
            before=self.listener.before_statement,
            check=self._check,
            log=self.outcomes,
            copies=self.options.copies,
        )

    def _check(self) -> None:
        if self.options.replicas is not None:
            self.options.replicas.hold()
        if self.lock is not None:
            self.lock.check()


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
        context = RunContext(Connection.detect(database), table_prefix())
        settings = with_settings(database, run_settings(LOCK_WAIT))
    with settings, migration_lock(context.connection, context.prefix, timeout=context.options.patience) as lock:
        context.lock = lock
        try:
            with attached(context):
                yield context
        finally:
            context.lock = None
