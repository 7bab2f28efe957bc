"""Peewee fields that know their column's type and raise InvalidValue for a value that the column cannot hold."""

from .base import ReferenceField, TypedField
from .documents import JsonField
from .plain import ColumnField
from .scalars import (
    EnumField,
    FlagField,
    IdField,
    IntField,
    TextField,
    UnsignedBigIntField,
    UtcDateTimeField,
    VarcharField,
    utc_now,
)

__all__ = [
    "ColumnField",
    "EnumField",
    "FlagField",
    "IdField",
    "IntField",
    "JsonField",
    "ReferenceField",
    "TextField",
    "TypedField",
    "UnsignedBigIntField",
    "UtcDateTimeField",
    "VarcharField",
    "utc_now",
]
