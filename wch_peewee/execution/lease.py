"""A lease for Galera clusters, where GET_LOCK holds on one node only: a row in the site's options table."""

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import peewee as pw

from ..database.connect import attempts
from ..database.query import Connection, retry_aborted
from ..errors import Busy, duration

#: The value of a free lease. The row stays, because an account that may upgrade may lack DELETE.
FREE = "free"


class Lease:
    """A lease, taken and renewed on connections of its own, one per thread.

    One INSERT decides who has it. A heartbeat changes its value; a waiter that has seen the same value for a whole
    ``ttl`` by its own clock takes it over with a compare-and-swap, so no two clocks are ever compared. A long ALTER
    stops every write of the cluster, including the heartbeat; the waiter does not count such a standstill. A holder
    that loses the lease finds out before its next statement; a statement already sent is not stopped, but every step
    can be repeated, and a change of the schema rolls back what is still written to its table.

    With connections of its own, a transaction of the run delays neither the heartbeat nor the check of who has it. The
    value is ``token:count:process:host``; only the holder knows the token, and the rest is for people.
    """

    def __init__(self, connection: Connection, table: str, option: str) -> None:
        self._database, self._dialect = connection.database, connection.dialect
        self._table = self._dialect.quote(table)
        self._option = option
        self._token = secrets.token_hex(8)
        self._count = 0
        self._guard = threading.Lock()

    def acquire(self, ttl: float, timeout: float) -> None:
        """Take the lease, or take it over. Raises Busy after ``timeout`` seconds."""
        begun = last = time.monotonic()
        seen, quiet = None, 0.0

        def another() -> str:
            return f"Another run on this cluster{_who(seen)} is upgrading"

        for _ in attempts(timeout, another, every=0.12):
            value = self._value_or(seen)
            now = time.monotonic()
            # An ALTER that has kept our own SELECT waiting has kept the holder from beating, too.
            quiet = quiet + min(now - last, max(ttl / 10, 0.25)) if value == seen else 0.0
            seen, last = value, now
            if self._is_mine(value) or self._try(value, stale=quiet >= ttl):
                return
        raise Busy(
            f"another run on this cluster{_who(seen)} is upgrading; waited {duration(round(time.monotonic() - begun))}"
        )

    def check(self) -> None:
        """Renew the lease. Raises Busy if another run has taken it over."""
        try:
            # A beat can lose to a certification failure and the lease still be ours.
            if self.beat() or self._is_mine(value := self._value()):
                return
        except pw.PeeweeException as error:
            said = error.args[-1] if error.args else error
            raise Busy(f"the upgrade lease cannot be renewed ({said}); run it again, on any node") from error
        raise _lost(value)

    def takeover(self) -> Busy | None:
        """Return the error for a lease that another run has; None if it is ours, or if that cannot be told."""
        with contextlib.suppress(pw.PeeweeException):
            value = self._value()
            return None if self._is_mine(value) else _lost(value)
        return None

    def beat(self) -> bool:
        """Renew the lease; return False if that was not written."""
        return self._set(self._next(), "LIKE", f"{self._token}:%")

    def release(self) -> None:
        """Give the lease back if the node still accepts it, so that a waiter has it at once."""
        sql = f"DELETE FROM {self._table} WHERE option_name = %s AND option_value LIKE %s"
        try:
            for _ in range(10):
                if self._write(sql, self._option, f"{self._token}:%") or not self._is_mine(self._value()):
                    return
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "denied":
                with contextlib.suppress(pw.PeeweeException):
                    self._set(FREE, "LIKE", f"{self._token}:%")

    def close(self) -> None:
        """Close this thread's connection."""
        with contextlib.suppress(pw.PeeweeException):
            self._database.close()

    def _try(self, value: str | None, *, stale: bool) -> bool:
        if value is None:
            # Only after reading, because an INSERT that is ignored uses up one of WordPress's ids.
            sql = f"INSERT IGNORE INTO {self._table} (option_name, option_value, autoload) VALUES (%s, %s, 'no')"
            return self._write(sql, self._option, self._next())
        return (stale or value == FREE) and self._set(self._next(), "=", value)

    def _set(self, value: str, comparison: str, known: str) -> bool:
        sql = f"UPDATE {self._table} SET option_value = %s WHERE option_name = %s AND option_value {comparison} %s"
        return self._write(sql, value, self._option, known)

    def _write(self, sql: str, *parameters: str) -> bool:
        """Run one autocommitted statement; return whether it changed the row. A lost race is no error."""
        try:
            return int(self._send(sql, *parameters).rowcount) == 1
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "waiting":  # a certification failure shows as a deadlock
                return False
            raise

    def _value_or(self, seen: str | None) -> str | None:
        """Return the value, or ``seen`` if the cluster stands still for too long."""
        try:
            return self._value()
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "waiting":
                return seen
            raise

    def _value(self) -> str | None:
        sql = f"SELECT option_value FROM {self._table} WHERE option_name = %s"
        row = retry_aborted(lambda: self._send(sql, self._option), self._database, self._dialect).fetchone()
        return None if row is None else str(row[0])

    def _send(self, sql: str, *parameters: str) -> Any:
        """Send a statement, on a new connection if the old one is lost: the lease is a row and survives that."""
        if not self._database.is_closed():
            try:
                return self._database.execute_sql(sql, parameters)
            except pw.PeeweeException as error:
                if self._dialect.failure(error.args) != "lost":
                    raise
                self.close()
        self._database.connect()
        self._database.execute_sql(self._dialect.synchronize_reads())
        return self._database.execute_sql(sql, parameters)

    def _is_mine(self, value: str | None) -> bool:
        return value is not None and value.startswith(f"{self._token}:")

    def _next(self) -> str:
        with self._guard:
            self._count += 1
            return f"{self._token}:{self._count}:{os.getpid()}:{socket.gethostname()}"


