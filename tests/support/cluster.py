"""What the private clusters have in common: three servers on loopback, which can be killed and started again.

Their folder and their processes are removed when the process that started them ends, however it ends. The clusters
themselves are in tests/support/galera.py and tests/support/group_replication.py.

    with GaleraCluster() as cluster:
        cluster.node(1).url("test")
        cluster.kill(2)
        cluster.start(2)
"""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import pymysql

from tests.support.addresses import ServerError
from tests.support.concurrency import eventually
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.server_process import PrivateProgram, create_data
from tests.support.server_programs import ServerBinary

#: Lets a session see everything that any node has committed before, by the name of the cluster's engine.
SYNCHRONIZED = {
    "galera": "SET SESSION wsrep_sync_wait = 15",
    "group": "SET SESSION group_replication_consistency = 'BEFORE'",
}


class Node(PrivateProgram, ABC):
    """One server of a cluster. It keeps its address when it is killed and started again."""

    def __init__(self, number: int, engine: str, program: ServerBinary, folder: Path, port: int) -> None:
        super().__init__(program, folder / f"node{number}", port)
        self.number = number
        self.engine = engine

    def __repr__(self) -> str:
        return f"<node {self.number}>"

    def url(self, database: str) -> str:
        return self.address.url(database)

    def connection(self) -> pymysql.Connection[Any]:
        # To prepare for TLS takes longer than all the rest.
        return pymysql.connect(**self.address.arguments(), autocommit=True, connect_timeout=5, ssl_disabled=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on its own connection; it sees everything that the cluster has committed before."""
        return self._run(SYNCHRONIZED[self.engine], sql)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on its own connection, on a node in any state, and without waiting for the others."""
        return self._run(sql)

    def _run(self, *statements: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection, connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
            return list(cursor.fetchall())

    def create_data(self, *options: str) -> None:
        """Create the data of a new server. Raises ServerError."""
        self.folder.mkdir()
        create_data(self.program, self.folder, *options)

    def begin(self, *options: str) -> None:
        """Start the server process; with it the whole cluster's folder is removed."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self.launch([*self._options(), *options], removed=self.folder.parent)

    @abstractmethod
    def _options(self) -> list[str]:
        """Return the options that make it a member of its cluster."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return True if it takes part in its cluster, and False or an error of the driver if it does not."""

    def wait_until_ready(self) -> None:
        """Wait until the node takes part in its cluster. Raises ServerError."""
        self.wait_until(self.is_ready)

    def wait_until(self, what: Callable[[], Any]) -> None:
        """Wait until ``what`` is true; an error of the driver counts as false. Raises ServerError."""

        def is_true() -> Any:
            try:
                return not self.is_running or what()
            except pymysql.Error:
                return False

        try:
            eventually(is_true)
        except AssertionError as error:
            raise ServerError(f"{self} does not come up: {self.last_error()}") from error
        if not self.is_running:
            raise ServerError(f"{self} has ended: {self.last_error()}")


N = TypeVar("N", bound=Node)


class Cluster(ABC, Generic[N]):
    """Three nodes, numbered from 1, each of which takes part in the cluster."""

    def __init__(self, engine: str, program: ServerBinary) -> None:
        self.engine = engine
        self.program = program
        # Inside the unpacked system that holds the program, if there is one.
        place = program.root / "tmp" if program.root else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"wch-{engine}-", dir=place))
        self.nodes: list[N] = []

    def __enter__(self) -> Self:
        try:
            self.start_all()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def alive(self) -> list[N]:
        return [node for node in self.nodes if node.is_running]

    @abstractmethod
    def start_all(self) -> None:
        """Create the data and start all nodes. Raises ServerError."""

    def node(self, number: int) -> N:
        return self.nodes[number - 1]

    def kill(self, number: int) -> None:
        """Kill a node with SIGKILL. The others notice after some seconds."""
        self.node(number).kill()

    @abstractmethod
    def start(self, number: int) -> None:
        """Start a killed node again, and wait until it takes part in the cluster. Raises ServerError."""

    @abstractmethod
    def heal(self) -> None:
        """Bring the cluster back to where it began, whatever a test has done. Raises ServerError."""

    def remove(self) -> None:
        """Kill all nodes and remove their data."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def fresh(self) -> Iterator[list[LiveDatabase]]:
        """Create an empty database on the first node and return it once through each; it is dropped after the block."""
        family = self.program.family
        with fresh_on_server(self.engine, family, self.node(1).address) as first, ExitStack() as stack:
            databases = [first]
            for node in self.nodes[1:]:
                # To log in does not wait until that node has the database, too.
                node.query("SELECT 1 FROM information_schema.SCHEMATA LIMIT 1")
                databases.append(LiveDatabase(self.engine, family, (node.address, first.name)))
                stack.callback(databases[-1].close)
            for database in databases:
                database.execute(SYNCHRONIZED[self.engine])
            yield databases

    def wait_for_size(self, size: int, *, seen_by: Sequence[N] = ()) -> None:
        """Wait until each living node, or each of ``seen_by``, sees so many nodes. Raises ServerError."""
        nodes = seen_by or self.alive
        try:
            eventually(lambda: {self.size_seen_by(node) for node in nodes} == {size})
        except AssertionError as error:
            errors = "; ".join(f"{node}: {node.last_error()}" for node in nodes)
            raise ServerError(f"the nodes do not see {size} nodes: {errors}") from error

    @abstractmethod
    def size_seen_by(self, node: N) -> int:
        """Return how many nodes take part in the cluster, as ``node`` sees it."""
