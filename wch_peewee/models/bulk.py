"""Fast paths for many rows: SELECTs and INSERTs are converted column by column, with the results of peewee."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import peewee

from ..errors import InvalidValue
from .fields.base import TypedField

_CHUNK_ROWS = 200

Rows = Sequence[Sequence[Any]]
Convert = Callable[[Any], Any]


def row_converter(converters: Sequence[Convert | None]) -> Callable[[Rows], Iterable[tuple[Any, ...]]]:
    """Return a function that converts a cursor's rows to Python's values."""
    needed = [(place, convert) for place, given in enumerate(converters) if (convert := _fastest(given)) is not None]

    def convert_rows(rows: Rows) -> Iterable[tuple[Any, ...]]:
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, convert in needed:
            columns[place] = map(convert, columns[place])
        return zip(*columns, strict=True)

    return convert_rows


def instance_factory(model: Any, names: Sequence[str], converters: Sequence[Convert | None], site: Any) -> Any:
    """Return a function that makes instances of ``model`` from a cursor's rows; ``names`` are fields of the model."""
    convert_rows, new = row_converter(converters), model.__new__

    def process_rows(rows: Rows) -> list[Any]:
        instances = []
        for values in convert_rows(rows):
            instance = new(model)
            # Without peewee's setters, and _dirty is made at first use: to make many objects at once takes less time
            # than Python's garbage collector then spends on them, so none is made that is not needed.
            instance.__dict__ = {
                "_site": site,
                "__data__": dict(zip(names, values, strict=True)),
                "__rel__": {},
            }
            instances.append(instance)
        return instances

    return process_rows


def _fastest(convert: Convert | None) -> Convert | None:
    """Return a converter's fastest equivalent, or None if it returns its argument."""
    field, function = getattr(convert, "__self__", None), getattr(convert, "__func__", None)
    if isinstance(field, peewee.ForeignKeyField) and function is peewee.ForeignKeyField.python_value:
        # It only checks for model instances, and a cursor's row has none.
        return None if _fastest(field.rel_field.python_value) is None else convert
    if isinstance(field, TypedField) and function is type(field).python_value:
        return field.reader()
    if isinstance(field, peewee.Field) and function is peewee.Field.python_value:
        return None if getattr(field.adapt, "__func__", None) is peewee.Field.adapt else convert
    return convert


class ChunkedCursor:
    """A mixin for peewee's cursor wrappers, which fetches and processes many rows at a time."""

    #: Processes all rows of a chunk; if it is None, peewee processes them one by one.
    process_rows: Callable[[Rows], list[Any]] | None = None
    #: Rows that were fetched but not processed. After an error the next call starts with the row that failed.
    pending: Rows = ()

    def __iter__(self: Any) -> Iterator[Any]:
        return iter(self._cached()) if self.populated else self._cached_and_next()

    def _cached_and_next(self: Any) -> Iterator[Any]:
        at = 0
        while True:
            cached = self._cached()
            while at < len(cached):
                yield cached[at]
                at += 1
            if self.populated:
                return
            cached += self._next_rows()

    def iterator(self: Any) -> Iterator[Any]:
        yield from self._cached()
        while not self.populated:
            yield from self._next_rows()

    def fill_cache(self: Any, n: float | None = 0) -> None:
        wanted = n or float("inf")
        if wanted < 0:
            raise ValueError("Negative values are not supported.")
        cached = self._cached()
        while not self.populated and self.count < wanted:
            cached += self._next_rows()

    def _cached(self: Any) -> list[Any]:
        """Return the list of all rows so far. Raises if ``iterator`` has read some without keeping them."""
        if len(self.row_cache) < self.count:
            raise peewee.ProgrammingError("iterator() has read rows of this query and not kept them; use query.clone()")
        rows: list[Any] = self.row_cache
        return rows

    def _next_rows(self: Any) -> list[Any]:
        is_new = not self.pending
        if is_new:
            self.pending = self.cursor.fetchmany(_CHUNK_ROWS)
        rows = self.pending
        if rows and not self.initialized:
            self.initialize()
            self.initialized = True
        processed: list[Any] = self._process(rows)
        self.pending = rows[len(processed) :]
        self.count += len(processed)
        if is_new and len(rows) < _CHUNK_ROWS and not self.pending:
            self.populated = True
            self.cursor.close()
        return processed

    def _process(self: Any, rows: Rows) -> list[Any]:
        """Process all rows, or those before the first one that fails. Raises if that is the first of them."""
        if rows and self.process_rows:
            with contextlib.suppress(Exception):
                return list(self.process_rows(rows))
        processed: list[Any] = []
        for row in rows:
            try:
                processed.append(self.process_row(row))
            except Exception:
                if not processed:
                    raise
                break
        return processed


@cache
def chunked(wrapper_class: Any) -> Any:
    """Return one of peewee's cursor wrapper classes with that mixin."""
    return type(f"Chunked{wrapper_class.__name__}", (ChunkedCursor, wrapper_class), {})


_MISSING = type("_Missing", (), {})()
# Equal values of these types convert alike, so each is converted once if there are at least so many rows.
_CONVERTED_ONCE = (str, int)
_ROWS_FOR_THAT = 8


def insert_values(
    columns: Sequence[Any], rows: Sequence[Any], defaults: Mapping[Any, Any]
) -> tuple[list[Any], list[Any]] | None:
    """Return the fields to insert into and all parameters, row by row, or None if only peewee's own code can."""
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
            default = _factory(defaults.get(field))
            values = [default() if value is _MISSING else value for value in values]
            types = set(map(type, values))
        if any(issubclass(kind, peewee.Node | type) for kind in types):
            return None
        try:
            converted.append(_convert_all(field.db_value, values, types))
        except InvalidValue:
            return None  # peewee goes row by row, and names the first value that does not fit
    # A key that is not a field: peewee accepts other names of a column.
    return None if unseen else (fields, list(chain.from_iterable(zip(*converted, strict=True))))


def _factory(default: Any) -> Callable[[], Any]:
    factory: Callable[[], Any] = default if callable(default) else lambda: default
    return factory


def _convert_all(convert: Callable[[Any], Any], values: list[Any], types: set[type]) -> list[Any]:
    # Only if all have one type: True and 1 are equal, and convert differently.
    if len(types) == 1 and len(values) >= _ROWS_FOR_THAT and issubclass(next(iter(types)), _CONVERTED_ONCE):
        distinct = set(values)
        if len(distinct) * 2 <= len(values):
            known = {value: convert(value) for value in distinct}
            return [known[value] for value in values]
    return [convert(value) for value in values]


def columns_and_rows(
    rows: list[Mapping[Any, Any]], normalize: Callable[[dict[Any, Any]], dict[Any, Any]]
) -> tuple[list[Any], list[Any]]:
    """Return the fields that the mappings have keys for, and the rows; ``normalize`` turns a row's keys into fields."""
    keys = {tuple(row) for row in rows}
    if len(keys) == 1 and rows[0] and len(fields := list(normalize(dict(rows[0])))) == len(rows[0]):
        return fields, [tuple(row.values()) for row in rows]
    normalized = [normalize(dict(row)) for row in rows]
    return list(dict.fromkeys(field for row in normalized for field in row)), normalized
