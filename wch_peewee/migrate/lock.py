"""One upgrader at a time for each (database, prefix).

On MySQL and MariaDB it is GET_LOCK on the very connection that runs the DDL: the server frees it when that
connection ends, and not before an ALTER that a killed client left behind is through. On SQLite the run's
own transaction, BEGIN IMMEDIATE, is the lock.

    with migration_lock(database, dialect, "wp_", timeout=60) as lock:
        lock.check()
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Iterator

import peewee as pw

from ..dialects.base import Dialect
from ..errors import Busy, SchemaConflict


def lock_name(database: str, prefix: str) -> str:
    """Name the lock: server-wide names are case-insensitive on MySQL and 64 characters at most."""
    return "wch." + hashlib.sha1(f"{database}\0{prefix}".encode()).hexdigest()


class MigrationLock:
    """A held lock. ``check`` raises Busy when it is no longer ours, which stops a run before its next statement."""

    def __init__(self, database: pw.Database, name: str | None) -> None:
        self._database = database
        self._name = name

    def check(self) -> None:
        if self._name is None:
            return
        try:
            row = self._database.execute_sql("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", (self._name,)).fetchone()
        except pw.PeeweeException as error:
            raise Busy("the connection that held the migration lock is gone; run the same again") from error
        if not row[0]:
            raise Busy("the migration lock was lost; run the same again")


@contextlib.contextmanager
def migration_lock(database: pw.Database, dialect: Dialect, prefix: str, *, timeout: float) -> Iterator[MigrationLock]:
    """Hold the lock for the block; waits up to ``timeout`` seconds, then raises Busy."""
    if dialect.transactional_ddl:
        with _sqlite_lock(database, timeout) as lock:
            yield lock
        return
    name = lock_name(str(database.database), prefix)
    deadline = time.monotonic() + timeout
    while not _get_lock(database, name):
        if time.monotonic() >= deadline:
            raise Busy(f"another run{_holder(database, name)} is upgrading {prefix}wch_*; waited {timeout:g} seconds")
        time.sleep(random.uniform(0.02, 0.1))
    try:
        yield MigrationLock(database, name)
    finally:
        with contextlib.suppress(pw.PeeweeException):
            database.execute_sql("SELECT RELEASE_LOCK(%s)", (name,))


def _get_lock(database: pw.Database, name: str) -> bool:
    # Whole seconds only: MySQL rounds, and waits for ever for a negative number.
    row = database.execute_sql("SELECT GET_LOCK(%s, 1)", (name,)).fetchone()
    return bool(row[0] == 1)


def _holder(database: pw.Database, name: str) -> str:
    with contextlib.suppress(pw.PeeweeException):
        row = database.execute_sql("SELECT IS_USED_LOCK(%s)", (name,)).fetchone()
        if row and row[0]:
            return f" (connection {row[0]})"
    return ""


@contextlib.contextmanager
def _sqlite_lock(database: pw.Database, timeout: float) -> Iterator[MigrationLock]:
    """One transaction around the whole run: it excludes other writers, and a kill leaves nothing half done."""
    if database.in_transaction():
        # pw_migrate's own transaction; the keys are off in it all the same.
        orphans = _orphans(database)
        yield MigrationLock(database, None)
        _no_new_orphans(database, orphans)
        return
    transaction = database.atomic("IMMEDIATE")
    try:
        transaction.__enter__()
    except pw.OperationalError as error:
        if "locked" in str(error):
            raise Busy(f"another process writes to the file; waited {timeout:g} seconds") from error
        raise
    try:
        orphans = _orphans(database)
        yield MigrationLock(database, None)
        _no_new_orphans(database, orphans)
    except BaseException as error:
        transaction.__exit__(type(error), error, error.__traceback__)
        raise
    transaction.__exit__(None, None, None)


def _orphans(database: pw.Database) -> set[tuple[object, ...]]:
    return {(row[0], row[1], row[2]) for row in database.execute_sql("PRAGMA foreign_key_check").fetchall()}


def _no_new_orphans(database: pw.Database, before: set[tuple[object, ...]]) -> None:
    """Keys are off during the run, so what it would have broken shows here, before the commit."""
    rows = sorted(_orphans(database) - before, key=repr)
    if rows:
        table, _, parent = rows[0]
        raise SchemaConflict(
            f"{len(rows)} rows would be left without their parent, the first in {table} (parent {parent}); all is undone"
        )
