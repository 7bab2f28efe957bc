"""Enum columns over ``enum.StrEnum``.

Reading never fails: '' is what a non-strict session leaves for a value that it could not store, and reads as
None; a value that this code does not know was written by newer code, and stays the string that it is.

    status = EnumField(MessageStatus, default=MessageStatus.SENT)
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from ...schema import objects
from ...schema.objects import ColumnType
from .base import Misfit, TypedField, shorten

E = TypeVar("E", bound=StrEnum)


class _Meanings(dict[Any, Any]):
    """What a stored value reads as; one that is not known is itself."""

    def __missing__(self, value: Any) -> Any:
        return value


class EnumField(TypedField["E | str | None"]):
    """``enum(...)`` with the members' values in the order of their declaration."""

    field_type = "VARCHAR"

    def __init__(self, members: type[E], **options: Any) -> None:
        self.members = members
        self.values: tuple[str, ...] = tuple(member.value for member in members)
        self._meanings = _Meanings({"": None} | {member.value: member for member in members})
        super().__init__(**options)

    def column_type(self) -> ColumnType:
        return objects.enum(*self.values)

    def get_modifiers(self) -> list[int]:
        return [max(map(len, self.values))]

    def convert(self, value: Any) -> str:
        # Compared exactly: MySQL would take 'Sent' for 'sent', SQLite would not.
        if isinstance(value, str) and value in self.values:
            return str.__str__(value)
        raise Misfit(f"{shorten(value)} is unknown, allowed are {', '.join(self.values)}")

    def python_value(self, value: Any) -> Any:
        return self._meanings[value]

    def reader(self) -> Callable[[Any], Any] | None:
        # A dict's own method: for many rows no function of Python's is called.
        return self._meanings.__getitem__ if type(self).python_value is EnumField.python_value else super().reader()
