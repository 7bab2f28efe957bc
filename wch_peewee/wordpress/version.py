"""Comparison of version strings by the rules of PHP's ``version_compare``."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Literal

Order = Literal[-1, 0, 1]

# PHP compares by prefix, in this order: "alphabet" is an alpha, "banana" a beta.
_WORDS = (
    (b"dev", 0), (b"alpha", 1), (b"a", 1), (b"beta", 2), (b"b", 2), (b"RC", 3), (b"rc", 3), (b"#", 4), (b"pl", 5),
    (b"p", 5),
)  # fmt: skip
_UNKNOWN = -1
_NUMBER = b"#N#"
_LONG_MAX = 2**63 - 1  # where strtol() stops counting


@lru_cache
def version_compare(a: str, b: str) -> Order:
    """Return -1, 0 or 1 as PHP finds ``a`` older than, equal to or newer than ``b``.

    The PHP plugin decides with it whether a stored version needs an upgrade, so the answer must be PHP's, also for
    values that no Python version class accepts: ``version_compare("1.0", "1.0.0")`` is -1.
    """
    return _compare(_c_string(a), _c_string(b))


def _c_string(version: str) -> bytes:
    """Return what PHP's C code sees: bytes, up to the first NUL."""
    return version.encode("utf-8", "surrogatepass").partition(b"\0")[0]


def _compare(a: bytes, b: bytes) -> Order:
    if not a or not b:
        return _sign(len(a) - len(b))
    left, right = _parts(a), _parts(b)
    # [b""] is a string that ends in a dot and is used up.
    while left and right and left != [b""] and right != [b""]:
        if order := _compare_parts(left[0], right[0]):
            return order
        left, right = left[1:], right[1:]
    return _compare_rests(left, right)


def _compare_rests(left: list[bytes], right: list[bytes]) -> Order:
    """Compare what follows the equal parts: a number makes its side newer, a word is compared with a number."""
    if left:
        return 1 if _is_number(left[0]) else _compare(b".".join(left), _NUMBER)
    if right:
        return -1 if _is_number(right[0]) else _compare(_NUMBER, b".".join(right))
    return 0


def _compare_parts(a: bytes, b: bytes) -> Order:
    if _is_number(a) and _is_number(b):
        return _sign(_number(a) - _number(b))
    return _sign(_rank(a) - _rank(b))


def _parts(version: bytes) -> list[bytes]:
    return (version if version.startswith(b"#") else _canonical(version)).split(b".")


def _canonical(version: bytes) -> bytes:
    """Put a dot for every separator, and between digits and what is neither a digit nor a dot."""
    result = version[:1]
    for last, char in pairwise(version[index : index + 1] for index in range(len(version))):
        ends_number = last.isdigit() and not char.isdigit() and char not in b".-_+"
        starts_number = char.isdigit() and not last.isdigit() and last != b"."
        separator = not char.isalnum()
        if (separator or ends_number or starts_number) and not result.endswith(b"."):
            result += b"."
        # PHP keeps whatever ends a number, a blank for instance; anywhere else it would be a separator.
        if ends_number or not separator:
            result += char
    return result


def _is_number(part: bytes) -> bool:
    return part[:1].isdigit()


def _number(part: bytes) -> int:
    digits = re.match(rb"[0-9]+", part)
    # Python refuses to read thousands of digits; twenty already are more than a long.
    return min(int(digits[0].lstrip(b"0")[:20] or b"0"), _LONG_MAX) if digits else 0


def _rank(part: bytes) -> int:
    compared = _NUMBER if _is_number(part) else part
    return next((rank for word, rank in _WORDS if compared.startswith(word)), _UNKNOWN)


def _sign(number: int) -> Order:
    return 1 if number > 0 else -1 if number < 0 else 0
