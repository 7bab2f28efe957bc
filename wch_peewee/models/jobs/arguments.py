"""What a daily job is given, checked before anything is sent. Values of columns are checked by their fields."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ...errors import InvalidValue
from ...schema import objects
from ..fields.values import ConversionError, converted, shorten

#: So long before or after now, about 1,000 years, is a moment that a column holds.
LONGEST = timedelta(days=365_000)


def filled(name: str, value: Any) -> str:
    """Return a text that is not blank, else raise InvalidValue: all rows without a phone would count as one person."""
    if isinstance(value, str) and value.strip():
        return value
    type_ = "" if value is None or isinstance(value, str) else f", of type {type(value).__name__}"
    raise InvalidValue(f"{name} is {shorten(value)}{type_}; expected a text that is not empty.")


def phone_number(value: Any, field: Any) -> str:
    """Return a phone that the column stores, else raise InvalidValue. With blanks around it it would be another."""
    phone = filled("phone", value)
    if phone != phone.strip():
        raise InvalidValue(f"phone is {shorten(phone)}; expected no blanks around it (in a URL, + is written %2B).")
    try:
        return str(converted(field.sql_type, phone))
    except ConversionError as error:
        raise InvalidValue(f"phone: {error}.") from None


def whole(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number from ``least``, also one given as text, else raise InvalidValue.

    SQLite takes a negative LIMIT for none, and servers refuse it.
    """
    try:
        number: int = converted(objects.integer(), value)
    except ConversionError:
        number = least - 1
    if number < least:
        raise InvalidValue(f"{name} is {shorten(value)}; expected a whole number, {least} or more.")
    return number


def span(name: str, value: Any) -> timedelta:
    """Return a timedelta from zero to ``LONGEST``, else raise InvalidValue."""
    if isinstance(value, timedelta) and timedelta(0) <= value <= LONGEST:
        return value
    raise InvalidValue(f"{name} is {shorten(value)}; expected a timedelta from 0 to {LONGEST.days:,} days.")
