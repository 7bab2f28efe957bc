"""What becomes of a column that is added or changed: the steps, with its rows filled on the way where they have to be.

ColumnRecipes(after, back=False).add(AddColumn("messages", column, None))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..schema.objects import Column, ColumnType, Schema
from ..schema.operations import AddColumn, ModifyColumn, Operation
from ..schema.type_changes import widens
from ._part_source_lines import Line, Mark, Shape, StepLine
from ._part_source_values import column_code
from .source import Named, Text

_NEUTRAL = {
    "date": "1970-01-01",
    **dict.fromkeys(("datetime", "timestamp"), "1970-01-01 00:00:01"),
    "json": "{}",
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"), "0"),
}


@dataclass(frozen=True, slots=True)
class ColumnRecipes:
    """``after`` is the schema that the operations lead to; marks of a way ``back`` are taken out by ``Recipes``."""

    after: Schema
    back: bool

    def add(self, operation: AddColumn) -> Iterator[Line]:
        column, table = operation.column, self.after.table(operation.table)
        assert table is not None
        is_last = table.columns[-1].name == column.name
        place = () if operation.after is None or is_last else (Named("after", Text(operation.after)),)
        fills_itself = column.nullable or column.default is not None
        start = column if fills_itself else replace(column, nullable=True)
        yield StepLine("steps.add_column", (Text(table.name), self._shape(start, filled=fills_itself), *place))
        if not fills_itself:
            unique = any(index.unique and index.columns == (column.name,) for index in table.indexes)
            which = "each another value" if unique else f"if not {neutral(column.type)!r}, as here"
            yield Mark(
                f"{table.name}.{column.name} is NOT NULL without a default: say what rows that are there get, {which}"
            )
            yield self._fill(table.name, column)
            yield StepLine("steps.alter_column", (Text(table.name), self._shape(column)))

    def modify(self, operation: ModifyColumn) -> Iterator[Line]:
        was, now, table = operation.was, operation.column, operation.table
        name = f"{table}.{now.name}"
        if odd := was.opaque or now.opaque:
            yield Mark(f"{name} has {', '.join(odd)}, which no step can restate: write the SQL")
            return
        if was.auto_increment != now.auto_increment:
            yield Mark(f"{name} {'counts' if now.auto_increment else 'no longer counts'} by itself: see to its rows")
        gone = tuple(value for value in was.type.values if value not in now.type.values)
        both = was.type.name == now.type.name == "enum" and gone and not self.back
        fills = was.nullable and not now.nullable
        stage = replace(now, nullable=was.nullable or now.nullable)
        if both:
            stage = replace(stage, type=ColumnType("enum", values=(*was.type.values, *_new(was.type, now.type))))
        elif was.type != now.type and not widens(was.type, now.type):
            yield Mark(f"{name} goes from {was.type} to {now.type}: say what becomes of values that do not fit")
        if fills and was.type == now.type:
            stage = was  # only the NULLs are in the way
        if stage not in (was, now) and stage.type != was.type:
            yield StepLine("steps.alter_column", (Text(table), self._shape(stage, filled=False)))
        if both:
            yield from self._empty_values(table, now, gone)
        if fills:
            if now.default is None:
                yield Mark(
                    f"{name} is no longer NULL: say what rows with NULL get, if not {neutral(now.type)!r}, as here"
                )
            yield self._fill(table, now)
        yield StepLine("steps.alter_column", (Text(table), self._shape(now)))

    def _empty_values(self, table: str, now: Column, gone: tuple[str, ...]) -> Iterator[Line]:
        instead = now.default.text if now.default is not None else now.type.values[0]
        words = " and ".join(map(repr, gone))
        yield Mark(f"{table}.{now.name} can no longer be {words}: say what such rows get, if not {instead!r}, as here")
        for value in gone:
            # Backticks are understood by SQLite, too; the name may be a word of SQL.
            sql = f"UPDATE {{{table}}} SET `{now.name}` = ? WHERE `{now.name}` = ? AND {{batch}}"
            yield StepLine("batches.run_in_batches", (Text(table), Text(sql), Text(instead), Text(value)))

    def _fill(self, table: str, column: Column) -> StepLine:
        value = column.default.text if column.default is not None else neutral(column.type)
        return StepLine("batches.fill_column", (Text(table), Text(column.name), Text("?"), Text(value)))

    def _shape(self, column: Column, *, filled: bool = True) -> Shape:
        suffix = "_BEFORE" if self.back and filled else "" if filled else "_STAGE"
        return Shape(column_code(column), f"{column.name.upper()}{suffix}")

    def lost_for_good(self, operations: Sequence[Operation]) -> str:
        """Name a column whose values are gone, and have to be unique: nothing neutral can stand in for them."""
        for operation in operations:
            if isinstance(operation, AddColumn):
                column, table = operation.column, self.after.table(operation.table)
                assert table is not None
                unique = any(index.unique and column.name in index.columns for index in table.indexes)
                if unique and not column.nullable:
                    return f"the values of {table.name}.{column.name} are gone, and no two rows may have the same"
        return ""


def neutral(type_: ColumnType) -> str:
    """Say what stands for nothing in a column of that type that cannot be NULL."""
    return type_.values[0] if type_.name == "enum" else _NEUTRAL.get(type_.name, "")


def _new(was: ColumnType, now: ColumnType) -> tuple[str, ...]:
    return tuple(value for value in now.values if value not in was.values)
