"""Peewee's ``pwiz`` for tables that are there: models with the exact types, defaults and indexes.

from pwiz import print_models
print_models(introspector(database), tables=["wp_wc_orders"])
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Any

import peewee as pw
from playhouse import reflection

from ..database.query import Connection, detect_dialect
from ..execution.introspect import introspect_schema
from ..models.fields import ColumnField, IdField
from ..schema.objects import Column, Table, bigint, same_names

#: Peewee's own fields for exactly these types; another type is a ColumnField.
_PLAIN: dict[str, type[Any]] = {
    "int": pw.IntegerField,
    "bigint": pw.BigIntegerField,
    "smallint": pw.SmallIntegerField,
    "float": pw.FloatField,
    "double": pw.DoubleField,
    "tinyint(1)": pw.BooleanField,
    "text": pw.TextField,
    "blob": pw.BlobField,
    "json": pw.JSONField,
    "date": pw.DateField,
    "time": pw.TimeField,
    "datetime": pw.DateTimeField,
}


def introspector(database: pw.Database) -> reflection.Introspector:
    """Return peewee's Introspector of an open database. What no model can declare is an ``UnknownField``, as usual."""
    found: Any = reflection.Introspector(_ExactMetadata(database))
    found.pk_classes = []  # otherwise pwiz leaves a primary key ``id`` out, whatever its type
    return found


class _ExactColumn(reflection.Column):  # type: ignore[misc]
    indexed = False

    def get_field_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_field_parameters()
        if self.default is not None:
            parameters["constraints"] = f"[SQL({f'DEFAULT {self.default}'!r})]"
        if self.is_foreign_key() and not self.indexed:
            parameters["index"] = False
        return parameters


class _ExactMetadata(reflection.Metadata):  # type: ignore[misc]
    extension_import = "from wch_peewee.models.fields import ColumnField, IdField"

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.requires_extension = True
        self._table = cache(self._read)

    def _read(self, name: str) -> Table:
        (table,) = introspect_schema(Connection(self.database, detect_dialect(self.database)), [name])
        return table

    def get_columns(self, table: str, schema: str | None = None) -> Any:
        found, columns = self._table(table), OrderedDict()
        for column in found.columns:
            kind, extra = _field_of(column)
            made = _ExactColumn(
                column.name, kind, str(column.type), column.nullable, column.name in found.primary_key,
                column_name=column.name, default=_default(column), extra_parameters=extra,
            )  # fmt: skip
            made.indexed = any(same_names(index.columns, (column.name,)) for index in found.indexes if not index.opaque)
            columns[column.name] = made
        return columns

    def get_indexes(self, table: str, schema: str | None = None) -> Any:
        found = (index for index in self._table(table).indexes if not index.opaque)
        return [pw.IndexMetadata(index.name, "", list(index.columns), index.unique, table) for index in found]

    def get_primary_keys(self, table: str, schema: str | None = None) -> Any:
        return list(self._table(table).primary_key)

    def get_foreign_keys(self, table: str, schema: str | None = None) -> Any:
        keys = (key for key in self._table(table).foreign_keys if len(key.columns) == 1)
        return [
            pw.ForeignKeyMetadata(
                key.columns[0], key.referenced_table, key.referenced_columns[0],
                table, key.name, key.on_delete, key.on_update,
            )
            for key in keys
        ]  # fmt: skip


def _field_of(column: Column) -> tuple[type[Any], dict[str, Any]]:
    type_ = column.type
    if column.auto_increment:
        if type_ == bigint(unsigned=True):
            return IdField, {}
        if str(type_) in ("int", "bigint"):
            return (pw.AutoField if type_.name == "int" else pw.BigAutoField), {}
        return ColumnField, {"sql_type": repr(str(type_)), "auto_increment": True}
    if str(type_) in _PLAIN:
        return _PLAIN[str(type_)], {}
    if type_.name in ("varchar", "char") and type_.size:
        return (pw.CharField if type_.name == "varchar" else pw.FixedCharField), {"max_length": type_.size}
    if type_.name == "decimal" and type_.scale is not None and not type_.unsigned:
        return pw.DecimalField, {"max_digits": type_.size, "decimal_places": type_.scale}
    if type_.family is None or (type_.is_bounded and not type_.size):
        return reflection.UnknownField, {}
    return ColumnField, {"sql_type": repr(str(type_))}


def _default(column: Column) -> str | None:
    default = column.default
    if default is None or (default.is_expression and default.text != "current_timestamp"):
        return None
    return default.text.upper() if default.is_expression else str(default)
