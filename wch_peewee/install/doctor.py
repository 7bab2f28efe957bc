"""Checks for everything outside the tables that can keep an installation from working. They only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import peewee as pw

from ..database.connect import collation_beside, connected, database_file
from ..database.failures import RESCUE, damage
from ..database.query import SUPPORTED, run_query
from ..database.session import is_setting, session_settings
from ..errors import ConfigurationError, DatabaseUnavailable, UnsupportedServer
from ..execution.context import RunContext
from ..execution.leftovers import tool_at_work
from ..execution.session import read_session
from ..schema.base import Query
from ..wordpress.multisite import require_site
from ..wordpress.object_cache import object_cache_advice, object_cache_dropin
from ..wordpress.options import cluster_obstacle, has_unique_names, options_obstacle
from .manager import DatabaseManager
from .privileges import DAILY, REMOVAL, UPGRADE, file_obstacle, role_advice

if TYPE_CHECKING:
    from ..wordpress.site import WordPressSite


#: ``fail`` keeps an installation from working, ``warn`` may hurt one day, ``ok`` needs nothing.
State = Literal["ok", "warn", "fail"]

#: The state, what there is, and what to do about it, or an empty text.
Finding = tuple[State, str, str]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check: ``found`` is what there is, ``advice`` what to do about it, or empty."""

    name: str
    state: State
    found: str
    advice: str = ""


def privileges(context: RunContext, wanted: tuple[str, ...], otherwise: State = "fail", note: str = "") -> Finding:
    """Check what the account may do; ``otherwise`` is the state if it lacks something, ``note`` ends the advice."""
    account = context.privileges()
    assert account is not None, "only servers have accounts"
    missing = account.missing(wanted)
    if not missing and account.held.issuperset(wanted):
        return "ok", f"the account has {', '.join(wanted)}", ""
    if not missing:
        advice = f"If something is refused, an administrator can run: {account.grant(wanted)}"
        return "warn", "cannot be determined from SHOW GRANTS", advice
    kept = [right for right in wanted if right in account.held]
    found = f"the account lacks {', '.join(missing)}" + (f"; it has {', '.join(kept)}" if kept else "")
    advice = f"An administrator can run: {account.grant(wanted)}{note}"
    return otherwise, found, advice + role_advice(account).replace("\n", " ")


def writable(context: RunContext) -> Finding:
    if context.topology.trouble:
        return _refusal(context.topology.trouble)
    found = "one server answers, and it accepts writes"
    if not context.topology.knows_sources:
        found += "; only an account with REPLICATION CLIENT sees if it is a replica"
    return "ok", found, ""


def _refusal(trouble: str) -> Finding:
    """Return the finding for a trouble that, after a semicolon, says what to do."""
    found, _, advice = trouble.partition("; ")
    return "fail", found, f"{advice[:1].upper()}{advice[1:]}."


def collation(context: RunContext) -> Finding:
    """Check the site's collation. Our tables take it, because comparing columns of two collations fails (1267)."""
    options = context.names.options
    query = context.dialect.column_collation(options, "option_name")
    rows = [] if query is None else context.connection.query(query)
    site = str(rows[0][0]) if rows and rows[0][0] else None
    ours = collation_beside(site)
    if site is None:
        return "ok", f"{options} does not exist; new tables get {ours}", ""
    found = f"{options} has {site}; new tables get {ours}"
    if site != ours:
        advice = f"Convert the site's tables to utf8mb4: {site.partition('_')[0]} cannot hold emoji."
        return "warn", f"{found} and can be joined with it", advice
    return "ok", found, ""


def engine(context: RunContext) -> Finding:
    rows = _rows(context, "SELECT SUPPORT FROM information_schema.ENGINES WHERE ENGINE = 'InnoDB'")
    if rows and str(rows[0][0]).upper() in ("DEFAULT", "YES"):
        return "ok", "InnoDB is available, and new tables use it", ""
    advice = "Start the server with InnoDB; other engines have no foreign keys and no transactions."
    return "fail", "InnoDB is not available", advice


