"""The lock: one upgrader at a time for each (database, namespace, prefix)."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import peewee as pw

from ..database.connect import attempts, dedicated, describe, in_transaction
from ..database.failures import ELSEWHERE
from ..database.query import Connection
from ..database.session import with_settings
from ..errors import Busy, SchemaConflict, duration
from ..models.namespace import WCH
from ..schema.naming import Namespace
from ..wordpress.options import cluster_obstacle, has_unique_names
from .lease import heartbeat, lease
from .leftovers import wait_for_tools

if TYPE_CHECKING:
    from .context import RunContext

#: The server ends a run's connection that says nothing for so many seconds.
IDLE = 60


class CommitBlocked(Busy):
    """A reader has prevented the commit of the run; all of it is undone and can be repeated."""


@contextlib.contextmanager
def immediate_transaction(database: pw.Database, timeout: float, commit_wait: float) -> Iterator[None]:
    """Exclude other writers for the block; a kill leaves nothing half done.

    Foreign keys are off meanwhile, so that a rebuild does not delete children; violations are
    found before the commit. Raises Busy after ``timeout`` seconds, and CommitBlocked if the COMMIT has waited
    ``commit_wait`` seconds for readers: new readers wait behind it, and most time out after 5 seconds.
    """
    if database.in_transaction():
        # pw_migrate's own transaction; the keys are off in it all the same.
        with _no_new_orphans(database):
            yield
        return
    patience = database.execute_sql("PRAGMA busy_timeout").fetchone()[0]
    transaction = database.atomic("IMMEDIATE")
    try:
        _begin(database, transaction, timeout)
        # From here on the run waits only for readers: at the commit, or before it if the page cache is full.
        database.execute_sql(f"PRAGMA busy_timeout = {commit_wait * 1000:.0f}")
        try:
            with _no_new_orphans(database):
                yield
        except BaseException as error:
            try:
                transaction.__exit__(type(error), error, error.__traceback__)
            except pw.OperationalError:
                # On a full disk SQLite has rolled back by itself; what failed is the error to report.
                if in_transaction(database):
                    raise
            raise
        else:
            _commit(transaction)
    finally:
        database.execute_sql(f"PRAGMA busy_timeout = {int(patience)}")


def _begin(database: pw.Database, transaction: pw._atomic, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    for _ in attempts(timeout, lambda: f"Another process writes to {describe(database)}", every=0.02):
        database.execute_sql(f"PRAGMA busy_timeout = {min(1.0, _left(deadline)) * 1000:.0f}")
        try:
            transaction.__enter__()
            return
        except pw.OperationalError as error:
            if "locked" not in str(error):
                raise
            cause = error
    raise Busy(f"another process writes to the file; waited {duration(timeout)}") from cause


def _commit(transaction: pw._atomic) -> None:
    try:
        transaction.__exit__(None, None, None)
    except pw.OperationalError as error:
        # SQLite has rolled back by itself where its file failed, and peewee's own ROLLBACK hides the reason.
        cause: BaseException | None = error
        while cause is not None and "no transaction is active" in str(cause):
            cause = cause.__context__
        if cause is not None and cause is not error:
            raise cause from None
        if "locked" in str(error):
            raise CommitBlocked(
                "an open transaction that reads the file prevented the commit; the run was rolled back, try again later"
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
        raise SchemaConflict(f"{words}; the run was rolled back")


def _orphans(database: pw.Database) -> set[tuple[object, ...]]:
    return {(row[0], row[1], row[2]) for row in database.execute_sql("PRAGMA foreign_key_check").fetchall()}


#: After how many seconds without a sign of life a lease may be taken over.
LEASE_TTL = 20.0


#: Raises Busy if the lock is lost, which stops a run before its next statement.
LockCheck = Callable[[], None]


def _gone() -> Busy:
    return Busy(f"the connection that held the migration lock is gone; run the same command again{ELSEWHERE}")


def lock_name(database: str, prefix: str, namespace: Namespace = WCH) -> str:
    """Return the name of the lock. Names are server-wide, case-insensitive on MySQL, and 64 characters at most."""
    return f"{namespace.name}." + hashlib.sha1(f"{database}\0{prefix}".encode()).hexdigest()


@contextlib.contextmanager
def migration_lock(context: RunContext) -> Iterator[LockCheck]:
    """Hold the lock for the block. Waits as long as the run's patience, then raises Busy. Yields what checks the lock.

    On MySQL and MariaDB it is GET_LOCK on the connection that runs the DDL: the server frees it when that connection
    ends, but not before an ALTER that a killed client left behind has finished. On a Galera cluster, where GET_LOCK
    holds on one node only and can be forbidden, it is a lease alone: such an ALTER stops all writes of the cluster, and
    with them the lease's next owner. On SQLite it is the run's own transaction; the COMMIT belongs to it, and waits
    ``lock_wait`` seconds for readers.
    """
    options = context.options
    if context.dialect.transactional_ddl:
        with immediate_transaction(context.database, options.patience, options.lock_wait):
            yield lambda: None  # it cannot be lost while the transaction lasts
        return
    deadline = time.monotonic() + options.patience
    held = (_leased if context.topology.shares_writes else _named_lock)(context, deadline)
    with _kept_alive(context.database), held as check:
        wait_for_tools(context.connection, context.topology, context.names.owned, deadline)
        yield check


@contextlib.contextmanager
def _leased(context: RunContext, deadline: float) -> Iterator[LockCheck]:
    database, dialect, names, patience = context.database, context.dialect, context.names, context.options.patience
    database.execute_sql(dialect.synchronize_reads())
    context.create_options()
    _require_unique_names(context)
    own = Connection(dedicated(database, patience=patience), dialect)
    # Behind a load balancer the lease's connection can be to another node, which says nothing about the run's own.
    # An application's connection, of another class, cannot be asked by another thread.
    is_alive = getattr(database.connection(), "is_alive", lambda within: True)
    option, ttl = names.namespace.lease_option, context.options.lease_ttl
    with lease(own, names.options, option, ttl=ttl, timeout=_left(deadline), is_alive=is_alive) as held:

        def check() -> None:
            """Check that the connection of the run answers, too: the lease is the run's for no longer."""
            try:
                database.execute_sql("SELECT 1")
            except pw.PeeweeException as error:
                raise _gone() from error
            held.check()

        yield check


