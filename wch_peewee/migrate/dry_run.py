"""A run context that executes nothing: it records each step, and continues as if the step had been done."""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import peewee as pw

from ..errors import Busy, ConfigurationError, WchError
from ..execution.apply import ApplyResult, Reconciled
from ..execution.context import RunContext, attach
from ..execution.introspect import count_rows, introspect_schema, table_sizes, with_referenced
from ..schema.objects import Schema, Table
from ..schema.operations import AddColumn, CreateTable, Operation, RenameColumn, apply_operations
from ..schema.plan import Check, DryRunResult, Forecast, Plan, RowWork, Stopped
from ..schema.preconditions import Precondition, is_loss, preconditions_of
from ..schema.statements import Size, Step
from .folder import MigrationFolder, in_words
from .runner import MigrationRouter
from .state import ensure_history

T = TypeVar("T")


class DryRun(RunContext):
    """Reads as ``context`` does and writes nothing; with ``counts`` it also counts conflicting rows.

    Migration steps inspect the live schema when they run. Here they see the schema as the steps before them would
    have left it, so a plan shows every statement of all pending migrations in order. ``actual`` are tables that have
    been read already.
    """

    def __init__(self, context: RunContext, actual: Schema | None = None, *, counts: bool = False) -> None:
        super().__init__(
            context.connection,
            context.prefix,
            context.options,
            known_collation=context.known_collation,
            table_cache=context.table_cache,
        )
        self.forecasts: list[Forecast] = []
        self.stopped: Stopped | None = None
        self._counts = counts
        self._tables = {table.name: table for table in actual or ()}
        #: The tables of ``_tables``, and those that are known not to be there.
        self._known = set(self._tables)
        #: Where a column that goes by a new name is found now; None is one that is not there yet.
        self._columns: dict[tuple[str, str], str | None] = {}
        self._made: set[str] = set()
        self._sizes: dict[str, Size] = {}
        self._where = ("", 0, 0)

    @property
    def is_ready(self) -> bool:
        return True

    def at(self, migration: str, number: int, of: int) -> None:
        """Record which migration step the next changes belong to."""
        self._where = (migration, number, of)

    def stop(self, reason: str) -> None:
        """Record that the run would end here."""
        self.stopped = Stopped(*self._where, reason)

    def result(self) -> DryRunResult:
        """Return what has been recorded."""
        return DryRunResult(tuple(self.forecasts), dict(self._sizes), self.stopped)

    def live(self, name: str, *, for_columns: bool = False) -> Table | None:
        self._look_at([name])
        return self._tables.get(name)

    def _look_at(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in self._known]
        if unknown:
            self._known.update(unknown)
            self._tables |= {table.name: table for table in introspect_schema(self.connection, unknown)}

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if self.live(name) is not None)

    def count(self, precondition: Precondition) -> int:
        # Conflicting rows are counted and listed with their step, and do not end the dry run.
        if not is_loss(precondition) or (real := self._real(precondition)) is None:
            return 0
        return count_rows(self.connection, real)

    def plan(self, tables: Iterable[Table], actual: Schema | None = None) -> Plan:
        desired = self.resolve(tables)
        # Together, because where names have no case a foreign key is told by the names that were asked for.
        self._look_at(with_referenced(desired))
        there = Schema(tuple(live for name in with_referenced(desired) if (live := self.live(name)) is not None))
        return self.plan_to(desired, there, self._count)

    def reconcile(self, tables: Iterable[Table], *, verify: bool = True) -> Reconciled:
        plan = self.plan(tables)
        self.note(plan.steps)
        return Reconciled((), plan.refusals, plan.extras)

    def run_steps(self, steps: Iterable[Step], name: str) -> ApplyResult:
        return ApplyResult(self.note(steps))

    def records(self, work: RowWork) -> bool:
        """Record row work instead of doing it; return True."""
        self.forecasts.append(Forecast(work, *self._where))
        return True

    def write(self, action: Callable[[], T], *tables: str) -> T:
        raise WchError("what this step writes cannot be told beforehand")

    def note(self, steps: Iterable[Step]) -> list[str]:
        """Record the steps, and treat them as done."""
        outcomes: list[str] = []
        for step in steps:
            checks = self._checks(step) if self._counts else ()
            refusal, handed_over = "", False
            if any(statement.copying and not statement.algorithms for statement in step.statements):
                size = self._size(step.table)
                copies = self.options.copies
                refusal, handed_over = copies.refusal(step.table, size), copies.hands_over(size)
            elif self._counts:
                self._size(step.table)
            effect = self.dialect.effect(step)
            self.forecasts.append(Forecast(step, *self._where, checks, effect, refusal, handed_over))
            for operation in step.operations:
                self._apply(operation)
                outcomes += operation.outcome()
        return outcomes

    def _checks(self, step: Step) -> tuple[Check, ...]:
        asked = (precondition for operation in step.operations for precondition in preconditions_of(operation))
        found = []
        for precondition in asked:
            if (real := self._real(precondition)) is not None:
                query, changed_by = self.dialect.select_conflicts(real), self._changed_by(precondition)
                count = count_rows(self.connection, real)
                found.append(Check(precondition, count, query, is_loss(precondition), changed_by))
        return tuple(found)

    def _count(self, precondition: Precondition) -> int:
        real = self._real(precondition)
        # What an earlier step changes is no reason to refuse: it may be there to resolve just that.
        return 0 if real is None or self._changed_by(precondition) else count_rows(self.connection, real)

    def _changed_by(self, precondition: Precondition) -> str:
        """Return the last of the steps so far that changes the rows which ``precondition`` counts, or nothing."""
        if precondition.kind == "unreferenced":
            return ""
        key = precondition.foreign_key
        tables = {precondition.table} if key is None else {precondition.table, key.referenced_table}
        for earlier in reversed(self.forecasts):
            # One that names no table may change any.
            if isinstance(earlier.work, RowWork) and (not earlier.work.tables or tables & {*earlier.work.tables}):
                return f"{earlier.migration}, step {earlier.number} of {earlier.of}"
        return ""

    def _size(self, table: str) -> Size | None:
        if table not in self._sizes and table not in self._made:
            self._sizes.update(table_sizes(self.connection, [table]))
        return self._sizes.get(table)

    def _real(self, precondition: Precondition) -> Precondition | None:
        """Translate a precondition to the names that the rows have now; None if there are no such rows yet."""
        key = precondition.foreign_key
        if precondition.table in self._made or (key is not None and key.referenced_table in self._made):
            return None
        if precondition.kind in ("empty", "unreferenced"):
            return precondition
        columns = [self._columns.get((precondition.table, name), name) for name in precondition.columns]
        there = [] if key is None else [self._columns.get((key.referenced_table, n), n) for n in key.referenced_columns]
        if None in columns or None in there:
            return None
        names = tuple(name for name in columns if name is not None)
        if key is not None:
            referenced = tuple(name for name in there if name is not None)
            key = replace(key, columns=names, referenced_columns=referenced)
        return replace(precondition, columns=names, foreign_key=key)

    def _apply(self, operation: Operation) -> None:
        match operation:
            case CreateTable(table):
                self._made.add(table)
                self._known.add(table)
            case AddColumn(table, column):
                self._columns[table, column.name] = None
                if self.dialect.appends_columns and (live := self.live(table)) is not None:
                    operation = replace(operation, after=live.columns[-1].name)
            case RenameColumn(table, old, new):
                self._columns[table, new] = self._columns.pop((table, old), old)
        self.live(operation.table)
        self._tables = apply_operations(self._tables, [operation])


