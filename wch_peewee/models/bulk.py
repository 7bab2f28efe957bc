"""Fast paths for many rows: SELECTs and INSERTs are converted column by column, with the results of peewee."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat, zip_longest
from typing import Any

import peewee

from ..errors import InvalidValue
from .fields import utc_now
from .fields.base import TypedField
from .strict import strict

UPDATED_AT = "updated_at"
_CHUNK_ROWS = 200

Rows = Sequence[Sequence[Any]]
Convert = Callable[[Any], Any]


def column_reader(converters: Sequence[Convert | None]) -> Callable[[Rows], list[Iterable[Any]]]:
    """Return a function that makes columns of Python's values from a cursor's rows."""
    needed = [(place, convert) for place, given in enumerate(converters) if (convert := _fastest(given)) is not None]

    def read_columns(rows: Rows) -> list[Iterable[Any]]:
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, convert in needed:
            columns[place] = map(convert, columns[place])
        return columns

    return read_columns


def instance_factory(model: Any, names: Sequence[str], converters: Sequence[Convert | None]) -> Any:
    """Return a function that makes instances of ``model`` from a cursor's rows; ``names`` are fields of the model."""
    read_columns, new, no_data = column_reader(converters), model.__new__, dict.fromkeys(names)

    def process_rows(rows: Rows) -> list[Any]:
        # To copy a dict and replace its values takes less time than to make it of names and values.
        data_of_all = [no_data.copy() for _ in rows]
        for name, column in zip(names, read_columns(rows), strict=True):
            for data, value in zip(data_of_all, column, strict=True):
                data[name] = value
        instances = []
        for data in data_of_all:
            instance = new(model)
            # Without peewee's setters, and __rel__ and _dirty are made at first use: objects cost the collector's time.
            instance.__data__ = data
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


class ChunkedRows(peewee.CursorWrapper):
    """In place of one of peewee's cursor wrappers: fetches and processes many rows at a time, with its results."""

    def __init__(self, wrapper: Any) -> None:
        super().__init__(wrapper.cursor)
        self._wrapper = wrapper
        #: Processes all rows of a chunk; if it is None, the wrapper processes them one by one.
        self.process_rows: Callable[[Rows], list[Any]] | None = None
        #: Rows that were fetched but not processed. After an error the next call starts with the row that failed.
        self.pending: Rows = ()

    def initialize(self) -> None:
        self._wrapper.initialize()
        self.process_rows = _bulk_processor(self._wrapper)

    def process_row(self, row: Any) -> Any:
        return self._wrapper.process_row(row)

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

    def iterator(self: Any) -> Generator[Any, None, None]:
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
            raise peewee.ProgrammingError("iterator() has already read this query; use query.clone()")
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


def _bulk_processor(wrapper: Any) -> Any:
    """Return a fast function that processes many rows, or None if only peewee's own code can."""
    if isinstance(wrapper, peewee.ModelTupleCursorWrapper):
        read_columns, constructor = column_reader(wrapper.converters), wrapper.constructor
        return lambda rows: list(map(constructor, zip(*read_columns(rows), strict=True)))
    if not isinstance(wrapper, peewee.ModelObjectCursorWrapper):
        return None
    model, names = wrapper.constructor, wrapper.unique_columns
    # An alias of a model has all attributes of a model, but is not a class.
    is_plain = issubclass(type(model), type) and getattr(model, "_is_plain", bool)()
    if is_plain and model._meta.fields.keys() >= set(names):
        return instance_factory(model, names, wrapper.converters)
    return None


class BulkSelect(peewee.ModelSelect):
    """peewee's SELECT, whose rows are fetched and converted many at a time."""

    _for_update: Any

    def __sql__(self, ctx: Any) -> Any:
        if self._for_update is not None and ctx.state.for_update is False:
            # SQLite has no locks on rows: whoever writes first holds the file.
            return self.for_update(False).__sql__(ctx)
        return super().__sql__(ctx)  # type: ignore[no-untyped-call]

    def _get_cursor_wrapper(self, cursor: Any) -> Any:
        wrapper = super()._get_cursor_wrapper(cursor)  # type: ignore[misc]
        return ChunkedRows(wrapper) if hasattr(cursor, "fetchmany") else wrapper


