"""What tests of a Galera cluster share: runs that find dead ones soon, a run that is held, and what must be there.

with held_install(nodes[0], 3) as run:
    run.pause()
    assert run.go_on().startswith("Busy")
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.concurrency import Say, Worker, all_at_once
from tests.support.databases import LiveDatabase
from tests.support.galera import SYNCHRONIZED
from tests.support.snapshots import columns, definition
from wch_peewee import DatabaseManager
from wch_peewee.execution.lease import LEASE_OPTION
from wch_peewee.migrate.folder import MigrationFolder, migrations_folder
from wch_peewee.schema.statements import CopyRule

#: Seconds without a sign of life after which a run counts as dead.
TTL = 0.6

ANY_SIZE = CopyRule(allowed=True)

#: One database, through each of the nodes.
Databases = list[LiveDatabase]


def manager(database: LiveDatabase, **options: Any) -> DatabaseManager:
    """One that finds dead runs soon, and copies a table that a test has made large."""
    return DatabaseManager(database.url, **{"lease_ttl": TTL, "patience": 60, "copies": ANY_SIZE, **options})


def upgrade(database: LiveDatabase, chain: Path, **options: Any) -> tuple[str, ...]:
    return manager(database, migrations=chain, **options).run_migrations()


def ours(database: LiveDatabase, prefix: str = "wp_") -> dict[str, str]:
    """The tables of one installation, under the names of the default prefix."""
    names = [name for name in database.tables() if name.startswith(prefix)]
    return {
        f"wp_{name.removeprefix(prefix)}": definition(database, name).replace(f"`{prefix}", "`wp_") for name in names
    }


def options(database: LiveDatabase, prefix: str = "wp_") -> list[tuple[Any, ...]]:
    return columns(database, f"{prefix}options", "option_name, option_value, autoload")


def assert_whole(
    nodes: Databases, undisturbed: dict[str, str], folder: Path | None = None, *, prefix: str = "wp_"
) -> None:
    """On each node the schema of an undisturbed run, one history row for each migration, and the version."""
    migrations = MigrationFolder(folder or migrations_folder())
    for database in nodes:
        assert ours(database, prefix) == undisturbed
        history = database.execute(f"SELECT name FROM {prefix}wch_migratehistory ORDER BY id")
        assert history == [(name,) for name in migrations.names]
        version = [row for row in options(database, prefix) if row[0] != LEASE_OPTION]
        assert version == [("wch_db_version", migrations.version, "no")]
        assert manager(database, migrations=folder, prefix=prefix).run_migrations() == ()


def assert_free(nodes: Databases) -> None:
    """Nobody has the lease any more."""
    assert LEASE_OPTION not in [row[0] for database in nodes for row in options(database)]


class Held:
    """A run in a process of its own, held ahead of its n-th statement with the lease in its hand."""

    def __init__(self, run: DatabaseManager, act: Callable[[DatabaseManager], Any], number: int) -> None:
        self._gate, self._opener = os.pipe()
        self._left = number

        def live(say: Say) -> Any:
            run.before_statement = lambda statement: self._hold(say)
            return act(run)

        self.worker = Worker(live)
        assert self.worker.hear() == "held"

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *error: object) -> None:
        self.worker.__exit__(None, None, None)
        os.close(self._gate)
        os.close(self._opener)

    def pause(self) -> None:
        """Stop the process whole, its heartbeat too, as happens to a machine that is moved, or swaps."""
        os.kill(self.worker.pid, signal.SIGSTOP)

    def go_on(self) -> Any:
        """Let it go on, and wait for its end."""
        os.kill(self.worker.pid, signal.SIGCONT)
        os.write(self._opener, b".")
        return self.worker.ending()

    def _hold(self, say: Say) -> None:
        self._left -= 1
        if self._left == 0:
            say("held")
            os.read(self._gate, 1)


def held_install(database: LiveDatabase, number: int, **options: Any) -> Held:
    return Held(manager(database, **options), lambda run: str(run.install().outcome), number)


def held_upgrade(database: LiveDatabase, chain: Path, number: int, **options: Any) -> Held:
    return Held(manager(database, migrations=chain, **options), lambda run: len(run.run_migrations()), number)


class Watch:
    """Sees what one node is doing; unlike our other connections it does not wait for the cluster."""

    def __init__(self, database: LiveDatabase) -> None:
        self._name = database.name
        self._connection = database.connect()

    def sees(self, words: str) -> bool:
        """Say whether a statement that begins with ``words`` is running in this database."""
        rows = self._connection.execute_sql("SHOW FULL PROCESSLIST").fetchall()
        return any(row[3] == self._name and str(row[7] or "").startswith(words) for row in rows)


def reopen(database: LiveDatabase) -> None:
    """Connect again after the node has been away."""
    database.close()
    database.database = database.connect()
    database.execute(SYNCHRONIZED)


def at_once(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run each of them in a process of its own, all in the same moment."""
    tickets, printer = os.pipe()
    os.write(printer, bytes(range(len(actions))))
    try:
        return all_at_once(len(actions), lambda: actions[os.read(tickets, 1)[0]]())
    finally:
        os.close(tickets)
        os.close(printer)


def all_of(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run them in threads, some at a time: most of a takeover is waiting."""
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(lambda action: action(), actions))
