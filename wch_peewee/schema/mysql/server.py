"""Queries for the account's privileges and the sessions that block a change."""

import math
import re
from collections.abc import Sequence

from ...errors import one_line
from ..base import Query, Rows
from ..dialect import Dialect, Privileges
from .base import MySQLBase, quote_name, slots

#: What ALL PRIVILEGES on a database includes, as far as it matters here.
EVERYTHING = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "TRIGGER"}
)

#: What is needed on the options table; our own tables need everything that is asked for.
_ON_ROWS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})

# Quoted as the session's sql_mode and sql_quote_show_create say.
_NAME = r"""`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s.@'`"*]*"""
_LINE = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<rights>.+?) ON (?P<database>\*|{_NAME})\.(?P<object>\*|{_NAME}) "
    rf"(?:TO|FROM) (?P<grantee>(?:{_NAME})@?)"
)
_ON_COLUMNS = re.compile(r"[A-Z ]+ \(.*?\)(, |$)")
_ROLE = re.compile(r"`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?")
#: Roles that an account has been granted, and not another role.
_ROLES = re.compile(rf"GRANT ((?:{_ROLE.pattern},?)+) TO `(?:[^`]|``)*`@")
_UP_TO_WILDCARD = re.compile(r"(?:\\.|[^_%])*", re.DOTALL)

#: A database as SHOW GRANTS prints it, and what is granted there, in the server's words.
_Row = tuple[str, frozenset[str]]


def _activations(flavor: str, grants: Rows, active: str, account: str) -> tuple[str, ...]:
    """Return the statements that make roles of the account active in every session, if it has some that are not now."""
    lines = [match[1] for (line,) in grants if (match := _ROLES.match(str(line)))]
    idle = [role for line in lines for role in _ROLE.findall(line) if role not in active and _unquoted(role) != active]
    if flavor == "mysql":  # where an account can have several at once
        return (f"SET DEFAULT ROLE ALL TO {account};",) if idle else ()
    return tuple(f"SET DEFAULT ROLE {role} FOR {account};" for role in idle)


def _in_force(flavor: str, rows: Sequence[_Row], database: str, *, has_role: bool) -> list[_Row]:
    """Return the one of an account's matching grants that is in force; several if the server's choice is unknown.

    Found by experiment on MariaDB 10.11, 11.8 and MySQL 9.7, and as their sources say (``get_magic_sort`` in MariaDB's
    sql_acl.cc, ``get_sort`` in MySQL's sql_auth_cache.cc, ``Security_context::db_acl``). MariaDB prints the grants in
    the order in which it searches them. MySQL prints them in the order of their names, and takes the one whose first
    wildcard is last; between equals their age decides. With an active role it takes the exact name, and otherwise the
    first one.
    """
    if flavor == "mariadb" or not rows:
        return list(rows[:1])
    if has_role:
        exact = [row for row in rows if row[0] == database and _specificity(database) == math.inf]
        return exact or [rows[0]]
    best = max(_specificity(pattern) for pattern, _ in rows)
    return [row for row in rows if _specificity(row[0]) == best]


def _specificity(pattern: str) -> float:
    match = _UP_TO_WILDCARD.match(pattern)
    return math.inf if match is None or match.end() == len(pattern) else match.end()


def _known(rights: frozenset[str]) -> frozenset[str]:
    return EVERYTHING if rights & {"ALL PRIVILEGES", "ALL"} else rights & EVERYTHING


def _unquoted(name: str) -> str:
    return name[1:-1].replace(name[0] * 2, name[0]) if name[:1] in ("`", '"') else name


def _quote_account(name: str) -> str:
    # A backslash in a text is one thing or another, depending on the administrator's sql_mode.
    return quote_name(name) if {"'", "\\"} & set(name) else f"'{name}'"


