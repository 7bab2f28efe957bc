"""Schema values as source code: ``Column("note", text(), nullable=True)`` and its like, with the names to be imported.

column_code(Column("note", text(), nullable=True))
"""

from __future__ import annotations

from ..schema.objects import Column, ColumnType, Default, ForeignKey, Index, Table
from .source import Call, Expression, Items, Named, Text

#: What a type of that shape is called in ``schema.objects``.
_SHORT = {
    ColumnType("int"): Call("integer", ()),
    ColumnType("bigint"): Call("bigint", ()),
    ColumnType("bigint", unsigned=True): Call("bigint", (Named("unsigned", "True"),)),
    ColumnType("tinyint", size=1): Call("boolean", ()),
    ColumnType("text"): Call("text", ()),
    ColumnType("json"): Call("json", ()),
    ColumnType("datetime"): Call("datetime", ()),
}


def names(columns: tuple[str, ...]) -> Items:
    return Items(tuple(map(Text, columns)))


def type_code(type_: ColumnType) -> Call:
    if type_ in _SHORT:
        return _SHORT[type_]
    if type_ == ColumnType("varchar", size=type_.size) and type_.size is not None:
        return Call("varchar", (str(type_.size),))
    if type_ == ColumnType("enum", values=type_.values):
        return Call("enum", tuple(map(Text, type_.values)))
    more: list[Expression] = []
    if type_.size is not None:
        more.append(Named("size", str(type_.size)))
    if type_.unsigned:
        more.append(Named("unsigned", "True"))
    if type_.values:
        more.append(Named("values", names(type_.values)))
    return Call("ColumnType", (Text(type_.name), *more))


def column_code(column: Column) -> Call:
    more: list[Expression] = []
    if column.nullable:
        more.append(Named("nullable", "True"))
    if column.default is not None:
        more.append(Named("default", _default(column.default)))
    if column.auto_increment:
        more.append(Named("auto_increment", "True"))
    return Call("Column", (Text(column.name), type_code(column.type), *more))


def index_code(index: Index) -> Call:
    unique = (Named("unique", "True"),) if index.unique else ()
    return Call("Index", (Text(index.name), names(index.columns), *unique))


def foreign_key_code(key: ForeignKey) -> Call:
    more: list[Expression] = []
    if key.referenced_columns != ("id",):
        more.append(names(key.referenced_columns))
    for word, action in (("on_delete", key.on_delete), ("on_update", key.on_update)):
        if action != "NO ACTION":
            more.append(Named(word, Text(action)))
    return Call("ForeignKey", (names(key.columns), Text(key.referenced_table), *more))


def table_code(table: Table) -> Call:
    more: list[Expression] = [Named("columns", Items(tuple(map(column_code, table.columns))))]
    if table.primary_key != ("id",):
        more.append(Named("primary_key", names(table.primary_key)))
    if table.indexes:
        more.append(Named("indexes", Items(tuple(map(index_code, table.indexes)))))
    if table.foreign_keys:
        more.append(Named("foreign_keys", Items(tuple(map(foreign_key_code, table.foreign_keys)))))
    return Call("Table", (Text(table.name), *more))


def _default(default: Default) -> Call:
    more = (Named("is_expression", "True"),) if default.is_expression else ()
    return Call("Default", (Text(default.text), *more))