def options_table(context: RunContext, *, manager: DatabaseManager) -> Finding:
    """Check for WordPress's options table, and for its keys, which imports and plugins for speed take away."""
    name = context.names.options
    live = context.live(name)
    if live is None and manager.needs_site:  # then it is not for wch to create
        try:
            require_site(context.connection, manager.prefix, manager.target)
        except ConfigurationError as error:
            return "fail", str(error), ""
    if live is None:
        return "ok", f"{name} does not exist yet; wch activate creates it", ""
    if trouble := options_obstacle(live):
        return "fail", trouble, "Name the prefix of the site with --prefix."
    if context.topology.kind and (trouble := cluster_obstacle(live, context.dialect)):
        return _refusal(trouble)
    found, clauses = [], []
    number = live.column("option_id")
    if number is not None and not number.auto_increment:
        found.append("does not number new options")
        if "option_id" not in (*live.primary_key[:1], *(index.columns[0] for index in live.indexes)):
            clauses.append("ADD UNIQUE KEY (option_id)")
        clauses.append(f"MODIFY option_id {number.type} NOT NULL AUTO_INCREMENT")
    if not has_unique_names(live):
        found.append("has no unique key on option_name")
        clauses.append("ADD UNIQUE KEY (option_name)")
    if not clauses:
        return "ok", f"{name} numbers its options and has a unique key on option_name", ""
    table = context.dialect.quote(name)
    advice = (
        "WordPress loses options, or stores them twice. First look for rows that are too many: "
        f"SELECT option_name, COUNT(*) FROM {table} GROUP BY option_name HAVING COUNT(*) > 1; "
        f"Without any: ALTER TABLE {table} {', '.join(clauses)};"
    )
    return "warn", f"{name} {' and '.join(found)}", advice