def _covers(pattern: str, database: str) -> bool:
    """Return True if a grant's database matches; ``_`` and ``%`` are wildcards in it unless escaped."""
    wildcards = {"_": ".", "%": ".*"}
    parts = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    regex = "".join(re.escape(escaped) if escaped else wildcards.get(one, re.escape(one)) for escaped, one in parts)
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

# Who holds a table is not told: candidates are open transactions, and behind them, for LOCK TABLES, every connection
# that does not wait itself. trx_started is in the server's time zone, NOW() in the session's.
_MARIADB = """\
SELECT p.ID, p.USER, p.HOST, IF(t.trx_id IS NULL, '', NULL) AS held,
  COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, CONVERT_TZ(NOW(), @@SESSION.time_zone, 'SYSTEM')), p.TIME) AS seconds
FROM information_schema.PROCESSLIST AS p
LEFT JOIN information_schema.INNODB_TRX AS t ON t.trx_mysql_thread_id = p.ID
WHERE p.DB = DATABASE() AND p.ID <> CONNECTION_ID()
  AND (t.trx_id IS NOT NULL OR p.TIME > 0 AND COALESCE(p.STATE, '') NOT LIKE 'Waiting for%')
ORDER BY held IS NULL DESC, seconds DESC"""


def _holder(table: str, row: Sequence[object]) -> str:
    number, user, host, held, seconds = row
    which = f", {held}" if held and held != table else ""
    return f"connection {number} ({user}@{host}{which}, for {seconds} s)"


# Outside the join the row stays if its connection belongs to another account, which not everybody may see.
_LOCK_HOLDER = """\
SELECT h.ID, p.USER, p.HOST, p.COMMAND, p.TIME, p.INFO FROM (SELECT IS_USED_LOCK(%s) AS ID) AS h
LEFT JOIN {processlist} AS p ON p.ID = h.ID"""

