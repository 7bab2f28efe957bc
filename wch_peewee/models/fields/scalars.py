"""Whole numbers and flags.

None of them takes a float, not even 5.0, and no number takes True or False. The text of a whole number is taken,
because identifiers arrive as text from requests. Arithmetic (``attempts + 1``) is not checked here: the server
computes it.

    SyncQueueItem.update(attempts=SyncQueueItem.attempts + 1)
"""

from __future__ import annotations

import operator
import re
from typing import Any, Literal, overload

from peewee import OP

from ...schema import objects
from ...schema.objects import ColumnType
from .base import Misfit, TypedField, V, shorten, with_pattern

_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)

# The upper half of MySQL's unsigned range is left out: SQLite's integers are signed, and every engine must agree.
MAX_UNSIGNED_BIGINT = 2**63 - 1


def whole_number(value: object, lowest: int, highest: int) -> int:
    """Return the value as an exact ``int`` within bounds."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise Misfit(f"{shorten(value)} is {type(value).__name__}, not a whole number")
    number = operator.index(value)
    if not lowest <= number <= highest:
        raise Misfit(f"{shorten(number)} is out of range, allowed are {lowest} to {highest}")
    return number


class _NumberField(TypedField[V]):
    """A column of whole numbers."""

    range: tuple[int, int]

    def convert(self, value: Any) -> int:
        return whole_number(value, *self.range)

    __add__ = with_pattern(OP.ADD)
    __sub__ = with_pattern(OP.SUB)
    __mul__ = with_pattern(OP.MUL)
    __truediv__ = with_pattern(OP.DIV)
    bin_and = with_pattern(OP.BIN_AND)
    bin_or = with_pattern(OP.BIN_OR)


class UnsignedBigIntField(_NumberField[V]):
    """``bigint unsigned``: 0 to 2**63-1."""

    field_type = "BIGINT"
    range = (0, MAX_UNSIGNED_BIGINT)

    @overload
    def __init__(self: UnsignedBigIntField[int], *, null: Literal[False] = False, **options: Any) -> None: ...
    @overload
    def __init__(self: UnsignedBigIntField[int | None], *, null: Literal[True], **options: Any) -> None: ...
    def __init__(self, *, null: bool = False, **options: Any) -> None:
        super().__init__(null=null, **options)

    def column_type(self) -> ColumnType:
        return objects.bigint(unsigned=True)


class IdField(UnsignedBigIntField[int]):
    """``bigint unsigned``, primary key, chosen by the server."""

    field_type = "BIGAUTO"
    auto_increment = True

    def __init__(self, **options: Any) -> None:
        options["primary_key"] = True
        super().__init__(**options)


class IntField(_NumberField[int]):
    """``int``: signed, 32 bits."""

    field_type = "INT"
    range = (-(2**31), 2**31 - 1)

    def column_type(self) -> ColumnType:
        return objects.integer()


class FlagField(TypedField[bool]):
    """``tinyint(1)``: True or False; 0 and 1 are taken for them."""

    field_type = "SMALLINT"

    def column_type(self) -> ColumnType:
        return objects.boolean()

    def convert(self, value: Any) -> int:
        if isinstance(value, int) and value in (0, 1):
            return int(value)
        raise Misfit(f"{shorten(value)} is neither True nor False")

    def python_value(self, value: Any) -> Any:
        return bool(value) if isinstance(value, int) else value
