"""One transaction that is begun again while another session's lock prevents it."""

from __future__ import annotations

import functools
import inspect
import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar, overload

import peewee

from ..errors import Busy, ConfigurationError, duration
from .connect import PATIENCE, describe, in_transaction, is_async, is_autocommitted, may_be_open
from .query import failure_of
from .session import with_settings

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

#: The longest pause before another attempt, in seconds. The first is a few milliseconds: most deadlocks are over then.
_LONGEST = 1.0

_AS_IT_IS = nullcontext()
_DATABASES = peewee.Database, peewee.Proxy


@overload
def retrying(function: F, /) -> F: ...
@overload
def retrying(*, patience: float = PATIENCE, isolation: str | None = None, single: bool = False) -> Callable[[F], F]: ...
def retrying(
    function: Any = None,
    /,
    *,
    patience: float = PATIENCE,
    isolation: str | None = None,
    single: bool = False,
) -> Any:
    """Make a function one transaction that is begun again after a deadlock, a snapshot conflict or a lock timeout.

    Its first argument says which database: a model, a row, a ``Plugin`` or a peewee database. The function may be
    called several times, so what it does outside of the database has to bear that.

    Called inside a transaction, it joins that and is not repeated: such an error ends the caller's transaction, which
    has to be repeated as a whole. ``isolation`` is that of the transaction on a server. ``single`` is for a function
    that sends one statement, which is a transaction by itself.

    ``patience`` is in seconds. An attempt that is under way is not cut short: one wait for a lock takes up to 50
    seconds on a server, or ``patience`` if that is less, and on SQLite what the database was opened with.

    Raises Busy when the patience is used up, ConfigurationError if there is no database or the function is a coroutine
    or a generator, and what the function raises.
    """
    decorate = functools.partial(_decorate, patience=patience, isolation=isolation, single=single)
    return decorate if function is None else decorate(function)


def _decorate(function: Any, **options: Any) -> Any:
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or not callable(function):
        given = getattr(function, "__qualname__", repr(function))
        raise ConfigurationError(
            f"retrying needs a plain function; {given} is not one. The body of a coroutine or generator would run "
            "after the transaction. With asyncio, await database.run(function, ...)."
        )

    @functools.wraps(function)
    def call(first: Any, /, *arguments: Any, **named: Any) -> Any:
        return attempt(database_of(first), lambda: function(first, *arguments, **named), **options)

    return call


def database_of(owner: Any) -> peewee.Database:
    """Return the database of a model, a row or a plugin, or one itself. Raises ConfigurationError for anything else."""
    database = owner
    if not isinstance(owner, _DATABASES):
        meta = getattr(owner, "_meta", None)
        database = getattr(owner, "database", None) if meta is None else meta.database
    if isinstance(database, peewee.Proxy):
        database = database.obj or database.is_closed()  # one that leads nowhere says what to do
    if not isinstance(database, peewee.Database):
        raise ConfigurationError(
            f"The first argument is {type(owner).__name__}; expected a model, a row, a Plugin or a peewee Database."
        )
    return database


def attempt(
    database: peewee.Database,
    action: Callable[[], T],
    *,
    patience: float = PATIENCE,
    isolation: str | None = None,
    single: bool = False,
) -> T:
    """Call ``action`` as ``retrying`` does."""
    if in_transaction(database):
        return action()
    begun, pause = time.monotonic(), 0.005
    with _AS_IT_IS if patience >= PATIENCE else _with_limit(database, patience):
        while True:
            try:
                if single:
                    return _single(database, action)
                with transaction(database, isolation):
                    return action()
            except peewee.PeeweeException as error:
                if failure_of(database, error) != "waiting":
                    raise
                waited = time.monotonic() - begun
                if waited >= patience:
                    raise Busy(
                        f"{describe(database)}: another session locked the rows for {duration(round(waited))} "
                        f"({error.args[-1] if error.args else error}); nothing was changed, try again later"
                    ) from error
            _sleep(database, min(patience - waited, pause) * random.uniform(0.5, 1))
            pause = min(2 * pause, _LONGEST)


def transaction(database: peewee.Database, isolation: str | None = None) -> Any:
    """Return a transaction for a block. On SQLite it has the file's lock from its beginning."""
    if isinstance(database, peewee.SqliteDatabase):
        return database.atomic("IMMEDIATE")
    if isolation and not (database.is_closed() or is_autocommitted(database)):
        database.commit()  # a SELECT may have begun one unnoticed, in which the isolation cannot be set
    return database.atomic(isolation)


def _with_limit(database: peewee.Database, patience: float) -> AbstractContextManager[None]:
    """Limit the wait for one lock for a block: a server would wait 50 seconds."""
    return with_settings(database, {"innodb_lock_wait_timeout": max(1, math.ceil(patience))})


def _single(database: peewee.Database, action: Callable[[], T]) -> T:
    """Call ``action``, and end what its statement has begun: with autocommit off its locks and its snapshot stay."""
    try:
        result = action()
    except BaseException:
        if may_be_open(database):
            with suppress(peewee.PeeweeException):  # lost
                database.rollback()
        raise
    if may_be_open(database):
        database.commit()
    return result


def _sleep(database: peewee.Database, seconds: float) -> None:
    if not is_async(database):
        time.sleep(seconds)
        return
    import asyncio

    from playhouse.pwasyncio import await_

    await_(asyncio.sleep(seconds))
