"""JSON columns that hold a dict or a list, stored alike by every engine."""

from __future__ import annotations

import json
import math
import operator
from decimal import Decimal
from functools import reduce
from typing import Any

import peewee

from ...errors import InvalidValue
from ...schema import objects
from .base import TypedField, checked
from .values import ConversionError, plain_text, shorten

# The narrowest limits of all engines, as measured.
MAX_DEPTH = 31  # MariaDB 10.11 and 11.8 refuse the 32nd level, MySQL 9 the 101st, SQLite 3.40 the 2001st
MAX_KEY_BYTES = 65_535  # MySQL's error 3151
_INTEGERS = (-(2**63), 2**64 - 1)  # beyond them MySQL stores a double and loses digits
_SQLITE_INTEGERS = (-(2**63), 2**63 - 1)
_NOTHING = peewee.SQL("(1 = 0)")
# Made once: ``json.dumps`` makes an encoder for each document, and ``json.loads`` checks its argument first.
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode(document: object) -> str:
    """Return a document's compact text. Raises ConversionError if an engine would refuse or change a part of it."""
    if not isinstance(document, (dict, list, tuple)):
        raise ConversionError(f"{shorten(document)} is {type(document).__name__}, not a dict or a list")
    check_document(document)
    return _ENCODER.encode(document)


