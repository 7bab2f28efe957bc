"""What a server says about its place among others: alone, a replica, in a Galera cluster, in a replication group."""

from collections.abc import Generator
from typing import Literal

from ..base import Query, Rows
from ..dialect import Topology
from .base import quote_text

# Asked for by name, as SHOW VARIABLES takes ten times as long. A server that does not know one refuses the query.
_READ_ONLY = {
    "mariadb": ("innodb_read_only", "read_only"),
    "mysql": ("innodb_read_only", "super_read_only", "read_only"),
}
_WSREP = Query("SELECT @@wsrep_on, @@global.wsrep_provider")
_GROUP = Query("SELECT @@global.group_replication_group_name, @@global.group_replication_single_primary_mode")
_GALERA_STATUS = Query(
    "SHOW STATUS WHERE Variable_name IN "
    "('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size', 'wsrep_local_state_comment')"
)
#: A WordPress site's account may not read it. A member that was never started may not know its id yet.
_MEMBERS = Query(
    "SELECT MEMBER_ID IN (@@server_uuid, ''), MEMBER_STATE, MEMBER_ROLE, CONCAT(MEMBER_HOST, ':', MEMBER_PORT) "
    "FROM performance_schema.replication_group_members"
)
#: Every account may call this. It fails unless the member is ONLINE and sees the majority of its group.
_IS_ONLINE = Query("SELECT group_replication_get_write_concurrency()")

#: What is wrong with a member that is not ONLINE, or sees no majority, by its own state.
_NOT_ONLINE = {
    "OFFLINE": (
        "is OFFLINE, and could never join again if it were written to; START GROUP_REPLICATION, or if it has left "
        "its group for good UNINSTALL PLUGIN group_replication"
    ),
    "RECOVERING": "is RECOVERING, and has not caught up yet",
    "ERROR": "is in the state ERROR, and out of its group",
    "ONLINE": "sees no majority of its group",
    "": "is not ONLINE, or sees no majority of its group",
}

#: Without wsrep_sync_wait, reads on another node than the one written to can be stale. With the method RSU, which an
#: administrator may have set, a schema change would stay on its own node.
SYNCHRONIZE_READS = "SET SESSION wsrep_sync_wait = 15, wsrep_OSU_method = 'TOI'"

#: What another node's change rolls back is not repeated by the node itself, but by a run that still has its lease.
#: Percona documents the variable as one that a session cannot set.
REPEAT_NOTHING = ", wsrep_retry_autocommit = 0"

#: Queries, their answers (None if the account may not ask), and what follows from them.
Dialogue = Generator[Query, Rows | None, Topology]


def identity_queries(flavor: str, mark: str, *, locking: bool) -> tuple[Query, ...]:
    """Return a statement that marks the session, and queries that a splitter might send to different servers.

    A plain read, one without any variable (MaxScale has an option for those), and with ``locking`` a locking one and
    one with lock functions. Each answer begins with the server's id.
    """
    names = ("server_id", "hostname", "port", *(("server_uuid",) if flavor == "mysql" else ()))
    asked = ", ".join([*(f"@@global.{name}" for name in names), "CONNECTION_ID()", "@wch_peewee"])
    variables = "performance_schema.global_variables" if flavor == "mysql" else "information_schema.GLOBAL_VARIABLES"
    always = (
        Query("SET @wch_peewee = %s", (mark,)),
        Query(f"SELECT {asked}"),
        Query(f"SELECT VARIABLE_VALUE FROM {variables} WHERE VARIABLE_NAME = 'server_id'"),
    )
    if not locking:
        return always
    return (
        *always,
        Query(f"SELECT {asked} FROM DUAL FOR UPDATE"),
        Query(f"SELECT {asked}, GET_LOCK('wch.probe', 0), RELEASE_LOCK('wch.probe')"),
    )