_OURS = __name__.rpartition(".")[0] + "."


def dry_run_migrations(dry_run: DryRun, folder: MigrationFolder, names: Sequence[str]) -> None:
    """Record in ``dry_run`` what the migrations ``names`` would do, up to the one that would stop the run."""
    dry_run.at(names[0], 0, 0)
    ensure_history(dry_run)
    router = MigrationRouter(dry_run, folder)
    for name in names:
        dry_run.at(name, 0, 0)
        try:
            _dry_run_one(dry_run, router, name)
        except Busy:
            raise  # nothing that a migration does: the tables could not be read
        except WchError as error:
            dry_run.stop(str(error))
        except Exception as error:  # an author's file may raise anything
            if isinstance(error, pw.PeeweeException) and dry_run.dialect.failure(error.args) == "lost":
                raise
            dry_run.stop(in_words(error, folder.path / f"{name}.py"))
        if dry_run.stopped is not None:
            return


def _dry_run_one(dry_run: DryRun, router: MigrationRouter, name: str) -> None:
    steps = router.steps(name, _stand_in(dry_run, name))
    for number, step in enumerate(steps, start=1):
        dry_run.at(name, number, len(steps))
        if isinstance(step, partial) and str(getattr(step.func, "__module__", "")).startswith(_OURS):
            step()
        else:
            dry_run.records(RowWork(f"Runs {_named(step)}, of which nothing can be said beforehand"))


def _stand_in(dry_run: DryRun, name: str) -> pw.Database:
    """Return a stand-in for the database in the body of migrate(): it knows its engine and executes nothing."""
    database: Any = copy.copy(dry_run.database)

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise ConfigurationError(
            f"the body of {name} speaks to the database; put that into a step, migrator.run(steps.run_python, ...)"
        )

    database.execute = database.execute_sql = database.cursor = database.connection = refuse
    attach(database, dry_run)
    found: pw.Database = database
    return found


def _named(step: Any) -> str:
    function = step.func if isinstance(step, partial) else step
    return str(getattr(function, "__qualname__", type(function).__name__))
