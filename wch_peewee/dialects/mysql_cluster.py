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
        "('wsrep_on', 'wsrep_provider', 'group_replication_group_name', 'group_replication_single_primary_mode')"
    ),
    Query("SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size')"),
)

#: Reads on another node than the one written to can be stale; with this they wait. And with the method RSU,
#: which an administrator may have set, a change of the schema would stay on its own node.
SYNCHRONIZE_READS = "SET SESSION wsrep_sync_wait = 15, wsrep_OSU_method = 'TOI'"


def read(answers: Sequence[Rows]) -> Cluster:
    values = {str(name).lower(): str(value) for rows in answers for name, value in rows}
    # Without a provider MariaDB is a server on its own, and says of itself that it is not ready.
    provider = values.get("wsrep_provider", "none").lower()
    if values.get("wsrep_on", "OFF").upper() == "ON" and provider not in ("", "none"):
        return Cluster(shared_writes=True, trouble=_not_ready(values))
    single_primary = values.get("group_replication_single_primary_mode", "ON").upper() == "ON"
    if values.get("group_replication_group_name") and not single_primary:
        return Cluster(
            trouble="Group Replication with several primaries is not supported; switch to single-primary mode"
        )
    return Cluster()


def _not_ready(values: dict[str, str]) -> str:
    if values.get("wsrep_ready", "OFF").upper() == "ON":
        return ""
    status = values.get("wsrep_cluster_status", "unknown")
    return f"this Galera node takes no writes now (cluster status {status}); use another node, or try again later"
