"""Who keeps a table from being changed, as far as the server tells and the account may ask.

MySQL tells who holds the metadata lock, to those who may read performance_schema. MariaDB tells, with the
PROCESS privilege, only which transactions are open; one of them it is.

    read("mariadb", "wp_wch_messages", rows)    # "open transactions: connection 12 (root@localhost, for 4 s)"
"""

from __future__ import annotations

from collections.abc import Sequence

from .._part_statements_query import Query
from ..dialect import Rows

#: More of them would bury the message that they are a part of.
_MOST = 3

# GLOBAL is somebody's FLUSH TABLES WITH READ LOCK, a backup for one.
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


def query(flavor: str, tables: Sequence[str]) -> Query:
    if flavor == "mariadb":
        return Query(_MARIADB)
    return Query(_MYSQL.format(slots=", ".join(["%s"] * len(tables))), tuple(tables))


def read(flavor: str, table: str, rows: Rows) -> str:
    """Say it in words; whoever holds ``table`` itself goes before those who hold what it refers to."""
    here = [row for row in rows if row[3] in (table, None)] or list(rows)
    holders = [_holder(table, row) for row in here[:_MOST]]
    if not holders:
        return ""
    more = f" and {len(here) - _MOST} more" if len(here) > _MOST else ""
    return ("open transactions: " if flavor == "mariadb" else "held by ") + ", ".join(holders) + more


def _holder(table: str, row: Sequence[object]) -> str:
    number, user, host, held, seconds = row
    which = "" if held in (table, None) else f", {held}"
    return f"connection {number} ({user}@{host}{which}, for {seconds} s)"
