"""The lines of a migration for operations: steps, and a mark wherever only the author can decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..schema import operations as ops
from ..schema.objects import Column, ColumnType, Schema
from ..schema.renames import ChangePrimaryKey
from ..schema.types import widens
from .source import Line, Mark, Named, StepLine, Text, source_of, together


def neutral(type_: ColumnType) -> str:
    """Return the neutral value of a NOT NULL column of that type."""
    return type_.values[0] if type_.name == "enum" else type_.kind.neutral if type_.kind else ""


def _new(was: ColumnType, now: ColumnType) -> tuple[str, ...]:
    return tuple(value for value in now.values if value not in was.values)


@dataclass(frozen=True, slots=True)
class Recipes:
    """Lines for all operations from ``before`` to ``after``; what is in ``allowed`` may be dropped.

    Whatever keeps every value, or is refused by the step itself because of conflicting rows, needs no mark. A rollback
    has none: it narrows as far as the rows allow, and a column that comes back without its values gets a neutral one.
    """

    before: Schema
    after: Schema
    allowed: frozenset[str] = frozenset()
    back: bool = False

    def lines(self, operations: Sequence[ops.Operation]) -> tuple[Line, ...]:
        lost = self._lost_for_good(operations) if self.back else ""
        if lost:
            return (StepLine("steps.irreversible", (Text(lost),)),)
        found = [line for operation in operations for line in self._lines(operation)]
        return together([line for line in found if not (self.back and isinstance(line, Mark))])

    def _lines(self, operation: ops.Operation) -> Iterator[Line]:
        table = Text(operation.table)
        match operation:
            case ops.CreateTable(definition=definition):
                yield StepLine("steps.create_tables", tables=(definition,))
            case ops.DropTable():
                yield from self._drop_table(operation)
            case ops.AddColumn():
                yield from self._add_column(operation)
            case ops.ModifyColumn():
                yield from self._modify_column(operation)
            case ops.RenameColumn(old=old, new=new):
                yield StepLine("steps.rename_column", (table, Text(old), Text(new)))
            case ops.DropColumn(column=column):
                name = f"{operation.table}.{column}"
                if name not in self.allowed:
                    yield Mark(f"{name} is dropped: write here how its values are kept, if they are needed")
                yield StepLine("steps.drop_column", (table, Text(column), Named("allow_drop", "True")))
            case ops.AddIndex(index=index):
                yield StepLine("steps.add_index", (table, source_of(index)))
            case ops.RenameIndex(index=index, new=new):
                yield StepLine("steps.rename_index", (table, Text(index.name), Text(new)))
            case ops.DropIndex(index=name):
                yield StepLine("steps.drop_index", (table, Text(name)))
            case ops.AddForeignKey(foreign_key=key) | ops.DropForeignKey(foreign_key=key):
                step = "add" if isinstance(operation, ops.AddForeignKey) else "drop"
                yield StepLine(f"steps.{step}_foreign_key", (table, source_of(key)))
            case ChangePrimaryKey(was=was, now=now):
                yield Mark(
                    f"the primary key of {operation.table} changes from ({', '.join(was)}) to ({', '.join(now)}), for "
                    "which there is no step: copy the rows into a new table"
                )

    def _add_column(self, operation: ops.AddColumn) -> Iterator[Line]:
        column, table = operation.column, self.after.table(operation.table)
        assert table is not None
        is_last = table.columns[-1].name == column.name
        place = () if operation.after is None or is_last else (Named("after", Text(operation.after)),)
        fills_itself = column.nullable or column.default is not None
        start = column if fills_itself else replace(column, nullable=True)
        yield StepLine("steps.add_column", (Text(table.name), source_of(start), *place))
        if not fills_itself:
            unique = any(index.unique and index.columns == (column.name,) for index in table.indexes)
            which = "a different one for each" if unique else f"if not {neutral(column.type)!r}, as here"
            yield Mark(
                f"{table.name}.{column.name} is NOT NULL without a default: choose the value for existing rows, {which}"
                ". PHP, older releases and the methods of these models do not set it in new rows: change these "
                "first, or give it a default"
            )
            yield self._fill(table.name, column)
            yield StepLine("steps.alter_column", (Text(table.name), source_of(column)))

    def _modify_column(self, operation: ops.ModifyColumn) -> Iterator[Line]:
        was, now, table = operation.was, operation.column, operation.table
        name = f"{table}.{now.name}"
        gone = tuple(value for value in was.type.values if value not in now.type.values)
        both = was.type.name == now.type.name == "enum" and gone and not self.back
        fills = was.nullable and not now.nullable
        stage = replace(now, nullable=was.nullable or now.nullable)
        if both:
            stage = replace(stage, type=ColumnType("enum", values=(*was.type.values, *_new(was.type, now.type))))
        elif was.type != now.type and not widens(was.type, now.type):
            yield Mark(f"{name} changes from {was.type} to {now.type}: convert the values that do not fit")
        if fills and was.type == now.type:
            stage = was  # only the NULLs are in the way
        if stage not in (was, now) and stage.type != was.type:
            yield StepLine("steps.alter_column", (Text(table), source_of(stage)))
        if both:
            yield from self._empty_values(table, now, gone)
        if fills:
            if now.default is None:
                yield Mark(
                    f"{name} becomes NOT NULL: choose the value for NULLs, if not {neutral(now.type)!r}, as here"
                )
            yield self._fill(table, now)
        yield StepLine("steps.alter_column", (Text(table), source_of(now)))

    def _empty_values(self, table: str, now: Column, gone: tuple[str, ...]) -> Iterator[Line]:
        instead = now.default.text if now.default is not None else now.type.values[0]
        words = " and ".join(map(repr, gone))
        yield Mark(f"{table}.{now.name} loses {words}: choose the value for such rows, if not {instead!r}, as here")
        for value in gone:
            # Backticks are understood by SQLite, too; the name may be a word of SQL.
            sql = f"UPDATE {{{table}}} SET `{now.name}` = ? WHERE `{now.name}` = ? AND {{batch}}"
            yield StepLine("batches.run_in_batches", (Text(table), Text(sql), Text(instead), Text(value)))

    def _fill(self, table: str, column: Column) -> StepLine:
        value = column.default.text if column.default is not None else neutral(column.type)
        return StepLine("batches.fill_column", (Text(table), Text(column.name), Text("?"), Text(value)))

    def _lost_for_good(self, operations: Sequence[ops.Operation]) -> str:
        """Return a unique column whose values are lost, for which no neutral value is possible, or None."""
        for operation in operations:
            if isinstance(operation, ops.AddColumn):
                column, table = operation.column, self.after.table(operation.table)
                assert table is not None
                unique = any(index.unique and column.name in index.columns for index in table.indexes)
                if unique and not column.nullable:
                    return f"the values of {table.name}.{column.name} are lost, and the column is unique"
        return ""

    def _drop_table(self, operation: ops.DropTable) -> Iterator[Line]:
        dropped = self.before.table(operation.table)
        assert dropped is not None
        if operation.table not in self.allowed and not self.back:
            yield Mark(f"the table {operation.table} is dropped: write here how its rows are kept, if they are needed")
        # Without permission a rollback would stop here, half done: foreign keys to the table are gone by then. Where it
        # only drops tables nothing is done yet, and the operator has to allow it, as for the first migration.
        options = () if self.back and not self.after.tables else (Named("allow_drop", "True"),)
        yield StepLine("steps.drop_tables", options, (dropped,))
