"""PHP's values in Python, and unknown ones. The rules are PHP 8's; where PHP 7 differs the result is Unknown.

A string is ``bytes``, an array a dict that is never changed in place (keys are int or bytes), an object is ``Object``.
"""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be known: the construct, the reason and the line. It holds no part of a string."""

    what: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.what}" if self.file else self.what


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """A plain object: its fields, and its class where that matters."""

    fields: dict[Any, Any]
    kind: str = "stdClass"

    def __repr__(self) -> str:
        return f"<{self.kind}>"


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """An anonymous function: its node, and its captured variables."""

    node: Any
    captured: dict[str, Any]
    file: str

    def __repr__(self) -> str:
        return "<closure>"


#: The longest string and the largest array that is worked with.
LARGEST = 1 << 20

_NUMERIC = re.compile(rb"[ \t\n\r\v\f]*([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)[ \t\n\r\v\f]*")
_INTEGER = re.compile(rb"[+-]?\d+")
_KEY = re.compile(rb"0|-?[1-9]\d*")
_SMALLEST, _GREATEST = -(1 << 63), (1 << 63) - 1


def truth(value: Any) -> bool | Unknown:
    """Return PHP's (bool)."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, bytes):
        return value not in (b"", b"0")
    if isinstance(value, Object | Closure):
        return True
    return bool(value)


def text(value: Any) -> bytes | Unknown:
    """Return PHP's (string)."""
    if isinstance(value, bytes | Unknown):
        return value
    if value is None or value is False:
        return b""
    if value is True:
        return b"1"
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, float):
        return _float_text(value)
    return Unknown("an array or an object is used as a string")


def _float_text(value: float) -> bytes | Unknown:
    if abs(value) < 1e15 and value == int(value):
        return str(int(value)).encode() if value or str(value)[0] != "-" else b"-0"
    written = repr(value)
    # PHP writes as many digits as its setting `precision` says, 14 by default.
    if "e" in written or "n" in written or len(written.strip("-0.").replace(".", "")) > 14:
        return Unknown("a very large, small or long number is used as a string")
    return written.encode()


def number(value: Any) -> int | float | Unknown:
    """Return PHP's number for arithmetic; unknown where PHP warns."""
    if isinstance(value, Unknown):
        return value
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if isinstance(value, int | float):
        return value
    if isinstance(value, bytes) and (numeric := numeric_value(value)) is not None:
        return numeric
    return Unknown("arithmetic with what is no number")


def numeric_value(value: bytes) -> int | float | None:
    """Return the number of a numeric string, or None."""
    found = _NUMERIC.fullmatch(value)
    if not found or len(value) > 300:
        return None
    return fit(int(found[1])) if _INTEGER.fullmatch(found[1]) else float(found[1])


def fit(value: int) -> int | float:
    """Return an integer as PHP holds it: a float beyond 64 bits."""
    return value if _SMALLEST <= value <= _GREATEST else float(value)


def key_of(value: Any) -> int | bytes | Unknown:
    """Return PHP's array key."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, bytes):
        if _KEY.fullmatch(value) and len(value) < 21 and _SMALLEST <= int(value) <= _GREATEST:
            return int(value)
        return value
    if value is None:
        return b""
    if isinstance(value, bool | int):
        return int(value)
    return Unknown("an array's key is neither a string nor an integer")


def next_key(array: dict[Any, Any]) -> int | Unknown:
    """Return the key that ``[] =`` takes."""
    numbers = [key for key in array if isinstance(key, int)]
    if not numbers:
        return 0
    # PHP before 8.3 goes on with 0 after a negative key.
    return max(numbers) + 1 if max(numbers) >= 0 else Unknown("an array's next key depends on PHP's version")


def identical(left: Any, right: Any) -> bool | Unknown:
    """PHP's ``===``."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        if list(left) != list(right):
            return False
        answers = [identical(value, right[key]) for key, value in left.items()]
        if any(answer is False for answer in answers):
            return False
        return next((answer for answer in answers if isinstance(answer, Unknown)), True)
    if isinstance(left, Object | Closure):
        return left is right or Unknown("two objects are compared")
    return bool(left == right)


def equal(left: Any, right: Any) -> bool | Unknown:
    """PHP's ``==``."""
    order = compare(left, right)
    return order if isinstance(order, Unknown) else order == 0


def compare(left: Any, right: Any) -> int | Unknown:
    """PHP's ``<=>`` for ordered values: -1, 0 or 1."""
    for value in (left, right):
        if isinstance(value, Unknown):
            return value
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        if (isinstance(left, bytes) and right is None) or (left is None and isinstance(right, bytes)):
            return _order(left or b"", right or b"")
        return _order(truth(left), truth(right))
    if isinstance(left, bytes) and isinstance(right, bytes):
        numbers = numeric_value(left), numeric_value(right)
        return _order(left, right) if None in numbers else _order(*numbers)
    if isinstance(left, bytes | int | float) and isinstance(right, bytes | int | float):
        first, second = number(left), number(right)
        if isinstance(first, Unknown) or isinstance(second, Unknown):
            return Unknown("a number is compared with a text, which depends on PHP's version")
        return _order(first, second)
    same = identical(left, right)
    return 0 if same is True else Unknown("arrays or objects are compared")


def _order(left: Any, right: Any) -> int:
    if isinstance(left, float) != isinstance(right, float):
        left, right = float(left), float(right)  # as PHP does; Python would compare exactly
    return int(left > right) - int(left < right)


def join(left: Any, right: Any, cause: Unknown) -> Any:
    """Return a value after one of two possible ways: itself if both agree, else unknown."""
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    if isinstance(left, dict) and isinstance(right, dict) and list(left) == list(right):
        return {key: join(value, right[key], cause) for key, value in left.items()}
    return left if left is right or identical(left, right) is True else cause
