"""What PHP's functions take: strings, integers and booleans, converted as PHP does where every version agrees."""

from __future__ import annotations

from typing import Any

from .operators import whole
from .values import Unknown, text, truth


class NotFollowed(Exception):
    """These arguments are not followed."""


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