@contextlib.contextmanager
def _named_lock(context: RunContext, deadline: float) -> Iterator[LockCheck]:
    database, names, patience = context.database, context.names, context.options.patience
    folded = context.dialect.folded
    # Where names have no case, two spellings are one installation.
    name = lock_name(folded(str(database.database)), folded(names.prefix), names.namespace)

    def reason() -> str:
        return f"Another run{_holder(context.connection, name)[0]} is upgrading {names.start}*"

    for _ in attempts(patience, reason, every=0.06):
        # Whole seconds only: MySQL rounds, and waits for ever for a negative number.
        parameters = (name, int(_left(deadline) >= 1))
        if database.execute_sql("SELECT GET_LOCK(%s, %s)", parameters).fetchone()[0] == 1:
            break
    else:
        who, kill = _holder(context.connection, name)
        raise Busy(f"another run{who} is upgrading {names.start}*; waited {duration(patience)}{kill}")

    def check() -> None:
        try:
            row = database.execute_sql("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", (name,)).fetchone()
        except pw.PeeweeException as error:
            raise _gone() from error
        if not row[0]:
            raise Busy("the migration lock was lost; run the same command again")

    try:
        yield check
    finally:
        with contextlib.suppress(pw.PeeweeException):
            database.execute_sql("SELECT RELEASE_LOCK(%s)", (name,))


@contextlib.contextmanager
def _kept_alive(database: pw.Database) -> Iterator[None]:
    """Keep the connection for the block while this process lives, whatever it does between statements.

    When its machine is gone, the server closes the connection, and frees the lock, after ``IDLE`` seconds. A connection
    that an application has opened itself is left alone.
    """
    beat = getattr(database.connection(), "beat", None)
    if beat is None:
        yield
        return
    every = IDLE / 3
    with with_settings(database, {"wait_timeout": IDLE}), heartbeat(lambda: beat(every), every=every):
        yield


def _holder(connection: Connection, name: str) -> tuple[str, str]:
    """Return who holds the lock, and how to free it, as parts of a sentence."""
    who = kill = ""
    with contextlib.suppress(pw.PeeweeException):
        who, kill = connection.dialect.read_lock_holder(connection.query(connection.dialect.lock_holder(name)))
    return (f", {who},", f"; if its process is gone, this frees the lock: {kill}") if who else ("", "")


def _require_unique_names(context: RunContext) -> None:
    """Raise SchemaConflict if two nodes could both insert the lease."""
    live = context.live(context.names.options)
    if live is not None and (obstacle := cluster_obstacle(live, context.dialect)):
        raise SchemaConflict(f"{obstacle}. Nothing was changed.")
    if live is not None and not has_unique_names(live):
        raise SchemaConflict(
            f"{live.name} has lost the unique key on option_name, without which two nodes could upgrade at once; "
            "wch doctor says how to restore it. Nothing was changed."
        )


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
