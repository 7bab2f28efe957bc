"""Many rows out of one SELECT: values are converted column by column, and instances made without peewee's setters.

What comes of it is what peewee would make; a model or a field of somebody's own making is left to peewee. Python
collects garbage while so many objects are made, which takes longer than making them: what is not needed is not made.

    wrapper.process_rows = instances(Message, names, converters, site)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import peewee

from ..errors import InvalidValue
from .fields.base import TypedField

#: Rows fetched at once.
_CHUNK = 200

Rows = Sequence[Sequence[Any]]
Convert = Callable[[Any], Any]


def converting(converters: Sequence[Convert | None]) -> Callable[[Rows], Iterable[tuple[Any, ...]]]:
    """Return what makes Python's values of a cursor's rows."""
    needed = [(place, convert) for place, given in enumerate(converters) if (convert := _needed(given)) is not None]

    def converted(rows: Rows) -> Iterable[tuple[Any, ...]]:
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, convert in needed:
            columns[place] = map(convert, columns[place])
        return zip(*columns, strict=True)

    return converted


def instances(model: Any, names: Sequence[str], converters: Sequence[Convert | None], site: Any) -> Any:
    """Return what makes instances of ``model`` of a cursor's rows; ``names`` are all fields of its own."""
    converted, make = converting(converters), model.__new__

    def process_rows(rows: Rows) -> list[Any]:
        made = []
        for values in converted(rows):
            instance = make(model)
            # Without _dirty, which it makes for itself once it is asked for.
            instance.__dict__ = {
                "_site": site,
                "__data__": dict(zip(names, values, strict=True)),
                "__rel__": {},
            }
            made.append(instance)
        return made

    return process_rows


def _needed(convert: Convert | None) -> Convert | None:
    """Return the converter, or a quicker one that does the same, or None for one that gives back what it is given."""
    field, function = getattr(convert, "__self__", None), getattr(convert, "__func__", None)
    if isinstance(field, peewee.ForeignKeyField) and function is peewee.ForeignKeyField.python_value:
        # A cursor's row has no instances in it, which is all that it looks for.
        return None if _needed(field.rel_field.python_value) is None else convert
    if isinstance(field, TypedField) and function is type(field).python_value:
        return field.reader()
    if isinstance(field, peewee.Field) and function is peewee.Field.python_value:
        return None if getattr(field.adapt, "__func__", None) is peewee.Field.adapt else convert
    return convert


class InChunks:
    """A mixin for peewee's cursor wrappers: rows are fetched and made many at a time, however many are asked for."""

    #: Makes all rows of a chunk; where it is None peewee makes them one by one.
    process_rows: Callable[[Rows], list[Any]] | None = None
    #: Rows that have been fetched and not made: whoever goes on after an error gets to it again, and past no row.
    unmade: Rows = ()

    def __iter__(self: Any) -> Iterator[Any]:
        return iter(self._kept()) if self.populated else self._as_asked_for()

    def _as_asked_for(self: Any) -> Iterator[Any]:
        at = 0
        while True:
            made = self._kept()
            while at < len(made):
                yield made[at]
                at += 1
            if self.populated:
                return
            made += self._next_rows()

    def iterator(self: Any) -> Iterator[Any]:
        yield from self._kept()
        while not self.populated:
            yield from self._next_rows()

    def fill_cache(self: Any, n: float | None = 0) -> None:
        wanted = n or float("inf")
        if wanted < 0:
            raise ValueError("Negative values are not supported.")
        made = self._kept()
        while not self.populated and self.count < wanted:
            made += self._next_rows()

    def _kept(self: Any) -> list[Any]:
        """Return the list of the rows so far; not without those that ``iterator`` has handed out and not kept."""
        if len(self.row_cache) < self.count:
            raise peewee.ProgrammingError("iterator() has read rows of this query and not kept them; use query.clone()")
        made: list[Any] = self.row_cache
        return made

    def _next_rows(self: Any) -> list[Any]:
        is_new = not self.unmade
        if is_new:
            self.unmade = self.cursor.fetchmany(_CHUNK)
        rows = self.unmade
        if rows and not self.initialized:
            self.initialize()
            self.initialized = True
        made: list[Any] = self._made(rows)
        self.unmade = rows[len(made) :]
        self.count += len(made)
        if is_new and len(rows) < _CHUNK and not self.unmade:
            self.populated = True
            self.cursor.close()
        return made

    def _made(self: Any, rows: Rows) -> list[Any]:
        """Make them all, or those ahead of the first one that cannot be made; where that is the first, it raises."""
        if rows and self.process_rows:
            with contextlib.suppress(Exception):
                return list(self.process_rows(rows))
        made: list[Any] = []
        for row in rows:
            try:
                made.append(self.process_row(row))
            except Exception:
                if not made:
                    raise
                break
        return made


@cache
def in_chunks(kind: Any) -> Any:
    """Return one of peewee's cursor wrappers with that mixin."""
    return type(f"{kind.__name__}InChunks", (InChunks, kind), {})


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
