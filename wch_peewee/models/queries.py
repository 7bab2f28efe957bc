"""peewee's model queries, tied to the site they were built for.

peewee takes a query's database when the query is built and its table names when it runs. With a prefix of the
moment those two can differ, and a lazily run query would read or write another site's table. These render, run
and read their rows at the site where they were built.

    with switch_prefix("wp_2_"):
        query = Cart.select()
    list(query)    # still wp_2_wch_carts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import peewee

from .bulk import converting, in_chunks, instances, plain_rows
from .site import at_site, current_site

if TYPE_CHECKING:
    # A mixin for peewee's query classes; what it wraps is missing in their stubs.
    _Query = Any
else:
    _Query = object


class AtItsSite(_Query):  # type: ignore[misc]
    """Runs everything that looks at a model's metadata at the site of the query's making."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._site = current_site()
        super().__init__(*args, **options)

    def __sql__(self, ctx: Any) -> Any:
        with at_site(self._site):
            return super().__sql__(ctx)

    def _execute(self, database: peewee.Database) -> Any:
        with at_site(self._site):
            return super()._execute(database)

    def _get_cursor_wrapper(self, cursor: Any) -> Any:
        wrapper = super()._get_cursor_wrapper(cursor)
        kind: Any = type(wrapper)  # which of its own peewee has chosen
        wrapper.__class__ = in_chunks(kind)
        initialize = wrapper.initialize

        def initialize_at_site() -> None:
            # What the columns are is known with the first row.
            with at_site(self._site):
                initialize()
                wrapper.process_rows = self._maker(wrapper)
                wrapper.process_row = self._at_site(wrapper.process_row)

        wrapper.initialize = initialize_at_site
        return wrapper

    def _at_site(self, process_row: Any) -> Any:
        # Rows are made while they are fetched, which can be long after, and they remember the site too.
        def process_row_at_site(row: Any) -> Any:
            with at_site(self._site):
                return process_row(row)

        return process_row_at_site

    def _maker(self, wrapper: Any) -> Any:
        """Return a quick way to make many rows; None where only peewee's own will do."""
        if isinstance(wrapper, peewee.ModelTupleCursorWrapper):
            converted, constructor = converting(wrapper.converters), wrapper.constructor
            return lambda rows: list(map(constructor, converted(rows)))
        if not isinstance(wrapper, peewee.ModelObjectCursorWrapper):
            return None
        model, names = wrapper.constructor, wrapper.unique_columns
        # An alias of a model passes for one, and makes no instances.
        if (
            not issubclass(type(model), type)
            or not getattr(model, "_is_plain", bool)()
            or any(name not in model._meta.fields for name in names)
        ):
            return None
        return instances(model, names, wrapper.converters, self._site)


def _compound(operator: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        with at_site(self._site):
            return SiteCompound(self.model, self, operator, other)

    return method


class _SelectAtItsSite(AtItsSite):
    union_all = __add__ = _compound("UNION ALL")
    union = __or__ = _compound("UNION")
    intersect = __and__ = _compound("INTERSECT")
    except_ = __sub__ = _compound("EXCEPT")

    def prefetch(self, *subqueries: Any, **options: Any) -> Any:
        with at_site(self._site):
            return super().prefetch(*subqueries, **options)


class SiteSelect(_SelectAtItsSite, peewee.ModelSelect):
    """SELECT."""


class SiteCompound(_SelectAtItsSite, peewee.ModelCompoundSelectQuery):  # type: ignore[misc]
    """UNION, INTERSECT or EXCEPT of two queries, at the site of the first."""


class SiteUpdate(AtItsSite, peewee.ModelUpdate):
    """UPDATE."""


class SiteInsert(AtItsSite, peewee.ModelInsert):
    """INSERT."""

    def _generate_insert(self, insert: Any, ctx: Any) -> Any:
        rows = insert if isinstance(insert, (list, tuple)) else list(insert)
        plain = None
        if self._columns and rows and not ctx.state.value_literals:
            plain = plain_rows(self._columns, rows, self.model._meta.defaults)
        if plain is None:
            return super()._generate_insert(rows, ctx)
        fields, values = plain
        row = f"({', '.join([ctx.state.param or '?'] * len(fields))})"
        ctx.sql(peewee.EnclosedNodeList(fields)).literal(f" VALUES {', '.join([row] * len(rows))}")
        ctx._values.extend(values)
        return ctx


class SiteDelete(AtItsSite, peewee.ModelDelete):
    """DELETE."""


class SiteRaw(AtItsSite, peewee.ModelRaw):
    """SQL as written; only its rows are tied to the site."""


class SiteAlias(peewee.ModelAlias):
    """A model under another name, as a self-join needs it."""

    def select(self, *selection: Any) -> Any:
        return SiteSelect(self, selection or self.get_field_aliases())
