"""The base of all fields, the reference to another table, and the check of a value before it becomes SQL."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import peewee
from peewee import OP, Expression, Node, StringExpression, Value

from ...errors import InvalidValue, one_line
from ...schema import objects
from ..site import at_site

V = TypeVar("V")
M = TypeVar("M", bound=peewee.Model)

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 40


class ConversionError(Exception):
    """A value that the column cannot hold; ``path`` leads to the invalid part of a JSON document."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.path: list[str] = []


def shorten(value: object) -> str:
    """Return a value's repr() on one line, truncated where it is long."""
    return one_line(_short.repr(value), 160)


def plain_text(value: object) -> str:
    """Return text that UTF-8 can encode, as an exact ``str``: for an enum member a driver would write its name."""
    if not isinstance(value, str):
        raise ConversionError(f"{shorten(value)} is {type(value).__name__}, not text")
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConversionError(f"{shorten(text)} holds half a surrogate pair, which is not text") from None
    return text


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

    def column_type(self) -> objects.ColumnType:
        """Return the column's type in canonical form."""
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        """Return a value other than None as the driver takes it. Raises ConversionError if it does not fit."""
        raise NotImplementedError

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


class ParentAccessor(peewee.ForeignKeyAccessor):
    """``message.conversation``."""

    def get_rel_instance(self, instance: Any) -> Any:
        with at_site(getattr(instance, "_site", None)):
            return super().get_rel_instance(instance)  # type: ignore[no-untyped-call]


class ChildrenAccessor(peewee.BackrefAccessor):
    """``conversation.messages``."""

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        with at_site(getattr(instance, "_site", None)):
            return super().__get__(instance, instance_type)  # type: ignore[no-untyped-call]


class ReferenceField(_ForeignKeyField[M]):
    """``bigint unsigned``: the id of a row of another model.

    A loaded instance finds its parent and its children at the site that it was loaded from, whichever site is current.
    """

    accessor_class = ParentAccessor
    backref_accessor_class = ChildrenAccessor
    field_type = "BIGINT"

    def column_type(self) -> objects.ColumnType:
        return objects.bigint(unsigned=True)

    def db_value(self, value: Any) -> Any:
        if isinstance(value, self.rel_model):
            value = getattr(value, self.rel_field.name)
        return checked(self, value, self.rel_field.convert)
