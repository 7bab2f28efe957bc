"""One run: a dedicated connection, its dialect, the lock, and whose tables may be touched.

    with open_workspace(database, prefix="wp_") as workspace:
        workspace.reconcile(tables)

``look`` gives the same without a lock, for reading. Nothing here outlives the block.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import peewee as pw

from .database import (
    LOCK_WAIT,
    connect,
    connected,
    database_error,
    dedicated,
    describe,
    for_reading,
    in_transaction,
    is_private,
)
from .dialects.base import Dialect
from .errors import ConfigurationError, RunStopped
from .migrate.lock import LEASE_TTL, MigrationLock, migration_lock
from .migrate.sqlite_lock import CommitHeldUp
from .naming import owned_names
from .progress import Progress
from .schema.apply import ApplyResult, Executor, patiently, pause
from .schema.copies import COPY_RULE, CopyRule
from .schema.forecast import RowWork
from .schema.introspect import ask, count_rows, introspect_schema, present_tables
from .schema.objects import Schema, Table
from .schema.operations import Operation
from .schema.plan import Plan
from .schema.reconcile import Reconciled, plan_for, reconcile
from .schema.requirements import Requirement
from .schema.resolve import resolve
from .schema.statements import Statement, Step
from .server import detect_dialect, failure_of
from .settings import Leave, leave_to_remove
from .wordpress.options import site_collation

#: How long a run waits for another one, or for somebody's transaction on a table, in seconds.
PATIENCE = 60.0

T = TypeVar("T")

_ATTRIBUTE = "_wch_peewee_workspace"


@dataclass(slots=True)
class Workspace:
    """What a run works with. ``before`` is called ahead of each statement that changes the schema."""

    database: pw.Database
    dialect: Dialect
    prefix: str
    remove_data: Leave = None
    patience: float = PATIENCE
    lock: MigrationLock | None = None
    before: Callable[[Statement], None] | None = None
    on_progress: Progress | None = None
    #: Which tables may be copied.
    copies: CopyRule = COPY_RULE
    #: Called ahead of each statement and batch, when somebody else's pace has to be kept.
    hold: Callable[[], None] | None = None
    #: What has been done so far, in dbDelta's words.
    outcomes: list[str] = field(default_factory=list)
    #: The options that have been written, or may have been, with their values; None is a deleted one.
    options: dict[str, str | None] = field(default_factory=dict)
    #: The site's collation where it has been read already; it is read when it is first needed.
    known_collation: str | None = None

    @property
    def may_remove_data(self) -> bool:
        """Whether rows may be lost: as given, else as WCH_REMOVE_DATA says, which is read only when it matters."""
        return leave_to_remove(self.remove_data)

    @property
    def collation(self) -> str | None:
        """The site's collation, read once."""
        if self.known_collation is None:
            self.known_collation = site_collation(self.database, self.dialect, self.prefix)
        return self.known_collation

    def resolve(self, tables: Iterable[Table]) -> Schema:
        """Name and adapt declared tables for this installation."""
        return resolve(tables, prefix=self.prefix, dialect=self.dialect, collation=self.collation)

    @property
    def is_ready(self) -> bool:
        """Whether steps may begin: the lock is held."""
        return self.lock is not None

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        """Say which of the tables exist, in the order given."""
        return present_tables(self.database, self.dialect, names)

    def count(self, requirement: Requirement) -> int:
        """Count the rows that stand against ``requirement``."""
        return count_rows(self.database, self.dialect, requirement)

    def rehearse(self, work: RowWork) -> bool:
        """Take note of work on rows in the stead of doing it; False here, where it is to be done."""
        return False

    def live(self, name: str) -> Table | None:
        """Read one table by its full name."""
        return introspect_schema(self.database, self.dialect, [name]).table(name)

    def plan(self, tables: Iterable[Table], actual: Schema | None = None) -> Plan:
        """Plan what brings the live tables, ``actual`` where they have been read, to the declared shape. Reads only."""
        return plan_for(self.database, self.dialect, self.resolve(tables), actual)

    def reconcile(self, tables: Iterable[Table]) -> Reconciled:
        """Bring the live tables to the declared shape as far as that is safe."""
        desired = self.resolve(tables)
        return reconcile(self.database, self.dialect, desired, self._executor(table.name for table in desired))

    def change(self, name: str, operations: Iterable[Operation]) -> ApplyResult:
        """Run operations on the one table ``name``, full names and all, without asking whether they are safe."""
        return self.run_steps(self.dialect.render(self.live(name), list(operations)), name)

    def run_steps(self, steps: Iterable[Step], name: str) -> ApplyResult:
        """Run rendered steps on the one table ``name``."""
        return self._executor([name]).run_steps(steps)

    def write(self, action: Callable[[], T], *tables: str) -> T:
        """Do one write to rows of ``tables``, under the lock, and wait for rows that somebody else holds.

        Raises Busy.
        """
        # Inside a transaction (pw_migrate's) a deadlock has undone more than this statement: one try only.
        patience = 0.0 if self.database.in_transaction() else self.patience
        return patiently(action, self.database, self.dialect, tables=tables, patience=patience, check=self._check)

    def privileges(self) -> frozenset[str] | None:
        """Name what the account may do here; None when that cannot be told."""
        queries = self.dialect.privileges()
        if not queries:
            return None
        return self.dialect.read_privileges([ask(self.database, self.dialect, query) for query in queries])

    def _executor(self, extra: Iterable[str]) -> Executor:
        return Executor(
            self.database,
            self.dialect,
            owned={*owned_names(self.prefix), *extra},
            patience=self.patience,
            before=self.before,
            check=self._check,
            log=self.outcomes,
            copies=self.copies,
        )

    def _check(self) -> None:
        if self.hold is not None:
            self.hold()
        if self.lock is not None:
            self.lock.check()


