"""A private Galera cluster of three MariaDB nodes on loopback.

It starts in about three seconds, because the nodes transfer their data with tests/support/wsrep_sst_copy instead of
rsync.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pymysql
from pymysql.constants import ER

from tests.support.addresses import ServerError
from tests.support.cluster import Cluster, Node
from tests.support.server_process import free_ports
from tests.support.server_programs import installed_servers

_PROVIDERS = (
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib64/galera/libgalera_smm.so",
    "/usr/lib/libgalera_smm.so",
)
# Small, because it is copied to each node.
_LOG_SIZE = "--innodb-log-file-size=8M"
# All on one machine: a node that is silent for two seconds is dead.
_TIMING = (
    "evs.keepalive_period=PT0.1S;evs.inactive_check_period=PT0.1S;evs.join_retrans_period=PT0.2S;"
    "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT5S;pc.announce_timeout=PT1S"
)


def missing_galera() -> str:
    """Return what is missing on this machine to start a cluster, or an empty text."""
    if "mariadb" not in installed_servers():
        return "no MariaDB server is installed"
    return "" if _provider() else "galera-4 is not installed"


class GaleraNode(Node):
    """One server of the cluster."""

    def __init__(self, number: int, cluster: GaleraCluster, ports: list[int]) -> None:
        super().__init__(number, cluster.engine, cluster.program, cluster.folder, ports[0])
        self._cluster = cluster
        self._transfer_port, self._increment_port, self.group_port = ports[1:]

    def status(self, name: str) -> str:
        """Return one of Galera's status variables. Works on a node that refuses statements, too."""
        rows = self.ask(f"SHOW STATUS WHERE Variable_name = '{name}'")
        return str(rows[0][1]) if rows else ""

    def is_ready(self) -> bool:
        return self.status("wsrep_local_state_comment") == "Synced" and self.status("wsrep_ready") == "ON"

    def _options(self) -> list[str]:
        group = ",".join(f"127.0.0.1:{node.group_port}" for node in self._cluster.nodes)
        listen = f"gmcast.listen_addr=tcp://127.0.0.1:{self.group_port};ist.recv_addr=127.0.0.1:{self._increment_port}"
        return [
            _LOG_SIZE,
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


class GaleraCluster(Cluster[GaleraNode]):
    """Three synced nodes, numbered from 1."""

    def __init__(self, size: int = 3) -> None:
        super().__init__("galera", installed_servers()["mariadb"])
        ports = free_ports(4 * size)
        self.nodes = [GaleraNode(number + 1, self, ports[4 * number : 4 * number + 4]) for number in range(size)]

    def start_all(self) -> None:
        first, *others = self.nodes
        first.create_data(_LOG_SIZE)
        first.begin("--wsrep-new-cluster")
        first.wait_until_ready()
        # One after the other: two that join at once keep each other waiting.
        for node in others:
            node.begin()
            node.wait_until_ready()
        self.wait_for_size(len(self.nodes))

    def start(self, number: int) -> None:
        # A node that joins while the others still wait for its dead self takes much longer.
        alive = len(self.alive)
        self.wait_for_size(alive)
        self.node(number).begin()
        self.node(number).wait_until_ready()
        self.wait_for_size(alive + 1)

    def pause(self, number: int) -> None:
        """Send SIGSTOP: it keeps its connections and says nothing. The others notice after about two seconds."""
        os.kill(self.node(number).pid, signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Continue a paused node, and wait until it is in the cluster."""
        os.kill(self.node(number).pid, signal.SIGCONT)
        self.wait_for_size(len(self.alive))
        self.node(number).wait_until_ready()

    def begin_again(self, number: int) -> None:
        """Bootstrap a new cluster from a node that has lost its quorum, as an administrator would."""
        node = self.node(number)
        try:
            node.ask("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
        except pymysql.Error as error:
            # MariaDB 11.8 has a variable for each of the provider's options instead.
            if error.args[0] != ER.WRONG_ARGUMENTS:
                raise
            node.ask("SET GLOBAL wsrep_provider_pc_bootstrap = ON")
        node.wait_until_ready()

    def heal(self) -> None:
        """Start every node again that a test has killed."""
        if not self.alive:
            raise ServerError("all nodes of the cluster are dead")
        if all(node.status("wsrep_ready") != "ON" for node in self.alive):
            self.begin_again(self.alive[0].number)
        for node in self.nodes:
            if not node.is_running:
                node.kill()
                self.start(node.number)

    def size_seen_by(self, node: GaleraNode) -> int:
        return int(node.status("wsrep_cluster_size") or 0)


def _provider() -> str | None:
    return next((path for path in _PROVIDERS if Path(path).exists()), None)
