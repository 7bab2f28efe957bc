"""PHP's operators, casts and argument conversions."""

import math
from typing import Any

from .values import LARGEST, Object, Unknown, compare, fit, identical, key_of, number, text, truth

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
        return concatenated(text(left), text(right))
    if operator in (b"===", b"!=="):
        same = identical(left, right)
        return same if isinstance(same, Unknown) else same is (operator == b"===")
    if operator == b"xor":
        one, other = truth(left), truth(right)
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
    return left + right if len(left) + len(right) <= LARGEST else Unknown("a string of more than a megabyte")


def _calculated(operator: bytes, left: Any, right: Any) -> Any:
    if operator in (b"|", b"&", b"^") and isinstance(left, bytes) and isinstance(right, bytes):
        return Unknown(f"the operator {operator.decode()} on the bytes of strings")
    one, other = number(left), number(right)
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
        # -0.0 is the one thing that 0 - value would not give.
        return -value if isinstance(value, float) else _calculated(b"-", 0, value)
    return _calculated(b"+", 0, value) if operator == b"+" else Unknown(f"the operator {operator.decode()}")


def cast_value(kind: str, value: Any) -> Any:
    """Return ``(kind) value``."""
    if isinstance(value, Unknown):
        return value
    if kind in ("string", "binary"):
        return text(value)
    if kind in ("bool", "boolean"):
        return truth(value)
    if kind in ("int", "integer"):
        return whole(value)
    if kind in ("float", "double", "real"):
        found = number(value)
        return found if isinstance(found, Unknown) else float(found)
    if kind == "array":
        if isinstance(value, dict):
            return value
        if isinstance(value, Object):
            return {key_of(key): field for key, field in value.fields.items()}
        return {} if value is None else {0: value}
    if kind == "object" and isinstance(value, dict):
        return Object({text(key): field for key, field in value.items()})
    return Unknown(f"a cast to {kind}")


def whole(value: Any) -> Any:
    """Return PHP's (int), for values on which every PHP version agrees."""
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
    return number(value) if value is None or isinstance(value, int) else Unknown("an array or object as an integer")


class NotFollowed(Exception):
    """Arguments that this reader does not evaluate."""


def as_bytes(value: Any) -> bytes:
    found = text(value)
    if isinstance(found, Unknown):
        raise NotFollowed
    return found


def as_int(value: Any) -> int:
    found = whole(value)
    if not isinstance(found, int):
        raise NotFollowed
    return found


def as_boolean(value: Any) -> bool:
    answer = truth(value)
    if isinstance(answer, Unknown):
        raise NotFollowed
    return answer
