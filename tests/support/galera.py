"""A Galera cluster of three MariaDB nodes on loopback, to be raced on, killed and started again.

Its folder and its processes are gone when the process that started it is gone, however that ends. It takes about
three seconds, because the nodes get their data by tests/support/wsrep_sst_copy and not by rsync.

    with GaleraCluster() as cluster:
        cluster.node(1).url("test")
        cluster.kill(2)
        cluster.start(2)
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Any

import pymysql
from pymysql.constants import ER

from tests.support.addresses import ServerAddress, ServerError
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.server_programs import PATH, installed_servers, output_of

#: For a session: it sees all that any node has done before.
SYNCHRONIZED = "SET SESSION wsrep_sync_wait = 15"

_PROVIDERS = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib64/galera/libgalera_smm.so",
    "/usr/lib/libgalera_smm.so",
)
# Below 32768, where Linux begins to hand out ports for outgoing connections.
_PORTS = range(20000, 32768)
# Small, because it is copied to each node.
_LOG_SIZE = "--innodb-log-file-size=8M"
# All on one machine: a node that is silent for two seconds is dead.
_TIMING = (
    "evs.keepalive_period=PT0.1S;evs.inactive_check_period=PT0.1S;evs.join_retrans_period=PT0.2S;"
    "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT5S;pc.announce_timeout=PT1S"
)


def missing_galera() -> str:
    """Say what a cluster lacks here; nothing when it can be started."""
    if "mariadb" not in installed_servers():
        return "no MariaDB server is installed"
    return "" if _provider() else "galera-4 is not installed"


def choose_galera(asked: str) -> tuple[str, str]:
    """Take ``galera`` out of the names asked for, and say in a line why the cluster is left out; empty when it is not.

    ``asked`` is the value of WCH_TEST_ENGINES or --engines. Raises ServerError when it was asked for and cannot be had.
    """
    names = asked.replace(",", " ").split()
    others = [name for name in names if name != "galera"]
    missing = missing_galera()
    if missing and "galera" in names:
        raise ServerError(f"engine galera was asked for and is not there: {missing}")
    why = missing or ("" if "galera" in names or not names else "was not asked for")
    return " ".join(others), f"galera: not tested ({why})" if why else ""


class Node:
    """One server of the cluster. ``address`` stays the same when it is killed and started again."""

    def __init__(self, number: int, cluster: GaleraCluster, ports: list[int]) -> None:
        self.number = number
        self.folder = cluster.folder / f"node{number}"
        self._cluster = cluster
        self.address = ServerAddress("127.0.0.1", ports[0])
        self._transfer_port, self._increment_port, self.group_port = ports[1:]
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<node {self.number}>"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, database: str) -> str:
        return self.address.url(database)

    def connection(self) -> pymysql.Connection[Any]:
        # To prepare for TLS takes longer than all the rest.
        return pymysql.connect(**self.address.arguments(), autocommit=True, connect_timeout=5, ssl_disabled=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; it sees all that the cluster has done before."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(SYNCHRONIZED)
            cursor.execute(sql)
            return list(cursor.fetchall())

    def status(self, name: str) -> str:
        """Read one of Galera's status variables, also on a node that takes no statements."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW STATUS WHERE Variable_name = %s", [name])
            rows = cursor.fetchall()
            return str(rows[0][1]) if rows else ""

    def launch(self, *options: str) -> None:
        """Start the process."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            # A session of its own: Ctrl-C is for pytest, which then removes its cluster.
            self._process = subprocess.Popen(
                [*self._cluster.program.command, *self._options(), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                # The server looks the script up that transfers its state.
                env={**os.environ, "PATH": f"{Path(__file__).parent}{os.pathsep}{PATH}"},
                start_new_session=True,
            )
        # Its standard input closes when this process ends, however it ends; then it cleans up.
        script = 'read _; kill -9 "-$0"; sleep 0.3; rm -rf "$1"'
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", script, str(self._process.pid), str(self._cluster.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _options(self) -> list[str]:
        group = ",".join(f"127.0.0.1:{node.group_port}" for node in self._cluster.nodes)
        listen = f"gmcast.listen_addr=tcp://127.0.0.1:{self.group_port};ist.recv_addr=127.0.0.1:{self._increment_port}"
        return [
            "--no-defaults",
            *_as_root(),
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",
            f"--port={self.address.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            "--innodb-buffer-pool-size=64M",
            _LOG_SIZE,
            # 2 and not 0: no waiting for the disk, and a commit still survives kill().
            "--innodb-flush-log-at-trx-commit=2",
            # "Internal use": no fsync at all. Only a crash of the whole machine would tell.
            "--innodb-flush-method=nosync",
            "--innodb-autoinc-lock-mode=2",
            "--binlog-format=ROW",
            "--wsrep-on=ON",
            f"--wsrep-provider={_provider()}",
            "--wsrep-cluster-name=wch-test",
            f"--wsrep-cluster-address=gcomm://{group}",
            f"--wsrep-node-name=node{self.number}",
            f"--wsrep-node-address=127.0.0.1:{self.group_port}",
            "--wsrep-sst-method=copy",
            f"--wsrep-sst-receive-address=127.0.0.1:{self._transfer_port}",
            f"--wsrep-provider-options={listen};gcache.size=32M;pc.recovery=false;{_TIMING}",
        ]

    def wait_until_synced(self, timeout: float = 60) -> None:
        """Wait until it takes part in the cluster and answers. Raises ServerError."""
        deadline = time.monotonic() + timeout
        while self.is_running and time.monotonic() < deadline:
            try:
                if self.status("wsrep_local_state_comment") == "Synced" and self.status("wsrep_ready") == "ON":
                    return
            except pymysql.Error:
                pass
            time.sleep(0.05)
        raise ServerError(f"node {self.number} does not come up: {self.last_error()}")

    def kill(self) -> None:
        """Kill it as the kernel would, with the scripts that it may be running."""
        if self._process is None:
            return
        assert self._guard is not None
        # The guard goes first, lest it kill whoever has the number next.
        self._guard.kill()
        self._guard.communicate()
        # Of one that has died by itself and been seen dead, the number may be somebody else's by now.
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def last_error(self) -> str:
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        errors = [line.strip() for line in lines if "error" in line.lower()]
        return (errors or lines or ["it said nothing"])[-1]


class GaleraCluster:
    """Three nodes, numbered from 1, all synced."""

    def __init__(self, size: int = 3) -> None:
        self.program = installed_servers()["mariadb"]
        self.folder = Path(tempfile.mkdtemp(prefix="wch-galera-"))
        ports = _free_ports(4 * size)
        self.nodes = [Node(number + 1, self, ports[4 * number : 4 * number + 4]) for number in range(size)]

    def __enter__(self) -> GaleraCluster:
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

    def start_all(self) -> None:
        """Make the data and start all nodes. Raises ServerError."""
        first = self.nodes[0]
        first.folder.mkdir()
        options = ["--no-defaults", *_as_root(), f"--datadir={first.folder / 'data'}", _LOG_SIZE]
        # Its own, as in servers.py: what it finds in /tmp it would remove from under the servers that run there.
        options.append(f"--tmpdir={first.folder}")
        options += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        said = output_of([*self.program.installer, *options])
        if not (first.folder / "data" / "mysql").is_dir():
            raise ServerError(f"the cluster's data cannot be created: {said[-200:]}")
        first.launch("--wsrep-new-cluster")
        first.wait_until_synced()
        # One after the other: two that join at once keep each other waiting.
        for node in self.nodes[1:]:
            node.launch()
            node.wait_until_synced()
        self._wait_for_size(len(self.nodes))

    def node(self, number: int) -> Node:
        return self.nodes[number - 1]

    def kill(self, number: int) -> None:
        """Kill a node with SIGKILL; the others notice after about two seconds."""
        self.node(number).kill()

    def start(self, number: int) -> None:
        """Start a killed node again, and wait until it has caught up with the others."""
        # A node that joins while the others still wait for its dead self takes much longer.
        alive = [node for node in self.nodes if node.is_running]
        self._wait_for_size(len(alive))
        self.node(number).launch()
        self.node(number).wait_until_synced()
        self._wait_for_size(len(alive) + 1)

    def begin_again(self, number: int) -> None:
        """Let a node that has lost its quorum be the cluster, as an administrator would; the others join it."""
        node = self.node(number)
        try:
            node.query("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
        except pymysql.Error as error:
            # MariaDB 11.8 has a variable for each of the provider's options instead.
            if error.args[0] != ER.WRONG_ARGUMENTS:
                raise
            node.query("SET GLOBAL wsrep_provider_pc_bootstrap = ON")
        node.wait_until_synced()

    def heal(self) -> None:
        """Bring back whatever a test has left killed."""
        alive = [node for node in self.nodes if node.is_running]
        if not alive:
            raise ServerError("all nodes of the cluster are dead")
        if all(node.status("wsrep_ready") != "ON" for node in alive):
            self.begin_again(alive[0].number)
        for node in self.nodes:
            if not node.is_running:
                node.kill()
                self.start(node.number)

    def remove(self) -> None:
        """Kill all nodes and remove their data."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def fresh(self) -> Iterator[list[LiveDatabase]]:
        """Give a fresh, empty database, once through each node; it is dropped afterwards."""
        with fresh_on_server("galera", "mariadb", self.node(1).address) as first, ExitStack() as stack:
            databases = [first]
            for node in self.nodes[1:]:
                node.query("SELECT 1 FROM information_schema.SCHEMATA LIMIT 1")
                databases.append(LiveDatabase("galera", "mariadb", (node.address, first.name)))
                stack.callback(databases[-1].close)
            for database in databases:
                database.execute(SYNCHRONIZED)
            yield databases

    def _wait_for_size(self, size: int) -> None:
        deadline = time.monotonic() + 60
        for node in self.nodes:
            while node.is_running and node.status("wsrep_cluster_size") != str(size):
                if time.monotonic() > deadline:
                    raise ServerError(f"{node} does not see {size} nodes: {node.last_error()}")
                time.sleep(0.05)


def _provider() -> str | None:
    return next((path for path in _PROVIDERS if Path(path).exists()), None)


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_ports(number: int) -> list[int]:
    """Find so many different ports."""
    found: list[int] = []
    for port in SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == number:
            return found
    raise ServerError("there are no free ports on loopback")
