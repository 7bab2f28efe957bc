"""The cluster state that a server reports, and its consequence for locks."""

from __future__ import annotations

from typing import Any

import pytest

from wch_peewee.schema.dialect import Topology
from wch_peewee.schema.mysql.topology import topology_dialogue

GALERA = {"wsrep_on": "ON", "wsrep_provider": "/usr/lib/galera/libgalera_smm.so"}
NOT_NOW = (
    "this Galera node does not accept writes now (cluster status {}, state {}); use another node, or try again later"
)

SYNCED = {"wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_local_state_comment": "Synced"}

Rows = list[tuple[Any, ...]]


def told(flavor: str, answers: dict[str, Rows | None], version: tuple[int, ...] = (9, 7)) -> tuple[Topology, list[str]]:
    """Return what follows from the answers, which are found by a word of their query, and the queries."""
    dialogue, asked = topology_dialogue(flavor, version), list[str]()
    query = next(dialogue)
    while True:
        asked.append(query.sql)
        answer = next((rows for word, rows in answers.items() if word in query.sql), None)
        try:
            query = dialogue.send(answer)
        except StopIteration as end:
            return end.value, asked


def rows(values: dict[str, str]) -> Rows:
    return list(values.items())


def settings(flavor: str, values: dict[str, str]) -> dict[str, Rows | None]:
    """Return the answers to the queries for settings; a server refuses a query that names one which it lacks."""
    asked = {
        "innodb_read_only": ["innodb_read_only", *(["super_read_only"] if flavor == "mysql" else []), "read_only"],
        "@@wsrep_on": ["wsrep_on", "wsrep_provider"],
        "group_replication_group_name": ["group_replication_group_name", "group_replication_single_primary_mode"],
    }
    known = {"innodb_read_only": "OFF", "super_read_only": "OFF", "read_only": "OFF", **values}
    found: dict[str, Rows | None] = {"SHOW REPLICA STATUS": []}
    for word, names in asked.items():
        found[word] = [tuple(known[name] for name in names)] if known.keys() >= set(names) else None
    return found


#: variables, status -> what follows
ANSWERS = {
    "MySQL": ({}, {}, Topology()),
    "MariaDB": ({"wsrep_on": "OFF", "wsrep_provider": "none"}, {"wsrep_ready": "OFF"}, Topology()),
    "a node": (GALERA, SYNCED, Topology("galera")),
    "a node that gives another its data": (
        GALERA,
        {**SYNCED, "wsrep_local_state_comment": "Donor/Desynced"},
        Topology("galera", NOT_NOW.format("Primary", "Donor/Desynced")),
    ),
    "a node without quorum": (
        GALERA,
        {**SYNCED, "wsrep_ready": "OFF", "wsrep_cluster_status": "non-Primary"},
        Topology("galera", NOT_NOW.format("non-Primary", "Synced")),
    ),
    "a node that says nothing": (GALERA, {}, Topology("galera", NOT_NOW.format("unknown", "unknown"))),
    # Measured: such a server is on its own and takes writes, but is not "ready".
    "wsrep without a provider": (
        {"wsrep_on": "ON", "wsrep_provider": "none"},
        {"wsrep_ready": "OFF", "wsrep_cluster_status": "Disconnected"},
        Topology(),
    ),
    "a node whose replication was switched off": (
        {**GALERA, "wsrep_on": "OFF"},
        {"wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_cluster_size": "3"},
        Topology(
            "galera",
            "this Galera node does not replicate writes (wsrep_on is OFF); use another node",
        ),
    ),
    "a server that only has Galera's provider": (
        {**GALERA, "wsrep_on": "OFF"},
        {"wsrep_ready": "OFF", "wsrep_cluster_status": "Disconnected", "wsrep_cluster_size": "0"},
        Topology(),
    ),
    "no Group Replication": (
        {"group_replication_group_name": "", "group_replication_single_primary_mode": "ON"},
        {},
        Topology(),
    ),
}


