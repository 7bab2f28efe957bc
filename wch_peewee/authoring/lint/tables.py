"""Rules about drops, renames, keys, types and columns: what PHP and older releases lose, and what blocks writers."""

import re
from dataclasses import replace

from ...migrate import batches, steps
from ...schema.objects import Column, ColumnType, ForeignKey, Index, enum
from ...schema.types import widens
from .findings import Remarks, code_of, run_code
from .load import Migration, RecordedStep
from .state import Moment


def drop_remarks(moment: Moment) -> Remarks:
    """Check one step of migrate() that drops or renames."""
    step, a = moment.step, moment.step.arguments
    if step.is_(steps.drop_column):
        name = f"{moment.table}.{a['column']}"
        yield from _unmeant_column(step)
        if any(_uses_column(other, moment.table, str(a["column"])) for other in moment.before):
            yield step.line, "drop-in-use", *_in_use(name, f"steps.drop_column of {name}")
    elif step.is_(steps.drop_tables):
        names = [str(getattr(table, "name", table)) for table in a["tables"]]
        if not a["allow_drop"]:
            found = f"dropping {', '.join(names)} is refused without allow_drop=True"
            yield step.line, "allow-drop", found, "add allow_drop=True if the rows are not needed"
        for name in names:
            if any(_uses_table(other, name) for other in moment.before):
                yield step.line, "drop-in-use", *_in_use(name, f"steps.drop_tables of {name}")
    elif step.is_(steps.rename_column) and not moment.is_empty:
        yield from _renamed(moment)


def rollback_drops(migration: Migration) -> Remarks:
    """Check a rollback, which drops what migrate() has added: each drop needs a confirmation."""
    for step in migration.rollback.steps:
        if step.is_(steps.drop_column):
            yield from _unmeant_column(step)


def _unmeant_column(step: RecordedStep) -> Remarks:
    a = step.arguments
    if not a["allow_drop"]:
        found = f"dropping {a['table']}.{a['column']} is refused without allow_drop=True"
        way = run_code("steps.drop_column", code_of(a["table"]), code_of(a["column"]), "allow_drop=True")
        yield step.line, "allow-drop", found, f"to confirm: {way}"


def _in_use(name: str, step: str) -> tuple[str, str]:
    return (
        f"{name} is dropped in the migration that stops using it, while the previous release still reads it",
        f"keep {name} for now, and move {step} into a migration of a later release",
    )


def _uses_column(step: RecordedStep, table: str, column: str) -> bool:
    a = step.arguments
    if step.is_(batches.copy_column):
        return bool(a["table"] == table and a["source"] == column)
    if step.is_(batches.change_rows):
        return a["table"] == table and column in a["columns"]
    if step.is_(batches.fill_column):
        return a["table"] == table and _has_word(str(a["expression"]), column)
    sql = _sql(step)
    return f"{{{table}" in sql and _has_word(sql, column)


def _uses_table(step: RecordedStep, table: str) -> bool:
    return bool(re.search(rf"\{{{re.escape(table)}[}}:]", _sql(step)))


def _sql(step: RecordedStep) -> str:
    return str(step.arguments["sql"]) if step.is_(steps.run_sql, batches.run_in_batches) else ""


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


_BOTH = "import what this uses, let rollback() drop the new column, and keep both fields in the model until then"


def _renamed(moment: Moment) -> Remarks:
    a = moment.step.arguments
    table, old, new = code_of(moment.table), str(a["old"]), str(a["new"])
    live = moment.column(old)
    code = f'Column("{new}", ..., nullable=True)'
    if live is not None:
        code = code_of(replace(live, name=new, nullable=True, default=None))
    way = ", then ".join(
        (
            run_code("steps.add_column", table, code, f"after={code_of(old)}"),
            run_code("batches.copy_column", table, code_of(old), code_of(new)),
        )
    )
    drop = run_code("steps.drop_column", table, code_of(old), "allow_drop=True")
    found = f"{moment.table}.{old} is renamed to {new}, but PHP and older releases still use {old}"
    advice = f"{way}; write both columns for one release, and in a later one {drop}; {_BOTH}"
    yield moment.step.line, "rename-column", found, advice


_LATER = "and add # wch: allow {} because ..., when something prevents new ones until then"


def key_remarks(moment: Moment) -> Remarks:
    """Check one step that adds an index or a foreign key."""
    a, line = moment.step.arguments, moment.step.line
    index, key = a.get("index"), a.get("key")
    if moment.is_empty:
        return
    if moment.step.is_(steps.add_index) and isinstance(index, Index) and index.unique:
        columns = ", ".join(index.columns)
        found = f"{moment.table} ({columns}) becomes unique: it is refused if duplicates exist or are added meanwhile"
        count = f"SELECT {columns}, COUNT(*) FROM {{{moment.table}}} GROUP BY {columns} HAVING COUNT(*) > 1"
        yield line, "unique-index", found, f"check first (wch plan; {count}), {_LATER.format('unique-index')}"
    elif moment.step.is_(steps.add_foreign_key) and isinstance(key, ForeignKey):
        parent, columns = key.referenced_table, ", ".join(key.columns)
        found = f"{moment.table} ({columns}) refers to {parent}: it is refused if orphans exist or are added meanwhile"
        pairs = zip(key.columns, key.referenced_columns, strict=False)
        joined = " AND ".join(f"p.{theirs} = c.{ours}" for ours, theirs in pairs)
        count = (
            f"SELECT COUNT(*) FROM {{{moment.table}}} c WHERE c.{key.columns[0]} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {{{parent}}} p WHERE {joined})"
        )
        yield line, "foreign-key", found, f"check first (wch plan; {count}), {_LATER.format('foreign-key')}"