def strictness(context: RunContext) -> Finding:
    ((mode,),) = _rows(context, "SELECT @@global.sql_mode")
    if {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(str(mode).split(",")):
        return "ok", f"the server's default is strict (sql_mode = {mode})", ""
    advice = (
        "Connections of wch_peewee are strict by themselves; other programs' values may be silently truncated. "
        "Add STRICT_TRANS_TABLES to sql_mode in the server's configuration."
    )
    return "warn", f"the server's default is not strict (sql_mode = {mode or 'empty'})", advice


def session_defaults(context: RunContext) -> Finding:
    """Report what the server would do in a session that does not say otherwise."""
    ((version,),) = _rows(context, "SELECT VERSION()")
    wanted = session_settings(str(version))
    (found,) = _rows(context, f"SELECT {', '.join(f'@@GLOBAL.{name}' for name in wanted)}")
    other = {
        name: f"{name} = {there}"
        for (name, value), there in zip(wanted.items(), found, strict=True)
        if not is_setting(there, value)
    }
    if not other:
        return "ok", "as connections of wch_peewee set them", ""
    said = f"the server has {', '.join(other.values())}; connections of wch_peewee set their own"
    if set(other) == {"time_zone"}:  # as nearly everywhere
        return "ok", said, ""
    return "warn", said, "Connections that an application opens itself do not; set it there, too."


def online_tools(context: RunContext) -> Finding:
    """Check for a tool that changes our tables, or was killed at that: no run starts beside it."""
    if found := tool_at_work(context.connection, context.topology, context.names.owned):
        return "fail", found.what, found.advice
    return "ok", "none is running on these tables, and none has left anything behind", ""


def _rows(context: RunContext, sql: str) -> list[tuple[Any, ...]]:
    return context.connection.query(Query(sql))


def sqlite_file(context: RunContext, *, database: pw.Database) -> Finding:
    """Check the file and its folder, in which SQLite creates a journal while it writes, and every page of the file."""
    path = database_file(database)
    if path is None:
        return "warn", "the database is in memory", "It is lost when the process ends; use a file."
    obstacle = file_obstacle(database)
    if obstacle:
        return "fail", obstacle, "Give this user the right to write to the file and in its folder."
    if not path.exists() or path.stat().st_size == 0:
        return "ok", f"{path} {'is empty' if path.exists() else 'does not exist yet'}; wch activate creates it", ""
    try:
        # A damaged page is otherwise found by the first query that needs it. Not quick_check, which takes half the time
        # (0.8 s for 400,000 messages) and does not compare the indexes with their tables.
        found = [line for (text,) in _rows(context, "PRAGMA integrity_check(3)") for line in str(text).splitlines()]
        _rows(context, "SELECT sql FROM sqlite_master")  # which may be no UTF-8
    except pw.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        advice = RESCUE
        if all(" index " in line for line in found):
            advice = "Stop all programs that use it, copy it, rebuild its indexes with REINDEX, and ask again."
        return "fail", f"{path}: {damage('; '.join(found[:3]))}", advice
    return "ok", f"{path} is writable", ""


def sqlite_foreign_keys(context: RunContext, *, database: pw.Database) -> Finding:
    """Check that the application's connections have foreign keys: else a deleted conversation leaves its messages."""
    path = database_file(database)
    if path is not None and path.exists():
        with connected(database):
            ((enforced,),) = run_query(database, context.dialect, Query("PRAGMA foreign_keys"))
        if not enforced:
            advice = "Open the database with pragmas={'foreign_keys': 1}, or through wch_peewee."
            return "warn", "they are switched off on this connection", advice
    return "ok", "they are enforced on connections of wch_peewee", ""


Check = Callable[[RunContext], Finding]


def _checks(manager: DatabaseManager) -> dict[str, Check]:
    """Return the checks that fit the manager's database, by their names."""
    if isinstance(manager.database, pw.SqliteDatabase):
        return {
            "file": partial(sqlite_file, database=manager.database),
            "foreign keys": partial(sqlite_foreign_keys, database=manager.database),
        }
    removal = partial(privileges, wanted=REMOVAL, otherwise="warn", note=" Only rollback and uninstall need it.")
    return {
        "privileges": partial(privileges, wanted=(*UPGRADE, *DAILY)),
        "privileges to remove": removal,
        "writable": writable,
        "collation": collation,
        "engine": engine,
        "options table": partial(options_table, manager=manager),
        "strictness": strictness,
        "session defaults": session_defaults,
        "online tools": online_tools,
    }


def diagnose(manager: DatabaseManager) -> tuple[Diagnosis, ...]:
    """Run every check that fits the manager's database. A check that the server refuses to answer is a warning."""
    opened = Diagnosis("connection", "ok", f"{manager.target} can be opened")
    try:
        with read_session(manager.database, manager.names, manager.options) as context:
            version = Diagnosis("version", "ok", f"{context.dialect.label} is supported")
            found = {name: _asked(name, check, context) for name, check in _checks(manager).items()}
    except DatabaseUnavailable as error:
        advice = "Nothing else could be checked; set the database with --database or WCH_DATABASE_URL."
        return (Diagnosis("connection", "fail", str(error), advice),)
    except UnsupportedServer as error:
        return (opened, Diagnosis("version", "fail", str(error), f"Use {SUPPORTED}."))
    return (found.pop("file", opened), version, *found.values())


def _asked(name: str, check: Check, context: RunContext) -> Diagnosis:
    try:
        return Diagnosis(name, *check(context))
    except pw.PeeweeException as error:
        if context.dialect.failure(error.args) == "lost":
            raise
        said = error.args[-1] if error.args else error
        return Diagnosis(name, "warn", f"could not be checked ({said})", "Use an account that may read it.")


def object_cache(site: WordPressSite | None) -> tuple[Diagnosis, ...]:
    """Return advice for the site's persistent object cache, or nothing if there is none or no known site."""
    dropin = None if site is None else object_cache_dropin(site.path, content=site.content)
    if site is None or dropin is None:
        return ()
    *_, flush = object_cache_advice(site.path, content=site.content)
    advice = f"PHP may not see a new version until the cache is cleared. After each upgrade: {flush.strip()}"
    return (Diagnosis("object cache", "warn", f"{dropin} is there", advice),)
