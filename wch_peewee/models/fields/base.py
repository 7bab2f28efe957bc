"""What all our fields share: the canonical column type, and one way to say that a value does not fit.

A subclass gives ``column_type()`` and ``convert()``. The same rules hold for a value that is written and for one
that is compared with; a pattern (LIKE, contains, regexp) is no value and is passed on as it is.

    Conversation.customer_phone == "1" * 25    # InvalidValue once the query is rendered
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import peewee
from peewee import OP, Expression, Node, StringExpression, Value

from ...errors import InvalidValue, one_line
from ...schema.objects import ColumnType

V = TypeVar("V")

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 40


class Misfit(Exception):
    """Why a value does not fit; ``path`` leads to the part of a document that is meant."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.path: list[str] = []


def shorten(value: object) -> str:
    """Show a value on one line, cut where it is long."""
    return one_line(_short.repr(value), 160)


def plain_text(value: object) -> str:
    """Return text that UTF-8 can carry, as an exact ``str``: drivers write an enum member's name otherwise."""
    if not isinstance(value, str):
        raise Misfit(f"{shorten(value)} is {type(value).__name__}, not text")
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Misfit(f"{shorten(text)} holds half a surrogate pair, which is not text") from None
    return text


if TYPE_CHECKING:

    class _Field(peewee.Field[V]):
        pass

else:
    # peewee is generic in its type stubs only.
    class _Field(peewee.Field, Generic[V]):
        pass


def unconverted(value: Any) -> Any:
    """Keep peewee from handing the value to ``db_value``; ``contains`` puts '%' around an expression."""
    if isinstance(value, Expression) and value.op == OP.CONCAT:
        return StringExpression(unconverted(value.lhs), value.op, unconverted(value.rhs))
    return value if isinstance(value, Node) else Value(value, converter=False, unpack=False)


def with_pattern(operator: str) -> Callable[[Any, Any], Expression]:
    """Make the method for an operator whose right side is no value of the column."""

    def method(self: Any, other: Any) -> Expression:
        return Expression(self, operator, unconverted(other))

    return method


class TypedField(_Field[V]):
    """A field with a canonical column type."""

    def column_type(self) -> ColumnType:
        """Return the column's type in canonical form."""
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        """Return what the driver gets for a value other than None; raise ``Misfit`` for one that does not fit."""
        raise NotImplementedError

    def db_value(self, value: Any) -> Any:
        return checked(self, value, self.convert)

    def reader(self) -> Callable[[Any], Any] | None:
        """Return what does the same as ``python_value`` for a driver's value; None where that is the value itself."""
        own = getattr(self.adapt, "__func__", None), type(self).python_value
        return None if own == (peewee.Field.adapt, peewee.Field.python_value) else self.python_value

    like = __mod__ = with_pattern(OP.LIKE)
    ilike = __pow__ = with_pattern(OP.ILIKE)
    regexp = with_pattern(OP.REGEXP)
    iregexp = with_pattern(OP.IREGEXP)

    def contains(self, rhs: Any) -> Expression:
        return _unconverted_rhs(super().contains(rhs))

    def startswith(self, rhs: Any) -> Expression:
        return _unconverted_rhs(super().startswith(rhs))

    def endswith(self, rhs: Any) -> Expression:
        return _unconverted_rhs(super().endswith(rhs))


def checked(field: peewee.Field[Any], value: Any, convert: Callable[[Any], Any]) -> Any:
    """Convert a value for the driver; what does not fit becomes InvalidValue that names the field."""
    if value is None:
        # A primary key that is None is one that the server is about to choose.
        if field.null or field.primary_key:
            return None
        raise InvalidValue(f"{_name(field)}: a value is needed, None was given.")
    try:
        return convert(value)
    except Misfit as misfit:
        raise InvalidValue(f"{_name(field)}{''.join(misfit.path)}: {misfit}.") from None


def _name(field: peewee.Field[Any]) -> str:
    return f"{field.model.__name__}.{field.name}" if hasattr(field, "model") else type(field).__name__


def _unconverted_rhs(expression: Expression) -> Expression:
    expression.rhs = unconverted(expression.rhs)
    return expression
