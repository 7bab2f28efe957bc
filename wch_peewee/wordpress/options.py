"""This library's rows of WordPress's options table, and the table itself on databases without WordPress."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from typing import TYPE_CHECKING

import peewee as pw

from ..database.connect import collation_beside
from ..database.query import Connection
from ..errors import SchemaConflict
from ..schema.base import BaseDialect, Query, Rows
from ..schema.naming import options_table_name
from .version import version_compare

if TYPE_CHECKING:
    from ..schema.dialect import Dialect
    from ..schema.objects import Table
    from ..schema.operations import CreateTable


def read_option(connection: Connection, prefix: str, name: str) -> str | None:
    """Return an option with one SELECT; None if the row, or the whole table, does not exist."""
    try:
        return option_in(connection.query(option_query(connection.dialect, options_table_name(prefix), name)))
    except pw.PeeweeException as error:
        if connection.dialect.failure(error.args) == "missing":
            return None
        raise


def option_query(dialect: BaseDialect, table: str, name: str) -> Query:
    """Return the SELECT for one option. Callers that send it in every request keep it."""
    sql = f"SELECT option_value FROM {dialect.quote(table)} WHERE option_name = {dialect.placeholder}"
    return Query(sql, (name,))


def option_in(rows: Rows) -> str | None:
    """Return the option in the answer to an ``option_query``, or None.

    A table that has lost its unique key can have several rows: then it is the highest version among them.
    """
    return highest([str(row[0]) for row in rows]) if rows else None


def highest(versions: Sequence[str]) -> str:
    """Return the highest of one or more versions, as PHP compares them."""
    return versions[0] if len(versions) == 1 else max(versions, key=cmp_to_key(version_compare))


def write_option(connection: Connection, table: Table, name: str, value: str) -> None:
    """Insert or update one option in the live options table, and read it back.

    It is right with any keys: imports and plugins for speed take away the unique name or the counting id. A new row
    gets autoload ``no``, which means the same in every WordPress and lets PHP's own update refresh a persistent object
    cache that remembers the row as missing. Existing rows keep their autoload.

    Raises SchemaConflict if the table holds something else afterwards.
    """
    database, quoted, slot = connection.database, connection.dialect.quote(table.name), connection.dialect.placeholder

    def values() -> list[str]:
        return [str(row[0]) for row in connection.query(option_query(connection.dialect, table.name, name))]

    found = values()
    if not found and _insert(connection, table, name, value):
        found = values()
    if set(found) != {value}:
        database.execute_sql(f"UPDATE {quoted} SET option_value = {slot} WHERE option_name = {slot}", (value, name))
        found = values()
    if set(found) != {value}:
        raise SchemaConflict(f"{table.name} does not store what is written: {name} is {found}, expected {value!r}")


def _insert(connection: Connection, table: Table, name: str, value: str) -> bool:
    """Insert the option; return False if somebody else has done it meanwhile."""
    quoted, slot = connection.dialect.quote(table.name), connection.dialect.placeholder
    columns, values = "option_name, option_value, autoload", f"{slot}, {slot}, {slot}"
    number = table.column("option_id")
    if number is not None and not number.auto_increment:
        columns, values = f"option_id, {columns}", f"COALESCE(MAX(option_id), 0) + 1, {values}"
        source = f"SELECT {values} FROM {quoted}"
    else:
        source = f"VALUES ({values})"
    try:
        connection.database.execute_sql(f"INSERT INTO {quoted} ({columns}) {source}", (name, value, "no"))
    except pw.IntegrityError:
        return False
    return True


def options_obstacle(table: Table) -> str:
    """Return why an option cannot be written to the live table, judged from its columns, or an empty text."""
    if missing := [name for name in ("option_name", "option_value", "autoload") if table.column(name) is None]:
        return f"{table.name} has no column {', '.join(missing)}, so it is not WordPress's options table"
    for column in table.columns:
        fills_itself = column.nullable or column.default or column.auto_increment or column.is_generated
        if column.name not in ("option_id", "option_name", "option_value", "autoload") and not fills_itself:
            return f"{table.name} does not accept new options: its column {column.name} is NOT NULL without a default"
    return ""


def has_unique_names(table: Table) -> bool:
    """Return True if no name can be in the live options table twice; a key on the beginning of the name is enough."""
    keys = [table.primary_key, *(index.columns for index in table.indexes if index.unique)]
    return any([column.lower() for column in columns] == ["option_name"] for columns in keys)


def cluster_obstacle(live: Table, dialect: Dialect) -> str:
    """Return why a cluster does not pass on what the options table holds, and what to do; an empty text if it does."""
    if not live.engine or live.engine.lower() == "innodb":
        return ""
    return (
        f"{live.name} is a {live.engine} table, which this cluster does not replicate; "
        f"convert it first: ALTER TABLE {dialect.quote(live.name)} ENGINE=InnoDB"
    )


def delete_option(connection: Connection, prefix: str, name: str) -> bool:
    """Delete one option from the table, which must exist; return True if it was there."""
    database, dialect = connection.database, connection.dialect
    sql = f"DELETE FROM {dialect.quote(options_table_name(prefix))} WHERE option_name = {dialect.placeholder}"
    return bool(database.rows_affected(database.execute_sql(sql, (name,))))


def options_table(dialect: Dialect, prefix: str, collation: str | None) -> CreateTable:
    """Return the creation of the options table in WordPress's definition."""
    # Imported here, because admin_init reads an option and creates nothing.
    from ..schema.objects import Column, ColumnType, Default, Index, Table, bigint, varchar
    from ..schema.operations import CreateTable

    table = Table(
        options_table_name(prefix),
        columns=(
            Column("option_id", bigint(unsigned=True), auto_increment=True),
            Column("option_name", varchar(191), default=Default("")),
            Column("option_value", ColumnType("longtext")),
            Column("autoload", varchar(20), default=Default("yes")),
        ),
        primary_key=("option_id",),
        indexes=(Index("option_name", ("option_name",), unique=True), Index("autoload", ("autoload",))),
        engine="InnoDB",
        collation=collation,
    )
    return CreateTable(table.name, dialect.adapt(table))


def site_collation(connection: Connection, prefix: str) -> str | None:
    """Return the collation for tables beside the site's own; None on engines without collations."""
    query = connection.dialect.column_collation(options_table_name(prefix), "option_name")
    if query is None:
        return None
    rows = connection.query(query)
    return collation_beside(rows[0][0] if rows else None)