@pytest.mark.parametrize(("variables", "status", "follows"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_a_server_says(variables: dict[str, str], status: dict[str, str], follows: Topology) -> None:
    flavor = "mysql" if "group_replication_group_name" in variables else "mariadb"
    answers = settings(flavor, variables)
    topology, asked = told(flavor, {**answers, "wsrep_ready": rows(status)})
    assert topology == follows
    # To say how it stands a server counts everything up: only one that may be a node is asked.
    assert any("wsrep_ready" in sql for sql in asked) == (variables.get("wsrep_provider", "none") != "none")
    # Some servers write the names in capitals.
    assert (
        told(flavor, {**answers, "wsrep_ready": [(name.upper(), value) for name, value in rows(status)]})[0] == follows
    )


# --- replicas

_USE = "use the address of the primary"
_STOP = "; if this is the one, or both replicate each other, stop its replication for the run: "

_CHANNELS = "STOP REPLICA FOR CHANNEL 'dc'; STOP REPLICA FOR CHANNEL 'it''s'"


def of_mysql(host: str, *, user: str = "repl", running: str = "Yes", channel: str = "") -> tuple[Any, ...]:
    return ("Waiting", host, user, 3306, *[None] * 6, running, "No", *[None] * 43, channel, "tail")


def of_mariadb(name: str = "", running: str = "Yes") -> tuple[Any, ...]:
    return (name, "Slave has read all", "Waiting", "db1", "repl", 3306, *[None] * 6, "No", running, "tail")


#: flavor, version, variables, the answer on replication, MariaDB's counter -> what is wrong
REPLICAS: dict[str, tuple[str, tuple[int, ...], dict[str, str], Rows | None, str, str]] = {
    "a primary": ("mysql", (9, 7), {"read_only": "OFF"}, [], "", ""),
    "a member of a group": ("mysql", (9, 7), {}, [of_mysql("", channel="group_replication_applier")], "", ""),
    "one whose replication was stopped": ("mysql", (9, 7), {}, [of_mysql("db1", running="No")], "", ""),
    "a replica that may be written to": (
        "mysql",
        (9, 7),
        {"read_only": "OFF", "super_read_only": "OFF"},
        [of_mysql("", channel="group_replication_recovery"), of_mysql("db1", user="group_replication_user")],
        "",
        f"it is a replica); {_USE}, db1:3306{_STOP}STOP REPLICA",
    ),
    "an old one": (
        "mysql",
        (8, 0, 21),
        {},
        [of_mysql("db1")],
        "",
        f"it is a replica); {_USE}, db1:3306{_STOP}STOP SLAVE",
    ),
    "one of several": (
        "mysql",
        (9, 7),
        {},
        [of_mysql("db1", channel="dc"), of_mysql("db2", channel="old", running="No"), of_mysql("db3", channel="it's")],
        "",
        f"it is a replica); {_USE}, db1:3306, db3:3306{_STOP}{_CHANNELS}",
    ),
    "a replica": (
        "mysql",
        (9, 7),
        {"read_only": "ON", "super_read_only": "ON"},
        [of_mysql("db1", running="Connecting")],
        "",
        f"it is a replica and super_read_only is ON); {_USE}, db1:3306",
    ),
    "a replica, to a site's account": ("mysql", (9, 7), {"read_only": "1"}, None, "", f"read_only is ON); {_USE}"),
    "a reader of a managed cluster": (
        "mysql",
        (8, 0, 32),
        {"innodb_read_only": "ON", "read_only": "OFF"},
        [],
        "",
        f"innodb_read_only is ON); {_USE}",
    ),
    "MariaDB's": (
        "mariadb",
        (10, 11),
        {"read_only": "OFF"},
        [of_mariadb(), of_mariadb("dc2", running="No")],
        "",
        f"it is a replica); {_USE}, db1:3306{_STOP}STOP SLAVE",
    ),
    "MariaDB's by name": (
        "mariadb",
        (10, 11),
        {"read_only": "OFF"},
        [of_mariadb("dc2")],
        "",
        f"it is a replica); {_USE}, db1:3306{_STOP}STOP SLAVE 'dc2'",
    ),
    "MariaDB's, to a site's account": (
        "mariadb",
        (12, 0),
        {"read_only": "NO_LOCK"},
        None,
        "1",
        f"it is a replica and read_only is ON); {_USE}",
    ),
    "MariaDB that replicates nothing, to a site's account": ("mariadb", (10, 11), {"read_only": "OFF"}, None, "0", ""),
}


@pytest.mark.parametrize(
    ("flavor", "version", "variables", "status", "running", "words"), REPLICAS.values(), ids=REPLICAS.keys()
)
def test_a_server_that_is_not_to_be_written_to(
    flavor: str, version: tuple[int, ...], variables: dict[str, str], status: Rows | None, running: str, words: str
) -> None:
    answers = {**settings(flavor, variables), "Slaves_running": [("Slaves_running", running)]}
    word = "REPLICA" if version == (9, 7) or version == (8, 0, 32) else "SLAVE"
    of_all = "SHOW ALL SLAVES STATUS" if flavor == "mariadb" else f"SHOW {word} STATUS"
    topology, _ = told(flavor, {**answers, of_all: status}, version)
    knows = flavor == "mariadb" or status is not None
    trouble = f"this server must not be written to ({words}" if words else ""
    assert topology == Topology("", trouble, knows_sources=knows)


# --- Group Replication

MEMBER = {"group_replication_group_name": "aaaa-bbbb", "group_replication_single_primary_mode": "ON"}
READ_ONLY = {**MEMBER, "super_read_only": "ON"}
ONLINE = [(10,)]
OTHERS = [(0, "ONLINE", "PRIMARY", "db1:3306"), (0, "ONLINE", "SECONDARY", "db3:3306")]
ITS_PRIMARY = "; its primary is db1:3306"
THE_PRIMARY = "; use the group's primary"

OFFLINE = (
    "is OFFLINE, and could never join again if it were written to; START GROUP_REPLICATION, or if it has left its "
    "group for good UNINSTALL PLUGIN group_replication"
)

#: variables, the members, what only a member that is ONLINE answers, and the words after "this member of a ... group"
MEMBERS: dict[str, tuple[dict[str, str], list[Any], list[Any], str]] = {
    "the primary": (MEMBER, [(1, "ONLINE", "PRIMARY", "db2:3306")], ONLINE, ""),
    "the primary, to a site's account": (MEMBER, [], ONLINE, ""),
    "a secondary": (
        READ_ONLY,
        [(1, "ONLINE", "SECONDARY", "db2:3306"), *OTHERS],
        ONLINE,
        "is a secondary" + ITS_PRIMARY,
    ),
    "a secondary that an administrator has made writable": (
        MEMBER,
        [(1, "ONLINE", "SECONDARY", "db2:3306"), *OTHERS],
        ONLINE,
        "is a secondary" + ITS_PRIMARY,
    ),
    "a secondary, to a site's account": (
        READ_ONLY,
        [],
        ONLINE,
        "is read-only (super_read_only is ON), as secondaries are" + THE_PRIMARY,
    ),
    "a primary that is just taking over": (
        READ_ONLY,
        [(1, "ONLINE", "PRIMARY", "db2:3306")],
        ONLINE,
        "is read-only (super_read_only is ON), as secondaries are" + THE_PRIMARY,
    ),
    "one that has not been started": (MEMBER, [(1, "OFFLINE", "", "db2:3306")], [], OFFLINE + THE_PRIMARY),
    "one that does not know its name yet": (MEMBER, [(1, "OFFLINE", "", None)], [], OFFLINE + THE_PRIMARY),
    "one that is catching up": (
        READ_ONLY,
        [(1, "RECOVERING", "SECONDARY", "db2:3306"), *OTHERS],
        [],
        "is RECOVERING, and has not caught up yet" + ITS_PRIMARY,
    ),
    "one that has been expelled": (
        READ_ONLY,
        [(1, "ERROR", "", "db2:3306"), *OTHERS],
        [],
        "is in the state ERROR, and out of its group" + ITS_PRIMARY,
    ),
    "a primary without the others": (
        MEMBER,
        [(1, "ONLINE", "PRIMARY", "db2:3306"), (0, "UNREACHABLE", "SECONDARY", "db3:3306")],
        [],
        "sees no majority of its group" + THE_PRIMARY,
    ),
    "a secondary without the others": (
        READ_ONLY,
        [(1, "ONLINE", "SECONDARY", "db2:3306"), (0, "UNREACHABLE", "PRIMARY", "db3:3306")],
        [],
        "sees no majority of its group" + THE_PRIMARY,
    ),
    "one in a state of a later version": (MEMBER, [(1, "DRAINING", "", "db2:3306")], [], "is DRAINING" + THE_PRIMARY),
    "none of these, to a site's account": (
        MEMBER,
        [],
        [],
        "is not ONLINE, or sees no majority of its group" + THE_PRIMARY,
    ),
}


@pytest.mark.parametrize(("variables", "members", "online", "words"), MEMBERS.values(), ids=MEMBERS.keys())
def test_what_a_member_of_a_group_says(
    variables: dict[str, str], members: list[Any], online: list[Any], words: str
) -> None:
    answers = {**settings("mysql", variables), "replication_group_members": members, "get_write_concurrency": online}
    found, asked = told("mysql", answers)
    assert len(asked) == 5 + (not words)  # a member that may be written to can still be a replica of another server
    assert found == Topology("group", f"this member of a replication group {words}" if words else "")


def test_a_group_with_several_primaries_is_not_supported() -> None:
    topology, _ = told("mysql", settings("mysql", {**MEMBER, "group_replication_single_primary_mode": "OFF"}))
    words = "Group Replication with several primaries is not supported; switch to single-primary mode"
    assert topology == Topology("group", words, supported=False)
