"""The declared tables as text for WordPress's dbDelta, which then changes nothing on our tables."""

import re
from collections.abc import Iterable

from ..errors import SchemaConflict
from ..schema.declared import resolve
from ..schema.mysql.dialect import MySQLDialect
from ..schema.mysql.render import charset
from ..schema.naming import Names
from ..schema.objects import Column, ColumnType, Index, Table

#: What MariaDB, and MySQL before 8.0.19, answer for integers without a width of their own: signed and unsigned.
_WIDTHS = {"tinyint": (4, 3), "smallint": (6, 5), "mediumint": (9, 8), "int": (11, 10), "bigint": (20, 20)}

#: dbDelta takes a line that begins with one of these for something other than a column.
_NOT_COLUMNS = {"primary", "index", "fulltext", "unique", "key", "spatial", "constraint", "foreign", "check"}

_PLAIN_NAME = re.compile(r"[0-9A-Za-z_]+")


def dbdelta_text(tables: Iterable[Table], *, names: Names, dialect: MySQLDialect, collation: str | None) -> str:
    """Return one CREATE TABLE for each table, parents first, each with a semicolon and a line end.

    dbDelta compares text with the answers of DESCRIBE and SHOW INDEX, letter by letter, so the text is what the
    server would answer: one column a line, two blanks before it, lower-case types with display width, enums without
    blanks, quoted defaults, two blanks after PRIMARY KEY, no backticks. It takes a line that begins with FOREIGN KEY,
    CONSTRAINT or CHECK for a column: foreign keys are left out, and existing ones stay. Measured with WordPress 6.1,
    6.8 and 7.1 on MariaDB 10.11, MariaDB 11.8 and MySQL 9.7.

    Raises SchemaConflict for a declaration that dbDelta would change on every run.
    """
    desired = resolve(tables, names=names, dialect=dialect, collation=collation)
    return "".join(_create(table, dialect) for table in desired)


def _create(table: Table, dialect: MySQLDialect) -> str:
    lines = [_column(table, column, dialect) for column in table.columns]
    lines.append(f"PRIMARY KEY  ({','.join(table.primary_key)})")
    lines += [_index(index) for index in table.indexes]
    options = f" ENGINE={table.engine}" if table.engine else ""
    if table.collation:
        options += f" DEFAULT CHARACTER SET {charset(table.collation)} COLLATE {table.collation}"
    return f"CREATE TABLE {table.name} (\n  " + ",\n  ".join(lines) + f"\n){options};\n"


def _column(table: Table, column: Column, dialect: MySQLDialect) -> str:
    reason = _obstacle(column)
    if reason:
        raise SchemaConflict(f"dbDelta does not support {table.name}.{column.name}: {reason}")
    nullability = "NULL" if column.nullable else "NOT NULL"
    if column.type.name == "json":
        return f"{column.name} {dialect.json_column_type(column.name, nullability)}"
    words = f"{column.name} {_type(column.type)} {nullability}"
    if column.default is not None:
        words += f" DEFAULT {dialect.literal(column.default.text)}"
    return words + (" AUTO_INCREMENT" if column.auto_increment else "")


def _type(type_: ColumnType) -> str:
    if type_.name in _WIDTHS:
        width = type_.size or _WIDTHS[type_.name][type_.unsigned]
        return f"{type_.name}({width})" + (" unsigned" if type_.unsigned else "")
    return str(type_)


def _index(index: Index) -> str:
    return f"{'UNIQUE KEY' if index.unique else 'KEY'} {index.name} ({','.join(index.columns)})"


def _obstacle(column: Column) -> str:
    """Return what dbDelta cannot represent, or an empty string."""
    if not _PLAIN_NAME.fullmatch(column.name) or column.name.lower() in _NOT_COLUMNS:
        return "it takes a line that starts like this for something else"
    if any(re.search(r"[\sA-Z;,()'\\]", value) for value in column.type.values):
        return "it changes an enum on every run whose values have blanks, capitals or signs"
    if column.type.values and column.type.name != "enum":
        return f"{column.type.name} is not tested"
    if column.default is not None and column.default.is_expression:
        return "it compares literal defaults only"
    if column.default is not None and re.search(r"[;'\\]", column.default.text):
        return "it cuts off a default at such characters"
    if column.type.name == "decimal":
        return "it compares a decimal's default as text"
    return ""
