"""A run context that executes nothing: it records each step, and continues as if the step had been done."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import peewee as pw

from ..errors import Busy, ConfigurationError, WchError
from ..execution.context import RunContext, attach
from ..execution.introspect import DatabaseNames, count_rows, introspect_schema, table_sizes, with_referenced
from ..schema.objects import ForeignKey, Schema, Table
from ..schema.operations import (
    AddColumn,
    AddForeignKey,
    CreateTable,
    DropColumn,
    DropIndex,
    DropTable,
    ModifyColumn,
    Operation,
    RenameColumn,
    apply_operations,
)
from ..schema.plan import Check, DryRunResult, Forecast, Plan, RowWork, Stopped
from ..schema.preconditions import Precondition, is_loss, preconditions_of, rows_query
from ..schema.statements import Size, Step
from .folder import MigrationFolder, in_words
from .ledger import ensure_history
from .runner import MigrationRouter

T = TypeVar("T")


class DryRun(RunContext):
    """Reads as ``context`` does and writes nothing; with ``counts`` it also counts conflicting rows.

    Migration steps inspect the live schema when they run. Here they see the schema as the steps before them would
    have left it, so a plan shows every statement of all pending migrations in order. ``actual`` are tables that have
    been read already; with ``empty`` they are all that there are.
    """

    def __init__(
        self, context: RunContext, actual: Schema | None = None, *, counts: bool = False, empty: bool = False
    ) -> None:
        super().__init__(
            context.connection,
            context.names,
            context.options,
            topology=context.topology,
            known_collation=context.known_collation,
            table_cache=context.table_cache,
            likeness=None if empty else context.likeness,
        )
        self.forecasts: list[Forecast] = []
        self.stopped: Stopped | None = None
        #: The error that stopped a migration.
        self.cause: WchError | None = None
        self._counts = counts
        self._empty = empty
        self._tables = {table.name: table for table in actual or ()}
        #: The tables of ``_tables``, and those that are known not to be there.
        self._known = set(self._tables)
        #: Where a column that goes by a new name is found now; None is one that is not there yet.
        self._columns: dict[tuple[str, str], str | None] = {}
        self._made: set[str] = set()
        self._parents: dict[str, Table] = {}
        self._sizes: dict[str, Size] = {}
        self._where = ("", 0, 0)
        #: The migrations are taken back.
        self.downgrade = False

    @property
    def is_ready(self) -> bool:
        return True

    @property
    def is_imaginary(self) -> bool:
        return self._empty

    def at(self, migration: str, number: int, of: int) -> None:
        """Record which migration step the next changes belong to."""
        self._where = (migration, number, of)

    def stop(self, reason: str, cause: WchError | None = None) -> None:
        """Record that the run would end here, with the error if it is one of ours."""
        self.stopped, self.cause = Stopped(*self._where, reason), cause

    @property
    def tables(self) -> Schema:
        """The tables as they would be by now, without the books."""
        start, books = self.names.start, self.names.books
        return Schema(tuple(t for t in self._tables.values() if t.name.startswith(start) and t.name not in books))

    @property
    def parents(self) -> Schema:
        """The tables outside the namespace that foreign keys refer to, imagined with the columns of the keys alone."""
        return Schema(tuple(self._parents.values()))

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
        if unknown and not self._empty:
            self._tables |= {table.name: table for table in introspect_schema(self.connection, unknown)}

    def read(self, names: Sequence[str]) -> Schema:
        self._look_at(names)
        return Schema(tuple(self._tables[name] for name in names if name in self._tables))

    def database_names(self) -> DatabaseNames:
        return {} if self._empty else super().database_names()

    def referencing_tables(self, names: Sequence[str]) -> dict[str, str]:
        there = {} if self._empty else super().referencing_tables(names)
        keys = ((table.name, key.referenced_table) for table in self._tables.values() for key in table.foreign_keys)
        others = {name for name, referenced in keys if referenced in names} - set(names)
        unread = there.keys() - self._known
        return {name: there.get(name, "") for name in (*there, *others) if name in others or name in unread}

    def present(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if self.live(name) is not None)

    def count(self, precondition: Precondition) -> int:
        # Conflicting rows are counted and listed with their step, and do not end the dry run.
        if not is_loss(precondition) or (real := self._real(precondition)) is None:
            return 0
        return count_rows(self.connection, real)

    def plan(self, tables: Iterable[Table], actual: Schema | None = None) -> Plan:
        if self.is_settled:
            return Plan()
        desired = self.resolve(tables)
        for table in desired:
            self._imagine_parents(table, table.foreign_keys)
        # Together, because where names have no case a foreign key is told by the names that were asked for.
        self._look_at(with_referenced(desired))
        return self.plan_to(desired, self.read(with_referenced(desired)), self._count)

    def _imagine_parents(self, child: Table, keys: Iterable[ForeignKey]) -> None:
        """On an imagined database there is every table outside the namespace that a foreign key refers to."""
        for key in keys if self._empty else ():
            name, columns = key.referenced_table, [child.column(name) for name in key.columns]
            if name.startswith(self.names.start) or None in columns:
                continue
            known = self._parents.get(name, Table(name, (), primary_key=key.referenced_columns, engine=child.engine))
            pairs = zip(key.referenced_columns, filter(None, columns), strict=True)
            added = tuple(replace(one, name=n, nullable=False) for n, one in pairs if known.column(n) is None)
            self._parents[name] = self._tables[name] = replace(known, columns=(*known.columns, *added))

    def reconcile(self, tables: Iterable[Table], *, verify: bool = True) -> Plan:
        plan = self.plan(tables)
        self.note(plan.steps)
        return plan

    def run_steps(self, steps: Iterable[Step], name: str) -> None:
        self.note(steps)

    def records(self, work: RowWork) -> bool:
        """Record row work instead of doing it; return True."""
        self.forecasts.append(Forecast(work, *self._where))
        return True

    def write(self, action: Callable[[], T], *tables: str) -> T:
        raise WchError("what this step writes is not known in advance")

    def note(self, steps: Iterable[Step]) -> None:
        """Record the steps, and treat them as done."""
        for step in steps:
            checks = self._checks(step) if self._counts else ()
            refusal, handed_over = "", False
            stops = self.topology.shares_writes and step.reads_rows
            copied = any(statement.copying and not statement.algorithms for statement in step.statements)
            size = self._size(step.table) if stops or copied or self._counts else None
            effect = self.dialect.effect(step, self.topology, size)
            if stops or copied:
                copies, words = self.options.copies, effect.words if stops else ""
                refusal, handed_over = copies.refusal(step.table, step, size, words), copies.hands_over(step, size)
            for operation in step.operations:
                self._apply(operation)
            copies_back = self._counts and any(map(self._copies_back, step.operations))
            self.forecasts.append(Forecast(step, *self._where, checks, effect, refusal, handed_over, copies_back))

    def _copies_back(self, operation: Operation) -> bool:
        """Return True if the server has to copy the table to undo a change of a column that has been applied."""
        if not isinstance(operation, ModifyColumn):
            return False
        back = replace(operation, was=operation.column, column=operation.was)
        return any(step.cost == "COPY" for step in self.dialect.render(self.live(operation.table), [back]))

    def _checks(self, step: Step) -> tuple[Check, ...]:
        asked = (precondition for operation in step.operations for precondition in preconditions_of(operation))
        found = []
        for precondition in asked:
            real = self._real(precondition) or self._of_new_column(precondition)
            if real is not None:
                live = self.live(real.table)
                column = live.column(precondition.columns[0]) if live and precondition.kind == "no_values" else None
                if column and column.default and not (column.default.is_expression or precondition.type):
                    real = replace(real, values=(column.default.text,))  # rows with the default alone lose nothing
                query = rows_query(real, self.dialect, () if live is None else live.primary_key)
                count, changed_by = count_rows(self.connection, real), self._changed_by(precondition)
                if precondition.kind == "no_duplicates" and count == 1:  # a single row has no equal
                    count = 0
                found.append(Check(precondition, count, query, is_loss(precondition), changed_by))
        return tuple(found)

    def _of_new_column(self, precondition: Precondition) -> Precondition | None:
        """Return what all rows are counted by where a column that an earlier step has added is not filled since.

        Its values are known then: NULL, or all the same. None if they are no obstacle, or not known.
        """
        table, kind = self.live(precondition.table), precondition.kind
        if table is None or table.name in self._made or kind not in ("no_nulls", "no_duplicates"):
            return None
        columns = [column for column in table.columns if column.name in precondition.columns]
        if any(self._columns.get((table.name, column.name), "") is not None for column in columns):
            return None
        empty = any(column.default is None for column in columns)
        return Precondition("no_rows", table.name) if empty == (kind == "no_nulls") else None

    def _count(self, precondition: Precondition) -> int:
        real = self._real(precondition)
        # What an earlier step changes is no reason to refuse: it may be there to resolve just that.
        return 0 if real is None or self._changed_by(precondition) else count_rows(self.connection, real)

    def _changed_by(self, precondition: Precondition) -> str:
        """Return the last of the steps so far that changes the rows which ``precondition`` counts, or nothing.

        On the way back it is a step of the same migration: what another one puts back settles nothing here.
        """
        if precondition.kind == "unreferenced":
            return ""
        key = precondition.foreign_key
        tables = {precondition.table} if key is None else {precondition.table, key.referenced_table}
        for earlier in reversed(self.forecasts):
            # One that names no table may change any.
            if self.downgrade and earlier.migration != self._where[0]:
                return ""
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
            case AddForeignKey(table, key) if live := self.live(table):
                self._imagine_parents(live, [key])
            case RenameColumn(table, old, new):
                self._columns[table, new] = self._columns.pop((table, old), old)
        self.live(operation.table)
        self._tables = apply_operations(self._tables, [operation])


_OURS = __name__.rpartition(".")[0] + "."


def dry_run_migrations(
    dry_run: DryRun, folder: MigrationFolder, names: Sequence[str], *, downgrade: bool = False
) -> None:
    """Record in ``dry_run`` what the migrations ``names`` would do, up to the one that would stop the run.

    With ``downgrade`` it is what taking them back would do.
    """
    dry_run.downgrade = downgrade
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
            dry_run.stop(str(error), error)
        except Exception as error:  # an author's file may raise anything
            not_the_step = ("lost", "waiting", "damaged")
            if isinstance(error, pw.PeeweeException) and dry_run.dialect.failure(error.args) in not_the_step:
                raise
            dry_run.stop(in_words(error, folder.path / f"{name}.py"))
        if dry_run.stopped is not None:
            return


def dry_run_on_empty(context: RunContext, folder: MigrationFolder, names: Sequence[str]) -> DryRun:
    """Return the dry run of the migrations ``names`` on a database that is imagined to be empty.

    Raises ConfigurationError if one of them would stop.
    """
    dry_run = DryRun(context, empty=True)
    dry_run.options = replace(context.options, remove_data=True)
    if names:
        dry_run_migrations(dry_run, folder, names)
    if (stopped := dry_run.stopped) is not None:
        raise ConfigurationError(f"{stopped.migration}, step {stopped.number} of {stopped.of}: {stopped.reason}")
    return dry_run


def dry_run_after(context: RunContext, folder: MigrationFolder, name: str, *, backwards: bool = False) -> DryRun:
    """Return the dry run of one migration alone, after those before it; ``backwards`` of its way back.

    Raises ConfigurationError if there is no such migration, or if one before it would stop.
    """
    folder.require(name)
    dry_run = dry_run_on_empty(context, folder, folder.names[: folder.names.index(name) + backwards])
    dry_run.forecasts = []
    dry_run_migrations(dry_run, folder, [name], downgrade=backwards)
    return dry_run


def _dry_run_one(dry_run: DryRun, router: MigrationRouter, name: str) -> None:
    steps = router.steps(name, _stand_in(dry_run, name), downgrade=dry_run.downgrade)
    for number, step in enumerate(steps, start=1):
        dry_run.at(name, number, len(steps))
        if isinstance(step, partial) and str(getattr(step.func, "__module__", "")).startswith(_OURS):
            step()
        else:
            dry_run.records(RowWork(f"Runs {_named(step)}, whose effect is not known in advance"))


def _stand_in(dry_run: DryRun, name: str) -> pw.Database:
    """Return a stand-in for the database in the body of migrate(): it knows its engine and executes nothing."""
    database: Any = copy.copy(dry_run.database)

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise ConfigurationError(
            f"the body of {name} uses the database; move that into a step, migrator.run(steps.run_python, ...)"
        )

    database.execute = database.execute_sql = database.cursor = database.connection = refuse
    attach(database, dry_run)
    found: pw.Database = database
    return found


def _named(step: Any) -> str:
    function = step.func if isinstance(step, partial) else step
    return str(getattr(function, "__qualname__", type(function).__name__))


def left_to_do(context: RunContext, folder: MigrationFolder, names: Sequence[str]) -> tuple[str, ...]:
    """Return what the last of ``names`` leaves behind and the live tables are not, in words; nothing where they are.

    The migrations are replayed on an empty database of which only the definitions exist. What they do to rows is not
    looked at. Raises ConfigurationError if they cannot be replayed.
    """
    dry_run = dry_run_on_empty(context, folder, [name for name in folder.names if name <= names[-1]])
    made = dry_run.tables
    live = context.read(with_referenced(made))
    plan = context.plan_to(made, live)
    operations = (
        operation
        for forecast in dry_run.forecasts
        if forecast.migration in names and not isinstance(forecast.work, RowWork)
        for operation in forecast.work.operations
    )
    there = (words for operation in operations for words in _still_there(operation, context, live, made))
    return (*plan.describe(), *map(str, plan.refusals), *there)


def _still_there(operation: Operation, context: RunContext, live: Schema, made: Schema) -> Iterator[str]:
    """Yield what the operation removes, if the live tables have it and no later operation makes it again."""
    name = operation.table
    table, target = live.table(name), made.table(name)
    if isinstance(operation, DropTable) and target is None and context.present([name]):
        yield f"{name} is still there"
    if table is None or target is None:
        return
    match operation:
        case DropColumn(_, column) | RenameColumn(_, column, _):
            if table.column(column) and not target.column(column):
                yield f"{name}.{column} is still there"
        case DropIndex(_, index):
            if any(one.name == index for one in table.indexes) and all(one.name != index for one in target.indexes):
                yield f"the index {index} of {name} is still there"
