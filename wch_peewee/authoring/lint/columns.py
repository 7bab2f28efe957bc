"""Columns on a live table: NOT NULL, narrower types, other enum values, types that copy the table."""

from __future__ import annotations

from dataclasses import replace

from ...migrate import batches, steps
from ...schema.objects import Column
from .code import column_code, run_code, text_code
from .findings import Remarks
from .recording import Step
from .state import Moment
from .types import bad_type


def column_remarks(moment: Moment) -> Remarks:
    """Look at one step that adds or alters a column."""
    column = moment.step.arguments.get("column")
    if not isinstance(column, Column) or moment.is_empty:
        return
    if moment.step.is_(steps.add_column):
        yield from _added(moment, column)
    elif moment.step.is_(steps.alter_column) and (was := moment.column(column.name)) is not None:
        yield from bad_type(moment, was, column)
        if was.nullable and not column.nullable and not _is_filled(moment, column.name):
            found = f"{moment.table}.{column.name} becomes NOT NULL, and nothing has filled its NULLs"
            yield moment.step.line, "not-null", found, f"before it: {_fill(moment.table, column)}"


def _added(moment: Moment, column: Column) -> Remarks:
    if column.nullable or column.default is not None or column.auto_increment:
        return
    empty = replace(column, nullable=True)
    table = text_code(moment.table)
    found = f"{moment.table}.{column.name} is NOT NULL without a default, and rows that are there have no value for it"
    way = (
        run_code("steps.add_column", table, column_code(empty)),
        _fill(moment.table, column),
        run_code("steps.alter_column", table, column_code(column)),
    )
    yield moment.step.line, "not-null", found, ", then ".join(way)


def _fill(table: str, column: Column) -> str:
    return run_code("batches.fill_column", text_code(table), text_code(column.name), '"?"', "VALUE")


def _is_filled(moment: Moment, column: str) -> bool:
    return any(_fills(step, moment.table, column) for step in (*moment.before, *moment.earlier_files))


def _fills(step: Step, table: str, column: str) -> bool:
    """Say whether a step writes the column, as far as it can be seen: a function of the author's own may."""
    a = step.arguments
    if step.is_(batches.fill_column):
        return bool(a["table"] == table and a["column"] == column)
    if step.is_(batches.copy_column):
        return bool(a["table"] == table and a["target"] == column)
    if step.is_(batches.change_rows):
        return bool(a["table"] == table)
    if step.is_(batches.run_in_batches, steps.run_sql):
        return f"{{{table}" in str(a["sql"]) and column in str(a["sql"])
    return step.is_(steps.run_python)
