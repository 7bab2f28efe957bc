"""PHP's values in Python, and unknown ones. The rules are PHP 8's; where PHP 7 differs the result is Unknown.

A string is ``bytes``, an array a dict that is never changed in place (keys are int or bytes), an object is ``Object``.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Final


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


#: What stands for an unset variable or an undefined constant; PHP reads it as null.
ABSENT: Final = object()

#: The length limit of strings, in bytes.
MAX_SIZE = 1 << 20

_NUMERIC = re.compile(rb"[ \t\n\r\v\f]*([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)[ \t\n\r\v\f]*")
_INTEGER = re.compile(rb"[+-]?\d+")
_KEY = re.compile(rb"0|-?[1-9]\d*")
_SMALLEST, _GREATEST = -(1 << 63), (1 << 63) - 1


def to_bool(value: Any) -> bool | Unknown:
    """Return PHP's ``(bool) value``."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, bytes):
        return value not in (b"", b"0")
    if isinstance(value, Object | Closure):
        return True
    return bool(value)


def to_string(value: Any) -> bytes | Unknown:
    """Return PHP's ``(string) value``."""
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


def to_number(value: Any) -> int | float | Unknown:
    """Return the number that PHP calculates with; unknown where PHP warns."""
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
    """Return the number in a numeric string, or None if it is not numeric."""
    found = _NUMERIC.fullmatch(value)
    if not found or len(value) > 300:
        return None
    return fit(int(found[1])) if _INTEGER.fullmatch(found[1]) else float(found[1])


def fit(value: int) -> int | float:
    """Return an integer as PHP stores it: a float beyond 64 bits."""
    return value if _SMALLEST <= value <= _GREATEST else float(value)


def to_key(value: Any) -> int | bytes | Unknown:
    """Return the array key that PHP makes of a value."""
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
    """Return the key that ``$array[] =`` assigns."""
    numbers = [key for key in array if isinstance(key, int)]
    if not numbers:
        return 0
    # After a negative key PHP before 8.3 continues with 0.
    return max(numbers) + 1 if max(numbers) >= 0 else Unknown("an array's next key depends on PHP's version")


def identical(left: Any, right: Any) -> bool | Unknown:
    """Return the result of PHP's ``===``."""
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
    """Return the result of PHP's ``==``."""
    order = compare(left, right)
    return order if isinstance(order, Unknown) else order == 0


def compare(left: Any, right: Any) -> int | Unknown:
    """Return the result of PHP's ``<=>`` for ordered values: -1, 0 or 1."""
    for value in (left, right):
        if isinstance(value, Unknown):
            return value
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        if (isinstance(left, bytes) and right is None) or (left is None and isinstance(right, bytes)):
            return _order(left or b"", right or b"")
        return _order(to_bool(left), to_bool(right))
    if isinstance(left, bytes) and isinstance(right, bytes):
        numbers = numeric_value(left), numeric_value(right)
        return _order(left, right) if None in numbers else _order(*numbers)
    if isinstance(left, bytes | int | float) and isinstance(right, bytes | int | float):
        first, second = to_number(left), to_number(right)
        if isinstance(first, Unknown) or isinstance(second, Unknown):
            return Unknown("a number is compared with a text, which depends on PHP's version")
        return _order(first, second)
    same = identical(left, right)
    return 0 if same is True else Unknown("arrays or objects are compared")


def _order(left: Any, right: Any) -> int:
    if isinstance(left, float) != isinstance(right, float):
        left, right = float(left), float(right)  # as PHP does; Python would compare exactly
    return int(left > right) - int(left < right)


def merge_values(left: Any, right: Any, cause: Unknown) -> Any:
    """Return the value after one of two paths: the value that both have, else ``cause``."""
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    if isinstance(left, dict) and isinstance(right, dict) and list(left) == list(right):
        return {key: merge_values(value, right[key], cause) for key, value in left.items()}
    return left if left is right or identical(left, right) is True else cause


_ORDERS = {
    b"<": lambda order: order < 0,
    b"<=": lambda order: order <= 0,
    b">": lambda order: order > 0,
    b">=": lambda order: order >= 0,
    b"==": lambda order: order == 0,
    b"!=": lambda order: order != 0,
    b"<>": lambda order: order != 0,
    b"<=>": lambda order: order,
}