@contextlib.contextmanager
def lease(
    connection: Connection,
    table: str,
    option: str,
    *,
    ttl: float,
    timeout: float,
    is_alive: Callable[[float], bool] = lambda within: True,
) -> Iterator[Lease]:
    """Hold the lease for the block. ``connection`` is for its statements alone, and not connected yet.

    The lease is renewed while ``is_alive`` says that the server has shown within so many seconds that it works for the
    run. If the run has lost the lease, an error that ends the block becomes Busy: it is a consequence.
    """
    held, every = Lease(connection, table, option), ttl / 4

    def beat() -> None:
        if is_alive(2 * every):
            held.beat()

    try:
        held.acquire(ttl, timeout)
        try:
            with heartbeat(beat, every=every, at_end=held.close):
                yield held
        except Busy:
            raise
        except Exception as error:
            taken = held.takeover()
            if taken is not None:
                raise taken from error
            raise
        finally:
            held.release()
    finally:
        held.close()


@contextlib.contextmanager
def heartbeat(
    beat: Callable[[], object], *, every: float, at_end: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Call ``beat`` in a thread of its own, ``every`` so many seconds, until the block ends; then ``at_end`` there.

    A beat that fails is repeated: the holder of a lock checks it before each statement.
    """
    stop = threading.Event()

    def beats() -> None:
        try:
            while not stop.wait(every):
                with contextlib.suppress(pw.PeeweeException):
                    beat()
        finally:
            at_end()

    thread = threading.Thread(target=beats, name="wch-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=4 * every)


def _lost(value: str | None) -> Busy:
    return Busy(
        f"the upgrade lease was taken over by another run{_who(value)}; this run has stopped, run the command again"
    )


def _who(value: str | None) -> str:
    _, _, process, host = [*(value or "").split(":", 3), "", "", ""][:4]
    return f" (process {process} on {host})" if process and host else ""
