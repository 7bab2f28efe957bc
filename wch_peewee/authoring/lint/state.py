"""The tables before each step of a migration, as the steps before it leave them; no database is asked."""

from dataclasses import dataclass

from ...migrate import steps
from ...schema import operations as ops
from ...schema.objects import Column, Table
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


def moments(
    migration: Migration, tables: Tables, earlier: tuple[RecordedStep, ...] = ()
) -> tuple[list[Moment], Tables]:
    """Return the steps of ``migrate()`` with what is there before each, and the tables after the last.

    ``tables`` is what is there before the first.
    """
    found: list[Moment] = []
    made: frozenset[str] = frozenset()
    for step in migration.migrate.steps:
        found.append(Moment(step, tables, made, tuple(moment.step for moment in found), earlier))
        operations = _operations(step, tables)
        made |= {operation.table for operation in operations if isinstance(operation, ops.CreateTable)}
        tables = ops.apply_operations(tables, operations)
    return found, tables


def _operations(step: RecordedStep, tables: Tables) -> list[ops.Operation]:
    """Return what the step does to ``tables``; nothing where its arguments do not tell."""
    a = step.arguments
    if step.is_(steps.create_tables):
        return [ops.CreateTable(table.name, table) for table in a["tables"] if table.name not in tables]
    if step.is_(steps.drop_tables):
        return [ops.DropTable(table.name) for table in a["tables"]]
    name = a.get("table")
    if name not in tables:
        return []
    if step.is_(steps.add_column, steps.alter_column):
        was = tables[name].column(a["column"].name)
        return [ops.ModifyColumn(name, was, a["column"]) if was else ops.AddColumn(name, a["column"], a.get("after"))]
    if step.is_(steps.rename_column):
        return [ops.RenameColumn(name, a["old"], a["new"])]
    if step.is_(steps.drop_column):
        return [ops.DropColumn(name, a["column"])]
    if step.is_(steps.keep_column):
        return [ops.DropColumn(name, a["instead_of"])]
    return []
