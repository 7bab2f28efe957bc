"""Rules about steps: what PHP and older releases lose, and what blocks writers, by the tables before each step."""

import re
from dataclasses import dataclass, replace

from ...migrate import batches, steps
from ...schema import operations as ops
from ...schema.objects import Column, ColumnType, Table, enum
from ...schema.types import widens
from .findings import Remarks, code_of, run_code
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


def drop_remarks(moment: Moment) -> Remarks:
    """Check one step of migrate() that drops or renames."""
    step, a = moment.step, moment.step.arguments
    if step.is_(steps.drop_column):
        yield from _unconfirmed(step)
        if any(_uses(other, moment.table, a["column"]) for other in moment.before):
            yield step.line, "drop-in-use", *_in_use(f"{moment.table}.{a['column']}", "drop_column")
    elif step.is_(steps.drop_tables):
        names = [table.name for table in a["tables"]]
        if not a["allow_drop"]:
            found = f"dropping {', '.join(names)} is refused without allow_drop=True"
            yield step.line, "allow-drop", found, "add allow_drop=True if the rows are not needed"
        for name in names:
            if any(_uses(other, name) for other in moment.before):
                yield step.line, "drop-in-use", *_in_use(name, "drop_tables")
    elif step.is_(steps.rename_column) and not moment.is_empty:
        yield from _renamed(moment)


def rollback_drops(migration: Migration) -> Remarks:
    """Check a rollback, which drops what migrate() has added: each drop needs a confirmation."""
    for step in migration.rollback.steps:
        if step.is_(steps.drop_column):
            yield from _unconfirmed(step)


def _unconfirmed(step: RecordedStep) -> Remarks:
    a = step.arguments
    if not a["allow_drop"]:
        found = f"dropping {a['table']}.{a['column']} is refused without allow_drop=True"
        way = run_code("steps.drop_column", code_of(a["table"]), code_of(a["column"]), "allow_drop=True")
        yield step.line, "allow-drop", found, f"to confirm: {way}"


def _in_use(name: str, step: str) -> tuple[str, str]:
    return (
        f"{name} is dropped in the migration that stops using it, while the previous release still reads it",
        f"keep {name} for now, and move steps.{step} of {name} into a migration of a later release",
    )


_ON_ROWS = (batches.copy_column, batches.change_rows, batches.fill_column, batches.run_in_batches, steps.run_sql)


def _uses(step: RecordedStep, table: str, column: str = "") -> bool:
    """Return True if the step reads or writes rows of the table, and names the column."""
    if not step.is_(*_ON_ROWS):
        return False
    words = " ".join(map(str, step.arguments.values()))
    on_table = step.arguments.get("table") == table or re.search(rf"\{{{re.escape(table)}[}}:]", words)
    return bool(on_table) and re.search(rf"(?<!\w){re.escape(column)}(?!\w)", words) is not None


_BOTH = "import what this uses, let rollback() drop the new column, and keep both fields in the model until then"


def _renamed(moment: Moment) -> Remarks:
    a = moment.step.arguments
    table, old, new = code_of(moment.table), a["old"], a["new"]
    if (live := moment.column(old)) is None:
        return
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


_CHECK = "check first: wch plan counts these rows; add # wch: allow {} because ..., when something prevents new ones"


def key_remarks(moment: Moment) -> Remarks:
    """Check one step that adds an index or a foreign key."""
    a, line = moment.step.arguments, moment.step.line
    if moment.is_empty:
        return
    if moment.step.is_(steps.add_index) and a["index"].unique:
        columns = ", ".join(a["index"].columns)
        found = f"{moment.table} ({columns}) becomes unique: it is refused if duplicates exist or are added meanwhile"
        yield line, "unique-index", found, _CHECK.format("unique-index")
    elif moment.step.is_(steps.add_foreign_key):
        columns, parent = ", ".join(a["key"].columns), a["key"].referenced_table
        found = f"{moment.table} ({columns}) refers to {parent}: it is refused if orphans exist or are added meanwhile"
        yield line, "foreign-key", found, _CHECK.format("foreign-key")


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
    if moment.is_empty or not moment.step.is_(steps.add_column, steps.alter_column):
        return
    column: Column = moment.step.arguments["column"]
    if moment.step.is_(steps.add_column):
        yield from _added(moment, column)
    elif (was := moment.column(column.name)) is not None:
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
    """Return True if an earlier step visibly writes the column; a function of the author's own may."""
    before = (*moment.before, *moment.earlier_files)
    own = (steps.run_python, batches.change_rows)
    return any(step.is_(*own) or _uses(step, moment.table, column) for step in before)
