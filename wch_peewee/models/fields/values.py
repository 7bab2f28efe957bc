"""The values of each column type: those that every engine stores unchanged, as drivers take them."""

from __future__ import annotations

import math
import operator
import re
import reprlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

from ...errors import one_line
from ...schema.objects import ColumnType
from ...schema.types import KINDS

# The upper half of MySQL's unsigned range is left out: SQLite's integers are signed, and every engine must agree.
_LARGEST = 2**63 - 1
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
#: Enough for every number of a decimal column, which has 65 digits at most, and of a double.
_EXACT = Context(prec=1000)
_FLOAT_DIGITS, _FLOAT_RANGE = 6, (1.18e-38, 3.4e38)
_FIRST_YEAR = 1000  # of MySQL's documented range; Python and MySQL both end with 9999
#: Of a timestamp, which counts seconds in 32 bits.
_TIMESTAMPS = datetime(1970, 1, 1, 0, 0, 1), datetime(2038, 1, 19, 3, 14, 7, 999999)
ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)

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
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise ConversionError(f"{shorten(value)} is {type(value).__name__}, not text")
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConversionError(f"{shorten(text)} contains half of a surrogate pair, which is not valid text") from None
    return text


def converted(type_: ColumnType, value: Any) -> Any:
    """Return a value other than None as a driver takes it for a column of the type.

    Raises ConversionError for one that an engine would cut, round or refuse. Fractions of a second that the type has no
    digits for are dropped, because MySQL would round them up into the future.
    """
    family = type_.family
    assert family is not None, type_
    return _CONVERTERS[family](type_, value)


def _whole(type_: ColumnType, value: Any) -> int:
    if type_.size == 1:
        if isinstance(value, int) and value in (0, 1):
            return int(value)
        raise ConversionError(f"{shorten(value)} is neither True nor False")
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ConversionError(f"{shorten(value)} is {type(value).__name__}, not a whole number")
    number = operator.index(value)
    assert type_.bounds is not None
    lowest, highest = type_.bounds[0], min(type_.bounds[1], _LARGEST)
    if not lowest <= number <= highest:
        raise ConversionError(f"{shorten(number)} is out of range: expected {lowest} to {highest}")
    return number


