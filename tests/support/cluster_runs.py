"""Upgrade runs on a cluster: with a short lease, held at a statement or killed, and the checks of their result.

with held_install(nodes[0], 3) as run:
    run.pause()
    assert run.go_on().startswith("Busy")
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.children import run_killed, run_to_end
from tests.support.cluster import SYNCHRONIZED, Cluster
from tests.support.concurrency import Send, Worker, all_at_once, eventually
from tests.support.databases import LiveDatabase
from tests.support.populate import populate
from tests.support.snapshots import columns, definition
from wch_peewee import DatabaseManager, SchemaConflict
from wch_peewee.install.doctor import diagnose
from wch_peewee.migrate.folder import MigrationFolder, migrations_folder
from wch_peewee.models.namespace import WCH
from wch_peewee.progress import BatchDone
from wch_peewee.schema.statements import CopyRule
from wch_peewee.testing.child import Point

#: Seconds without a sign of life after which a run counts as dead.
TTL = 0.6

ANY_SIZE = CopyRule(allowed=True)

#: How a run ends whose node is gone. Busy is for the lock that has gone with its connection.
CLEAR = "(Busy|DatabaseUnavailable|StatementFailed|MigrationFailed): (?s:.*)( again|then run: wch (activate|migrate))"

#: The chain's ALTER that takes long after ``fill``.
WIDER_TYPE = "ALTER TABLE `wp_wch_sync_queue` MODIFY COLUMN `attempts`"

#: One database, through each of the nodes.
Databases = list[LiveDatabase]


def manager(database: LiveDatabase, **options: Any) -> DatabaseManager:
    """Return a manager with a short lease, which may copy tables of any size."""
    return DatabaseManager(database.url, **{"lease_ttl": TTL, "patience": 60, "copies": ANY_SIZE, **options})


def upgrade(database: LiveDatabase, chain: Path, **options: Any) -> tuple[str, ...]:
    return manager(database, migrations=chain, **options).run_migrations()


def fill(database: LiveDatabase, seconds: float) -> None:
    """Install version 1.0.0 with so many rows in the queue that inserting them takes about ``seconds``."""
    manager(database).install()
    populate(database)
    took = 0.0
    while took < seconds / 2:
        begun = time.monotonic()
        database.execute(
            "INSERT INTO wp_wch_sync_queue (entity_type, entity_id, action, status, created_at) "
            "SELECT entity_type, entity_id, action, status, created_at FROM wp_wch_sync_queue"
        )
        took = time.monotonic() - begun


def tables_of(database: LiveDatabase, prefix: str = "wp_") -> dict[str, str]:
    """Return the definitions of one installation's tables, by their names under the default prefix."""
    names = [name for name in database.tables() if name.startswith(prefix)]
    return {
        f"wp_{name.removeprefix(prefix)}": definition(database, name).replace(f"`{prefix}", "`wp_") for name in names
    }


def options(database: LiveDatabase, prefix: str = "wp_") -> list[tuple[Any, ...]]:
    return columns(database, f"{prefix}options", "option_name, option_value, autoload")


def assert_whole(
    nodes: Databases, undisturbed: dict[str, str], folder: Path | None = None, *, prefix: str = "wp_"
) -> None:
    """Assert that each node has the schema of an undisturbed run, a history row per migration, and the version."""
    migrations = MigrationFolder(folder or migrations_folder())
    for database in nodes:
        assert tables_of(database, prefix) == undisturbed
        history = database.execute(f"SELECT name FROM {prefix}wch_migratehistory ORDER BY id")
        assert history == [(name,) for name in migrations.names]
        version = [row for row in options(database, prefix) if row[0] != WCH.lease_option]
        assert version == [("wch_db_version", migrations.version, "no")]
        assert manager(database, migrations=folder, prefix=prefix).run_migrations() == ()


def assert_free(nodes: Databases) -> None:
    """Assert that no run has the lease."""
    assert WCH.lease_option not in [row[0] for database in nodes for row in options(database)]


class Held:
    """A run in its own process, which is held before its n-th statement, or after its n-th batch, and has the lock."""

    def __init__(
        self, run: DatabaseManager, act: Callable[[DatabaseManager], Any], number: int, *, batches: bool = False
    ) -> None:
        self._gate, self._opener = os.pipe()
        self._left = number

        def live(send: Send) -> Any:
            if batches:
                run.on_progress = lambda event: self._hold(send) if isinstance(event, BatchDone) else None
            else:
                run.before_statement = lambda statement: self._hold(send)
            return act(run)

        self.worker = Worker(live)
        assert self.worker.receive() == "held"

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *error: object) -> None:
        self.worker.__exit__(None, None, None)
        os.close(self._gate)
        os.close(self._opener)

    def pause(self) -> None:
        """Stop the whole process with its heartbeat, like a virtual machine that is being moved."""
        os.kill(self.worker.pid, signal.SIGSTOP)

    def let_go(self) -> None:
        """Continue the process."""
        os.kill(self.worker.pid, signal.SIGCONT)
        os.write(self._opener, b".")

    def go_on(self) -> Any:
        """Continue the process, and return its ending."""
        self.let_go()
        return self.worker.ending()

    def _hold(self, send: Send) -> None:
        self._left -= 1
        if self._left == 0:
            send("held")
            os.read(self._gate, 1)


def held_install(database: LiveDatabase, number: int, **options: Any) -> Held:
    return Held(manager(database, **options), lambda run: str(run.install().outcome), number)


