"""Sessions: a run context with the lock, or one for reading without it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import peewee as pw

from ..database.connect import (
    attempts,
    connect,
    connected,
    dedicated,
    describe,
    for_reading,
    in_transaction,
    is_dedicated,
    is_private,
)
from ..database.failures import database_error
from ..database.query import Connection, failure_of
from ..errors import ConfigurationError, RunStopped
from ..schema.naming import Names
from .context import DEFAULT_OPTIONS, NO_LISTENER, RunContext, RunListener, RunOptions, locked
from .introspect import TableCache
from .lock import CommitBlocked

T = TypeVar("T")


@contextlib.contextmanager
def read_session(
    database: pw.Database, names: Names, options: RunOptions = DEFAULT_OPTIONS, *, deciding: bool = False
) -> Iterator[RunContext]:
    """Yield a context for reading only, over ``one_connection``. Nothing is created, not even a file.

    ``deciding`` is for what decides whether a run follows: it is read from the server that is written to.
    """
    with one_connection(database, options) as own, connected(for_reading(own)) as connection, _translated(connection):
        context = RunContext(Connection.detect(connection), names, options)
        context.find_topology(writing=False, deciding=deciding)
        yield context


@contextlib.contextmanager
def one_connection(database: pw.Database, options: RunOptions) -> Iterator[pw.Database]:
    """Yield one connection for a look and the runs that may follow it, beside the application's own.

    Whatever the application's has been through (lost, forked, in a transaction, set otherwise), this one works, and the
    application's stays as it was. It is the application's own for a database in memory, inside a transaction on a file,
    which allows no second writer, and for a file that does not exist, which reading must not create.
    Raises DatabaseUnavailable.
    """
    if is_dedicated(database) or (
        isinstance(database, pw.SqliteDatabase)
        and (is_private(database) or in_transaction(database) or for_reading(database) is not database)
    ):
        yield database
        return
    with connected(dedicated(database, patience=options.patience, lock_wait=options.lock_wait)) as own:
        yield own


@contextlib.contextmanager
def run_session(
    database: pw.Database,
    names: Names,
    options: RunOptions = DEFAULT_OPTIONS,
    listener: RunListener = NO_LISTENER,
    *,
    table_cache: TableCache | None = None,
) -> Iterator[RunContext]:
    """Yield a locked context on a connection of its own.

    Raises DatabaseUnavailable, UnsupportedServer, and Busy if another run holds the lock for longer
    than the patience. A RunStopped that ends the block is told what is in place.
    """
    with _own_connection(database, options) as own, _translated(own):
        context = RunContext(Connection.detect(own), names, options, listener, table_cache=table_cache)
        context.find_topology(writing=True)
        with _report_in_place(context), _translated(own), locked(context):
            yield context


def run_in_session(
    work: Callable[[RunContext], T],
    database: pw.Database,
    names: Names,
    options: RunOptions = DEFAULT_OPTIONS,
    listener: RunListener = NO_LISTENER,
    *,
    table_cache: TableCache | None = None,
) -> T:
    """Do ``work`` in a locked context; arguments and errors are those of ``run_session``.

    On SQLite a reader can prevent the commit. Then the whole run is undone, so that other readers
    do not queue behind it, and repeated until the patience is used up.
    """
    deadline = time.monotonic() + options.patience
    undone = f"A reader of {describe(database)} prevented the commit; the run was rolled back"
    for _ in attempts(options.patience, lambda: undone):
        left = replace(options, patience=max(0.0, deadline - time.monotonic()))
        try:
            with run_session(database, names, left, listener, table_cache=table_cache) as context:
                return work(context)
        except CommitBlocked as error:
            blocked = error
    raise blocked


@contextlib.contextmanager
def _own_connection(database: pw.Database, options: RunOptions) -> Iterator[pw.Database]:
    if isinstance(database, pw.SqliteDatabase) and in_transaction(database):
        # One writer at a time: it would wait for this transaction, which waits for it.
        raise ConfigurationError(f"{describe(database)} cannot be upgraded inside a transaction; commit first.")
    if is_dedicated(database):
        connect(database)
        yield database
        return
    if not is_private(database):
        with connected(dedicated(database, patience=options.patience, lock_wait=options.lock_wait)) as own:
            yield own
        return
    # A database in memory has the one connection only: its settings are put back afterwards.
    with connected(database):
        keys = database.execute_sql("PRAGMA foreign_keys").fetchone()[0]
        database.execute_sql("PRAGMA foreign_keys = 0")
        try:
            yield database
        finally:
            database.execute_sql(f"PRAGMA foreign_keys = {int(keys)}")


@contextlib.contextmanager
def _translated(connection: pw.Database) -> Iterator[None]:
    """Translate driver errors into the library's own exceptions, in one line that says what to do."""
    try:
        yield
    except pw.PeeweeException as error:
        raise database_error(describe(connection), failure_of(connection, error), error) from error


@contextlib.contextmanager
def _report_in_place(context: RunContext) -> Iterator[None]:
    try:
        yield
    except RunStopped as error:
        error.undone = context.dialect.transactional_ddl
        error.in_place = () if error.undone else tuple(context.outcomes)
        error.cluster = context.topology.kind
        raise
