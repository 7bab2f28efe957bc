"""SQLite's lock: one transaction around the whole run, which is lock and atomicity in one.

with immediate_transaction(database, timeout=60, commit_wait=1):
    ...
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import peewee as pw

from ..errors import Busy, SchemaConflict


class CommitHeldUp(Busy):
    """Somebody who reads has kept the run from being committed; all of it is undone and can be done again."""


@contextlib.contextmanager
def immediate_transaction(database: pw.Database, timeout: float, commit_wait: float) -> Iterator[None]:
    """Exclude other writers for the block; a kill leaves nothing half done.

    Foreign keys are off meanwhile, so that a rebuild does not delete children; what that would break is
    found before the commit. Raises Busy after ``timeout`` seconds, and CommitHeldUp when the COMMIT has waited
    ``commit_wait`` seconds for those who read: whoever wants to read waits behind it, and most give up after 5 seconds.
    """
    if database.in_transaction():
        # pw_migrate's own transaction; the keys are off in it all the same.
        with _no_new_orphans(database):
            yield
        return
    patience = database.execute_sql("PRAGMA busy_timeout").fetchone()[0]
    database.execute_sql(f"PRAGMA busy_timeout = {timeout * 1000:.0f}")
    transaction = database.atomic("IMMEDIATE")
    try:
        transaction.__enter__()
    except pw.OperationalError as error:
        database.execute_sql(f"PRAGMA busy_timeout = {int(patience)}")
        if "locked" in str(error):
            raise Busy(f"another process writes to the file; waited {timeout:g} seconds") from error
        raise
    # From here on nobody is waited for but readers: at the commit, or before it when the page cache is full.
    database.execute_sql(f"PRAGMA busy_timeout = {commit_wait * 1000:.0f}")
    try:
        with _no_new_orphans(database):
            yield
    except BaseException as error:
        transaction.__exit__(type(error), error, error.__traceback__)
        raise
    else:
        _commit(transaction)
    finally:
        database.execute_sql(f"PRAGMA busy_timeout = {int(patience)}")


def _commit(transaction: pw._atomic) -> None:
    try:
        transaction.__exit__(None, None, None)
    except pw.OperationalError as error:
        if "locked" in str(error):
            raise CommitHeldUp(
                "somebody's open transaction reads the file and has kept the run from being committed; "
                "all of it is undone, try again later"
            ) from error
        raise


@contextlib.contextmanager
def _no_new_orphans(database: pw.Database) -> Iterator[None]:
    before = _orphans(database)
    yield
    rows = sorted(_orphans(database) - before, key=repr)
    if rows:
        table, _, parent = rows[0]
        words = f"{len(rows)} rows would be left without their parent, the first in {table} (parent {parent})"
        raise SchemaConflict(f"{words}; all is undone")


def _orphans(database: pw.Database) -> set[tuple[object, ...]]:
    return {(row[0], row[1], row[2]) for row in database.execute_sql("PRAGMA foreign_key_check").fetchall()}
