"""The cluster state that a server reports, and its consequence for locks."""

from __future__ import annotations

import pytest

from wch_peewee.schema.dialect import Cluster
from wch_peewee.schema.mysql.server import cluster_query as next_question
from wch_peewee.schema.mysql.server import read_cluster as read

GALERA = {"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}
NOT_READY = "this Galera node takes no writes now (cluster status {}); use another node, or try again later"

#: variables, status -> what follows
ANSWERS = {
    "MySQL": ({}, {}, Cluster()),
    "MariaDB": ({"wsrep_on": "OFF", "wsrep_provider": "none"}, {"wsrep_ready": "OFF"}, Cluster()),
    "a node": (GALERA, {"wsrep_ready": "ON", "wsrep_cluster_status": "Primary"}, Cluster(shared_writes=True)),
    "a node without quorum": (
        GALERA,
        {"wsrep_ready": "OFF", "wsrep_cluster_status": "non-Primary"},
        Cluster(shared_writes=True, trouble=NOT_READY.format("non-Primary")),
    ),
    "a node that says nothing": (GALERA, {}, Cluster(shared_writes=True, trouble=NOT_READY.format("unknown"))),
    # Measured: such a server is on its own and takes writes, but is not "ready".
    "wsrep without a provider": (
        {"wsrep_on": "ON", "wsrep_provider": "none"},
        {"wsrep_ready": "OFF", "wsrep_cluster_status": "Disconnected"},
        Cluster(),
    ),
    "a node whose replication was switched off": (
        {**GALERA, "wsrep_on": "OFF"},
        {"wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_cluster_size": "3"},
        Cluster(
            shared_writes=True,
            trouble="this Galera node keeps to itself what is written here (wsrep_on is OFF); use another node",
        ),
    ),
    "a server that only has Galera's provider": (
        {**GALERA, "wsrep_on": "OFF"},
        {"wsrep_ready": "OFF", "wsrep_cluster_status": "Disconnected", "wsrep_cluster_size": "0"},
        Cluster(),
    ),
    "no Group Replication": (
        {"group_replication_group_name": "", "group_replication_single_primary_mode": "ON"},
        {},
        Cluster(),
    ),
    "a single primary": (
        {"group_replication_group_name": "aaaa-bbbb", "group_replication_single_primary_mode": "ON"},
        {},
        Cluster(),
    ),
    "several primaries": (
        {"group_replication_group_name": "aaaa-bbbb", "group_replication_single_primary_mode": "OFF"},
        {},
        Cluster(trouble="Group Replication with several primaries is not supported; switch to single-primary mode"),
    ),
}


@pytest.mark.parametrize(("variables", "status", "follows"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_a_server_says(variables: dict[str, str], status: dict[str, str], follows: Cluster) -> None:
    answers: list[list[tuple[str, str]]] = []
    while (query := next_question(answers)) is not None:
        answers.append(list((variables if "VARIABLES" in query.sql else status).items()))
    # To say how it stands a server counts everything up: only one that may be a node is asked.
    assert len(answers) == (2 if variables.get("wsrep_provider", "none") != "none" else 1)
    assert read(answers) == follows
    # Some servers write the names in capitals.
    assert read([[(name.upper(), value) for name, value in rows] for rows in answers]) == follows
