"""WordPress's options table: the row ``wch_db_version`` and, without WordPress, the table itself.

Only the one row is ever written, and its ``autoload`` is never touched once it is there. The table is
made in WordPress's shape when it is missing.

    read_option(database, dialect, "wp_", VERSION_OPTION)
"""

from __future__ import annotations

from dataclasses import replace

import peewee as pw

from ..dialects.base import Dialect
from ..naming import options_table_name
from ..schema.introspect import ask, present_tables
from ..schema.objects import Column, ColumnType, Default, Index, Table, bigint, varchar
from ..schema.operations import CreateTable
from ..schema.statements import Query, Step
from .collation import collation_beside

VERSION_OPTION = "wch_db_version"

#: What VERSION_OPTION said when the history began: the version of a PHP plugin that made the tables.
ADOPTED_OPTION = "wch_db_adopted_version"

OPTIONS_SHAPE = Table(
    "options",
    columns=(
        Column("option_id", bigint(unsigned=True), auto_increment=True),
        Column("option_name", varchar(191), default=Default("")),
        Column("option_value", ColumnType("longtext")),
        Column("autoload", varchar(20), default=Default("yes")),
    ),
    primary_key=("option_id",),
    indexes=(Index("option_name", ("option_name",), unique=True), Index("autoload", ("autoload",))),
)


def missing_options_steps(
    database: pw.Database, dialect: Dialect, prefix: str, collation: str | None
) -> tuple[Step, ...]:
    """Plan the options table, in WordPress's shape, where there is none."""
    if present_tables(database, dialect, [options_table_name(prefix)]):
        return ()
    return options_steps(dialect, prefix, collation)


def options_steps(dialect: Dialect, prefix: str, collation: str | None) -> tuple[Step, ...]:
    """Plan the options table, in WordPress's shape."""
    name = options_table_name(prefix)
    shape = replace(OPTIONS_SHAPE, name=name, engine="InnoDB", collation=collation)
    return dialect.render(None, [CreateTable(name, dialect.adapt(shape))])


def read_option(database: pw.Database, dialect: Dialect, prefix: str, name: str) -> str | None:
    """Read an option with one SELECT; None when the row, or the whole table, is not there."""
    slot = dialect.placeholder
    sql = f"SELECT option_value FROM {dialect.quote(options_table_name(prefix))} WHERE option_name = {slot}"
    try:
        rows = ask(database, dialect, Query(sql, (name,)))
    except pw.PeeweeException as error:
        if dialect.failure(error.args) == "missing":
            return None
        raise
    return str(rows[0][0]) if rows else None


def write_option(database: pw.Database, dialect: Dialect, prefix: str, name: str, value: str) -> None:
    """Insert or update one option.

    A new row gets autoload ``no``, which means the same in every WordPress and lets PHP's own update heal a
    persistent object cache that remembers the row as missing.
    """
    table = options_table_name(prefix)
    sql = dialect.upsert(table, "option_name", ("option_name", "option_value", "autoload"), "option_value")
    database.execute_sql(sql, (name, value, "no", value))


def delete_option(database: pw.Database, dialect: Dialect, prefix: str, name: str) -> bool:
    """Delete one option; say whether it was there."""
    sql = f"DELETE FROM {dialect.quote(options_table_name(prefix))} WHERE option_name = {dialect.placeholder}"
    try:
        return bool(database.execute_sql(sql, (name,)).rowcount)
    except pw.PeeweeException as error:
        if dialect.failure(error.args) == "missing":
            return False
        raise


def site_collation(database: pw.Database, dialect: Dialect, prefix: str) -> str | None:
    """Read the collation that our tables need beside the site's own; None on engines that have none."""
    query = dialect.column_collation(options_table_name(prefix), "option_name")
    if query is None:
        return None
    rows = ask(database, dialect, query)
    return collation_beside(rows[0][0] if rows else None)
