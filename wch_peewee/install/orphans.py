"""Orphaned rows, as PHP leaves them by deleting their parents alone: counted, deleted or given a parent again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import peewee as pw

from ..errors import SchemaConflict
from ..execution.context import RunContext
from ..migrate.batches import Chunks
from ..models.base import BaseModel
from ..schema.base import Query
from ..schema.declared import referenced_key

#: Parents that are created after one question.
BATCH_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Missing:
    """A parent that is missing: ``rows`` of ``table`` have its ``value`` in ``column``."""

    table: str
    column: str
    parent: str
    value: Any
    rows: int
    #: Deleting the rows sets the column to NULL instead, as the foreign key does (SET NULL).
    nulled: bool = False

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        return f"{rows} of {self.table} with {self.column} {self.value}, which is not in {self.parent}"


@dataclass(frozen=True, slots=True)
class Orphans:
    """The orphaned rows of one foreign key, ``field``, between two tables that exist."""

    context: RunContext
    field: Any
    table: str
    parent: str
    #: Returns the columns of a new parent, as ``Conversation.stand_in`` does; None if no model says.
    stand_in: Any = None

    @property
    def column(self) -> str:
        return str(self.field.column_name)

    @property
    def nulls(self) -> bool:
        """True if the foreign key is ON DELETE SET NULL."""
        return str(self.field.on_delete).upper() == "SET NULL"

    def missing(self) -> list[Missing]:
        """Return the missing parents by their value."""
        rows = self._groups("COUNT(*)")
        return [Missing(self.table, self.column, self.parent, value, int(count), self.nulls) for value, count in rows]

    def delete(self) -> int:
        """Do what the foreign key does when a parent is deleted: set the column to NULL, else delete the rows.

        It is done in batches by id, each a short transaction. Return how many rows there were.

        A killed run leaves the rest for the next one.
        """
        quoted, deleted = self._quote(self.table), 0
        verb = f"UPDATE {quoted} SET {self._quote(self.column)} = NULL" if self.nulls else f"DELETE FROM {quoted}"
        chunks = Chunks(self.context, self.table, remaining=self._orphaned(quoted))
        while (ids := chunks.next_range()) is not None:
            # Read first without a lock, as most rows of a range are somebody's.
            sql = f"SELECT m.id FROM {quoted} AS m WHERE {ids:m} AND {self._orphaned('m')}"
            found = ", ".join(str(row[0]) for row in self._ask(sql))
            # Checked again by the DELETE, which waits for parents that are being inserted, and finds them.
            sql = f"{verb} WHERE id IN ({found}) AND {self._orphaned(quoted)}"
            count = self._write(sql, self.table) if found else 0
            chunks.count(count)
            deleted += count
        return deleted

    def reattach(self) -> int:
        """Create each missing parent, as its model says; return how many rows have one again.

        It gets the missing id, so the rows stay as they are. The id 0, which no row can have, gets a parent with an id
        of its own, and its rows are changed. Raises SchemaConflict if no model says what a parent looks like.
        """
        rescued = 0
        while True:
            rows = self._groups(
                "COUNT(*), MIN(m.created_at), MAX(m.created_at)" if self.stand_in else "1", f" LIMIT {BATCH_SIZE}"
            )
            if not rows:
                return rescued
            if self.stand_in is None:
                raise SchemaConflict(f"Cannot create rows in {self.parent}: its model has no stand_in().")
            for value, count, first, last in rows:
                values = self.stand_in(int(value), first, last)
                if int(value):
                    self._make({self.field.rel_field.column_name: int(value), **values})
                else:
                    self._move_from_zero(values)
                rescued += int(count)

    def _move_from_zero(self, values: dict[str, Any]) -> None:
        slot, key = self.context.dialect.placeholder, self._quote(self.field.rel_field.column_name)
        texts = {column: value for column, value in values.items() if isinstance(value, str)}
        where = " AND ".join(f"{self._quote(column)} = {slot}" for column in texts)
        find = f"SELECT {key} FROM {self._quote(self.parent)} WHERE {where} ORDER BY {key} LIMIT 1"
        if not self._ask(find, *texts.values()):  # it is there when a run was killed behind it
            self._make(values)
        ((number,),) = self._ask(find, *texts.values())
        column = self._quote(self.column)
        self._write(f"UPDATE {self._quote(self.table)} SET {column} = {int(number)} WHERE {column} = 0", self.table)

    def _make(self, values: dict[str, Any]) -> None:
        columns = ", ".join(map(self._quote, values))
        slots = ", ".join([self.context.dialect.placeholder] * len(values))
        sql = f"INSERT INTO {self._quote(self.parent)} ({columns}) VALUES ({slots})"
        self._write(sql, self.parent, *values.values())

    def _groups(self, what: str, end: str = "") -> list[tuple[Any, ...]]:
        column = f"m.{self._quote(self.column)}"
        return self._ask(
            f"SELECT {column}, {what} FROM {self._quote(self.table)} AS m WHERE {self._orphaned('m')} "
            f"GROUP BY {column} ORDER BY {column}{end}"
        )

    def _orphaned(self, rows: str) -> str:
        column, key = f"{rows}.{self._quote(self.column)}", self._quote(self.field.rel_field.column_name)
        parents = self._quote(self.parent)
        if self.parent == self.table:  # MySQL reads no table that it changes, but a copy of its values
            parents = f"(SELECT DISTINCT {key} FROM {parents})"
        there = f"SELECT 1 FROM {parents} AS parent_ WHERE parent_.{key} = {column}"
        return f"{column} IS NOT NULL AND NOT EXISTS ({there})"

    def _quote(self, name: str) -> str:
        return self.context.dialect.quote(name)

    def _ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.context.connection.query(Query(sql, parameters))

    def _write(self, sql: str, table: str, *parameters: Any) -> int:
        cursor = self.context.write(lambda: self.context.database.execute_sql(sql, parameters or None), table)
        return int(self.context.database.rows_affected(cursor))


def orphans_of(context: RunContext, models: Iterable[type[BaseModel]]) -> tuple[Orphans, ...]:
    """Return the foreign keys of the models whose two tables exist."""
    models = tuple(models)
    found = []
    for model in models:
        for field in (one for one in model._meta.sorted_fields if isinstance(one, pw.ForeignKeyField)):
            child, parent = str(model._meta.table_key), field.rel_model
            # Another's table gets no row from us.
            stand_in = getattr(parent, "stand_in", None) if parent in models else None
            tables = context.names.table(child), context.names.table(referenced_key(field))
            found.append(Orphans(context, field, *tables, stand_in))
    names = {name for one in found for name in (one.table, one.parent)}
    present = context.connection.present(sorted(names)) if names else ()
    return tuple(one for one in found if {one.table, one.parent} <= set(present))