def held_upgrade(database: LiveDatabase, chain: Path, number: int, *, batches: bool = False, **options: Any) -> Held:
    run = manager(database, migrations=chain, **options)
    return Held(run, lambda run: len(run.run_migrations()), number, batches=batches)


def moments(writes: int, *, every: int, slow: bool) -> dict[str, Point]:
    """Return the points before, during and after each write, or a part of them unless ``slow``, by a prefix each."""
    points = [Point(number, moment) for number in range(1, writes + 1) for moment in ("before", "during", "after")]
    return {f"k{number}_": point for number, point in enumerate(points if slow else points[every // 2 :: every])}


def kill_and_finish_installs(nodes: Databases, other: LiveDatabase, undisturbed: dict[str, str], *, slow: bool) -> None:
    """Kill the client of an install on the first node at many points; runs on ``other`` finish all of them."""
    writes = len(run_to_end(manager(nodes[0], prefix="count_").install))
    points = moments(writes, every=7, slow=slow)
    for prefix, point in points.items():
        run_killed(manager(nodes[0], prefix=prefix).install, point)
    all_of([manager(other, prefix=prefix).install for prefix in points])
    for prefix in points:
        assert_whole(nodes, undisturbed, prefix=prefix)


def kill_and_finish_upgrades(
    nodes: Databases, other: LiveDatabase, chain: Path, goal: dict[str, str], *, slow: bool
) -> None:
    """Kill the client of an upgrade on the first node at many points; runs on ``other`` finish and lose nothing."""

    def old(prefix: str) -> list[Any]:
        manager(nodes[0], prefix=prefix).install()
        populate(nodes[0], prefix=prefix)
        return columns(nodes[0], f"{prefix}wch_messages", "id, content")

    old("count_")
    writes = len(run_to_end(partial(upgrade, nodes[0], chain, prefix="count_")))
    points = moments(writes, every=23, slow=slow)
    contents = {prefix: old(prefix) for prefix in points}
    for prefix, point in points.items():
        run_killed(partial(upgrade, nodes[0], chain, prefix=prefix), point)
    all_of([partial(upgrade, other, chain, prefix=prefix) for prefix in points])
    for prefix in points:
        assert_whole(nodes, goal, chain, prefix=prefix)
        assert columns(nodes[2], f"{prefix}wch_message_bodies", "message_id, content") == contents[prefix]


class Watch:
    """A connection that reads the process list of one node without waiting for the cluster."""

    def __init__(self, database: LiveDatabase) -> None:
        self._name = database.name
        self._connection = database.connect()

    def statements(self) -> list[str]:
        """Return the statements that are running in this database."""
        rows = self._connection.execute_sql("SHOW FULL PROCESSLIST").fetchall()
        return [str(row[7] or "") for row in rows if row[3] == self._name]

    def sees(self, words: str) -> bool:
        """Return True if a statement that begins with ``words`` is running in this database."""
        return any(text.startswith(words) for text in self.statements())


def reopen(database: LiveDatabase) -> None:
    """Connect again after the node has been down."""
    database.close()
    database.database = database.connect()
    database.execute(SYNCHRONIZED[database.engine])


def at_once(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run each action in its own process, all at the same time, and return their endings."""
    tickets, printer = os.pipe()
    os.write(printer, bytes(range(len(actions))))
    try:
        return all_at_once(len(actions), lambda: actions[os.read(tickets, 1)[0]]())
    finally:
        os.close(tickets)
        os.close(printer)


def all_of(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run the actions in six threads, and return their results."""
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(lambda action: action(), actions))


def assert_refused_as_myisam(node: LiveDatabase, undisturbed: dict[str, str]) -> None:
    """Assert that an options table of another engine is found before the first change, and that the advice works."""
    node.execute(undisturbed["wp_options"].replace("ENGINE=InnoDB", "ENGINE=MyISAM"))
    words = "wp_options is a MyISAM table, which this cluster does not replicate; convert it first: "
    with pytest.raises(SchemaConflict, match=words) as refused:
        manager(node).install()
    stopped = manager(node).plan().dry_run.stopped
    assert stopped is not None
    assert stopped.reason.startswith(words)
    assert "options table" in {finding.name for finding in diagnose(manager(node)) if finding.state == "fail"}
    assert node.tables() == ["wp_options"]
    advice = re.search(r"ALTER TABLE .* ENGINE=InnoDB", str(refused.value))
    assert advice is not None
    node.execute(advice[0])
    assert manager(node).install().outcome == "installed"


@contextmanager
def healed(cluster: Cluster[Any]) -> Iterator[Databases]:
    """A new database, through each of the nodes; what a test has killed is started again."""
    with cluster.fresh() as databases:
        try:
            yield databases
        finally:
            cluster.heal()


def undisturbed_tables(cluster: Cluster[Any], chain: Path | None = None) -> dict[str, str]:
    """Return the tables that an undisturbed installation makes, or an undisturbed run of the whole chain."""
    with cluster.fresh() as databases:
        if chain is None:
            DatabaseManager(databases[0].url).install()
        else:
            upgrade(databases[0], chain)
        return tables_of(databases[2])


@contextmanager
def in_an_alter(node: LiveDatabase, run: Callable[[], DatabaseManager]) -> Iterator[Worker]:
    """A run of the chain in a process of its own, which is in the middle of a copying ALTER when the block begins."""
    fill(node, 1)
    watch = Watch(node)
    with Worker(lambda send: len(run().run_migrations())) as worker:
        eventually(lambda: watch.sees(WIDER_TYPE))
        yield worker
