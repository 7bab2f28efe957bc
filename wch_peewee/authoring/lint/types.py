"""A column's new type: does every value still fit, and does the server have to copy the table?"""

from __future__ import annotations

from dataclasses import replace

from ...schema.objects import Column, ColumnType, enum
from ...schema.type_changes import widens
from .code import column_code, run_code, text_code, type_code
from .findings import Remarks
from .state import Moment

_INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint"}

#: A varchar of more characters than this may take more than 255 bytes, and then its length has two bytes.
_ONE_BYTE = 63


def bad_type(moment: Moment, was: Column, now: Column) -> Remarks:
    """Compare the types before and after; ``moment`` is that of an alter_column."""
    before, after, line = was.type, now.type, moment.step.line
    name, change = f"{moment.table}.{now.name}", f"from {before} to {after}"
    if before == after:
        return
    if before.name == after.name == "enum":
        yield from _bad_enum(moment, was, now)
    elif not widens(before, after):
        found = (
            f"{name} goes {change}: values that do not fit are refused by the server, or cut, and the table is copied"
        )
        yield line, "narrowing", found, _expand(moment.table, was, now)
    elif why := _copies(before, after):
        found = f"{name} goes {change}, {why}: the server copies the table, and its writers wait"
        leave = "; where the table stays small, or --online copies it: # wch: allow table-copy because ..."
        yield line, "table-copy", found, _expand(moment.table, was, now) + leave


def _copies(before: ColumnType, after: ColumnType) -> str:
    if before.name in _INTEGERS and after.name in _INTEGERS:
        return "" if {before.name, after.name} == {"tinyint"} else "another width or sign"
    if before.name == after.name == "varchar":
        return "more than 255 bytes" if (before.size or 0) <= _ONE_BYTE < (after.size or 0) else ""
    return "another kind of type"


def _bad_enum(moment: Moment, was: Column, now: Column) -> Remarks:
    before, after = was.type.values, now.type.values
    table, name = text_code(moment.table), f"{moment.table}.{now.name}"
    new = tuple(value for value in after if value not in before)
    kept = replace(now, type=enum(*before, *new))
    appended = run_code("steps.alter_column", table, column_code(kept))
    if gone := [value for value in before if value not in after]:
        found = (
            f"{name} loses {', '.join(map(repr, gone))}: rows that hold it lose their value, and the table is copied"
        )
        sql = f"UPDATE {{{moment.table}}} SET {now.name} = ? WHERE {now.name} = ? AND {{batch}}"
        moved = run_code("batches.run_in_batches", table, text_code(sql), "NEW", text_code(gone[0]))
        way = f"{appended}, then {moved}" if new else moved
        yield moment.step.line, "enum-values", found, f"move the rows and leave the old value in the list: {way}"
    elif after[: len(before)] != before:
        found = f"{name} puts its values into another order: the server copies the table, and its writers wait"
        yield moment.step.line, "enum-values", found, f"put what is new at the end: {appended}"


def _expand(table: str, was: Column, now: Column) -> str:
    """The way without a copy: a new column beside the old one, filled in batches, renamed when nobody needs the old."""
    new = replace(now, name=f"{now.name}_new", nullable=True, default=None)
    names = [text_code(name) for name in (table, was.name, new.name)]
    if widens(was.type, now.type):
        fill = run_code("batches.copy_column", *names)
    else:
        sql = f"UPDATE {{{table}}} SET {new.name} = ... WHERE {new.name} IS NULL AND {{batch}}"
        fill = run_code("batches.run_in_batches", names[0], text_code(sql))
    add = run_code("steps.add_column", names[0], column_code(new), f"after={names[1]}")
    drop = run_code("steps.drop_column", names[0], names[1], "allow_drop=True")
    rename = run_code("steps.rename_column", names[0], names[2], names[1])
    return (
        f"a new column of type {type_code(now.type)} beside it: {add}, then {fill}; "
        f"in a later release, when nothing writes the old one: {drop}, then {rename}"
    )