def topology_dialogue(flavor: str, version: tuple[int, ...]) -> Dialogue:
    """Yield queries and return the server's place among others, and the reason if it must not be written to.

    On Galera GET_LOCK holds on its own node only, and a node without quorum still answers GET_LOCK and
    information_schema. Group Replication with several primaries is refused, because concurrent DDL on two of them is
    not safe and a lock does not reach from one to the other.
    """
    names = _READ_ONLY[flavor]
    (settings,) = (yield Query(f"SELECT {', '.join(f'@@global.{name}' for name in names)}")) or (("",) * len(names),)
    on = [name for name, value in zip(names, settings, strict=True) if str(value).upper() not in ("", "0", "OFF")]
    ((wsrep_on, provider),) = (yield _WSREP) or ((None, None),)
    kind: Literal["", "galera", "group"] = ""
    trouble = ""
    if (provider or "none").lower() != "none":  # without one MariaDB takes writes although it says that it is not ready
        # SHOW STATUS sums up counters, so only a node with a provider is sent it.
        status = _values((yield _GALERA_STATUS))
        # If it is off from the start, the provider is not loaded; if it is switched off later, the node stays a member.
        if _is_on(wsrep_on) or status.get("wsrep_cluster_size", "0") != "0":
            kind, trouble = "galera", _galera_trouble(status, replicates=_is_on(wsrep_on))
    elif flavor == "mysql":
        ((group, single_primary),) = (yield _GROUP) or (("", None),)
        if group and not _is_on(single_primary):
            trouble = "Group Replication with several primaries is not supported; switch to single-primary mode"
            return Topology("group", trouble, supported=False)
        if group:  # a member, even one that has stopped
            members, online = (yield _MEMBERS), (yield _IS_ONLINE)
            kind, trouble = "group", _group_trouble(members or (), online or (), is_read_only="super_read_only" in on)
    if trouble:
        return Topology(kind, trouble)
    replicates, sources, stopping = yield from _replication(flavor, version)
    trouble = _replica_trouble(bool(replicates), sources, stopping, on)
    return Topology(kind, trouble, knows_sources=replicates is not None)


def _replication(
    flavor: str, version: tuple[int, ...]
) -> Generator[Query, Rows | None, tuple[bool | None, list[str], list[str]]]:
    """Return whether replication from other servers runs (None: not told), their addresses, and how to stop it.

    An administrator who has stopped it knows why: the server has taken another's place, or both replicate each other.
    """
    if flavor == "mysql":
        word = "REPLICA" if version >= (8, 0, 22) else "SLAVE"
        if (answer := (yield Query(f"SHOW {word} STATUS"))) is None:
            return None, [], []
        rows = [(row[55], row[1], row[3], row[10:12]) for row in answer]
        rows = [row for row in rows if row[0] not in ("group_replication_applier", "group_replication_recovery")]
        stop, channel = f"STOP {word}", " FOR CHANNEL {}"
    else:
        answer = yield Query("SHOW ALL SLAVES STATUS")
        if answer is None:
            running = _values((yield Query("SHOW STATUS LIKE 'Slaves_running'")))
            return running.get("slaves_running", "0") != "0", [], []
        rows = [(row[0], row[3], row[5], row[12:14]) for row in answer]
        stop, channel = "STOP SLAVE", " {}"
    rows = [row for row in rows if any(str(state) != "No" for state in row[3])]
    names = [channel.format(quote_text(str(row[0]))) if row[0] else "" for row in rows]
    return bool(rows), [f"{host}:{port}" for _, host, port, _ in rows], [f"{stop}{name}" for name in names]


def _replica_trouble(replicates: bool, sources: list[str], stopping: list[str], on: list[str]) -> str:
    if not replicates and not on:
        return ""
    what = " and ".join(["it is a replica"] * replicates + [f"{name} is ON" for name in on[:1]])
    remedy = ", ".join(["use the address of the primary", *sources])
    if stopping and not on:
        ended = "; ".join(stopping)
        remedy += f"; if this is the one, or both replicate each other, stop its replication for the run: {ended}"
    return f"this server must not be written to ({what}); {remedy}"


def _values(rows: Rows | None) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in rows or ()}


def _is_on(value: object) -> bool:
    return str(value).upper() in ("1", "ON")


def _galera_trouble(values: dict[str, str], *, replicates: bool) -> str:
    if not replicates:
        return "this Galera node does not replicate writes (wsrep_on is OFF); use another node"
    status, state = (values.get(f"wsrep_{name}", "unknown") for name in ("cluster_status", "local_state_comment"))
    if values.get("wsrep_ready", "OFF").upper() != "ON" or status != "Primary" or state != "Synced":
        return (
            f"this Galera node does not accept writes now (cluster status {status}, state {state}); "
            "use another node, or try again later"
        )
    return ""


def _group_trouble(members: Rows, online: Rows, *, is_read_only: bool) -> str:
    """Return why a member of a single-primary group must not be written to; ``members`` is empty if not readable."""
    state, role = next(((state, role) for own, state, role, _ in members if own), ("", ""))
    if not online:
        trouble = _NOT_ONLINE.get(state, f"is {state}")
    elif role == "SECONDARY":
        trouble = "is a secondary"
    elif is_read_only:
        # Its role is unknown, or it is just taking over.
        trouble = "is read-only (super_read_only is ON), as secondaries are"
    else:
        return ""
    primary = next((place for own, *rest, place in members if rest == ["ONLINE", "PRIMARY"] and not own), "")
    where = f"its primary is {primary}" if primary else "use the group's primary"
    return f"this member of a replication group {trouble}; {where}"
