"""Schema values as the Python that an author would write, for advice that can be pasted.

column_code(Column("channel", varchar(10), nullable=True))    # Column("channel", varchar(10), nullable=True)
"""

from __future__ import annotations

import json

from ...schema.objects import Column, ColumnType

_PLAIN = {"text": "text()", "json": "json()", "int": "integer()", "datetime": "datetime()", "bigint": "bigint()"}


def text_code(text: str) -> str:
    """Write a text as ruff would, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def type_code(type_: ColumnType) -> str:
    """Write a column's type."""
    if type_.values:
        return f"enum({', '.join(map(text_code, type_.values))})"
    if type_ == ColumnType("tinyint", size=1):
        return "boolean()"
    if type_ == ColumnType("bigint", unsigned=True):
        return "bigint(unsigned=True)"
    if type_.name == "varchar" and type_.size is not None:
        return f"varchar({type_.size})"
    if type_ == ColumnType(type_.name) and type_.name in _PLAIN:
        return _PLAIN[type_.name]
    size = "" if type_.size is None else f", size={type_.size}"
    return f"ColumnType({text_code(type_.name)}{size}{', unsigned=True' if type_.unsigned else ''})"


def column_code(column: Column) -> str:
    """Write a column."""
    parts = [text_code(column.name), type_code(column.type)]
    parts += ["nullable=True"] if column.nullable else []
    if column.default is not None:
        expression = ", is_expression=True" if column.default.is_expression else ""
        parts.append(f"default=Default({text_code(column.default.text)}{expression})")
    return f"Column({', '.join(parts)})"


def run_code(function: str, *arguments: str) -> str:
    """Write one step."""
    return f"migrator.run({', '.join([function, 'database', *arguments])})"
