"""JSON columns that hold a dict or a list, stored alike by every engine."""

from __future__ import annotations

import json
import math
from typing import Any

import peewee

from ...errors import InvalidValue
from ...schema import objects
from .base import ConversionError, TypedField, checked, plain_text, shorten

# The narrowest limits of all engines, as measured.
MAX_DEPTH = 31  # MariaDB 10.11 and 11.8 refuse the 32nd level, MySQL 9 the 101st, SQLite 3.40 the 2001st
MAX_KEY_BYTES = 65_535  # MySQL's error 3151
_INTEGERS = (-(2**63), 2**64 - 1)  # beyond them MySQL stores a double and loses digits
# Made once: ``json.dumps`` makes an encoder for each document, and ``json.loads`` checks its argument first.
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode(document: object) -> str:
    """Return a document's compact text. Raises ConversionError if an engine would refuse or change a part of it."""
    if not isinstance(document, (dict, list, tuple)):
        raise ConversionError(f"{shorten(document)} is {type(document).__name__}, not a dict or a list")
    _check(document, 1)
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
    document raises InvalidValue.
    """

    field_type = "TEXT"
    accessor_class = DocumentAccessor

    def __init__(self, container: type[dict[str, Any]] | type[list[Any]], **options: Any) -> None:
        self.container = container
        options.setdefault("default", container)
        super().__init__(**options)

    def column_type(self) -> objects.ColumnType:
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
                pass  # json.loads accepts more: spaces around the document, for instance
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
    # To MySQL a JSON column never equals text, whatever the text; the other engines compare the spelling.
    if isinstance(other, (dict, list, tuple)):
        raise InvalidValue(
            "A JSON column cannot be compared with a document; compare one value in it with fn.JSON_EXTRACT."
        )


def _check(node: object, depth: int) -> None:
    if isinstance(node, (dict, list, tuple)) and depth > MAX_DEPTH:
        raise ConversionError(f"nested deeper than {MAX_DEPTH} levels")
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
            raise ConversionError(f"{node} is not a JSON number")
    elif isinstance(node, int):
        if not _INTEGERS[0] <= node <= _INTEGERS[1]:
            raise ConversionError(f"{shorten(node)} is out of range, allowed are {_INTEGERS[0]} to {_INTEGERS[1]}")
    elif node is not None:
        raise ConversionError(f"{shorten(node)} is {type(node).__name__}, which JSON does not have")


def _check_part(item: object, depth: int, step: str | int) -> None:
    try:
        _check(item, depth + 1)
    except ConversionError as error:
        error.path.insert(0, f"[{step}]" if isinstance(step, int) else f".{shorten(step)[1:-1]}")
        raise


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise ConversionError(f"the key {shorten(key)} is {type(key).__name__}, not text")
    if len(plain_text(key).encode()) > MAX_KEY_BYTES:
        raise ConversionError(f"the key {shorten(key)} is longer than {MAX_KEY_BYTES} bytes of UTF-8")
