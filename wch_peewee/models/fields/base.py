"""The base of all fields, the reference to another table, and the check of a value before it becomes SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import peewee
from peewee import OP, Expression, Node, StringExpression, Value

from ...errors import ConfigurationError, InvalidValue
from ...schema.objects import ColumnType
from ..relations import ParentAccessor, key_of
from .values import ConversionError, converted

V = TypeVar("V")
M = TypeVar("M", bound=peewee.Model)


def checked(field: peewee.Field[Any], value: Any, convert: Callable[[Any], Any]) -> Any:
    """Convert a value for the driver. Raises InvalidValue, which names the field, if the value does not fit."""
    if value is None:
        # The server generates a primary key that is None.
        if field.null or field.primary_key:
            return None
        raise InvalidValue(f"{_name(field)}: a value is needed, None was given.")
    try:
        return convert(value)
    except ConversionError as error:
        raise InvalidValue(f"{_name(field)}{''.join(error.path)}: {error}.") from None


def _name(field: peewee.Field[Any]) -> str:
    return f"{field.model.__name__}.{field.name}" if hasattr(field, "model") else type(field).__name__


def for_server(ctx: Any) -> bool:
    """Return True if peewee renders SQL for MySQL or MariaDB."""
    return "AUTO_INCREMENT" in (ctx.state.field_types or {}).get("BIGAUTO", "")


def unconverted(value: Any) -> Any:
    """Keep peewee from passing the value to ``db_value``; ``contains`` puts '%' around an expression."""
    if isinstance(value, Expression) and value.op == OP.CONCAT:
        return StringExpression(unconverted(value.lhs), value.op, unconverted(value.rhs))
    return value if isinstance(value, Node) else Value(value, converter=False, unpack=False)


def unchecked_operator(operator: str) -> Callable[[Any, Any], Expression]:
    """Return the method for an operator whose right side is not a value of the column, such as a pattern."""

    def method(self: Any, other: Any) -> Expression:
        return Expression(self, operator, unconverted(other))

    return method


if TYPE_CHECKING:

    class _Field(peewee.Field[V]):
        pass

    class _ForeignKeyField(peewee.ForeignKeyField[M]):
        def __new__(cls, model: type[M], **options: Any) -> ReferenceField[M]: ...

else:
    # peewee is generic in its type stubs only.
    class _Field(peewee.Field, Generic[V]):
        pass

    class _ForeignKeyField(peewee.ForeignKeyField, Generic[M]):
        pass


class TypedField(_Field[V]):
    """A field with a canonical column type, which refuses on every engine what its column cannot hold unchanged.

    The same rules hold for a value that is written and for one to compare with. The pattern of LIKE, ``contains`` or
    a regular expression is not a value, and is passed on as it is.
    """

    sql_type: ColumnType

    def column_type(self) -> ColumnType:
        """Return the column's type in canonical form."""
        return self.sql_type

    def convert(self, value: Any) -> Any:
        """Return a value other than None as the driver takes it. Raises ConversionError if it does not fit."""
        return converted(self.column_type(), value)

    def db_value(self, value: Any) -> Any:
        return checked(self, value, self.convert)

    def reader(self) -> Callable[[Any], Any] | None:
        """Return a function equal to ``python_value`` for a driver's value, or None if it returns the value itself."""
        own = getattr(self.adapt, "__func__", None), type(self).python_value
        return None if own == (peewee.Field.adapt, peewee.Field.python_value) else self.python_value

    like = __mod__ = unchecked_operator(OP.LIKE)
    ilike = __pow__ = unchecked_operator(OP.ILIKE)
    regexp = unchecked_operator(OP.REGEXP)
    iregexp = unchecked_operator(OP.IREGEXP)

    def contains(self, rhs: Any) -> Expression:
        return _unconverted_rhs(super().contains(rhs))

    def startswith(self, rhs: Any) -> Expression:
        return _unconverted_rhs(super().startswith(rhs))

    def endswith(self, rhs: Any) -> Expression:
        return _unconverted_rhs(super().endswith(rhs))


def _unconverted_rhs(expression: Expression) -> Expression:
    expression.rhs = unconverted(expression.rhs)
    return expression


class ReferenceField(_ForeignKeyField[M]):
    """What identifies a row of another model, of the type of the field that it refers to: ``bigint unsigned``."""

    accessor_class = ParentAccessor

    def column_type(self) -> ColumnType:
        if not hasattr(self.rel_field, "column_type"):
            raise ConfigurationError(
                f"{_name(self)} refers to {self.rel_model.__name__}, whose key is not one column; name one: field=..."
            )
        type_: ColumnType = self.rel_field.column_type()
        return type_

    def convert(self, value: Any) -> Any:
        """Return a key as the driver takes it. Raises ConversionError if the field referred to cannot hold it."""
        return self.rel_field.convert(value)

    def db_value(self, value: Any) -> Any:
        if isinstance(value, peewee.Model):
            value = key_of(self, value)
        return checked(self, value, self.convert)
