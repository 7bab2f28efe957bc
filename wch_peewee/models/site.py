"""The current site: the table prefix, and optionally the database, that the models read and write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from peewee import Database

from ..errors import ConfigurationError
from ..schema import naming


@dataclass(frozen=True, slots=True)
class Site:
    """A table prefix and a database; with ``database=None`` the model's own database is used.

    The current one is the counterpart of WordPress's ``switch_to_blog``, separate in each thread and asyncio task.
    """

    database: Database | None
    prefix: str

    def __post_init__(self) -> None:
        naming.check_prefix(self.prefix)

    # Model instances remember their site. A copy must not copy the database with its connections and locks; a pickle
    # leaves the database out, and takes that of the current site when it is loaded.
    def __deepcopy__(self, memo: dict[int, Any]) -> Site:
        return self

    def __reduce__(self) -> tuple[Callable[[str], Site], tuple[str]]:
        return _with_current_database, (self.prefix,)


def _with_current_database(prefix: str) -> Site:
    return Site(current_site().database, prefix)


_current: ContextVar[Site | None] = ContextVar("wch_peewee_site", default=None)
_default = Site(None, naming.DEFAULT_PREFIX)


def set_default_site(database: Database | None, prefix: str = naming.DEFAULT_PREFIX) -> None:
    """Set the site that is used in every thread of this process outside of a block. Nothing else is process-wide."""
    global _default
    _default = Site(database, prefix)


def current_site() -> Site:
    """Return the current site; its database is None unless a block named one."""
    return _current.get() or Site(None, _default.prefix)


def current_prefix() -> str:
    """Return the current table prefix."""
    return (_current.get() or _default).prefix


def current_database(own: Database | None = None) -> Database | None:
    """Return the block's database, else the caller's ``own``, else the process default's."""
    site = _current.get()
    if site is not None and site.database is not None:
        return site.database
    return _default.database if own is None else own


def no_database(what: object) -> ConfigurationError:
    """Return the error for a query outside of every site; ``what`` is its model."""
    name = getattr(what, "__name__", None) or type(what).__name__
    return ConfigurationError(
        f"{name} has no database here: run the query inside `with plugin.site():`, or call plugin.bind() once when the "
        "process starts."
    )


def get_table_name(table: str, prefix: str | None = None) -> str:
    """Return a table's name in the database, by default under the current prefix."""
    return naming.full_table_name(table, current_prefix() if prefix is None else prefix)


@contextmanager
def at_site(site: Site | None) -> Iterator[Site]:
    """Make ``site`` the current one inside the block; None changes nothing."""
    if site is None:
        yield current_site()
        return
    token = _current.set(site)
    try:
        yield site
    finally:
        _current.reset(token)


@contextmanager
def use_site(database: Database | None, prefix: str) -> Iterator[Site]:
    """Make this database and prefix the current site inside the block."""
    with at_site(Site(database, prefix)) as site:
        yield site


@contextmanager
def switch_prefix(prefix: str) -> Iterator[str]:
    """Use another prefix of the same database inside the block; blocks may be nested."""
    with at_site(Site(current_site().database, prefix)):
        yield prefix
