"""What the tables look like before each step, folded from the steps before it; no database is asked.

for moment in moments(migration, tables={}):
    print(moment.step, moment.column("carts", "coupon_code"))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...migrate import steps
from ...schema.objects import Column, ForeignKey, Index, Table
from ...schema.operations import AddColumn, DropColumn, DropIndex, ModifyColumn, RenameColumn
from .load import Migration, Step

Tables = dict[str, Table]


@dataclass(frozen=True)
class Moment:
    """A step, the tables as they are before it, those that its own file has made, and all steps before it."""

    step: Step
    tables: Tables
    made_here: frozenset[str]
    before: tuple[Step, ...]
    earlier_files: tuple[Step, ...]

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


def moments(migration: Migration, tables: Tables, earlier: tuple[Step, ...] = ()) -> Iterator[Moment]:
    """Yield the steps of ``migrate()`` with what is before each; ``tables`` is brought to what is behind the last."""
    made: frozenset[str] = frozenset()
    before: tuple[Step, ...] = ()
    for step in migration.migrate.steps if migration.migrate is not None else ():
        yield Moment(step, dict(tables), made, before, earlier)
        made |= frozenset(table.name for table in _created(step) if table.name not in tables)
        fold(step, tables)
        before = (*before, step)


def fold(step: Step, tables: Tables) -> None:
    """Bring ``tables`` to what they are after the step, as far as its arguments say it."""
    for table in _created(step):
        tables[table.name] = _joined(tables.get(table.name), table)
    if step.is_(steps.drop_tables):
        for table in step.arguments["tables"]:
            tables.pop(getattr(table, "name", ""), None)
    key = step.arguments.get("table")
    if isinstance(key, str) and key in tables:
        tables[key] = _changed(step, tables[key])


def _created(step: Step) -> tuple[Table, ...]:
    if not step.is_(steps.create_tables):
        return ()
    return tuple(table for table in step.arguments["tables"] if isinstance(table, Table))


def _joined(there: Table | None, wanted: Table) -> Table:
    """create_tables mends what is there: it adds, and drops nothing."""
    if there is None:
        return wanted
    columns = tuple(column for column in wanted.columns if there.column(column.name) is None)
    indexes = tuple(index for index in wanted.indexes if there.index(index.name) is None)
    return replace(there, columns=there.columns + columns, indexes=there.indexes + indexes)


def _changed(step: Step, table: Table) -> Table:
    a = step.arguments
    column, index = a.get("column"), a.get("index")
    if step.is_(steps.add_column) and isinstance(column, Column) and table.column(column.name) is None:
        return AddColumn(table.name, column, a.get("after") or "").applied_to(table)
    if step.is_(steps.alter_column) and isinstance(column, Column) and (was := table.column(column.name)):
        return ModifyColumn(table.name, was, column).applied_to(table)
    if step.is_(steps.rename_column):
        return RenameColumn(table.name, str(a["old"]), str(a["new"])).applied_to(table)
    if step.is_(steps.drop_column):
        return DropColumn(table.name, str(column)).applied_to(table)
    if step.is_(steps.add_index) and isinstance(index, Index):
        return replace(table, indexes=(*table.indexes, index))
    if step.is_(steps.drop_index):
        return DropIndex(table.name, str(index)).applied_to(table)
    key = a.get("key")
    if step.is_(steps.add_foreign_key) and isinstance(key, ForeignKey):
        return replace(table, foreign_keys=(*table.foreign_keys, key))
    return table