#: A varchar of more characters than this may take more than 255 bytes, and then its length has two bytes.
_ONE_BYTE = 63


def bad_type(moment: Moment, was: Column, now: Column) -> Remarks:
    """Compare the types before and after an alter_column."""
    before, after, line = was.type, now.type, moment.step.line
    name, change = f"{moment.table}.{now.name}", f"from {before} to {after}"
    if before == after:
        return
    if before.name == after.name == "enum":
        yield from _bad_enum(moment, was, now)
    elif not widens(before, after):
        found = f"{name} changes {change}: the server rejects or truncates values that do not fit, and copies the table"
        yield line, "narrowing", found, _expand(moment.table, was, now)
    elif why := _copies(before, after):
        found = f"{name} changes {change}, {why}: the server copies the table and blocks writers"
        leave = "; if the table is small, or copied with --online: # wch: allow table-copy because ..."
        yield line, "table-copy", found, _expand(moment.table, was, now) + leave


def _copies(before: ColumnType, after: ColumnType) -> str:
    if before.family == after.family == "whole":
        return "" if {before.name, after.name} == {"tinyint"} else "another width or sign"
    if before.name == after.name in ("varchar", "varbinary"):
        most = _ONE_BYTE if before.name == "varchar" else 255
        return "more than 255 bytes" if (before.size or 0) <= most < (after.size or 0) else ""
    return "a wider type"


def _bad_enum(moment: Moment, was: Column, now: Column) -> Remarks:
    before, after = was.type.values, now.type.values
    table, name = code_of(moment.table), f"{moment.table}.{now.name}"
    new = tuple(value for value in after if value not in before)
    kept = replace(now, type=enum(*before, *new))
    appended = run_code("steps.alter_column", table, code_of(kept))
    if gone := [value for value in before if value not in after]:
        found = (
            f"{name} loses {', '.join(map(repr, gone))}: rows with it lose their value, and the server copies the table"
        )
        sql = f"UPDATE {{{moment.table}}} SET {now.name} = ? WHERE {now.name} = ? AND {{batch}}"
        moved = run_code("batches.run_in_batches", table, code_of(sql), "NEW", code_of(gone[0]))
        way = f"{appended}, then {moved}" if new else moved
        yield moment.step.line, "enum-values", found, f"change the rows, and keep the old value in the list: {way}"
    elif after[: len(before)] != before:
        found = f"{name} reorders its values: the server copies the table and blocks writers"
        yield moment.step.line, "enum-values", found, f"add new values at the end: {appended}"


def _expand(table: str, was: Column, now: Column) -> str:
    """Return advice without a copy: a new column beside the old one, filled in batches, renamed when all have moved."""
    if now.auto_increment:
        return "a table has only one number that counts by itself, so none can be filled beside it"
    new = replace(now, name=f"{now.name}_new", nullable=True, default=None)
    names = [code_of(name) for name in (table, was.name, new.name)]
    if widens(was.type, now.type):
        fill = run_code("batches.copy_column", *names)
    else:
        sql = f"UPDATE {{{table}}} SET {new.name} = ... WHERE {new.name} IS NULL AND {{batch}}"
        fill = run_code("batches.run_in_batches", names[0], code_of(sql))
    add = run_code("steps.add_column", names[0], code_of(new), f"after={names[1]}")
    drop = run_code("steps.drop_column", names[0], names[1], "allow_drop=True")
    rename = run_code("steps.rename_column", names[0], names[2], names[1])
    return (
        f"instead add a new column of type {code_of(now.type)} beside it: {add}, then {fill}; "
        f"in a later release, when nothing writes the old one: {drop}, then {rename}; {_BOTH}"
    )


def column_remarks(moment: Moment) -> Remarks:
    """Check one step that adds or alters a column."""
    column = moment.step.arguments.get("column")
    if not isinstance(column, Column) or moment.is_empty:
        return
    if moment.step.is_(steps.add_column):
        yield from _added(moment, column)
    elif moment.step.is_(steps.alter_column) and (was := moment.column(column.name)) is not None:
        yield from bad_type(moment, was, column)
        if was.nullable and not column.nullable and not _is_filled(moment, column.name):
            found = f"{moment.table}.{column.name} becomes NOT NULL, but no earlier step fills its NULLs"
            yield moment.step.line, "not-null", found, f"first {_fill(moment.table, column)}"


def _added(moment: Moment, column: Column) -> Remarks:
    if column.nullable or column.default is not None or column.auto_increment:
        return
    empty = replace(column, nullable=True)
    table = code_of(moment.table)
    found = f"{moment.table}.{column.name} is NOT NULL without a default, and existing rows have no value for it"
    way = (
        run_code("steps.add_column", table, code_of(empty)),
        _fill(moment.table, column),
        run_code("steps.alter_column", table, code_of(column)),
    )
    yield moment.step.line, "not-null", found, ", then ".join(way)


def _fill(table: str, column: Column) -> str:
    return run_code("batches.fill_column", code_of(table), code_of(column.name), '"?"', "VALUE")


def _is_filled(moment: Moment, column: str) -> bool:
    return any(_fills(step, moment.table, column) for step in (*moment.before, *moment.earlier_files))


def _fills(step: RecordedStep, table: str, column: str) -> bool:
    """Return True if a step visibly writes the column; a function of the author's own may."""
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
