"""Dates and times: naive, in UTC, in whole seconds, which is what the columns hold.

A time with a zone is converted to UTC, a date is its midnight, and fractions of a second are dropped, because
MySQL would round them up into the future. Text is taken in ISO 8601 only. Zero dates, which WordPress's
non-strict sessions leave behind, read as None.

    Cart.create(customer_phone="+15550100", expires_at=utc_now() + timedelta(days=7))
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import peewee

from ...schema import objects
from ...schema.objects import ColumnType
from .base import Misfit, TypedField, shorten

_FIRST_YEAR = 1000  # of MySQL's documented range; Python and MySQL both end with 9999
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def utc_now() -> datetime:
    """Return the present moment as the columns hold it."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


class UtcDateTimeField(TypedField["datetime | None"]):
    """``datetime``."""

    field_type = "DATETIME"

    # peewee's own: parts of the date as SQL, for instance ``Message.created_at.year == 2024``.
    year = peewee.DateTimeField.year
    month = peewee.DateTimeField.month
    day = peewee.DateTimeField.day
    hour = peewee.DateTimeField.hour
    minute = peewee.DateTimeField.minute
    second = peewee.DateTimeField.second
    truncate = peewee.DateTimeField.truncate
    to_timestamp = peewee.DateTimeField.to_timestamp

    def column_type(self) -> ColumnType:
        return objects.datetime()

    def convert(self, value: Any) -> str:
        moment = _moment(value)
        if moment is None:
            raise Misfit(f"{shorten(value)} is no date and time; allowed are datetime, date and ISO 8601 text")
        try:
            moment = _naive(moment)
        except OverflowError:
            raise Misfit(f"{shorten(value)} is out of range in UTC") from None
        if moment.year < _FIRST_YEAR:
            raise Misfit(f"{shorten(value)} is out of range, allowed are the years {_FIRST_YEAR} to 9999")
        # As text, because SQLite has no dates and every engine reads this form alike.
        return moment.isoformat(" ", "seconds")

    def python_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not _ISO.fullmatch(value):
            return value
        try:
            return _naive(datetime.fromisoformat(value))
        except ValueError:
            return None  # a day that the calendar does not have

    def reader(self) -> Callable[[Any], Any] | None:
        if type(self).python_value is not UtcDateTimeField.python_value:
            return super().reader()
        python_value = self.python_value
        return lambda value: value if type(value) is datetime else python_value(value)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return _parse(value) if isinstance(value, str) else None


def _parse(text: str) -> datetime | None:
    """Read ISO 8601 that has a calendar date; a day that the calendar does not have is None."""
    try:
        return datetime.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        return None


def _naive(moment: datetime) -> datetime:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(microsecond=0) if moment.microsecond else moment
