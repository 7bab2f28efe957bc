"""Text, measured as the server measures it: varchar in characters, text in bytes of UTF-8.

A character is a code point, so an emoji counts once in a varchar and four bytes in a text. Nothing is trimmed,
cut or converted: a phone number given as an int is refused rather than written without its zeros.

    name = VarcharField(100)
"""

from __future__ import annotations

from typing import Any, Literal, overload

from peewee import OP, StringExpression

from ...schema import objects
from ...schema.objects import ColumnType
from .base import Misfit, TypedField, V, plain_text, shorten, unconverted

MAX_TEXT_BYTES = 65_535


class _TextualField(TypedField[V]):
    def __add__(self, other: Any) -> StringExpression:
        return self.concat(other)

    def concat(self, rhs: Any) -> StringExpression:
        return StringExpression(self, OP.CONCAT, unconverted(rhs))

    def __radd__(self, other: Any) -> StringExpression:
        return StringExpression(unconverted(other), OP.CONCAT, self)


class VarcharField(_TextualField[V]):
    """``varchar(size)``."""

    field_type = "VARCHAR"

    @overload
    def __init__(self: VarcharField[str], size: int, *, null: Literal[False] = False, **options: Any) -> None: ...
    @overload
    def __init__(self: VarcharField[str | None], size: int, *, null: Literal[True], **options: Any) -> None: ...
    def __init__(self, size: int, *, null: bool = False, **options: Any) -> None:
        self.size = size
        super().__init__(null=null, **options)

    def column_type(self) -> ColumnType:
        return objects.varchar(self.size)

    def get_modifiers(self) -> list[int]:
        return [self.size]

    def convert(self, value: Any) -> str:
        text = plain_text(value)
        if len(text) > self.size:
            raise Misfit(f"{shorten(text)} has {len(text)} characters, at most {self.size} fit")
        return text


class TextField(_TextualField[V]):
    """``text``."""

    field_type = "TEXT"

    @overload
    def __init__(self: TextField[str], *, null: Literal[False] = False, **options: Any) -> None: ...
    @overload
    def __init__(self: TextField[str | None], *, null: Literal[True], **options: Any) -> None: ...
    def __init__(self, *, null: bool = False, **options: Any) -> None:
        super().__init__(null=null, **options)

    def column_type(self) -> ColumnType:
        return objects.text()

    def convert(self, value: Any) -> str:
        text = plain_text(value)
        size = len(text.encode())
        if size > MAX_TEXT_BYTES:
            raise Misfit(f"{shorten(text)} has {size} bytes of UTF-8, at most {MAX_TEXT_BYTES} fit")
        return text
