"""peewee's queries, tied to the site at which they were built."""

from __future__ import annotations

from typing import Any

import peewee

from .bulk import chunked, insert_values, instance_factory, row_converter
from .site import at_site, current_site, no_database


def _needing_database(name: str) -> Any:
    def method(self: Any, database: peewee.Database | None = None, *arguments: Any, **options: Any) -> Any:
        if database is None and not self._database:
            raise no_database(self.model)
        return getattr(super(SiteQuery, self), name)(database, *arguments, **options)

    return method


# The ignored types: peewee's stubs lack some of the methods that are overridden here.
class SiteQuery(peewee.BaseQuery):
    """A mixin for peewee's query classes: renders, runs and reads a query at the site at which it was built.

    peewee takes a query's database when the query is built, and its table names when it runs. If the current site
    changed in between, the query would read or write another site's table.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._site = current_site()
        super().__init__(*args, **options)

    execute = _needing_database("execute")

    def _ensure_execution(self) -> None:
        if self._cursor_wrapper is None:  # type: ignore[attr-defined]
            self.execute()

    def __sql__(self, ctx: Any) -> Any:
        with at_site(self._site):
            return super().__sql__(ctx)

    def _execute(self, database: peewee.Database) -> Any:
        with at_site(self._site):
            return super()._execute(database)  # type: ignore[misc]

    def _get_cursor_wrapper(self, cursor: Any) -> Any:
        wrapper = super()._get_cursor_wrapper(cursor)  # type: ignore[misc]
        wrapper_class: Any = type(wrapper)
        wrapper.__class__ = chunked(wrapper_class)
        initialize = wrapper.initialize

        def initialize_at_site() -> None:
            # The columns are known with the first row.
            with at_site(self._site):
                initialize()
                wrapper.process_rows = self._bulk_processor(wrapper)
                wrapper.process_row = self._at_site(wrapper.process_row)

        wrapper.initialize = initialize_at_site
        return wrapper

    def _at_site(self, process_row: Any) -> Any:
        # Rows may be fetched long after the query was built, and instances remember the site too.
        def process_row_at_site(row: Any) -> Any:
            with at_site(self._site):
                return process_row(row)

        return process_row_at_site

    def _bulk_processor(self, wrapper: Any) -> Any:
        """Return a fast function that processes many rows, or None if only peewee's own code can."""
        if isinstance(wrapper, peewee.ModelTupleCursorWrapper):
            convert, constructor = row_converter(wrapper.converters), wrapper.constructor
            return lambda rows: list(map(constructor, convert(rows)))
        if not isinstance(wrapper, peewee.ModelObjectCursorWrapper):
            return None
        model, names = wrapper.constructor, wrapper.unique_columns
        # An alias of a model has all attributes of a model, but is not a class.
        if (
            not issubclass(type(model), type)
            or not getattr(model, "_is_plain", bool)()
            or any(name not in model._meta.fields for name in names)
        ):
            return None
        return instance_factory(model, names, wrapper.converters, self._site)


def _compound(operator: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        with at_site(self._site):
            return SiteCompound(self.model, self, operator, other)

    return method


class _SiteSelectQuery(SiteQuery):
    peek, first, scalar, scalars, count, exists = map(
        _needing_database, ("peek", "first", "scalar", "scalars", "count", "exists")
    )
    union_all = __add__ = _compound("UNION ALL")
    union = __or__ = _compound("UNION")
    intersect = __and__ = _compound("INTERSECT")
    except_ = __sub__ = _compound("EXCEPT")

    def prefetch(self, *subqueries: Any, **options: Any) -> Any:
        with at_site(self._site):
            return super().prefetch(*subqueries, **options)  # type: ignore[misc]


class SiteSelect(_SiteSelectQuery, peewee.ModelSelect):
    """SELECT."""


class SiteCompound(_SiteSelectQuery, peewee.ModelCompoundSelectQuery):  # type: ignore[misc]
    """UNION, INTERSECT or EXCEPT of two queries, at the site of the first."""


class SiteUpdate(SiteQuery, peewee.ModelUpdate):
    """UPDATE."""


class SiteInsert(SiteQuery, peewee.ModelInsert):
    """INSERT."""

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


class SiteDelete(SiteQuery, peewee.ModelDelete):
    """DELETE."""


class SiteRaw(SiteQuery, peewee.ModelRaw):
    """SQL text, used as it is; only its rows are tied to the site."""


class SiteAlias(peewee.ModelAlias):
    """A model under another name, for a self-join."""

    def select(self, *selection: Any) -> Any:
        return SiteSelect(self, selection or self.get_field_aliases())