@contextlib.contextmanager
def look(database: pw.Database, prefix: str) -> Iterator[Workspace]:
    """Have a workspace for reading only, on the application's own connection; nothing is made, not even a file.

    Inside a transaction of the application on a server it is another connection: whatever a transaction has
    read stays locked against DDL until its end, and the run that follows would wait for its own caller.
    """
    chosen = for_reading(database)
    if isinstance(database, pw.MySQLDatabase) and in_transaction(database):
        chosen = dedicated(database, patience=PATIENCE)
    with connected(chosen) as connection, _translated(connection):
        yield Workspace(connection, detect_dialect(connection), prefix)


@contextlib.contextmanager
def open_workspace(
    database: pw.Database,
    prefix: str,
    *,
    remove_data: Leave = None,
    patience: float = PATIENCE,
    lock_wait: int = LOCK_WAIT,
    lease_ttl: float = LEASE_TTL,
    before: Callable[[Statement], None] | None = None,
    on_progress: Progress | None = None,
    copies: CopyRule = COPY_RULE,
    hold: Callable[[], None] | None = None,
) -> Iterator[Workspace]:
    """Open a locked workspace on a connection of its own, where a statement waits ``lock_wait`` seconds for a lock.

    Raises DatabaseUnavailable, UnsupportedServer, and Busy when another run holds the lock for longer
    than ``patience`` seconds. RunStopped that ends the block is told what is in place.
    """
    with _own_connection(database, patience, lock_wait) as connection, _translated(connection):
        dialect = detect_dialect(connection)
        workspace = Workspace(
            connection, dialect, prefix, remove_data, patience, None, before, on_progress, copies, hold
        )
        with (
            _where_it_stands(workspace),
            _translated(connection),
            migration_lock(
                connection, dialect, prefix, timeout=patience, lock_wait=lock_wait, lease_ttl=lease_ttl
            ) as workspace.lock,
            attached(workspace),
        ):
            yield workspace


def run_in_workspace(
    work: Callable[[Workspace], T], database: pw.Database, prefix: str, *, patience: float = PATIENCE, **options: Any
) -> T:
    """Do ``work`` in a locked workspace; the options are those of ``open_workspace``, and so are the errors.

    On SQLite a reader can keep the run from being committed. Then all of it is undone, so that other readers
    do not queue behind it, and done again, until ``patience`` seconds are used up.
    """
    begun = time.monotonic()
    for attempt in itertools.count(1):
        left = max(0.0, patience - (time.monotonic() - begun))
        try:
            with open_workspace(database, prefix, patience=left, **options) as workspace:
                return work(workspace)
        except CommitHeldUp:
            if time.monotonic() - begun >= patience:
                raise
        time.sleep(pause(attempt))
    raise AssertionError("it counts for ever")


@contextlib.contextmanager
def _own_connection(database: pw.Database, patience: float, lock_wait: int) -> Iterator[pw.Database]:
    if isinstance(database, pw.SqliteDatabase) and in_transaction(database):
        # One writer at a time: it would wait for this transaction, which waits for it.
        raise ConfigurationError(f"{describe(database)} cannot be upgraded inside a transaction; commit first.")
    if not is_private(database):
        connection = dedicated(database, patience=patience, lock_wait=lock_wait)
        connect(connection)
        try:
            yield connection
        finally:
            with contextlib.suppress(pw.PeeweeException):
                connection.close()
        return
    # A database in memory has the one connection only: its settings are put back afterwards.
    with connected(database):
        keys = database.execute_sql("PRAGMA foreign_keys").fetchone()[0]
        database.execute_sql("PRAGMA foreign_keys = 0")
        try:
            yield database
        finally:
            database.execute_sql(f"PRAGMA foreign_keys = {int(keys)}")


@contextlib.contextmanager
def _translated(connection: pw.Database) -> Iterator[None]:
    """Let no driver's error out: callers get the library's own, in one line that says what to do."""
    try:
        yield
    except pw.PeeweeException as error:
        raise database_error(describe(connection), failure_of(connection, error), error) from error


@contextlib.contextmanager
def _where_it_stands(workspace: Workspace) -> Iterator[None]:
    try:
        yield
    except RunStopped as error:
        error.undone = workspace.dialect.transactional_ddl
        error.in_place = () if error.undone else tuple(workspace.outcomes)
        raise


@contextlib.contextmanager
def attached(workspace: Workspace) -> Iterator[None]:
    """Let migration steps, which are handed the database alone, find the workspace of their run."""
    previous = attached_workspace(workspace.database)
    attach(workspace.database, workspace)
    try:
        yield
    finally:
        attach(workspace.database, previous)


def attach(connection: pw.Database, workspace: Workspace | None) -> None:
    """Remember the workspace on its connection, and nowhere else: two runs in one process do not meet."""
    setattr(connection, _ATTRIBUTE, workspace)


def attached_workspace(connection: pw.Database) -> Workspace | None:
    """Find the workspace that a run has attached to its connection."""
    return getattr(connection, _ATTRIBUTE, None)
