"""One run: a dedicated connection, its dialect, the lock, and whose tables may be touched.

    context.reconcile(tables)

``opening`` makes one. Nothing here outlives its block.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

import peewee as pw

from ..database.connect import PATIENCE, with_run_settings
from ..database.detect import detect_dialect
from ..database.query import present_tables, run_query
from ..progress import Progress
from ..schema.declared import resolve
from ..schema.dialect import Dialect
from ..schema.forecast import RowWork
from ..schema.naming import owned_names
from ..schema.objects import Schema, Table
from ..schema.operations import Operation
from ..schema.plan import Plan
from ..schema.preconditions import Precondition
from ..schema.statements import COPY_RULE, CopyRule, Statement, Step
from ..settings import Leave, leave_to_remove, table_prefix
from ..wordpress.options import site_collation
from .apply import ApplyResult, Executor, patiently
from .introspect import count_rows, introspect_schema
from .lock import MigrationLock, migration_lock
from .reconcile import Reconciled, concerned, plan_for, reconcile
from .table_cache import TableCache

T = TypeVar("T")

_ATTRIBUTE = "_wch_peewee_context"


@dataclass(slots=True)
class RunContext:
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
    #: Tables that were not there a moment ago (``look_for``).
    absent: set[str] = field(default_factory=set)
    #: What tables of other sites look like, in a run over many of them.
    table_cache: TableCache | None = None

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
        asked = self._in_question(names)
        return present_tables(self.database, self.dialect, asked) if asked else ()

    def note_present(self, names: Sequence[str]) -> tuple[str, ...]:
        """The same; what is not there now is not asked for again, once, before it is made."""
        found = present_tables(self.database, self.dialect, names)
        self.absent |= set(names) - set(found)
        return found

    def _in_question(self, names: Sequence[str]) -> list[str]:
        """Leave out what is known to be absent, and forget that: by the next time somebody may have made it."""
        asked = [name for name in names if name not in self.absent]
        self.absent -= set(names)
        return asked

    def count(self, precondition: Precondition) -> int:
        """Count the rows that stand against ``requirement``."""
        return count_rows(self.database, self.dialect, precondition)

    def dry_run_migrations(self, work: RowWork) -> bool:
        """Take note of work on rows in the stead of doing it; False here, where it is to be done."""
        return False

    def read(self, names: Sequence[str]) -> Schema:
        """Read live tables by their full names, as far as they exist."""
        if self.table_cache is not None:
            return self.table_cache.read(self.prefix, self.present(names))
        asked = self._in_question(names)
        return introspect_schema(self.database, self.dialect, asked) if asked else Schema(())

    def live(self, name: str, *, for_columns: bool = False) -> Table | None:
        """Read one table by its full name; ``for_columns`` as in ``introspect_schema``."""
        return introspect_schema(self.database, self.dialect, [name], for_columns=for_columns).table(name)

    def plan(self, tables: Iterable[Table], actual: Schema | None = None) -> Plan:
        """Plan what brings the live tables, ``actual`` where they have been read, to the declared shape. Reads only."""
        desired = self.resolve(tables)
        if actual is None:
            actual = self.read(concerned(desired))
        return plan_for(self.database, self.dialect, desired, actual)

    def reconcile(self, tables: Iterable[Table], *, verify: bool = True) -> Reconciled:
        """Bring the live tables to the declared shape as far as that is safe; ``verify`` as in ``reconcile``."""
        desired = self.resolve(tables)
        executor = self._executor(table.name for table in desired)
        return reconcile(self.database, self.dialect, desired, executor, read=self.read, verify=verify)

    def change(self, name: str, operations: Iterable[Operation], live: Table | None = None) -> ApplyResult:
        """Run operations on the one table ``name``, full names and all, without asking whether they are safe.

        ``live`` is the table where it has just been read.
        """
        return self.run_steps(self.dialect.render(live or self.live(name), list(operations)), name)

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
        return self.dialect.read_privileges([run_query(self.database, self.dialect, query) for query in queries])

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
def attached(context: RunContext) -> Iterator[None]:
    """Let migration steps, which are handed the database alone, find the context of their run."""
    previous = attached_context(context.database)
    attach(context.database, context)
    try:
        yield
    finally:
        attach(context.database, previous)


def attach(connection: pw.Database, context: RunContext | None) -> None:
    """Remember the context on its connection, and nowhere else: two runs in one process do not meet."""
    setattr(connection, _ATTRIBUTE, context)


def attached_context(connection: pw.Database) -> RunContext | None:
    """Find the context that a run has attached to its connection."""
    return getattr(connection, _ATTRIBUTE, None)


@contextlib.contextmanager
def context_of(database: pw.Database) -> Iterator[RunContext]:
    context = attached_context(database)
    if context is not None and context.is_ready:
        yield context
        return
    session: AbstractContextManager[None] = contextlib.nullcontext()
    if context is None:
        context = RunContext(database, detect_dialect(database), table_prefix())
        session = with_run_settings(database)
    with session, migration_lock(database, context.dialect, context.prefix, timeout=context.patience) as lock:
        context.lock = lock
        try:
            with attached(context):
                yield context
        finally:
            context.lock = None