class BulkInsert(peewee.ModelInsert):
    """peewee's INSERT, whose values are converted column by column. Its conflict clauses mean the same everywhere.

    ``on_conflict_ignore()`` leaves out rows whose key is there, and nothing else. ``on_conflict(conflict_target=[...],
    preserve=[...], update={...})`` updates these; MySQL and MariaDB take any unique key for the target.
    """

    _insert: Any
    _on_conflict: Any

    def _execute(self: Any, database: Any) -> Any:
        with strict(database, None if self._on_conflict else self._insert):
            return super()._execute(database)  # type: ignore[misc]

    def on_conflict(self, *arguments: Any, **options: Any) -> Any:
        query = super().on_conflict(*arguments, **options)
        conflict, touched = query._on_conflict, self.model._meta.fields.get(UPDATED_AT)
        for name in (conflict and conflict._conflict_target) or ():
            if isinstance(name, str) and name not in self.model._meta.combined:
                known = ", ".join(self.model._meta.sorted_field_names)
                raise InvalidValue(
                    f"conflict_target: {self.model.__name__} has no field {name}; its fields are {known}."
                )
        if touched is not None and conflict is not None and (conflict._update or conflict._preserve):
            changes = dict(conflict._update or {})
            if touched.name not in {getattr(key, "name", key) for key in (*changes, *(conflict._preserve or ()))}:
                conflict._update = {**changes, touched: utc_now()}
        return query

    def __sql__(self, ctx: Any) -> Any:
        query = self
        database = getattr(ctx.state.conflict_update, "__self__", None)
        if self._on_conflict is not None and database is not None:
            query = self.clone()
            query._on_conflict = self._conflict_on(isinstance(database, peewee.MySQLDatabase))
        return super(BulkInsert, query).__sql__(ctx)  # type: ignore[no-untyped-call]

    def _conflict_on(self, mysql: bool) -> Any:
        conflict = self._on_conflict.clone()
        if str(conflict._action).upper() == "IGNORE":
            # INSERT IGNORE would also leave out rows without a parent, and cut values.
            key = self.model._meta.sorted_fields[0]
            return peewee.OnConflict(update={key: key}) if mysql else peewee.OnConflict("nothing")
        if mysql:
            conflict._conflict_target = None
        return conflict

    def _generate_insert(self: Any, insert: Any, ctx: Any) -> Any:
        rows = insert if isinstance(insert, (list, tuple)) else list(insert)
        prepared = None
        if self._columns and rows and not ctx.state.value_literals:
            prepared = insert_values(self._columns, rows, self.model._meta.defaults)
        if prepared is None:
            return super()._generate_insert(rows, ctx)  # type: ignore[misc]
        fields, values = prepared
        row = f"({', '.join([ctx.state.param or '?'] * len(fields))})"
        ctx.sql(peewee.EnclosedNodeList(fields)).literal(f" VALUES {', '.join([row] * len(rows))}")
        ctx._values.extend(values)
        return ctx


_MISSING = type("_Missing", (), {})()


def insert_values(
    columns: Sequence[Any], rows: Sequence[Any], defaults: Mapping[Any, Any]
) -> tuple[list[Any], list[Any]] | None:
    """Return the fields to insert into and all parameters, row by row, or None if only peewee's own code can."""
    if not all(isinstance(column, peewee.Field) for column in columns):
        return None
    given, kinds = set(columns), set(map(type, rows))
    fields = [*columns, *sorted((field for field in defaults if field not in given), key=lambda field: field._sort_key)]
    if kinds == {dict}:
        if not all(given.issuperset(row) for row in rows):
            return None  # a key that is not a field: peewee accepts other names of a column
        rows = [[row.get(field, _MISSING) for field in columns] for row in rows]
    elif not kinds <= {list, tuple} or max(map(len, rows)) > len(columns):
        return None  # peewee takes what is beyond for the fields that have defaults
    converted = []
    given_values = chain(zip_longest(*rows, fillvalue=_MISSING), repeat([_MISSING] * len(rows)))
    for field, values in zip(fields, given_values, strict=False):
        if type(_MISSING) in map(type, values):
            if field not in defaults and not field.null:
                return None
            default = defaults.get(field)
            if default is utc_now:
                default = utc_now()  # one statement, one moment
            values = [(default() if callable(default) else default) if value is _MISSING else value for value in values]
        if _has_expression(values):
            return None
        try:
            converted.append(_convert_all(field.db_value, values))
        except InvalidValue:
            return None  # peewee goes row by row, and names the first value that does not fit
        # A field's ``db_value`` may be an expression, too.
        if _has_expression(converted[-1]):
            return None
    return fields, list(chain.from_iterable(zip(*converted, strict=True)))


def _has_expression(values: Iterable[Any]) -> bool:
    return any(issubclass(kind, peewee.Node | type) for kind in set(map(type, values)))


def _convert_all(convert: Convert, values: Sequence[Any]) -> list[Any]:
    distinct = {id(value): value for value in values}
    if len(distinct) * 2 > len(values):
        return [convert(value) for value in values]
    # The same object converts alike. Equal ones need not: True and 1.
    converted = {number: convert(value) for number, value in distinct.items()}
    return [converted[id(value)] for value in values]


def columns_and_rows(
    rows: list[Mapping[Any, Any]], normalize: Callable[[dict[Any, Any]], dict[Any, Any]]
) -> tuple[list[Any], list[Any]]:
    """Return the fields that the mappings have keys for, and the rows; ``normalize`` turns a row's keys into fields."""
    keys = {tuple(row) for row in rows}
    if len(keys) == 1 and rows[0] and len(fields := list(normalize(dict(rows[0])))) == len(rows[0]):
        return fields, [tuple(row.values()) for row in rows]
    normalized = [normalize(dict(row)) for row in rows]
    return list(dict.fromkeys(field for row in normalized for field in row)), normalized
