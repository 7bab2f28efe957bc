"""Statements of the daily jobs: peewee renders the text of each once, and a call brings its values only.

peewee takes 0.1 to 0.2 ms to build and render a statement, as long as a server takes to execute one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import peewee

from .bulk import UPDATED_AT
from .fields import utc_now
from .strict import strict

#: A statement with more values than this is rendered each time: there are too many of its kind.
_MOST_VALUES = 100

#: The place of the time of the call, behind the values.
_NOW = -1

#: What has a text of its own in a statement: expressions, models and rows.
_RENDERED = peewee.Node, type

#: Where the models are whose statements are kept.
_TABLES = f"{__package__}.tables"


class _Argument:
    """In a query that is rendered: the value at a place among those that a call brings."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place = place


class _Recorder:
    """A mixin for a database's context that notes which values a call brings, and what converts each for the driver.

    A moment is the time of the call: peewee takes it for ``created_at`` and ``updated_at`` when it builds a query.
    """

    _values: list[Any]
    literal: Callable[[str], Any]
    state: Any

    def value(self, value: Any, converter: Any = None, add_param: bool = True) -> Any:
        if isinstance(value, datetime):
            value = _Argument(_NOW)
        if not isinstance(value, _Argument):
            return super().value(value, converter, add_param)  # type: ignore[misc]
        convert = self.state.converter if converter is None else converter
        self._values.append((value.place, convert or _as_it_is))
        return self.literal(self.state.param or "?")


def _as_it_is(value: Any) -> Any:
    return value


class _Text:
    """The text of a statement, where its parameters come from, and what reads its rows."""

    def __init__(self, database: Any, query: Any) -> None:
        recorder: Any = type("Recorder", (_Recorder, database.context_class), {})
        self.query = query
        self.is_select = isinstance(query, peewee.ModelSelect)
        self.written = vars(query).get("_update") or vars(query).get("_insert")
        self.sql, parameters = recorder(**database.get_context_options()).sql(query).query()
        self.parameters = [one if isinstance(one, tuple) else (None, one) for one in parameters]
        self.has_now = any(place == _NOW for place, _ in self.parameters)
        #: What makes the rows of such a SELECT from those of the driver, once it has had some.
        self.process: Callable[[Any], Any] | None = None

    def execute(self, database: Any, values: list[Any]) -> Any:
        if self.has_now:
            values.append(utc_now())
        parameters = [one if place is None else one(values[place]) for place, one in self.parameters]
        if self.is_select:
            return self._rows(database.execute_sql(self.sql, parameters))
        with strict(database, self.written):
            return self.query.handle_result(database, database.execute_sql(self.sql, parameters))

    def _rows(self, cursor: Any) -> list[Any]:
        process = self.process  # once, because other threads set it
        rows = () if process is None else cursor.fetchall()
        if process is not None:
            with suppress(Exception):
                return list(process(rows)) if rows else []
        wrapper = self.query._get_cursor_wrapper(cursor)
        wrapper.pending = rows  # one of them cannot be read: the wrapper says which
        wrapper.fill_cache()
        self.process = getattr(wrapper, "process_rows", None)
        return list(wrapper.row_cache)


def prepared(build: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that builds a query into one that executes it: a list of rows, or what ``execute()`` returns.

    ``build`` gets a model, values, lists of values or dicts of them by column, and named options that are part of the
    text. It must not look at the values: it is called once for each model and kind of arguments. The query is about
    that model alone. An expression, None to compare with, many values, and a model of an application's own are
    rendered each time.
    """

    @functools.wraps(build)
    def execute(model: Any, *arguments: Any, **options: Any) -> Any:
        meta = model._meta
        database = meta.database
        # A subclass may execute its queries otherwise, and a proxy leads elsewhere.
        is_usual = getattr(type(database), "execute", None) is peewee.Database.execute and _is_ours(model)
        key, values = [build, type(database), meta.table_name, meta.schema, *options.values()], list[Any]()
        for argument in arguments:
            if type(argument) is dict:
                names = tuple(sorted(argument))  # there are many orders
                key.append(names)
                values += map(argument.__getitem__, names)
            elif type(argument) is list:
                key.append(len(argument))
                values += argument
            else:
                is_usual &= argument is not None  # IS NULL
                values.append(argument)
        if not is_usual or len(values) > _MOST_VALUES or any(isinstance(value, _RENDERED) for value in values):
            query = build(model, *arguments, **options)
            return list(query) if isinstance(query, peewee.ModelSelect) else query.execute()
        text = meta.texts.get(kind := tuple(key))
        if text is None:
            places = iter(map(_Argument, range(len(values))))
            text = meta.texts[kind] = _Text(
                database, build(model, *(_placed(argument, places) for argument in arguments), **options)
            )
        return text.execute(database, values)

    return execute


def _placed(argument: Any, places: Any) -> Any:
    """Return an argument with places instead of its values."""
    if type(argument) is dict:
        return dict(zip(sorted(argument), places, strict=False))
    if type(argument) is list:
        return [next(places) for _ in argument]
    return next(places)


def _is_ours(model: Any) -> bool:
    """Return False for an application's model: it may have columns whose defaults change, and code of its own."""
    return bool(model._meta.declared.__module__ == _TABLES)


@prepared
def _updated(model: Any, number: int, changes: dict[str, Any]) -> Any:
    return model.update(changes).where(model.id == number)


def save(row: Any) -> None:
    """Write what has changed of a row, as ``row.save()`` does."""
    if not _is_ours(type(row)):
        row.save()
        return
    changed = [field.name for field in row.dirty_fields]
    if changed and UPDATED_AT not in changed:
        row.updated_at = utc_now()
        changed.append(UPDATED_AT)
    if changed:
        _updated(type(row), row.id, {name: row.__data__[name] for name in changed})
        row._dirty.clear()
        row._take_snapshots()


@prepared
def _inserted(model: Any, row: dict[str, Any]) -> Any:
    return model.insert(row)


def create(model: Any, values: dict[str, Any]) -> Any:
    """Insert a row and return it, as ``model.create`` does."""
    if not _is_ours(model):
        return model.create(**values)
    row = model(**values)
    row._pk = _inserted(model, dict(row.__data__))
    row._dirty.clear()
    row._take_snapshots()
    return row
