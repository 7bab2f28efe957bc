"""A lease for Galera clusters, where GET_LOCK holds on one node only: a row in the site's options table.

One INSERT decides who has it. A heartbeat changes its value; a waiter who has seen the same value for a
whole ``ttl`` by its own clock takes it over with a compare-and-swap, so no two clocks are ever compared.
A long ALTER stops every write of the cluster, the heartbeat too, and a waiter can then take the lease over
while the ALTER runs: the holder finds out before its next statement, and every step can be repeated.

    with lease(connection, beat, table="wp_options", ttl=20, timeout=60) as held:
        held.check()
"""

from __future__ import annotations

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Iterator

import peewee as pw

from ..dialects.base import Dialect
from ..errors import Busy

#: WordPress's own upgrader locks are called NAME.lock, too.
LEASE_OPTION = "wch_db_upgrade.lock"


class Lease:
    """A held lease. The value is ``token:count``; only the holder knows the token."""

    def __init__(self, database: pw.Database, dialect: Dialect, table: str) -> None:
        self._database = database
        self._dialect = dialect
        self._table = dialect.quote(table)
        self._token = secrets.token_hex(8)
        self._count = 0
        self._guard = threading.Lock()

    def check(self) -> None:
        """Raise Busy when somebody else has taken the lease over."""
        # A beat can lose to a certification failure and the lease still be ours.
        if not self.beat(self._database) and not (self._value() or "").startswith(f"{self._token}:"):
            raise Busy("the upgrade lease was taken over by another run; nothing more is done here, run the same again")

    def beat(self, database: pw.Database) -> bool:
        """Show on ``database`` that the holder lives; False when the lease is somebody else's."""
        sql = f"UPDATE {self._table} SET option_value = %s WHERE option_name = %s AND option_value LIKE %s"
        return self._write(database, sql, (self._next(), LEASE_OPTION, f"{self._token}:%"))

    def acquire(self, ttl: float, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        seen, since = None, time.monotonic()
        while True:
            if self._insert():
                return
            value = self._value()
            if value != seen:
                seen, since = value, time.monotonic()
            elif value is not None and time.monotonic() - since >= ttl and self._take_over(value):
                return
            if time.monotonic() >= deadline:
                raise Busy(f"another run on this cluster is upgrading; waited {timeout:g} seconds")
            time.sleep(random.uniform(0.05, 0.2))

    def release(self) -> None:
        sql = f"DELETE FROM {self._table} WHERE option_name = %s AND option_value LIKE %s"
        with contextlib.suppress(pw.PeeweeException):
            self._write(self._database, sql, (LEASE_OPTION, f"{self._token}:%"))

    def _insert(self) -> bool:
        sql = f"INSERT IGNORE INTO {self._table} (option_name, option_value, autoload) VALUES (%s, %s, 'no')"
        return self._write(self._database, sql, (LEASE_OPTION, self._next()))

    def _take_over(self, value: str) -> bool:
        sql = f"UPDATE {self._table} SET option_value = %s WHERE option_name = %s AND option_value = %s"
        return self._write(self._database, sql, (self._next(), LEASE_OPTION, value))

    def _value(self) -> str | None:
        sql = f"SELECT option_value FROM {self._table} WHERE option_name = %s"
        row = self._database.execute_sql(sql, (LEASE_OPTION,)).fetchone()
        return None if row is None else str(row[0])

    def _next(self) -> str:
        with self._guard:
            self._count += 1
            return f"{self._token}:{self._count}"

    def _write(self, database: pw.Database, sql: str, parameters: tuple[str, ...]) -> bool:
        """Run one autocommitted statement; say whether it changed the row. A lost race is no error."""
        try:
            return int(database.execute_sql(sql, parameters).rowcount) == 1
        except pw.PeeweeException as error:
            if self._dialect.failure(error.args) == "waiting":  # a certification failure shows as a deadlock
                return False
            raise


@contextlib.contextmanager
def lease(
    database: pw.Database, heartbeat: pw.Database, dialect: Dialect, table: str, *, ttl: float, timeout: float
) -> Iterator[Lease]:
    """Hold the lease for the block. ``heartbeat`` is a second connection, because the first is busy with DDL."""
    held = Lease(database, dialect, table)
    held.acquire(ttl, timeout)
    stop = threading.Event()
    beats = threading.Thread(target=_beat, args=(held, heartbeat, stop, ttl / 4), name="wch-lease", daemon=True)
    beats.start()
    try:
        yield held
    finally:
        stop.set()
        beats.join(timeout=ttl)
        held.release()


def _beat(held: Lease, heartbeat: pw.Database, stop: threading.Event, every: float) -> None:
    """Beat until told to stop or the lease is lost; a beat that fails is tried again at the next turn."""
    try:
        while not stop.wait(every):
            with contextlib.suppress(pw.PeeweeException):
                if heartbeat.is_closed():
                    heartbeat.connect()
                # Not had is not yet lost: the holder asks for itself before its next statement.
                held.beat(heartbeat)
    finally:
        with contextlib.suppress(pw.PeeweeException):
            heartbeat.close()
