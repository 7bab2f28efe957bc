"""How to tell that a MySQL or MariaDB server is one of several, and what follows for locks.

On Galera GET_LOCK holds on its own node only, and a node without quorum still answers GET_LOCK and
information_schema as if nothing had happened; such a node, and one that replicates nothing, is refused.
Group Replication with several primaries is refused, too: DDL on two of them at once is not safe there, and
no lock of ours reaches from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._part_statements_query import Query
from ..dialect import Cluster, Rows

_VARIABLES = Query(
    "SHOW VARIABLES WHERE Variable_name IN "
    "('wsrep_on', 'wsrep_provider', 'group_replication_group_name', 'group_replication_single_primary_mode')"
)
_STATUS = Query("SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size')")

#: Reads on another node than the one written to can be stale; with this they wait. And with the method RSU,
#: which an administrator may have set, a change of the schema would stay on its own node.
SYNCHRONIZE_READS = "SET SESSION wsrep_sync_wait = 15, wsrep_OSU_method = 'TOI'"


def next_question(answers: Sequence[Rows]) -> Query | None:
    """Return what is yet to be asked; how a node does only of one that has a provider, for the server counts it up."""
    if not answers:
        return _VARIABLES
    return _STATUS if len(answers) == 1 and _has_provider(_values(answers)) else None


def read(answers: Sequence[Rows]) -> Cluster:
    values = _values(answers)
    if _in_galera(values):
        return Cluster(shared_writes=True, trouble=_galera_trouble(values))
    single_primary = values.get("group_replication_single_primary_mode", "ON").upper() == "ON"
    if values.get("group_replication_group_name") and not single_primary:
        return Cluster(
            trouble="Group Replication with several primaries is not supported; switch to single-primary mode"
        )
    return Cluster()


def _values(answers: Sequence[Rows]) -> dict[str, str]:
    return {str(name).lower(): str(value) for rows in answers for name, value in rows}


def _has_provider(values: dict[str, str]) -> bool:
    # Without one MariaDB is a server on its own, which takes writes and calls itself not ready.
    return values.get("wsrep_provider", "none").lower() not in ("", "none")


def _in_galera(values: dict[str, str]) -> bool:
    if not _has_provider(values):
        return False
    # Off from the start, the provider is not even loaded; switched off later, the node is still a member.
    return values.get("wsrep_on", "OFF").upper() == "ON" or values.get("wsrep_cluster_size", "0") != "0"


def _galera_trouble(values: dict[str, str]) -> str:
    if values.get("wsrep_on", "OFF").upper() != "ON":
        return "this Galera node keeps to itself what is written here (wsrep_on is OFF); use another node"
    if values.get("wsrep_ready", "OFF").upper() != "ON":
        status = values.get("wsrep_cluster_status", "unknown")
        return f"this Galera node takes no writes now (cluster status {status}); use another node, or try again later"
    return ""
