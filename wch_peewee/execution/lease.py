"""A lease for Galera clusters, where GET_LOCK holds on one node only: a row in the site's options table.

One INSERT decides who has it. A heartbeat changes its value; a waiter who has seen the same value for a
whole ``ttl`` by its own clock takes it over with a compare-and-swap, so no two clocks are ever compared.
A long ALTER stops every write of the cluster, the heartbeat too; such a standstill does not count for the
waiter. Whoever has lost the lease all the same finds out before the next statement, and every step can be
repeated. It does not fence: a statement that is already on its way is not called back.

    with lease(dedicated(database, patience=60), dialect, "wp_options", ttl=20, timeout=60) as held:
        held.check()
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import peewee as pw

from ..database.query import unbroken
from ..errors import Busy
from ..schema.dialect import Dialect

#: WordPress's own upgrader locks are called NAME.lock, too.
LEASE_OPTION = "wch_db_upgrade.lock"

#: The value of a lease that nobody holds: an account that may upgrade need not have the right to DELETE rows.
FREE = "free"


class Lease:
    """A lease, taken and renewed on connections of its own, one for each thread.

    So a transaction of the run holds back neither the heartbeat nor the look at who has it. The value is
    ``token:count:process:host``; only the holder knows the token, and the rest is for people.
    """

    def __init__(self, database: pw.Database, dialect: Dialect, table: str) -> None:
        self._database = database
        self._dialect = dialect
        self._table = dialect.quote(table)
        self._token = secrets.token_hex(8)
        self._count = 0
        self._guard = threading.Lock()

    def acquire(self, ttl: float, timeout: float) -> None:
        """Take it, or take it over; raises Busy after ``timeout`` seconds."""
        begun = last = time.monotonic()
        seen, quiet = None, 0.0
        while True:
            value = self._value_or(seen)
            now = time.monotonic()
            # An ALTER that has kept our own SELECT waiting has kept the holder from beating, too.
            quiet = quiet + min(now - last, max(ttl / 10, 0.25)) if value == seen else 0.0
            seen, last = value, now
            if self._is_mine(value) or self._try(value, stale=quiet >= ttl):
                return
            if now - begun >= timeout:
                raise Busy(f"another run on this cluster{_who(value)} is upgrading; waited {now - begun:.0f} seconds")
            time.sleep(random.uniform(0.05, 0.2))

    def check(self) -> None:
        """Show that the holder lives; raises Busy when somebody else has taken the lease over."""
        try:
            # A beat can lose to a certification failure and the lease still be ours.
            if self.beat() or self._is_mine(value := self._value()):
                return
        except pw.PeeweeException as error:
            said = error.args[-1] if error.args else error
            raise Busy(f"the upgrade lease cannot be renewed ({said}); run the same again") from error
        raise _lost(value)

    def takeover(self) -> Busy | None:
        """Return the error for a lease that somebody else has; None where it is ours, or that cannot be told."""
        with contextlib.suppress(pw.PeeweeException):
            value = self._value()
            return None if self._is_mine(value) else _lost(value)
        return None

    def beat(self) -> bool:
        """Show that the holder lives; False when that was not written."""
        return self._set(self._next(), "LIKE", f"{self._token}:%")

    def release(self) -> None:
        """Give it back, as far as the node still lets us; whoever waits has it at once."""
        sql = f"DELETE FROM {self._table} WHERE option_name = %s AND option_value LIKE %s"
        try:
            for _ in range(10):
                if self._write(sql, LEASE_OPTION, f"{self._token}:%") or not self._is_mine(self._value()):
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
            # After a look, because an INSERT that is ignored uses up one of WordPress's ids.
            sql = f"INSERT IGNORE INTO {self._table} (option_name, option_value, autoload) VALUES (%s, %s, 'no')"
            return self._write(sql, LEASE_OPTION, self._next())
        return (stale or value == FREE) and self._set(self._next(), "=", value)

    def _set(self, value: str, comparison: str, known: str) -> bool:
        sql = f"UPDATE {self._table} SET option_value = %s WHERE option_name = %s AND option_value {comparison} %s"
        return self._write(sql, value, LEASE_OPTION, known)

    def _write(self, sql: str, *parameters: str) -> bool:
        """Run one autocommitted statement; say whether it changed the row. A lost race is no error."""
        try:
            return int(self._send(sql, *parameters).rowcount) == 1
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "waiting":  # a certification failure shows as a deadlock
                return False
            raise

    def _value_or(self, seen: str | None) -> str | None:
        """Read the value; ``seen`` where the cluster stands still for too long."""
        try:
            return self._value()
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "waiting":
                return seen
            raise

    def _value(self) -> str | None:
        sql = f"SELECT option_value FROM {self._table} WHERE option_name = %s"
        row = unbroken(lambda: self._send(sql, LEASE_OPTION), self._database, self._dialect).fetchone()
        return None if row is None else str(row[0])

    def _send(self, sql: str, *parameters: str) -> Any:
        """Connect again where the connection is lost: the lease is a row, and none of the connection's."""
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
def lease(database: pw.Database, dialect: Dialect, table: str, *, ttl: float, timeout: float) -> Iterator[Lease]:
    """Hold the lease for the block. ``database`` is for its statements alone, and not connected yet.

    An error that ends the block of a run that has lost the lease becomes Busy: it is a consequence.
    """
    held = Lease(database, dialect, table)
    try:
        held.acquire(ttl, timeout)
        stop = threading.Event()
        beats = threading.Thread(target=_beat, args=(held, stop, ttl / 4), name="wch-lease", daemon=True)
        beats.start()
        try:
            yield held
        except Busy:
            raise
        except Exception as error:
            taken = held.takeover()
            if taken is not None:
                raise taken from error
            raise
        finally:
            stop.set()
            beats.join(timeout=ttl)
            held.release()
    finally:
        held.close()


def _beat(held: Lease, stop: threading.Event, every: float) -> None:
    """Beat until told to stop. A beat that fails is tried again: the holder looks before its next statement."""
    try:
        while not stop.wait(every):
            with contextlib.suppress(pw.PeeweeException):
                held.beat()
    finally:
        held.close()


def _lost(value: str | None) -> Busy:
    return Busy(
        f"the upgrade lease was taken over by another run{_who(value)}; nothing more is done here, run the same again"
    )


def _who(value: str | None) -> str:
    _, _, process, host = [*(value or "").split(":", 3), "", "", ""][:4]
    return f" (process {process} on {host})" if process and host else ""
