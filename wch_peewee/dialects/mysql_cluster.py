"""How to tell that a MySQL or MariaDB server is one of several, and what follows for locks.

On Galera GET_LOCK holds on its own node only, and a node without quorum still answers GET_LOCK and
information_schema as if nothing had happened. Group Replication with several primaries is refused: DDL on
two of them at once is not safe there, and no lock of ours reaches from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..schema.statements import Query
from .base import Cluster, Rows

QUERIES = (
    Query(
        "SHOW VARIABLES WHERE Variable_name IN "
        "('wsrep_on', 'group_replication_group_name', 'group_replication_single_primary_mode')"
    ),
    Query("SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size')"),
)

#: Reads on another node than the one written to can be stale; with this they wait.
SYNCHRONIZE_READS = "SET SESSION wsrep_sync_wait = 15"


def read(answers: Sequence[Rows]) -> Cluster:
    values = {str(name).lower(): str(value) for rows in answers for name, value in rows}
    if values.get("wsrep_on", "OFF").upper() == "ON":
        if values.get("wsrep_ready", "OFF").upper() != "ON":
            status = values.get("wsrep_cluster_status", "unknown")
            return Cluster(trouble=f"this Galera node takes no writes (cluster status {status}); use another node")
        return Cluster(shared_writes=True)
    single_primary = values.get("group_replication_single_primary_mode", "ON").upper() == "ON"
    if values.get("group_replication_group_name") and not single_primary:
        return Cluster(
            trouble="Group Replication with several primaries is not supported; switch to single-primary mode"
        )
    return Cluster()
