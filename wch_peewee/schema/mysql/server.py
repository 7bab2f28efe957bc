"""Queries for a server's cluster, the account's privileges and the sessions that block a change."""

import re
from collections.abc import Sequence

from ..base import Query, Rows
from ..dialect import Cluster

_VARIABLES = Query(
    "SHOW VARIABLES WHERE Variable_name IN "
    "('wsrep_on', 'wsrep_provider', 'group_replication_group_name', 'group_replication_single_primary_mode')"
)
_STATUS = Query("SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size')")

#: Without wsrep_sync_wait, reads on another node than the one written to can be stale. With the method RSU, which an
#: administrator may have set, a schema change would stay on its own node.
SYNCHRONIZE_READS = "SET SESSION wsrep_sync_wait = 15, wsrep_OSU_method = 'TOI'"


def cluster_query(answers: Sequence[Rows]) -> Query | None:
    """Return the next query, or None. SHOW STATUS sums up counters, so only a node with a provider is sent it."""
    if not answers:
        return _VARIABLES
    return _STATUS if len(answers) == 1 and _has_provider(_values(answers)) else None


def read_cluster(answers: Sequence[Rows]) -> Cluster:
    """Return the server's cluster, and the reason if it is not supported.

    On Galera GET_LOCK holds on its own node only, and a node without quorum still answers GET_LOCK and
    information_schema. Group Replication with several primaries is refused, because concurrent DDL on two of them is
    not safe and a lock does not reach from one to the other.
    """
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
    # Without a provider MariaDB is a single server, which takes writes although it says that it is not ready.
    return values.get("wsrep_provider", "none").lower() not in ("", "none")


def _in_galera(values: dict[str, str]) -> bool:
    if not _has_provider(values):
        return False
    # If it is off from the start, the provider is not loaded; if it is switched off later, the node stays a member.
    return values.get("wsrep_on", "OFF").upper() == "ON" or values.get("wsrep_cluster_size", "0") != "0"


def _galera_trouble(values: dict[str, str]) -> str:
    if values.get("wsrep_on", "OFF").upper() != "ON":
        return "this Galera node keeps to itself what is written here (wsrep_on is OFF); use another node"
    if values.get("wsrep_ready", "OFF").upper() != "ON":
        status = values.get("wsrep_cluster_status", "unknown")
        return f"this Galera node takes no writes now (cluster status {status}); use another node, or try again later"
    return ""


PRIVILEGE_QUERIES = (Query("SELECT DATABASE(), CURRENT_ROLE()"), Query("SHOW GRANTS"))

#: What ALL PRIVILEGES on a database includes, as far as it matters here.
EVERYTHING = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "TRIGGER"}
)

_LINE = re.compile(
    r"^(?P<verb>GRANT|REVOKE) (?P<rights>.+?) ON "
    r"(?P<database>\*|`(?:[^`]|``)*`)\.(?P<object>\*|`(?:[^`]|``)*`) (?:TO|FROM) "
)


def read_privileges(answers: Sequence[Rows]) -> frozenset[str] | None:
    """Return the account's privileges on the current database; None if a role or a grant on a table may add some."""
    (database, role), grants = answers[0][0], answers[1]
    held: set[str] = set()
    uncertain = role not in (None, "NONE", "")
    for (line,) in grants:
        match = _LINE.match(str(line))
        if match is None or not _covers(match["database"], str(database)):
            continue
        if match["object"] != "*":
            uncertain = True
            continue
        rights = {right.strip() for right in match["rights"].split(",")} - {"USAGE"}  # USAGE is no privilege
        if "ALL PRIVILEGES" in rights or "ALL" in rights:
            rights = set(EVERYTHING)
        held = held - rights if match["verb"] == "REVOKE" else held | rights
    if uncertain and not held >= EVERYTHING:
        return None
    return frozenset(held)


def _covers(pattern: str, database: str) -> bool:
    """Return True if a grant's database matches; ``_`` and ``%`` are wildcards in it unless escaped."""
    if pattern == "*":
        return True
    text, regex, position = pattern[1:-1].replace("``", "`"), "", 0
    while position < len(text):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            position += 1
            regex += re.escape(text[position])
        else:
            regex += {"_": ".", "%": ".*"}.get(character, re.escape(character))
        position += 1
    return re.fullmatch(regex, database, re.DOTALL) is not None


#: The number of sessions that a message names.
_NAMED_SESSIONS = 3

# GLOBAL is a FLUSH TABLES WITH READ LOCK, for example of a backup.
_MYSQL = """\
SELECT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, m.OBJECT_NAME,
  MAX(COALESCE(IF(x.STATE = 'ACTIVE', x.TIMER_WAIT DIV 1000000000000, NULL), t.PROCESSLIST_TIME)) AS seconds
FROM performance_schema.metadata_locks AS m
JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
LEFT JOIN performance_schema.events_transactions_current AS x ON x.THREAD_ID = m.OWNER_THREAD_ID
WHERE m.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID <> CONNECTION_ID() AND (
  (m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = DATABASE() AND m.OBJECT_NAME IN ({slots}))
  OR (m.OBJECT_TYPE = 'GLOBAL' AND m.LOCK_TYPE = 'SHARED'))
GROUP BY t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, m.OBJECT_NAME
ORDER BY seconds DESC"""

# trx_started is in the server's time zone, NOW() in the session's.
_MARIADB = """\
SELECT p.ID, p.USER, p.HOST, NULL,
  TIMESTAMPDIFF(SECOND, t.trx_started, CONVERT_TZ(NOW(), @@SESSION.time_zone, 'SYSTEM')) AS seconds
FROM information_schema.INNODB_TRX AS t
JOIN information_schema.PROCESSLIST AS p ON p.ID = t.trx_mysql_thread_id
WHERE p.DB = DATABASE() AND p.ID <> CONNECTION_ID()
ORDER BY seconds DESC"""


def blockers_query(flavor: str, tables: Sequence[str]) -> Query:
    if flavor == "mariadb":
        return Query(_MARIADB)
    return Query(_MYSQL.format(slots=", ".join(["%s"] * len(tables))), tuple(tables))


def read_blockers(flavor: str, table: str, rows: Rows) -> str:
    """Return the blocking sessions in words: those that hold ``table``, else those that hold what it refers to."""
    here = [row for row in rows if row[3] in (table, None)] or list(rows)
    holders = [_holder(table, row) for row in here[:_NAMED_SESSIONS]]
    if not holders:
        return ""
    more = f" and {len(here) - _NAMED_SESSIONS} more" if len(here) > _NAMED_SESSIONS else ""
    return ("open transactions: " if flavor == "mariadb" else "held by ") + ", ".join(holders) + more


def _holder(table: str, row: Sequence[object]) -> str:
    number, user, host, held, seconds = row
    which = "" if held in (table, None) else f", {held}"
    return f"connection {number} ({user}@{host}{which}, for {seconds} s)"