def snapshot(document: object) -> str | None:
    """Return text that differs if the document does, or None for one that JSON cannot express."""
    try:
        return json.dumps(document, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return None


class DocumentAccessor(peewee.FieldAccessor):
    """Takes a snapshot of a document when it is first read, because a change inside it is not an assignment."""

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        if instance is None:
            return self.field
        value = instance.__data__.get(self.name)
        if isinstance(value, (dict, list)):
            snapshots = instance.__dict__.setdefault("_snapshots", {})
            if self.name not in snapshots:
                snapshots[self.name] = snapshot(value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value)
        instance.__dict__.get("_snapshots", {}).pop(self.name, None)


class JsonField(TypedField[Any]):
    """``json``: a dict or a list, by default an empty one.

    None is written as the empty container, so a model never writes NULL; ``field == None`` still means IS NULL. A
    change inside a document counts as a change of the field (see ``BaseModel.dirty_fields``). Comparing with a whole
    document raises InvalidValue; ``Cart.items[0]["sku"] == "tea"`` compares a part.
    """

    sql_type = objects.json()
    field_type = "JSON"
    accessor_class = DocumentAccessor

    def __init__(self, container: type[dict[str, Any]] | type[list[Any]], **options: Any) -> None:
        self.container = container
        options.setdefault("default", container)
        super().__init__(**options)

    def convert(self, value: Any) -> str:
        return encode(value)

    def db_value(self, value: Any) -> Any:
        return checked(self, self.container() if value is None else value, self.convert)

    def python_value(self, value: Any) -> Any:
        if type(value) is str:
            try:
                document, end = _scan(value, 0)
                if end == len(value):
                    return document
            except (ValueError, StopIteration):
                pass  # json.loads accepts more: spaces around the document, for instance
        if not isinstance(value, (str, bytes)):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            return value

    def __getitem__(self, key: str | int) -> DocumentPart:
        return DocumentPart(self, (key,))

    def __eq__(self, other: object) -> Any:
        _refuse_document(other)
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        _refuse_document(other)
        return super().__ne__(other)

    def contains(self, rhs: Any) -> Any:
        _refuse_document(rhs)
        return super().contains(rhs)

    __hash__ = TypedField.__hash__


def _refuse_document(other: object) -> None:
    # To MySQL a JSON column never equals text, whatever the text; the other engines compare the spelling.
    if isinstance(other, (dict, list, tuple)):
        raise InvalidValue(
            'A JSON column cannot be compared with a document; compare one value in it, as in context["step"] == 1.'
        )


class DocumentPart(peewee.ColumnBase):
    """A part of a document in a query: ``Conversation.context["cart"]["id"] == 7``.

    ``==``, ``!=`` and ``in_`` compare with text, a number, True, False or None as Python does, whoever has written the
    document and however its values are escaped; None is also what a missing part is, and what ``is_null`` asks for.
    Elsewhere, and compared with an SQL expression, it is its value as text on servers, and an SQL value on SQLite.
    Raises InvalidValue for a key that engines look up in different ways.
    """

    def __init__(self, field: Any, keys: tuple[str | int, ...]) -> None:
        if not _can_be_looked_up(keys[-1]):
            raise InvalidValue(
                f"{shorten(keys[-1])} cannot be used in a query on a document: expected an index from 0, or a key "
                "without a quote or a backslash."
            )
        self._field = field
        self._keys = keys

    def __getitem__(self, key: str | int) -> DocumentPart:
        return DocumentPart(self._field, (*self._keys, key))

    def __sql__(self, ctx: Any) -> Any:
        part = self._call("JSON_EXTRACT")
        return ctx.sql(part if self._on_sqlite else peewee.fn.JSON_UNQUOTE(part))

    @property
    def _on_sqlite(self) -> bool:
        # Without a database this says what to do.
        return bool(self._field.model._meta.database.param == "?")

    def _call(self, name: str) -> Any:
        steps = (f"[{key}]" if isinstance(key, int) else f".{_ENCODER.encode(key)}" for key in self._keys)
        return getattr(peewee.fn, name)(self._field, peewee.Value(f"${''.join(steps)}", converter=False), coerce=False)

    def _is(self, *types: str) -> Any:
        kind = self._call("JSON_TYPE") if self._on_sqlite else peewee.fn.JSON_TYPE(self._call("JSON_EXTRACT"))
        return kind.in_(types)

    def __eq__(self, other: object) -> Any:
        _refuse_document(other)
        same = super().__eq__
        if other is None:
            return self._is("null", "NULL") | same(None)
        if isinstance(other, bool):
            word = str(other).lower()
            return self._is(word) if self._on_sqlite else self._is("BOOLEAN") & same(word)
        if isinstance(other, int | float | Decimal):
            return self._equals(other)
        if not isinstance(other, str):
            return same(other)
        if "\0" in plain_text(other):
            raise InvalidValue(f"{shorten(other)} contains a NUL character, which SQLite cannot compare here.")
        # Servers pad the shorter text with blanks.
        length = peewee.fn.CHAR_LENGTH(self) == len(other)
        return self._is("text", "STRING") & (same(other) if self._on_sqlite else same(other) & length)

    def _equals(self, number: int | float | Decimal) -> Any:
        same = super().__eq__
        is_number = self._is("integer", "real", "INTEGER", "UNSIGNED INTEGER", "DOUBLE", "DECIMAL")
        if not isinstance(number, int):
            return is_number & same(float(number)) if math.isfinite(number) else _NOTHING
        if not self._on_sqlite:
            # A server compares text with a number as doubles, which have 53 bits; as text a whole number is exact.
            whole = self._is("INTEGER", "UNSIGNED INTEGER") & same(str(number))
            is_real = abs(number) < 2**1023 and float(number) == number
            return whole | (self._is("DOUBLE", "DECIMAL") & same(float(number))) if is_real else whole
        if _SQLITE_INTEGERS[0] <= number <= _SQLITE_INTEGERS[1]:
            return is_number & same(number)
        part = self._call("JSON_EXTRACT")  # of two paths SQLite returns the digits as they are
        return peewee.fn.JSON_EXTRACT(*part.arguments, part.arguments[-1], coerce=False) == f"[{number},{number}]"

    def __ne__(self, other: object) -> Any:
        return ~(self == other)

    __hash__ = peewee.ColumnBase.__hash__

    def in_(self, values: Any) -> Any:
        if isinstance(values, peewee.Node):  # a subquery
            return super().in_(values)
        return reduce(operator.or_, [self == value for value in values] or [_NOTHING])

    def not_in(self, values: Any) -> Any:
        return ~self.in_(values)

    def is_null(self, is_null: bool = True) -> Any:
        return self == None if is_null else self != None  # noqa: E711

    def __rshift__(self, other: Any) -> Any:
        return self == other

    __lshift__ = in_


def _can_be_looked_up(key: object) -> bool:
    if isinstance(key, str):
        return not {'"', "\\"} & set(key)
    return isinstance(key, int) and not isinstance(key, bool) and key >= 0


def check_document(node: object, depth: int = 1) -> None:
    """Raise ConversionError for what an engine would refuse or change."""
    if isinstance(node, str):
        plain_text(node)
    elif isinstance(node, (dict, list, tuple)):
        if depth > MAX_DEPTH:
            raise ConversionError(f"nested deeper than {MAX_DEPTH} levels")
        for step, item in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(node, dict):
                _check_key(step)
            try:
                check_document(item, depth + 1)
            except ConversionError as error:
                error.path.insert(0, f"[{step}]" if isinstance(step, int) else f".{shorten(step)[1:-1]}")
                raise
    elif isinstance(node, float):
        if not math.isfinite(node):
            raise ConversionError(f"{node} is not a JSON number")
    elif isinstance(node, int):
        if not _INTEGERS[0] <= node <= _INTEGERS[1]:
            raise ConversionError(f"{shorten(node)} is out of range: expected {_INTEGERS[0]} to {_INTEGERS[1]}")
    elif node is not None:
        raise ConversionError(f"{shorten(node)} is {type(node).__name__}, which JSON does not have")


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise ConversionError(f"the key {shorten(key)} is {type(key).__name__}, not text")
    if len(plain_text(key).encode()) > MAX_KEY_BYTES:
        raise ConversionError(f"the key {shorten(key)} is longer than {MAX_KEY_BYTES} bytes of UTF-8")
