"""Many rows into one INSERT: what peewee does value by value and node by node, done column by column.

The values, and the statement, are those that peewee would make; whatever is not plain rows of plain values (an
expression among them) is left to peewee.

    plain_rows(columns, rows, defaults)    # the parameters, row by row
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import peewee

from ..errors import InvalidValue

_MISSING = type("_Missing", (), {})()
#: Equal ones of these are the same value, so that each is converted once.
_ALIKE = (str, int)
#: From so many rows on it is worth looking for equal values.
_MANY = 8


def plain_rows(
    columns: Sequence[Any], rows: Sequence[Any], defaults: Mapping[Any, Any]
) -> tuple[list[Any], list[Any]] | None:
    """Return the columns to insert into and the parameters, row by row; None where peewee has to do it."""
    if not all(isinstance(column, peewee.Field) for column in columns):
        return None
    mappings = {type(row) for row in rows} == {dict}
    if not mappings and not {type(row) for row in rows} <= {list, tuple}:
        return None
    given = set(columns)
    fields = [*columns, *sorted((field for field in defaults if field not in given), key=lambda field: field._sort_key)]
    unseen = sum(map(len, rows)) if mappings else 0
    converted = []
    for place, field in enumerate(fields):
        if mappings:
            values = [row.get(field, _MISSING) for row in rows]
            unseen -= sum(value is not _MISSING for value in values)
        elif place < len(columns) and min(map(len, rows)) > place:
            values = [row[place] for row in rows]
        else:
            values = [_MISSING] * len(rows)
        types = set(map(type, values))
        if type(_MISSING) in types:
            if field not in defaults and not field.null:
                return None
            make = _maker(defaults.get(field))
            values = [make() if value is _MISSING else value for value in values]
            types = set(map(type, values))
        if any(issubclass(kind, peewee.Node | type) for kind in types):
            return None
        try:
            converted.append(_converted(field.db_value, values, types))
        except InvalidValue:
            return None  # peewee goes row by row, and names the first value that does not fit
    # A key that is no field of the statement: peewee knows other names of a column.
    return None if unseen else (fields, list(chain.from_iterable(zip(*converted, strict=True))))


def _maker(default: Any) -> Callable[[], Any]:
    made: Callable[[], Any] = default if callable(default) else lambda: default
    return made


def _converted(convert: Callable[[Any], Any], values: list[Any], types: set[type]) -> list[Any]:
    # True and 1 are equal, and one of them is no number: only values of one type are told apart by themselves.
    if len(types) == 1 and len(values) >= _MANY and issubclass(next(iter(types)), _ALIKE):
        distinct = set(values)
        if len(distinct) * 2 <= len(values):
            known = {value: convert(value) for value in distinct}
            return [known[value] for value in values]
    return [convert(value) for value in values]


def columns_and_rows(
    rows: list[Mapping[Any, Any]], normalize: Callable[[dict[Any, Any]], dict[Any, Any]]
) -> tuple[list[Any], list[Any]]:
    """Return the fields that mappings have keys for, and the rows; ``normalize`` turns a row's keys into fields."""
    keys = {tuple(row) for row in rows}
    if len(keys) == 1 and rows[0] and len(fields := list(normalize(dict(rows[0])))) == len(rows[0]):
        return fields, [tuple(row.values()) for row in rows]
    normalized = [normalize(dict(row)) for row in rows]
    return list(dict.fromkeys(field for row in normalized for field in row)), normalized
