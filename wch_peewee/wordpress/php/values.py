"""PHP's values in Python, and unknown ones. What is rare, or differs between PHP's versions, is Unknown.

A string is ``bytes``, an array an ``Array`` that is never changed in place (keys are int or bytes).
"""

import operator
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
        return f"{self.file}, line {self.line}: {self.what}" if self.file else self.what


class Array(dict[Any, Any]):
    """An array; ``weight`` is the number of values in it, at any depth.

    ``rest``, for ``$_SERVER`` and the like, is the reason why it may have other keys or lack those that are unknown.
    """

    weight: int = 1
    rest: Unknown | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Object:
    """A plain object, as json_decode() makes it, or one of phpdotenv's (``kind``). Its fields never change."""

    fields: dict[Any, Any]
    kind: str = "stdclass"


#: What stands for an unset variable or an undefined constant; PHP reads it as null.
ABSENT: Final = object()
#: The limits of a string, in bytes, and of an array, in values at any depth.
MAX_SIZE, MAX_WEIGHT = 1 << 18, 1 << 12

_KEY = re.compile(rb"0|-?[1-9]\d{0,17}")
_INTEGER = re.compile(rb"-?\d{1,18}")
#: What may be a number to PHP, in one of its versions.
_NUMBER_LIKE = re.compile(rb"\s*[+-]?\.?\d")


def array(items: dict[Any, Any]) -> Array | Unknown:
    """Return a PHP array of these values; unknown if it is too large."""
    made = Array(items)
    made.weight += sum(value.weight if isinstance(value, Array) else 1 for value in items.values())
    return made if made.weight <= MAX_WEIGHT else Unknown(f"an array of more than {MAX_WEIGHT} values")


def first_unknown(*values: Any) -> Unknown | None:
    """Return an unknown value among these or in their arrays, or None."""
    for value in values:
        found = value.rest or first_unknown(*value.values()) if isinstance(value, Array) else value
        if isinstance(found, Unknown):
            return found
    return None


def to_bool(value: Any) -> bool | Unknown:
    """Return PHP's ``(bool) value``."""
    if isinstance(value, Unknown | Array):
        return value if isinstance(value, Unknown) else value.rest or bool(value)
    return value not in (b"", b"0") if isinstance(value, bytes) else bool(value)


def is_there(value: Any) -> bool | Unknown:
    return value if isinstance(value, Unknown) else value is not ABSENT


def is_set(value: Any) -> bool | Unknown:
    """Return PHP's ``isset(value)``."""
    return value is not None and is_there(value)


def negated(value: bool | Unknown) -> bool | Unknown:
    return value if isinstance(value, Unknown) else not value


def to_string(value: Any) -> bytes | Unknown:
    """Return PHP's ``(string) value``; unknown for a float, whose digits depend on PHP's settings."""
    if isinstance(value, bytes | Unknown):
        return value
    if value is None or isinstance(value, bool):
        return b"1" if value else b""
    return str(value).encode() if isinstance(value, int) else Unknown("an array, an object or a float as a string")


def joined(*values: Any) -> bytes | Unknown:
    """Return values joined to one string."""
    texts = [to_string(value) for value in values]
    known = [text for text in texts if isinstance(text, bytes)]
    too_long = Unknown("a string of very many bytes") if sum(map(len, known)) > MAX_SIZE else None
    return first_unknown(*texts) or too_long or b"".join(known)


def to_int(value: Any) -> int | Unknown:
    """Return the integer that PHP calculates with; unknown for any other number and where PHP's versions differ."""
    if value is None or isinstance(value, bool | int):
        return int(value or 0)
    other = value if isinstance(value, Unknown) else Unknown("what is not quite an integer as a number")
    return int(value) if isinstance(value, bytes) and _INTEGER.fullmatch(value) else other


def to_key(value: Any) -> int | bytes | Unknown:
    """Return the array key that PHP makes of a value."""
    if isinstance(value, bytes):
        return int(value) if _KEY.fullmatch(value) else value
    if value is None or isinstance(value, bool | int):
        return b"" if value is None else int(value)
    return value if isinstance(value, Unknown) else Unknown("an array's key is neither a string nor an integer")


def identical(left: Any, right: Any) -> bool | Unknown:
    """Return the result of PHP's ``===``."""
    for one in (left, right):
        if isinstance(one, Unknown) or (isinstance(one, Array) and one.rest is not None):
            return first_unknown(one) or False
    if type(left) is not type(right):
        return False
    if isinstance(left, Array):
        return bool(left) == bool(right) and (not left or Unknown("a comparison of two arrays"))
    return bool(left == right)


def equal(left: Any, right: Any) -> bool | Unknown:
    """Return the result of PHP's ``==``; unknown where PHP compares other numbers than integers."""
    same = identical(left, right)
    if same is not False:
        return same
    left, right = (b"" if one is None and bytes in (type(left), type(right)) else one for one in (left, right))
    if left is None or right is None or bool in (type(left), type(right)):
        return to_bool(left) == to_bool(right)
    texts = [one for one in (left, right) if isinstance(one, bytes)]
    if len(texts) == 2 and not all(map(_NUMBER_LIKE.match, texts)):
        return texts[0] == texts[1]  # null has become an empty string
    numbers = to_int(left), to_int(right)
    return first_unknown(*numbers) or numbers[0] == numbers[1]


def merge_values(left: Any, right: Any, cause: Unknown) -> Any:
    """Return the value after one of two paths: the value that both have, else ``cause``."""
    if left is right or type(left) is Unknown:
        return left
    return right if type(right) is Unknown else left if identical(left, right) is True else cause


_OPERATORS: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "|": operator.or_, "&": operator.and_,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def binary_value(sign: str, left: Any, right: Any) -> Any:
    """Return the value of ``left sign right``, for operators that evaluate both sides; arithmetic is of integers."""
    if sign == ".":
        return joined(left, right)
    if sign in ("==", "!=", "<>", "===", "!=="):
        same = identical(left, right) if len(sign) == 3 else equal(left, right)
        return same if sign in ("==", "===") else negated(same)
    kinds = {type(left), type(right)}
    numbers = to_int(left), to_int(right)
    # Of two strings PHP combines the bytes, and in an order null and true stand for other things.
    odd = sign not in _OPERATORS or (kinds == {bytes} and sign in "|&") or (sign[0] in "<>" and kinds - {int, bytes})
    if odd or first_unknown(*numbers):
        return first_unknown(left, right, *numbers) or Unknown(f"the operator {sign} with such values")
    result = _OPERATORS[sign](*numbers)
    return result if abs(result) < 1 << 63 else Unknown("a very large number")


def cast_value(kind: str, value: Any) -> Any:
    """Return ``(kind) value``."""
    simple = {"string": to_string, "bool": to_bool, "boolean": to_bool, "int": to_int, "integer": to_int}
    if kind in simple:
        return simple[kind](value)
    if isinstance(value, Array) and kind == "object" and not value.rest:
        return Object({to_string(key): item for key, item in value.items()})
    is_same = isinstance(value, Unknown) or (kind == "array" and isinstance(value, Array))
    return value if is_same else Unknown(f"a cast to {kind}")
