"""The dialect of SQLite, from 3.35 on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...errors import SchemaConflict
from ..base import Query, Rows
from ..dialect import Dialect, Topology
from ..objects import Column, Index, Schema, Table
from ..operations import NamedParts, Operation
from ..preconditions import Precondition
from ..statements import Effect, Size, Step
from .base import SQLiteBase, quote_name, quote_text
from .introspect import read_object, refers, with_references
from .parser import fold
from .render import obstacles, render_steps
from .types import adapt_default, adapt_type

#: The size of the whole file: dbstat, which knows that of each table, is not in every build.
_FILE_SIZE = "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)"


class SQLiteDialect(SQLiteBase, Dialect):
    """One version of SQLite."""

    name = "sqlite"
    transactional_ddl = True
    retypes_foreign_keys = True
    appends_columns = True
    null_safe_equal = "IS"
    locking_read = ""  # a run is the only writer
    named_in_database: NamedParts = "indexes"

    def __init__(self, version: tuple[int, ...]) -> None:
        self.version = version

    def index_name(self, table: str, index: str) -> str:
        """Return the index's name with the table's in front."""
        return index if index.startswith(f"{table}_") else f"{table}_{index}"

    def find_index(self, table: Table, index: str, marked: str) -> Index | None:
        # It is numbered if another table had its name, and has the former prefix of a table that was renamed.
        ending = re.compile(rf".*{re.escape(f'{marked}_{index}')}(__[0-9]+)?", re.IGNORECASE)
        alike = [one for one in table.indexes if ending.fullmatch(one.name)]
        return super().find_index(table, index, marked) or (alike[0] if len(alike) == 1 else None)

    def adapt(self, table: Table) -> Table:
        columns = tuple(_adapt_column(column, table) for column in table.columns)
        return replace(
            table,
            columns=columns,
            indexes=tuple(replace(i, name=self.index_name(table.name, i.name)) for i in table.indexes),
            engine=None,
            collation=None,
        )

    def introspection(self, names: Sequence[str], *, for_columns: bool = False) -> dict[str, Query]:
        everything = Query(
            "SELECT type, name, tbl_name, sql FROM sqlite_master "
            f"WHERE tbl_name COLLATE NOCASE IN ({_marks(names)}) ORDER BY rowid",
            tuple(names),
        )
        return {"tables": everything}

    def read_schema(self, names: Sequence[str], answers: Mapping[str, Rows]) -> Schema:
        # In this order, and spelled as asked for.
        tables = {}
        for name in names:
            own = [row for row in answers["tables"] if fold(str(row[2])) == fold(name)]
            if any(row[0] in ("table", "view") for row in own):
                tables[fold(name)] = read_object(name, own)
        return Schema(tuple(with_references(table, tables) for table in tables.values()))

    def folded(self, table: str) -> str:
        return fold(table)

    def all_tables(self) -> Query:
        return Query("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")

    def all_triggers(self) -> Query:
        return Query("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")

    def referencing(self, names: Sequence[str]) -> Query:
        return Query(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL "
            f"AND name COLLATE NOCASE NOT IN ({_marks(names)})",
            tuple(names),
        )

    def read_referencing(self, names: Sequence[str], rows: Rows) -> dict[str, str]:
        wanted = {fold(name) for name in names}
        others = {str(name): str(sql) for name, sql in rows if fold(str(name)) not in wanted}
        return {name: "" for name, sql in sorted(others.items()) if refers(sql, wanted)}

    def count_conflicts(self, precondition: Precondition) -> Query:
        if precondition.kind == "unreferenced":
            return Query("SELECT 0")  # foreign keys do not prevent a change of type
        return super().count_conflicts(precondition)

    def obstacles(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        return obstacles(table, operations)

    def render(self, table: Table | None, operations: Sequence[Operation]) -> tuple[Step, ...]:
        return render_steps(table, operations)

    def effect(self, step: Step, topology: Topology, size: Size | None) -> Effect:
        if step.cost == "REBUILD":
            return Effect("REBUILD", "", "rewrites the table; blocks other writers, not readers")
        return Effect(step.cost, "", "blocks other writers for a moment")

    def sizes(self, names: Sequence[str]) -> tuple[Query, ...]:
        if not names:
            return ()
        selects = (f"SELECT {quote_text(name)}, COUNT(*), {_FILE_SIZE} FROM {quote_name(name)}" for name in names)
        return (Query(" UNION ALL ".join(selects)),)

    def database_names(self) -> Query:
        return Query("SELECT name, tbl_name FROM sqlite_master")

    def hex_of(self, expression: str) -> str:
        return f"HEX({expression})"


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" for _ in names)


def _adapt_column(column: Column, table: Table) -> Column:
    if column.auto_increment and table.primary_key != (column.name,):
        raise SchemaConflict(f"{table.name}.{column.name}: in SQLite only the whole primary key can AUTO_INCREMENT")
    type_ = adapt_type(column.type)
    return replace(
        column,
        type=type_,
        nullable=column.nullable and column.name not in table.primary_key,
        default=adapt_default(column.default, type_),
        collation=None,
        comment="",
    )
