"""Peewee's own fields in our models: they have the type that they declare for MySQL, and their values are checked."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache, partialmethod
from struct import Struct
from typing import Any, cast

import peewee

from ...errors import ConfigurationError
from ...schema.objects import ColumnType, column_type
from .base import ReferenceField, TypedField, checked, for_server
from .documents import DocumentAccessor, check_document
from .scalars import MomentField, NumberField, StringField
from .values import ConversionError, shorten

#: Peewee's conversions that would cut or round a value, or make one of something else: the check comes in their place.
_LOOSE = {
    *(peewee.Field.adapt, peewee.IntegerField.adapt, peewee.FloatField.adapt, peewee.CharField.adapt),
    *(peewee.FixedCharField.adapt, peewee.DateTimeField.adapt, peewee.DateField.adapt, peewee.TimeField.adapt, bool),
    *(peewee.Field.db_value, peewee.DecimalField.db_value, peewee.BlobField.db_value),
}

#: A server's float, which compares as this number of 24 bits: not as 0.1, but as 0.10000000149.
_SINGLE = Struct("f")


def _is_loose(field: Any, own: type[peewee.Field[Any]]) -> bool:
    """Return False if the field converts values in a way of its own, which comes before the check."""
    return not ({own.db_value, own.adapt} - _LOOSE or getattr(field, "auto_round", False) or "formats" in vars(field))


class _PlainField(TypedField[Any]):
    """One of peewee's own fields. What it does to a value by itself, as a UUIDField, it does before the check."""

    peewee_class: type[peewee.Field[Any]]

    def convert(self, value: Any) -> Any:
        own = self.peewee_class
        if not _is_loose(self, own):
            try:
                value = own.db_value(self, value)
                if not isinstance(value, peewee.Node):
                    own.python_value(self, value)  # a text that is no UUID goes in as it is, and cannot be read
            except (ArithmeticError, OSError, TypeError, ValueError, AttributeError) as error:
                raise ConversionError(f"{shorten(value)} is not a value of {own.__name__}: {error}") from error
            if isinstance(value, peewee.Node):  # SQL, for the server to compute
                return value
        result = super().convert(value)
        if self.sql_type.name == "float" and not self._on_sqlite:
            (result,) = _SINGLE.unpack(_SINGLE.pack(result))
        if isinstance(result, Decimal) and Decimal(repr(float(result))) != result and self._on_sqlite:
            raise ConversionError(f"{shorten(value)} would be rounded by SQLite, which keeps 15 digits of a decimal")
        return result

    @property
    def _on_sqlite(self) -> bool:
        return isinstance(self.model._meta.database, peewee.SqliteDatabase)


class _PlainDocument:
    """Peewee's JSONField. Its queries are peewee's."""

    sql_type: ColumnType

    def column_type(self) -> ColumnType:
        return self.sql_type

    def db_value(self: Any, value: Any) -> Any:
        if value is None or isinstance(value, peewee.Node):
            return value
        checked(self, value, self._check)
        if isinstance(self.model._meta.database, peewee.MySQLDatabase):
            # Without peewee's CAST, which is an error on MariaDB if peewee takes it for MySQL.
            return peewee.Value(self._dumps(value), converter=False)
        return peewee.JSONField.db_value(self, value)

    def _check(self: Any, value: Any) -> None:
        try:
            document = value if self._dumps is json.dumps else json.loads(self._dumps(value))
        except (TypeError, ValueError) as error:
            raise ConversionError(f"{shorten(value)} is refused by dumps: {error}") from error
        check_document(document)

    def _compare(self: Any, lhs: Any, eq_op: str, is_op: str, rhs: Any, as_text: bool) -> Any:
        rhs = peewee.JSONField.db_value(self, rhs) if lhs is self else rhs
        return super()._compare(lhs, eq_op, is_op, rhs, as_text)  # type: ignore[misc]


#: By family: what goes before the class of a field, and peewee's class for the values.
_OF_FAMILY: dict[str | None, tuple[tuple[type, ...], Any]] = {
    "whole": ((_PlainField, NumberField), peewee.BigIntegerField),
    "decimal": ((_PlainField, NumberField), peewee.DecimalField),
    "real": ((_PlainField, NumberField), peewee.DoubleField),
    "text": ((_PlainField, StringField), peewee.TextField),
    "enum": ((_PlainField,), peewee.TextField),
    "bytes": ((_PlainField,), peewee.BlobField),
    "json": ((_PlainDocument,), peewee.JSONField),
    "date": ((_PlainField,), peewee.DateField),
    "time": ((_PlainField,), peewee.TimeField),
    "moment": ((_PlainField, MomentField), peewee.DateTimeField),
}


def declared_type(field: Any) -> ColumnType | None:
    """Return the type that a field declares for MySQL, or None if that is no type that every engine can keep."""
    declared = field.ddl_datatype(peewee.Context(field_types=peewee.MySQLDatabase.field_types))
    text = "" if declared is None else peewee.Context().sql(declared).query()[0]
    type_ = column_type(text.replace("%%", "%").replace(" AUTO_INCREMENT", ""))
    if type_.family is None or (type_.is_bounded and not type_.size) or (type_.name == "enum" and not type_.values):
        return None
    return type_


@cache
def _checked_class(bases: Any, own: Any) -> Any:
    return type(own.__name__, (*bases, own), {"peewee_class": own, "__module__": own.__module__})


def typed(field: Any) -> Any:
    """Make one of peewee's own fields one that checks its values, and return it; any other field stays as it is."""
    if isinstance(field, TypedField | ReferenceField | _PlainDocument | peewee.MetaField | peewee.DeferredForeignKey):
        return field
    own = cast("Any", type(field))
    if isinstance(field, peewee.ForeignKeyField):
        bases: tuple[type, ...] = (ReferenceField,)
    elif (type_ := declared_type(field)) is not None:
        bases = _OF_FAMILY[type_.family][0]
        field.sql_type = type_
        if not _is_loose(field, own) or issubclass(own, peewee.BitField):  # with operators of its own
            bases = bases[:1]
        if type_.family == "json" and own.accessor_class is peewee.FieldAccessor:
            field.accessor_class = DocumentAccessor
    else:
        return field
    field.accessor_class = vars(field).get("accessor_class", own.accessor_class)
    field.__class__ = _checked_class(bases, own)  # not a copy, because a BitField's flags know their field
    return field


def _datatype(field: Any, type_: str, ctx: Any) -> peewee.SQL:
    # Servers alone have enums.
    return peewee.SQL("TEXT" if type_.startswith("enum") and not for_server(ctx) else type_.replace("%", "%%"))


class ColumnField(peewee.Field):
    """A column of any type that every engine can keep: ``ColumnField("int unsigned")``, ``ColumnField("datetime(6)")``.

    It is one of peewee's fields for such values, with that type. Raises ConfigurationError for another type.
    """

    def __new__(cls, sql_type: str, *, auto_increment: bool = False, **options: Any) -> Any:
        known = column_type(sql_type)
        base = (
            peewee.BooleanField if known == column_type("bool") else _OF_FAMILY.get(known.family, ((), peewee.Field))[1]
        )
        members = {"ddl_datatype": partialmethod(_datatype, sql_type), "auto_increment": auto_increment}
        made = type(base.__name__, (base,), members)(**options)
        if declared_type(made) is None:
            raise ConfigurationError(f"ColumnField({sql_type!r}): expected a type that every engine can keep.")
        return made