def _number(type_: ColumnType, value: Any) -> Decimal:
    """Return a number exactly; a float is the shortest one that reads the same."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ConversionError(f"{shorten(value)} is {type(value).__name__}, not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ConversionError(f"{shorten(value)} is not a number")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ConversionError(f"{value} is not a number")
    if type_.unsigned and number < 0:
        raise ConversionError(f"{shorten(value)} is out of range: expected numbers from 0")
    return number


def _decimal(type_: ColumnType, value: Any) -> Decimal:
    number, size, scale = _number(type_, value), type_.size or 10, type_.scale or 0
    if number.adjusted() >= size - scale and number:
        raise ConversionError(f"{shorten(value)} is out of range, at most {size - scale} digits fit before the point")
    kept = number.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    if kept != number:
        raise ConversionError(f"{shorten(value)} would be rounded, at most {scale} digits fit after the point")
    return kept


def _real(type_: ColumnType, value: Any) -> float:
    number = _number(type_, value)
    result = float(number)
    if not math.isfinite(result) or Decimal(repr(result)) != number:
        raise ConversionError(f"{shorten(value)} has more digits than a double stores; use a decimal column")
    if type_.name == "float" and result and not _is_float(result):
        reason = f"a float column keeps {_FLOAT_DIGITS} digits; round it, or use a double"
        raise ConversionError(f"{shorten(value)} would be rounded, {reason}")
    return result


def _is_float(number: float) -> bool:
    lowest, highest = _FLOAT_RANGE
    return float(f"{number:.{_FLOAT_DIGITS}g}") == number and lowest <= abs(number) <= highest


def _text(type_: ColumnType, value: Any) -> str:
    text = plain_text(value)
    if not type_.is_bounded:
        size, most = len(text.encode()), KINDS[type_.name].holds
        if size > most:
            raise ConversionError(f"{shorten(text)} has {size} bytes of UTF-8, at most {most} fit")
    elif len(text) > (type_.size or 0):
        raise ConversionError(f"{shorten(text)} has {len(text)} characters, at most {type_.size} fit")
    elif type_.name == "char" and text != text.strip():
        raise ConversionError(f"{shorten(text)} begins or ends with a space, which a char column drops")
    return text


def _bytes(type_: ColumnType, value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise ConversionError(f"{shorten(value)} is {type(value).__name__}, not bytes")
    data, most = bytes(value), type_.size if type_.is_bounded else KINDS[type_.name].holds
    if len(data) > (most or 0):
        raise ConversionError(f"{shorten(data)} has {len(data)} bytes, at most {most} fit")
    if type_.name == "binary" and len(data) != most:
        raise ConversionError(f"{shorten(data)} has {len(data)} bytes, and would be padded with zeros to {most}")
    return data


def _enum(type_: ColumnType, value: Any) -> str:
    # Compared exactly: MySQL would take 'Sent' for 'sent', SQLite would not.
    if isinstance(value, str) and value in type_.values:
        return str.__str__(value)
    raise ConversionError(f"{shorten(value)} is unknown: expected one of {', '.join(type_.values)}")


def _date(type_: ColumnType, value: Any) -> str:
    given = date.fromisoformat(value) if isinstance(value, str) and _is_date(value) else value
    if isinstance(given, datetime) and given.tzinfo is None and given.time() == time():
        given = given.date()
    if isinstance(given, datetime):
        raise ConversionError(f"{shorten(value)} has a time of day, which a date column drops")
    if not isinstance(given, date):
        raise ConversionError(f"{shorten(value)} is not a valid date: expected a date or ISO 8601 text")
    _check_year(given, value)
    return given.isoformat()


def _is_date(text: str) -> bool:
    return len(text) == 10 and parse_moment(text) is not None


def _time(type_: ColumnType, value: Any) -> str:
    given = value
    if isinstance(value, timedelta) and timedelta() <= value < timedelta(days=1):
        given = (datetime.min + value).time()
    elif isinstance(value, str):
        try:
            given = time.fromisoformat(value)
        except ValueError:
            given = None
    if not isinstance(given, time) or given.tzinfo is not None:
        raise ConversionError(f"{shorten(value)} is not a valid time: expected a time without time zone, or text")
    return _cut(given.isoformat("microseconds"), 8, type_)


def moment(type_: ColumnType, value: Any) -> datetime:
    """Return a date and time in UTC, with its fraction of a second."""
    given = value
    if isinstance(value, date) and not isinstance(value, datetime):
        given = datetime.combine(value, time())
    elif isinstance(value, str):
        given = parse_moment(value)
    if not isinstance(given, datetime):
        raise ConversionError(f"{shorten(value)} is not a valid datetime: expected a datetime, a date or ISO 8601 text")
    try:
        stored = naive(given)
    except OverflowError:
        raise ConversionError(f"{shorten(value)} is out of range in UTC") from None
    _check_year(stored, value)
    if type_.name == "timestamp" and not _TIMESTAMPS[0] <= stored <= _TIMESTAMPS[1]:
        first, last = (limit.isoformat(" ", "seconds") for limit in _TIMESTAMPS)
        raise ConversionError(f"{shorten(value)} is out of range: expected {first} to {last}")
    return stored


def _check_year(given: date, value: Any) -> None:
    if given.year < _FIRST_YEAR:
        raise ConversionError(f"{shorten(value)} is out of range: expected the years {_FIRST_YEAR} to 9999")


def _moment(type_: ColumnType, value: Any) -> str:
    # As text, because SQLite has no dates and every engine reads this form alike.
    return _cut(moment(type_, value).isoformat(" ", "microseconds"), 19, type_)


def _cut(text: str, seconds: int, type_: ColumnType) -> str:
    return text[: seconds + 1 + type_.size] if type_.size else text[:seconds]


def parse_moment(text: str) -> datetime | None:
    """Return the time that ISO 8601 text names, or None if it is not ISO 8601 or the day does not exist."""
    try:
        return datetime.fromisoformat(text) if ISO_8601.fullmatch(text) else None
    except ValueError:
        return None


def naive(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


_CONVERTERS: dict[str, Callable[[ColumnType, Any], Any]] = {
    "whole": _whole,
    "decimal": _decimal,
    "real": _real,
    "text": _text,
    "bytes": _bytes,
    "enum": _enum,
    "date": _date,
    "time": _time,
    "moment": _moment,
}
