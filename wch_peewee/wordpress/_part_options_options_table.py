"""WordPress's options table itself: its shape, for where there is no WordPress, and its collation.

options_steps(dialect, "wp_", collation)
"""

from __future__ import annotations

from dataclasses import replace

import peewee as pw

from ..database.collation import collation_beside
from ..database.query import ask, present_tables
from ..schema.dialect import Dialect
from ..schema.naming import options_table_name
from ..schema.objects import Column, ColumnType, Default, Index, Table, bigint, varchar
from ..schema.operations import CreateTable
from ..schema.statements import Step

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


def site_collation(database: pw.Database, dialect: Dialect, prefix: str) -> str | None:
    """Read the collation that our tables need beside the site's own; None on engines that have none."""
    query = dialect.column_collation(options_table_name(prefix), "option_name")
    if query is None:
        return None
    rows = ask(database, dialect, query)
    return collation_beside(rows[0][0] if rows else None)
