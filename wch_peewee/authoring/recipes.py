"""From operations to the lines of a migration: the steps, and a mark wherever only the author knows.

What keeps every value, or is refused by the step itself where rows stand against it, needs no mark. A way back has none
at all: it narrows as far as the rows allow, and where a column comes back without its values, rows get a neutral one.

    Recipes(before, after, frozenset({"messages.note"})).lines(operations)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..schema.compare import ChangePrimaryKey
from ..schema.objects import Schema
from ..schema.operations import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropTable,
    ModifyColumn,
    Operation,
    RenameColumn,
    RenameIndex,
)
from ._part_recipes_column_recipes import ColumnRecipes
from ._part_source_lines import Line, Mark, Shape, StepLine, together
from ._part_source_values import foreign_key_code, index_code, table_code
from .source import Named, Text


@dataclass(frozen=True, slots=True)
class Recipes:
    """``before`` and ``after`` are the schemas that the operations lead between; ``allowed`` may be dropped."""

    before: Schema
    after: Schema
    allowed: frozenset[str] = frozenset()
    back: bool = False

    def lines(self, operations: Sequence[Operation]) -> tuple[Line, ...]:
        lost = ColumnRecipes(self.after, self.back).lost_for_good(operations) if self.back else ""
        if lost:
            return (StepLine("steps.irreversible", (Text(lost),)),)
        found = [line for operation in operations for line in self._lines(operation)]
        return together([line for line in found if not (self.back and isinstance(line, Mark))])

    def _lines(self, operation: Operation) -> Iterator[Line]:
        table = Text(operation.table)
        match operation:
            case CreateTable(definition=definition):
                shape = Shape(table_code(definition), operation.table.upper(), listed=True)
                yield StepLine("steps.create_tables", (shape,))
            case DropTable():
                yield from self._drop_table(operation)
            case AddColumn():
                yield from ColumnRecipes(self.after, self.back).add(operation)
            case ModifyColumn():
                yield from ColumnRecipes(self.after, self.back).modify(operation)
            case RenameColumn(old=old, new=new):
                yield StepLine("steps.rename_column", (table, Text(old), Text(new)))
            case DropColumn(column=column):
                name = f"{operation.table}.{column}"
                if name not in self.allowed:
                    yield Mark(f"{name} is dropped with its values: say where they go, if anywhere")
                yield StepLine("steps.drop_column", (table, Text(column), Named("allow_drop", "True")))
            case AddIndex(index=index):
                shape = Shape(index_code(index), f"{index.name.upper()}_INDEX")
                yield StepLine("steps.add_index", (table, shape))
            case RenameIndex(index=index, new=new):
                yield StepLine("steps.rename_index", (table, Text(index.name), Text(new)))
            case DropIndex(index=name):
                yield StepLine("steps.drop_index", (table, Text(name)))
            case AddForeignKey(foreign_key=key) | DropForeignKey(foreign_key=key):
                step = "add" if isinstance(operation, AddForeignKey) else "drop"
                shape = Shape(foreign_key_code(key), f"{'_'.join(key.columns).upper()}_KEY")
                yield StepLine(f"steps.{step}_foreign_key", (table, shape))
            case ChangePrimaryKey(was=was, now=now):
                yield Mark(
                    f"the primary key of {operation.table} changes from ({', '.join(was)}) to ({', '.join(now)}), for "
                    "which there is no step: copy the rows into a new table"
                )

    def _drop_table(self, operation: DropTable) -> Iterator[Line]:
        dropped = self.before.table(operation.table)
        assert dropped is not None
        if operation.table not in self.allowed and not self.back:
            yield Mark(f"the table {operation.table} is dropped with all its rows: say where they go, if anywhere")
        shape = Shape(table_code(dropped), operation.table.upper(), listed=True)
        # Without leave a way back would stop here, half done: foreign keys to the table are gone by then. Where it
        # only drops tables nothing is done yet, and the operator has to allow it, as for the first migration.
        options = () if self.back and not self.after.tables else (Named("allow_drop", "True"),)
        yield StepLine("steps.drop_tables", (shape, *options))
