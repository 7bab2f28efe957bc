"""Peewee fields that know their column's canonical type and refuse what the column cannot hold.

Each answers ``column_type()`` for schema generation, and turns a value that does not fit into ``InvalidValue``
before any SQL is sent, so that every engine behaves alike and none cuts. They issue no SQL themselves.

    phone = VarcharField(20, unique=True)
"""

from .base import TypedField
from .dates import UtcDateTimeField, utc_now
from .documents import JsonField
from .enums import EnumField
from .references import ReferenceField
from .scalars import FlagField, IdField, IntField, UnsignedBigIntField
from .texts import TextField, VarcharField

__all__ = [
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
