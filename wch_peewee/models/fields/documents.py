"""JSON columns that hold a dict or a list, written the same for every engine.

The limits are the narrowest among the engines, measured: MariaDB's nesting, MySQL's integers and key length. A None
is written as the empty container, so a model never writes NULL; ``field == None`` still means IS NULL. A change
inside a document is noticed (see ``BaseModel.dirty_fields``). Documents cannot be compared with ``==``.

    context = JsonField(dict, null=True)
"""

from __future__ import annotations

import json
import math
from typing import Any

import peewee

from ...errors import InvalidValue
from ...schema import objects
from ...schema.objects import ColumnType
from .base import Misfit, TypedField, checked, plain_text, shorten

MAX_DEPTH = 31  # MariaDB 10.11 and 11.8 refuse the 32nd level, MySQL 9 the 101st, SQLite 3.40 the 2001st
MAX_KEY_BYTES = 65_535  # MySQL's error 3151
#: ``json.dumps`` makes a new one for each document, and ``loads`` first looks what it was given, and for spaces.
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_INTEGERS = (-(2**63), 2**64 - 1)  # beyond them MySQL keeps a double and loses digits


def encode(document: object) -> str:
    """Return a document's compact text, or say which part of it some engine would refuse or change."""
    if not isinstance(document, (dict, list, tuple)):
        raise Misfit(f"{shorten(document)} is {type(document).__name__}, not a dict or a list")
    _check(document, 1)
    return _ENCODER.encode(document)


def snapshot(document: object) -> str | None:
    """Return text that differs whenever the document does; None for one that cannot be written anyway."""
    try:
        return json.dumps(document, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return None


class DocumentAccessor(peewee.FieldAccessor):
    """Remembers what a document looked like when it was handed out, since changes inside it are not assignments."""

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        if instance is None:
            return self.field
        value = instance.__data__.get(self.name)
        if isinstance(value, (dict, list)):
            seen = instance.__dict__.setdefault("_seen", {})
            if self.name not in seen:
                seen[self.name] = snapshot(value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value)
        instance.__dict__.get("_seen", {}).pop(self.name, None)


class JsonField(TypedField[Any]):
    """``json`` with an empty dict or an empty list as the default."""

    field_type = "TEXT"
    accessor_class = DocumentAccessor

    def __init__(self, container: type[dict[str, Any]] | type[list[Any]], **options: Any) -> None:
        self.container = container
        options.setdefault("default", container)
        super().__init__(**options)

    def column_type(self) -> ColumnType:
        return objects.json()

    def convert(self, value: Any) -> str:
        return encode(value)

    def db_value(self, value: Any) -> Any:
        return checked(self, self.container() if value is None else value, self.convert)

    def python_value(self, value: Any) -> Any:
        if type(value) is str:
            try:
                document, end = _DECODER.raw_decode(value)
                if end == len(value):
                    return document
            except ValueError:
                pass  # it begins with a space, for one
        if not isinstance(value, (str, bytes)):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            return value

    def __eq__(self, other: object) -> Any:
        _refuse_document(other)
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        _refuse_document(other)
        return super().__ne__(other)

    __hash__ = TypedField.__hash__


def _refuse_document(other: object) -> None:
    # MySQL compares a JSON column with text as unequal, whatever the text; the others compare spelling.
    if isinstance(other, (dict, list, tuple)):
        raise InvalidValue(
            "A JSON column cannot be compared with a document; compare one value in it with fn.JSON_EXTRACT."
        )


def _check(node: object, depth: int) -> None:
    if isinstance(node, (dict, list, tuple)) and depth > MAX_DEPTH:
        raise Misfit(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(node, dict):
        for key, item in node.items():
            _check_key(key)
            _check_part(item, depth, key)
    elif isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            _check_part(item, depth, index)
    elif isinstance(node, str):
        plain_text(node)
    elif isinstance(node, float):
        if not math.isfinite(node):
            raise Misfit(f"{node} is not a JSON number")
    elif isinstance(node, int):
        if not _INTEGERS[0] <= node <= _INTEGERS[1]:
            raise Misfit(f"{shorten(node)} is out of range, allowed are {_INTEGERS[0]} to {_INTEGERS[1]}")
    elif node is not None:
        raise Misfit(f"{shorten(node)} is {type(node).__name__}, which JSON does not have")


def _check_part(item: object, depth: int, step: str | int) -> None:
    try:
        _check(item, depth + 1)
    except Misfit as misfit:
        misfit.path.insert(0, f"[{step}]" if isinstance(step, int) else f".{shorten(step)[1:-1]}")
        raise


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise Misfit(f"the key {shorten(key)} is {type(key).__name__}, not text")
    if len(plain_text(key).encode()) > MAX_KEY_BYTES:
        raise Misfit(f"the key {shorten(key)} is longer than {MAX_KEY_BYTES} bytes of UTF-8")
