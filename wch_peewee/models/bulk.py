"""Many rows out of one SELECT: values are converted column by column, and instances made without peewee's setters.

What comes of it is what peewee would make; a model or a field of somebody's own making is left to peewee. Python
collects garbage while so many objects are made, which takes longer than making them: what is not needed is not made.

    wrapper.process_rows = instances(Message, names, converters, site)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import peewee

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
