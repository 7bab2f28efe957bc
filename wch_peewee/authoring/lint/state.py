"""The tables before each step of a migration, as the steps before it leave them; no database is asked."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...migrate import steps
from ...schema import operations as ops
from ...schema.objects import Column, ForeignKey, Index, Table
from .load import Migration, RecordedStep

Tables = dict[str, Table]


@dataclass(frozen=True)
class Moment:
    """A step, the tables as they are before it, those that its own file has made, and all steps before it."""

    step: RecordedStep
    tables: Tables
    made_here: frozenset[str]
    before: tuple[RecordedStep, ...]
    earlier_files: tuple[RecordedStep, ...]

    @property
    def table(self) -> str:
        return str(self.step.arguments.get("table", ""))

    @property
    def is_empty(self) -> bool:
        """True when the table was made by this very migration, so that no rows are in the way."""
        return self.table in self.made_here

    def column(self, name: str) -> Column | None:
        """The column as it is before the step, as far as the files say."""
        live = self.tables.get(self.table)
        return live.column(name) if live is not None else None


def moments(migration: Migration, tables: Tables, earlier: tuple[RecordedStep, ...] = ()) -> Iterator[Moment]:
    """Yield the steps of ``migrate()`` with what is there before each; ``tables`` is what is there before the first."""
    made: frozenset[str] = frozenset()
    before: tuple[RecordedStep, ...] = ()
    for step in migration.migrate.steps:
        yield Moment(step, tables, made, before, earlier)
        operations = _operations(step, tables)
        made |= {operation.table for operation in operations if isinstance(operation, ops.CreateTable)}
        tables = ops.apply_operations(tables, operations)
        before = (*before, step)


def tables_after(migration: Migration, tables: Tables) -> Tables:
    """Return the tables as they are after ``migrate()``, as far as the arguments of its steps tell."""
    for step in migration.migrate.steps:
        tables = ops.apply_operations(tables, _operations(step, tables))
    return tables


def _operations(step: RecordedStep, tables: Tables) -> list[ops.Operation]:
    """Return what the step does to ``tables``; nothing where its arguments do not tell."""
    arguments = step.arguments
    if step.is_(steps.create_tables):
        wanted = (table for table in arguments["tables"] if isinstance(table, Table))
        return [operation for table in wanted for operation in _creation(table, tables.get(table.name))]
    if step.is_(steps.drop_tables):
        return [ops.DropTable(getattr(table, "name", "")) for table in arguments["tables"]]
    name = arguments.get("table")
    if not isinstance(name, str) or name not in tables:
        return []
    column, index, key = arguments.get("column"), arguments.get("index"), arguments.get("key")
    was = tables[name].column(column.name) if isinstance(column, Column) else None
    if step.is_(steps.add_column) and isinstance(column, Column) and was is None:
        return [ops.AddColumn(name, column, arguments.get("after") or "")]
    if step.is_(steps.alter_column) and isinstance(column, Column) and was is not None:
        return [ops.ModifyColumn(name, was, column)]
    if step.is_(steps.rename_column):
        return [ops.RenameColumn(name, str(arguments["old"]), str(arguments["new"]))]
    if step.is_(steps.drop_column):
        return [ops.DropColumn(name, str(column))]
    if step.is_(steps.keep_column):
        both = tables[name].column(str(column)) and tables[name].column(str(arguments["instead_of"]))
        return [ops.DropColumn(name, str(arguments["instead_of"]))] if both else []
    if step.is_(steps.add_index) and isinstance(index, Index):
        return [ops.AddIndex(name, index)]
    if step.is_(steps.drop_index):
        return [ops.DropIndex(name, str(index))]
    if step.is_(steps.add_foreign_key) and isinstance(key, ForeignKey):
        return [ops.AddForeignKey(name, key)]
    return []


def _creation(wanted: Table, live: Table | None) -> list[ops.Operation]:
    """Return what create_tables does: of a table that is there it adds what is missing, and drops nothing."""
    if live is None:
        return [ops.CreateTable(wanted.name, wanted)]
    columns = [column for column in wanted.columns if live.column(column.name) is None]
    indexes = [index for index in wanted.indexes if live.index(index.name) is None]
    return [
        *(ops.AddColumn(live.name, column, "") for column in columns),
        *(ops.AddIndex(live.name, i) for i in indexes),
    ]
