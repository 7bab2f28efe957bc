"""The site of the moment: which table prefix, and on request which database, the models speak to.

The counterpart of WordPress's ``switch_to_blog``. It lives in a context variable, so every thread and every
asyncio task has its own, and blocks nest. Nothing is process-wide but the default that ``set_default_site``
sets on purpose. Nothing here opens a connection.

    with switch_prefix("wp_2_"):
        Cart.select().count()    # counts wp_2_wch_carts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from peewee import Database

from ..schema import naming


@dataclass(frozen=True, slots=True)
class Site:
    """A table prefix and the database it is found in; ``database=None`` leaves the database to the model."""

    database: Database | None
    prefix: str

    def __post_init__(self) -> None:
        naming.check_prefix(self.prefix)

    # Model instances remember their site. Copying one must not copy a database with its connections and locks;
    # pickling one leaves the database behind, and whoever unpickles it has the right one.
    def __deepcopy__(self, memo: dict[int, Any]) -> Site:
        return self

    def __reduce__(self) -> tuple[Callable[[str], Site], tuple[str]]:
        return _with_database_of_the_moment, (self.prefix,)


_moment: ContextVar[Site | None] = ContextVar("wch_peewee_site", default=None)
_default = Site(None, naming.DEFAULT_PREFIX)


def set_default_site(database: Database | None, prefix: str = naming.DEFAULT_PREFIX) -> None:
    """Set what holds in every thread of this process where no block says otherwise."""
    global _default
    _default = Site(database, prefix)


def current_site() -> Site:
    """Return the site of the moment; its database is None unless a block named one."""
    return _moment.get() or Site(None, _default.prefix)


def _with_database_of_the_moment(prefix: str) -> Site:
    return Site(current_site().database, prefix)


def current_prefix() -> str:
    """Return the table prefix of the moment."""
    return (_moment.get() or _default).prefix


def current_database(own: Database | None = None) -> Database | None:
    """Return the block's database, else the caller's ``own``, else the process default's."""
    site = _moment.get()
    if site is not None and site.database is not None:
        return site.database
    return _default.database if own is None else own


def get_table_name(table: str, prefix: str | None = None) -> str:
    """Return a table's name in the database, under the prefix of the moment unless one is given."""
    return naming.get_table_name(table, current_prefix() if prefix is None else prefix)


@contextmanager
def at_site(site: Site | None) -> Iterator[Site]:
    """Make ``site`` the one of the moment; None changes nothing."""
    if site is None:
        yield current_site()
        return
    token = _moment.set(site)
    try:
        yield site
    finally:
        _moment.reset(token)


@contextmanager
def use_site(database: Database | None, prefix: str) -> Iterator[Site]:
    """Send the models to this database and prefix inside the block."""
    with at_site(Site(database, prefix)) as site:
        yield site


@contextmanager
def switch_prefix(prefix: str) -> Iterator[str]:
    """Send the models to another prefix of the same database inside the block."""
    with at_site(Site(current_site().database, prefix)):
        yield prefix