def binary_value(operator: bytes, left: Any, right: Any) -> Any:
    """Return the value of ``left operator right``, for operators that evaluate both sides."""
    if operator == b".":
        return concatenated(to_string(left), to_string(right))
    if operator in (b"===", b"!=="):
        same = identical(left, right)
        return same if isinstance(same, Unknown) else same is (operator == b"===")
    if operator == b"xor":
        one, other = to_bool(left), to_bool(right)
        return next((value for value in (one, other) if isinstance(value, Unknown)), one is not other)
    if operator in _ORDERS:
        order = compare(left, right)
        return order if isinstance(order, Unknown) else _ORDERS[operator](order)
    if operator == b"+" and isinstance(left, dict) and isinstance(right, dict):
        return left | {key: value for key, value in right.items() if key not in left}
    return _calculated(operator, left, right)


def concatenated(left: bytes | Unknown, right: bytes | Unknown) -> bytes | Unknown:
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    return left + right if len(left) + len(right) <= MAX_SIZE else Unknown("a string of more than a megabyte")


def _calculated(operator: bytes, left: Any, right: Any) -> Any:
    if operator in (b"|", b"&", b"^") and isinstance(left, bytes) and isinstance(right, bytes):
        return Unknown(f"the operator {operator.decode()} on the bytes of strings")
    one, other = to_number(left), to_number(right)
    if isinstance(one, Unknown):
        return one
    if isinstance(other, Unknown):
        return other
    try:
        if isinstance(one, int) and isinstance(other, int):
            return _integers(operator, one, other)
        if operator in _FLOATS:
            result = _FLOATS[operator](float(one), float(other))
            return result if math.isfinite(result) else Unknown("a number beyond all bounds")
    except (ArithmeticError, ValueError):
        pass
    return Unknown(f"the operator {operator.decode()} with such values")


_FLOATS = {
    b"+": lambda one, other: one + other,
    b"-": lambda one, other: one - other,
    b"*": lambda one, other: one * other,
    b"/": lambda one, other: one / other,
}


def _integers(operator: bytes, one: int, other: int) -> Any:
    if operator in (b"+", b"-", b"*"):
        return fit(int(_FLOATS[operator](one, other)))
    if operator == b"/":
        return one // other if one % other == 0 else one / other
    if operator == b"%":
        return (
            int(math.fmod(one, other)) if abs(one) < 1 << 52 and abs(other) < 1 << 52 else Unknown("% of big numbers")
        )
    if operator == b"|":
        return one | other
    if operator == b"&":
        return one & other
    if operator == b"^":
        return one ^ other
    if operator == b"<<" and 0 <= other < 63 and 0 <= one < 1 << (62 - other):
        return one << other
    if operator == b">>" and 0 <= other < 63:
        return one >> other
    if operator == b"**" and 0 <= other <= 64 and abs(one) < 1 << 20:
        return fit(one**other)
    return Unknown(f"the operator {operator.decode()} with such values")


def negated(operator: bytes, value: Any) -> Any:
    """Return ``-value``, ``+value`` or ``~value``."""
    if operator == b"~":
        return ~value if isinstance(value, int) and not isinstance(value, bool) else Unknown("~ of what is no integer")
    if operator == b"-":
        # 0 - value would not give -0.0.
        return -value if isinstance(value, float) else _calculated(b"-", 0, value)
    return _calculated(b"+", 0, value) if operator == b"+" else Unknown(f"the operator {operator.decode()}")


def cast_value(kind: str, value: Any) -> Any:
    """Return ``(kind) value``."""
    if isinstance(value, Unknown):
        return value
    if kind in ("string", "binary"):
        return to_string(value)
    if kind in ("bool", "boolean"):
        return to_bool(value)
    if kind in ("int", "integer"):
        return to_int(value)
    if kind in ("float", "double", "real"):
        found = to_number(value)
        return found if isinstance(found, Unknown) else float(found)
    if kind == "array":
        if isinstance(value, dict):
            return value
        if isinstance(value, Object):
            return {to_key(key): field for key, field in value.fields.items()}
        return {} if value is None else {0: value}
    if kind == "object" and isinstance(value, dict):
        return Object({to_string(key): field for key, field in value.items()})
    return Unknown(f"a cast to {kind}")


def to_int(value: Any) -> Any:
    """Return PHP's ``(int) value`` where every PHP version agrees."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, float):
        return int(value) if abs(value) < 1 << 52 else Unknown("a big number as an integer")
    if isinstance(value, bytes):
        digits = value.lstrip(b" \t\n\r\v\f")
        sign = digits[:1] in (b"-", b"+")
        end = int(sign)
        while digits[end : end + 1].isdigit():
            end += 1
        if digits[end : end + 1] in (b".", b"e", b"E") or end > 18:
            return Unknown("a text that is not quite an integer")
        return int(digits[:end]) if end > int(sign) else 0
    return to_number(value) if value is None or isinstance(value, int) else Unknown("an array or object as an integer")
