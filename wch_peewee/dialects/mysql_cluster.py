"""How to tell that a MySQL or MariaDB server is one of several, and what follows for locks.

On Galera GET_LOCK holds on its own node only, and a node without quorum still answers GET_LOCK and
information_schema as if nothing had happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..schema.statements import Query
from .base import Rows

#: One round trip: variables, and wsrep's state, which is a status.
QUERY = Query(
    "SHOW VARIABLES WHERE Variable_name IN ('wsrep_on', 'group_replication_single_primary_mode', 'group_replication_group_name')"
)
GALERA_STATUS = Query("SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status')")

#: Reads on another node can be stale; with this they wait until the node has caught up.
SYNC_READS = "SET SESSION wsrep_sync_wait = 15"


@dataclass(frozen=True, slots=True)
class Cluster:
    """``galera``: GET_LOCK does not exclude. ``multi_primary``: Group Replication that writes on every member."""

    galera: bool = False
    multi_primary: bool = False


def read(rows: Rows) -> Cluster:
    values = {str(name).lower(): str(value).upper() for name, value in rows}
    group = bool(values.get("group_replication_group_name"))
    single = values.get("group_replication_single_primary_mode", "ON") == "ON"
    return Cluster(galera=values.get("wsrep_on") == "ON", multi_primary=group and not single)


def without_quorum(rows: Rows) -> str:
    """Say what is wrong with the node; nothing when it takes writes."""
    values = {str(name).lower(): str(value) for name, value in rows}
    if values.get("wsrep_ready", "ON").upper() == "ON":
        return ""
    return f"this Galera node takes no writes (cluster status {values.get('wsrep_cluster_status', 'unknown')})"