#: A text in a statement: it may be a secret, or a customer's.
_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)""", re.DOTALL)


class ServerDialect(MySQLBase, Dialect):
    """What a server tells of accounts, and of the sessions that block others."""

    def __init__(self, flavor: str, version: tuple[int, ...], *, fold_names: bool = False) -> None:
        self.name = flavor
        self.version = version
        self.fold_names = fold_names
        # MySQL's information_schema fails (3854) while any session runs a statement with an emoji.
        is_old = flavor == "mariadb" or version < (8, 0, 22)
        self.processlist = "information_schema.PROCESSLIST" if is_old else "performance_schema.processlist"

    def folded(self, table: str) -> str:
        return table.lower() if self.fold_names else table

    def privileges(self) -> tuple[Query, ...]:
        literal = "@@partial_revokes" if self.name == "mysql" and self.version >= (8, 0, 16) else "0"
        return Query(f"SELECT DATABASE(), CURRENT_ROLE(), CURRENT_USER(), {literal}"), Query("SHOW GRANTS")

    def read_privileges(self, answers: Sequence[Rows], owned: Sequence[str], options: str) -> Privileges:
        """Return the privileges on the current database, or on each table of ``owned`` and the rows of ``options``.

        Privileges on everything, on a database and on a table add up. But of an account's grants on databases only the
        most specific one that matches is in force. On MariaDB the role and PUBLIC have one of their own each, and these
        add up.
        """

        ((database, role, user, literal),), grants = answers
        # With partial_revokes wildcards and even the backslash in a grant are plain characters.
        name, is_literal = self.folded(str(database)), str(literal) in ("1", "ON")
        everywhere, revoked, tables = set[str](), set[str](), dict[str, set[str]]()
        own, public, roles = list[_Row](), list[_Row](), dict[str, _Row]()
        for (line,) in grants:
            match = _LINE.match(str(line))
            if match is None:
                continue
            rights = frozenset(_ON_COLUMNS.sub("", match["rights"]).replace(", ", ",").split(",")) - {"USAGE", ""}
            pattern, table = _unquoted(match["database"]), _unquoted(match["object"])
            if match["verb"] == "REVOKE":
                revoked |= _known(rights) if self.folded(pattern) == name else set()
            elif match["database"] == "*":
                everywhere |= _known(rights)
            elif match["object"] != "*":
                if self.folded(pattern) == name:
                    tables.setdefault(self.folded(table), set()).update(_known(rights))
            elif self.folded(pattern) == name if is_literal else _covers(self.folded(pattern), name):
                if match["grantee"].endswith("@"):
                    own.append((pattern, rights))
                elif match["grantee"] == "PUBLIC":
                    public.append((pattern, rights))
                else:
                    roles.setdefault(match["grantee"], (pattern, rights))

        own = _in_force(self.name, own, name, has_role=role not in (None, "NONE", ""))
        held, unsure = everywhere - revoked, set[str]()
        for right in EVERYTHING:
            needing = (*owned, options) if right in _ON_ROWS else owned
            if all(right in tables.get(self.folded(table), ()) for table in needing):
                held.add(right)
        for rows in (own, public[:1], list(roles.values())):
            granted = {pattern: set[str]() for pattern, _ in rows}
            for pattern, rights in rows:
                granted[pattern] |= _known(rights)
            held |= set.intersection(*granted.values()) if granted else set()
            unsure |= set[str]().union(*granted.values())

        target, kept = str(database) if is_literal else re.sub(r"[\\_%]", r"\\\g<0>", str(database)), set[str]()
        if len(own) == 1:
            target = own[0][0]
        elif own:
            kept = set[str]().union(*(rights for _, rights in own))
        elif not (held or unsure or tables or public or roles):
            # A grant that is not shown has let us in: to this user at another host, or to the anonymous user.
            unsure, kept = set(EVERYTHING), {"ALL PRIVILEGES"}
        account = "@".join(map(_quote_account, str(user).rpartition("@")[::2]))
        to = f"{quote_name(target)}.* TO {account}"
        # MariaDB does not show keys to those who may only read; in the databases of a REVOKE there may be some.
        sees_keys = "DROP" in everywhere and not any(str(line).startswith("REVOKE") for (line,) in grants)
        idle = _activations(self.name, grants, str(role), account)
        return Privileges(frozenset(held), frozenset(unsure - held), to, frozenset(kept), sees_keys, idle)

    def blockers(self, tables: Sequence[str]) -> Query | None:
        if self.name == "mariadb":
            return Query(_MARIADB)
        return Query(_MYSQL.format(slots=slots(tables)), tuple(tables))

    @property
    def blockers_grant(self) -> str:
        return "PROCESS ON *.*" if self.name == "mariadb" else "SELECT ON performance_schema.*"

    def read_blockers(self, table: str, rows: Rows) -> str:
        # Those that hold the table, else those that hold what it refers to.
        here = [row for row in rows if row[3] in (table, None)] or list(rows)
        holders = [_holder(table, row) for row in here[:_NAMED_SESSIONS]]
        if not holders:
            return ""
        more = f" and {len(here) - _NAMED_SESSIONS} more" if len(here) > _NAMED_SESSIONS else ""
        candidates = "perhaps LOCK TABLES of " if here[0][3] == "" else "open transactions: "
        return (candidates if self.name == "mariadb" else "held by ") + ", ".join(holders) + more

    def lock_holder(self, name: str) -> Query:
        return Query(_LOCK_HOLDER.format(processlist=self.processlist), (name,))

    def read_lock_holder(self, rows: Rows) -> tuple[str, str]:
        number, user, host, command, seconds, statement = rows[0]
        if number is None:
            return "", ""
        words = f"connection {number}"
        if user is not None:
            doing = (
                "idle"
                if command == "Sleep"
                else f"busy with {one_line(_TEXT.sub('?', str(statement or command)), 100)}"
            )
            words += f" ({user}@{host}, {doing} for {seconds} s)"
        return words, f"KILL {number}"
