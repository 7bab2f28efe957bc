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
        process_row = wrapper.process_row

        # Rows are made while they are fetched, which can be long after, and they remember the site too.
        def process_row_at_site(row: Any) -> Any:
            with at_site(self._site):
                return process_row(row)

        wrapper.process_row = process_row_at_site
        return wrapper


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


class SiteDelete(AtItsSite, peewee.ModelDelete):
    """DELETE."""


class SiteRaw(AtItsSite, peewee.ModelRaw):
    """SQL as written; only its rows are tied to the site."""


class SiteAlias(peewee.ModelAlias):
    """A model under another name, as a self-join needs it."""

    def select(self, *selection: Any) -> Any:
        return SiteSelect(self, selection or self.get_field_aliases())
