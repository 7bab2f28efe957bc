"""This library's rows of WordPress's options table, and the table itself on databases without WordPress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peewee as pw

from ..database.connect import collation_beside
from ..database.query import Connection, run_query
from ..schema.base import BaseDialect, Query
from ..schema.naming import options_table_name

if TYPE_CHECKING:
    from ..schema.dialect import Dialect
    from ..schema.statements import Step


VERSION_OPTION = "wch_db_version"


def read_option(connection: Connection, prefix: str, name: str) -> str | None:
    """Return an option with one SELECT; None if the row, or the whole table, does not exist."""
    query = option_query(connection.dialect, prefix, name)
    return fetch_option(connection.database, connection.dialect, query)


def option_query(dialect: BaseDialect, prefix: str, name: str) -> Query:
    """Return the SELECT for one option. Callers that send it in every request keep it."""
    slot = dialect.placeholder
    sql = f"SELECT option_value FROM {dialect.quote(options_table_name(prefix))} WHERE option_name = {slot}"
    return Query(sql, (name,))


def fetch_option(database: pw.Database, dialect: BaseDialect, query: Query) -> str | None:
    """Send an ``option_query`` and return the option; None if the row, or the whole table, does not exist."""
    try:
        rows = run_query(database, dialect, query)
    except pw.PeeweeException as error:
        if dialect.failure(error.args) == "missing":
            return None
        raise
    return str(rows[0][0]) if rows else None


def write_option(connection: Connection, prefix: str, name: str, value: str) -> None:
    """Insert or update one option.

    A new row gets autoload ``no``, which means the same in every WordPress and lets PHP's own update refresh a
    persistent object cache that remembers the row as missing. An existing row keeps its autoload.
    """
    table = options_table_name(prefix)
    sql = connection.dialect.upsert(table, "option_name", ("option_name", "option_value", "autoload"), "option_value")
    connection.database.execute_sql(sql, (name, value, "no", value))


def delete_option(connection: Connection, prefix: str, name: str) -> bool:
    """Delete one option; return True if it existed."""
    dialect = connection.dialect
    sql = f"DELETE FROM {dialect.quote(options_table_name(prefix))} WHERE option_name = {dialect.placeholder}"
    try:
        return bool(connection.database.execute_sql(sql, (name,)).rowcount)
    except pw.PeeweeException as error:
        if dialect.failure(error.args) == "missing":
            return False
        raise


def missing_options_steps(connection: Connection, prefix: str, collation: str | None) -> tuple[Step, ...]:
    """Return the steps that create the options table in WordPress's definition, or none if it exists."""
    if connection.present([options_table_name(prefix)]):
        return ()
    return options_steps(connection.dialect, prefix, collation)


def options_steps(dialect: Dialect, prefix: str, collation: str | None) -> tuple[Step, ...]:
    """Return the steps that create the options table in WordPress's definition."""
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
    return dialect.render(None, [CreateTable(table.name, dialect.adapt(table))])


def site_collation(connection: Connection, prefix: str) -> str | None:
    """Return the collation for tables beside the site's own; None on engines without collations."""
    query = connection.dialect.column_collation(options_table_name(prefix), "option_name")
    if query is None:
        return None
    rows = connection.query(query)
    return collation_beside(rows[0][0] if rows else None)
