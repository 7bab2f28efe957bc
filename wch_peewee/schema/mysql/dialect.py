"""MySQL and MariaDB: one dialect with two flavors, which differ in information_schema and in what changes cost."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..base import Query, Rows
from ..dialect import Dialect, Privileges, Topology
from ..objects import Column, Schema, Table, as_shown, plain_default
from ..operations import NamedParts, Operation, RenameIndex, apply_to_table, opaque_renames
from ..preconditions import Precondition
from ..statements import Effect, Size, Statement, Step
from ..types import complete
from .algorithms import copies_online, effect_of, with_algorithms
from .base import MySQLBase, per_table, quote_name
from .introspect import introspection_queries, read_schema, referencing_query, unreferenced_query
from .render import conversion, obstacles, rename_step, render_steps, split_at_renames
from .server import (
    blockers_query,
    lock_holder_query,
    privilege_queries,
    read_blockers,
    read_lock_holder,
    read_privileges,
)
from .topology import REPEAT_NOTHING, SYNCHRONIZE_READS, Dialogue, identity_queries, topology_dialogue


class MySQLDialect(MySQLBase, Dialect):
    """One version of ``mysql`` or ``mariadb``. With ``fold_names`` the server keeps table names in lower case."""

    transactional_ddl = False
    has_online_tools = True
    retypes_foreign_keys = False
    appends_columns = False
    null_safe_equal = "<=>"
    locking_read = " FOR UPDATE"
    named_in_database: NamedParts = "foreign keys"

    def __init__(self, flavor: str, version: tuple[int, ...], *, fold_names: bool = False) -> None:
        self.name = flavor
        self.version = version
        self.fold_names = fold_names
        # MySQL's information_schema fails (3854) while any session runs a statement with an emoji.
        self.processlist = "information_schema.PROCESSLIST" if flavor == "mariadb" else "performance_schema.processlist"

    def index_name(self, table: str, index: str) -> str:
        return index

    def adapt(self, table: Table) -> Table:
        return replace(table, columns=tuple(map(_adapt_column, table.columns)))

    def json_column_type(self, column: str, nullability: str) -> str:
        """Return a JSON column's type as DESCRIBE prints it."""
        if self.name == "mysql":
            return f"json {nullability}"
        # JSON is an alias for this. The check comes last: before NULL it is a syntax error.
        return f"longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin {nullability} CHECK (json_valid({column}))"

    def obstacles(self, table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
        losses = () if self._renames_indexes else opaque_renames(operations)
        return (*obstacles(table, operations), *losses)

    def introspection(self, names: Sequence[str], *, for_columns: bool = False) -> dict[str, Query]:
        hides = self.name == "mysql" or self.version >= (10, 6)
        queries = introspection_queries(self.name, names, hides=hides)
        if not for_columns:
            return queries
        needed = ["tables", "columns", "indexes"]
        if self.name == "mariadb":
            needed.append("checks")  # a column has checks of its own, and JSON is a longtext with one
        if copies_online(self.name, self.version):
            needed.append("foreign_keys")  # they decide how a table is copied
        return {part: queries[part] for part in needed}

    def read_schema(self, names: Sequence[str], answers: Mapping[str, Rows]) -> Schema:
        return read_schema(self.name, names, answers, fold_names=self.fold_names)

    def folded(self, table: str) -> str:
        return table.lower() if self.fold_names else table

    def all_tables(self) -> Query:
        return Query("SELECT TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()")

    def all_triggers(self) -> Query:
        return Query(
            "SELECT EVENT_OBJECT_TABLE AS t, TRIGGER_NAME AS n FROM information_schema.TRIGGERS "
            "WHERE EVENT_OBJECT_SCHEMA = DATABASE()"
        )

    def underscored_tables(self) -> Query:
        return Query(
            "SELECT TABLE_NAME FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = DATABASE() AND LEFT(TABLE_NAME, 1) = '_' AND TABLE_TYPE = 'BASE TABLE'"
        )

    def triggers_of(self, part: str) -> Query:
        # The pattern is for the tables, of which MariaDB opens no others. information_schema takes three times as long.
        pattern = part.replace("_", r"\_")
        return Query("SHOW TRIGGERS LIKE %s", (f"%{pattern}%",))

    def definition(self, name: str) -> Query | None:
        # A UNION of hundreds of SELECTs on information_schema is no faster on MariaDB, which creates a temporary
        # table on disk for each; 120 of them on CHECK_CONSTRAINTS have crashed MariaDB 10.11.19.
        return Query(f"SHOW CREATE TABLE {quote_name(name)}")

    def database_names(self) -> Query:
        return Query(
            "SELECT CONSTRAINT_NAME, TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
            "WHERE CONSTRAINT_SCHEMA = DATABASE()"
        )

    def referencing(self, names: Sequence[str]) -> Query:
        return referencing_query(names)

    def read_referencing(self, names: Sequence[str], rows: Rows) -> dict[str, str]:
        ours, found = {self.folded(name) for name in names}, dict[str, list[str]]()
        for here, database, table, key in sorted(map(tuple, rows)):
            if database != here or self.folded(table) not in ours:
                place = quote_name(table) if database == here else f"{quote_name(database)}.{quote_name(table)}"
                name = table if database == here else f"{database}.{table}"
                found.setdefault(name, []).append(f"ALTER TABLE {place} DROP FOREIGN KEY {quote_name(key)};")
        return {name: " ".join(statements) for name, statements in found.items()}

    def reference_probe(self, table: str) -> Statement | None:
        # Another engine is never reached in place. With ALGORITHM=INSTANT MariaDB 10.11 copies the table nevertheless.
        return Statement(f"ALTER TABLE {quote_name(table)} ENGINE=MyISAM, ALGORITHM=INPLACE", table)

    def count_conflicts(self, precondition: Precondition) -> Query:
        if precondition.kind == "unreferenced":
            return unreferenced_query(precondition.table, precondition.columns)
        query = super().count_conflicts(precondition)
        if precondition.kind != "no_duplicates":
            return query
        # COUNT(DISTINCT) sorts, where GROUP BY fills a temporary table: with a million rows it takes a fifth of the
        # time. Rows are grouped only if there are fewer values than rows. With NULL in a column a row counts for none.
        names = ", ".join(map(quote_name, precondition.columns))
        filled = " AND ".join(f"{quote_name(name)} IS NOT NULL" for name in precondition.columns)
        table = quote_name(precondition.table)
        return Query(
            f"SELECT IF(COUNT(*) = COUNT(DISTINCT {names}), 0, ({query.sql})) FROM {table} WHERE {filled}", query.params
        )

    def render(self, table: Table | None, operations: Sequence[Operation]) -> tuple[Step, ...]:
        rendered: list[Step] = []
        for part in split_at_renames(operations):
            if isinstance(part[0], RenameIndex):
                steps: Sequence[Step] = [rename_step(self.name, part[0], by_name=self._renames_indexes)]
            else:
                steps = render_steps(self.name, table, part)
            rendered += (with_algorithms(step, self.name, self.version, table) for step in steps)
            if table is not None:
                table = apply_to_table(table, part)
        return tuple(rendered)

    def sizes(self, names: Sequence[str]) -> tuple[Query, ...]:
        tables = per_table(
            "SELECT %s AS t, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
            names,
        )
        if self.name == "mariadb":
            return (tables,)
        # MySQL caches these for a day. The session's own setting is restored.
        return (
            Query("SET @wch_expiry = @@SESSION.information_schema_stats_expiry"),
            Query("SET SESSION information_schema_stats_expiry = 0"),
            tables,
            Query("SET SESSION information_schema_stats_expiry = @wch_expiry"),
        )

    def effect(self, step: Step, topology: Topology, size: Size | None) -> Effect:
        return effect_of(step, self.name, size, on_cluster=topology.shares_writes)

    @property
    def _renames_indexes(self) -> bool:
        return self.name == "mysql" or self.version >= (10, 5, 2)

    def hex_of(self, expression: str) -> str:
        return f"HEX(CONVERT({expression} USING utf8mb4))"

    def collation_of(self, expression: str) -> str:
        return f"COLLATION({expression})"

    def conversion(self, live: Table, wanted: Table) -> str:
        return conversion(live, wanted)

    def column_collation(self, table: str, column: str) -> Query | None:
        return Query(
            "SELECT COLLATION_NAME FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND COLUMN_NAME = %s",
            (table, column),
        )

    def privileges(self) -> tuple[Query, ...]:
        return privilege_queries(self.name, self.version)

    def read_privileges(self, answers: Sequence[Rows], owned: Sequence[str], options: str) -> Privileges:
        return read_privileges(self.name, answers, owned, options, fold_names=self.fold_names)

    def identity(self, mark: str, *, locking: bool) -> tuple[Query, ...]:
        return identity_queries(self.name, mark, locking=locking)

    def topology(self) -> Dialogue:
        return topology_dialogue(self.name, self.version)

    def synchronize_reads(self) -> str:
        return SYNCHRONIZE_READS + (REPEAT_NOTHING if self.name == "mariadb" else "")

    def blockers(self, tables: Sequence[str]) -> Query | None:
        return blockers_query(self.name, tables)

    @property
    def blockers_grant(self) -> str:
        return "PROCESS ON *.*" if self.name == "mariadb" else "SELECT ON performance_schema.*"

    def read_blockers(self, table: str, rows: Rows) -> str:
        return read_blockers(self.name, table, rows)

    def lock_holder(self, name: str) -> Query:
        return lock_holder_query(name, self.processlist)

    def read_lock_holder(self, rows: Rows) -> tuple[str, str]:
        return read_lock_holder(rows)


def _adapt_column(column: Column) -> Column:
    """Return a declared column as it will be read back: values of an enum lose trailing blanks, as in every row."""
    type_, default = complete(column.type), column.default
    if type_.name == "enum":
        type_ = replace(type_, values=tuple(value.rstrip(" ") for value in type_.values))
        default = default and replace(default, text=default.text.rstrip(" "))
    return replace(column, type=type_, default=plain_default(type_, default), comment=as_shown(column.comment))
