"""Checks for everything outside the tables that can keep an installation from working. They only read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import peewee as pw

from ..database.connect import collation_beside, connected, database_file
from ..database.failures import RESCUE, damage
from ..database.query import SUPPORTED, run_query
from ..database.session import is_setting, session_settings
from ..errors import ConfigurationError, DatabaseUnavailable, UnsupportedServer
from ..execution.context import RunContext
from ..execution.introspect import introspect_schema
from ..execution.leftovers import tool_at_work
from ..execution.session import read_session
from ..migrate.folder import writable_by_others
from ..schema.base import Query
from ..schema.diff import recollated
from ..wordpress.multisite import require_site
from ..wordpress.object_cache import object_cache_advice, object_cache_dropin
from ..wordpress.options import cluster_obstacle, has_unique_names, options_obstacle
from .manager import DatabaseManager
from .privileges import DAILY, REMOVAL, UPGRADE, file_obstacle, role_advice

if TYPE_CHECKING:
    from ..wordpress.site import WordPressSite


#: ``fail`` keeps an installation from working, ``warn`` may hurt one day, ``ok`` needs nothing.
State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check: ``found`` is what there is, ``advice`` what to do about it, or empty."""

    name: str
    state: State
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def server_checks(tables: Sequence[str]) -> tuple[tuple[str, Callable[[RunContext], Diagnosis]], ...]:
    """Return the checks for a server; ``tables`` are the full names of ours."""
    return (
        ("privileges", privileges),
        ("privileges to remove", privileges_to_remove),
        ("writable", writable),
        ("collation", collation),
        ("tables' collation", partial(tables_collation, tables=tables)),
        ("engine", engine),
        ("tables' engine", partial(tables_engine, tables=tables)),
        ("options table", options_table),
        ("strictness", strictness),
        ("session defaults", session_defaults),
        ("lock waits", lock_waits),
        ("online tools", online_tools),
    )


def sqlite_checks(database: pw.Database) -> tuple[tuple[str, Callable[[RunContext], Diagnosis]], ...]:
    """Return the checks for SQLite; ``database`` is the application's."""
    return (("json", sqlite_json), ("foreign keys", partial(sqlite_foreign_keys, database=database)))


def privileges(context: RunContext) -> Diagnosis:
    return _privileges(context, "privileges", (*UPGRADE, *DAILY), needed=True)


def privileges_to_remove(context: RunContext) -> Diagnosis:
    return _privileges(context, "privileges to remove", REMOVAL, needed=False)


def _privileges(context: RunContext, name: str, wanted: tuple[str, ...], *, needed: bool) -> Diagnosis:
    account = context.privileges()
    assert account is not None, "only servers have accounts"
    missing = account.missing(wanted)
    if not missing and account.held.issuperset(wanted):
        return Diagnosis(name, "ok", f"the account has {', '.join(wanted)}")
    if not missing:
        advice = f"If something is refused, an administrator can run: {account.grant(wanted)}"
        return Diagnosis(name, "warn", "cannot be determined from SHOW GRANTS", advice)
    kept = [right for right in wanted if right in account.held]
    found = f"the account lacks {', '.join(missing)}" + (f"; it has {', '.join(kept)}" if kept else "")
    advice = f"An administrator can run: {account.grant(wanted)}"
    if not needed:
        advice += " Only rollback and uninstall need it."
    advice += role_advice(account).replace("\n", " ")
    return Diagnosis(name, "fail" if needed else "warn", found, advice)


def writable(context: RunContext) -> Diagnosis:
    if context.topology.trouble:
        return _refusal("writable", context.topology.trouble)
    found = "one server answers, and it accepts writes"
    if not context.topology.knows_sources:
        found += "; only an account with REPLICATION CLIENT sees if it is a replica"
    return Diagnosis("writable", "ok", found)


def _refusal(name: str, trouble: str) -> Diagnosis:
    """Return the diagnosis for a trouble that, after a semicolon, says what to do."""
    found, _, advice = trouble.partition("; ")
    return Diagnosis(name, "fail", found, f"{advice[:1].upper()}{advice[1:]}.")


def collation(context: RunContext) -> Diagnosis:
    """Check the site's collation. Our tables take it, because comparing columns of two collations fails (1267)."""
    ((default,),) = _rows(context, "SELECT @@collation_database")
    options = context.names.options
    site = _site_collation(context)
    ours = collation_beside(site)
    if site is None:
        found = f"{options} does not exist; new tables get {ours} (the database's default is {default})"
        return Diagnosis("collation", "ok", found)
    if site != ours:
        found = f"{options} has {site}; new tables get {ours} and can be joined with it"
        advice = f"Convert the site's tables to utf8mb4: {site.partition('_')[0]} cannot hold emoji."
        return Diagnosis("collation", "warn", found, advice)
    return Diagnosis(
        "collation", "ok", f"{options} has {site}, and new tables get it too (the database's is {default})"
    )


def tables_collation(context: RunContext, *, tables: Sequence[str]) -> Diagnosis:
    site = collation_beside(_site_collation(context))
    live = introspect_schema(context.connection, tables)
    other = [table for table in live if table.collation and table.collation != site]
    if not other:
        return Diagnosis(
            "tables' collation", "ok", f"the managed tables have {site}" if live.tables else "no tables yet"
        )
    found = ", ".join(f"{table.name} has {table.collation}" for table in other)
    commands = " ".join(context.dialect.conversion(table, recollated(table, site)) for table in other)
    advice = (
        f"Joins with the site's tables ({site}) can fail with error 1267. At a quiet time, as it copies: {commands}"
    )
    return Diagnosis("tables' collation", "warn", found, advice)


def engine(context: RunContext) -> Diagnosis:
    rows = _rows(context, "SELECT SUPPORT FROM information_schema.ENGINES WHERE ENGINE = 'InnoDB'")
    support = str(rows[0][0]).upper() if rows else "NO"
    if support == "DEFAULT":
        return Diagnosis("engine", "ok", "InnoDB is the default")
    if support == "YES":
        ((default,),) = _rows(context, "SELECT @@default_storage_engine")
        return Diagnosis("engine", "ok", f"InnoDB is available, and these tables use it (the default is {default})")
    advice = "Start the server with InnoDB; other engines have no foreign keys and no transactions."
    return Diagnosis("engine", "fail", "InnoDB is not available", advice)


def tables_engine(context: RunContext, *, tables: Sequence[str]) -> Diagnosis:
    live = introspect_schema(context.connection, tables)
    other = [table for table in live if (table.engine or "").lower() != "innodb"]
    if not other:
        return Diagnosis("tables' engine", "ok", "the managed tables are InnoDB" if live.tables else "no tables yet")
    found = ", ".join(f"{table.name} is {table.engine}" for table in other)
    commands = " ".join(context.dialect.conversion(table, replace(table, engine="InnoDB")) for table in other)
    advice = f"It has no foreign keys and no transactions. At a quiet time, as it copies: {commands}"
    return Diagnosis("tables' engine", "warn", found, advice)


def options_table(context: RunContext) -> Diagnosis:
    """Check the keys of WordPress's options table, which imports and plugins for speed take away."""
    name, named = context.names.options, "options table"
    live = context.live(name)
    if live is None:
        return Diagnosis(named, "ok", f"{name} does not exist yet; wch activate creates it")
    if trouble := options_obstacle(live):
        return Diagnosis(named, "fail", trouble, "Name the prefix of the site with --prefix.")
    if context.topology.kind and (trouble := cluster_obstacle(live, context.dialect)):
        return _refusal(named, trouble)
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
        return Diagnosis(named, "ok", f"{name} numbers its options and has a unique key on option_name")
    table = context.dialect.quote(name)
    advice = (
        "WordPress loses options, or stores them twice. First look for rows that are too many: "
        f"SELECT option_name, COUNT(*) FROM {table} GROUP BY option_name HAVING COUNT(*) > 1; "
        f"Without any: ALTER TABLE {table} {', '.join(clauses)};"
    )
    return Diagnosis(named, "warn", f"{name} {' and '.join(found)}", advice)


def strictness(context: RunContext) -> Diagnosis:
    ((mode,),) = _rows(context, "SELECT @@global.sql_mode")
    if {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(str(mode).split(",")):
        return Diagnosis("strictness", "ok", f"the server's default is strict (sql_mode = {mode})")
    advice = (
        "Connections of wch_peewee are strict by themselves; other programs' values may be silently truncated. "
        "Add STRICT_TRANS_TABLES to sql_mode in the server's configuration."
    )
    return Diagnosis("strictness", "warn", f"the server's default is not strict (sql_mode = {mode or 'empty'})", advice)


def session_defaults(context: RunContext) -> Diagnosis:
    """Report what the server would do in a session that does not say otherwise."""
    ((version,),) = _rows(context, "SELECT VERSION()")
    wanted = session_settings(str(version))
    (found,) = _rows(context, f"SELECT {', '.join(f'@@GLOBAL.{name}' for name in wanted)}")
    named = "session defaults"
    other = {
        name: f"{name} = {there}"
        for (name, value), there in zip(wanted.items(), found, strict=True)
        if not is_setting(there, value)
    }
    if not other:
        return Diagnosis(named, "ok", "as connections of wch_peewee set them")
    said = f"the server has {', '.join(other.values())}; connections of wch_peewee set their own"
    if set(other) == {"time_zone"}:  # as nearly everywhere
        return Diagnosis(named, "ok", said)
    return Diagnosis(named, "warn", said, "Connections that an application opens itself do not; set it there, too.")


def lock_waits(context: RunContext) -> Diagnosis:
    """Report how long a statement waits for a lock: not a fault, but to be known before altering a table by hand."""
    ((table, row),) = _rows(context, "SELECT @@global.lock_wait_timeout, @@global.innodb_lock_wait_timeout")
    found = f"by default a statement waits {_span(int(table))} for a table and {_span(int(row))} for a row"
    advice = ""
    if int(table) > 60:
        advice = (
            "Runs of wch wait a second at a time. Before an ALTER by hand: SET SESSION lock_wait_timeout = 1; "
            "while it waits, every reader of the table waits behind it."
        )
    return Diagnosis("lock waits", "ok", found, advice)


def online_tools(context: RunContext) -> Diagnosis:
    """Check for a tool that changes our tables, or was killed at that: no run starts beside it."""
    if found := tool_at_work(context.connection, context.topology, context.names.owned):
        return Diagnosis("online tools", "fail", found.what, found.advice)
    return Diagnosis("online tools", "ok", "none is running on these tables, and none has left anything behind")


def _span(seconds: int) -> str:
    for unit, length in (("year", 31_536_000), ("day", 86_400), ("hour", 3_600)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


def _site_collation(context: RunContext) -> str | None:
    query = context.dialect.column_collation(context.names.options, "option_name")
    rows = context.connection.query(query) if query is not None else []
    return str(rows[0][0]) if rows and rows[0][0] else None


def _rows(context: RunContext, sql: str) -> list[tuple[Any, ...]]:
    return context.connection.query(Query(sql))


def wordpress_site(context: RunContext, *, manager: DatabaseManager) -> Diagnosis:
    """Check that WordPress is installed under this prefix."""
    try:
        require_site(context.connection, manager.prefix, manager.target)
    except ConfigurationError as error:
        return Diagnosis("site", "fail", str(error))
    return Diagnosis("site", "ok", f"WordPress's table {manager.names.options} is there")


def sqlite_file(database: pw.SqliteDatabase, context: RunContext) -> Diagnosis:
    """Check the file and its folder, in which SQLite creates a journal while it writes, and every page of the file."""
    path = database_file(database)
    if path is None:
        return Diagnosis("file", "warn", "the database is in memory", "It is lost when the process ends; use a file.")
    obstacle = file_obstacle(database)
    if obstacle:
        return Diagnosis("file", "fail", obstacle, "Give this user the right to write to the file and in its folder.")
    if not path.exists():
        return Diagnosis("file", "ok", f"{path} does not exist yet; wch activate creates it")
    if path.stat().st_size == 0:
        return Diagnosis("file", "ok", f"{path} is empty; wch activate creates the tables")
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
        return Diagnosis("file", "fail", f"{path}: {damage('; '.join(found[:3]))}", advice)
    return Diagnosis("file", "ok", f"{path} is writable")


def sqlite_json(context: RunContext) -> Diagnosis:
    """Check for the JSON functions, which the CHECKs of JSON columns call and older builds may lack."""
    try:
        _one(context, "SELECT json_valid('{}')")
    except pw.PeeweeException:
        return Diagnosis("json", "fail", "this build of SQLite has no JSON functions", "Use SQLite 3.38 or newer.")
    return Diagnosis("json", "ok", "JSON functions are available")


def sqlite_foreign_keys(context: RunContext, *, database: pw.Database) -> Diagnosis:
    """Check that the application's connections have foreign keys: else a deleted conversation leaves its messages."""
    if _one(context, "SELECT sqlite_compileoption_used('OMIT_FOREIGN_KEY')") != "0":
        advice = "Use a build of SQLite with foreign keys; deleting a conversation leaves its messages behind."
        return Diagnosis("foreign keys", "warn", "this build of SQLite has none", advice)
    path = database_file(database)
    if path is not None and path.exists():
        with connected(database):
            ((enforced,),) = run_query(database, context.dialect, Query("PRAGMA foreign_keys"))
        if not enforced:
            advice = "Open the database with pragmas={'foreign_keys': 1}, or through wch_peewee."
            return Diagnosis("foreign keys", "warn", "they are switched off on this connection", advice)
    return Diagnosis("foreign keys", "ok", "they are enforced on connections of wch_peewee")


def _one(context: RunContext, sql: str) -> str:
    ((value,),) = context.connection.query(Query(sql))
    return str(value)


Check = Callable[[RunContext], Diagnosis]


def diagnose(manager: DatabaseManager) -> tuple[Diagnosis, ...]:
    """Run every check that fits the manager's database. A check that the server refuses to answer is a warning."""
    reached = Diagnosis("connection", "ok", f"{manager.target} can be opened")
    try:
        with read_session(manager.database, manager.names, manager.options) as context:
            version = Diagnosis("version", "ok", f"{context.dialect.label} is supported")
            if isinstance(manager.database, pw.SqliteDatabase):
                return (
                    sqlite_file(manager.database, context),
                    version,
                    *_run(sqlite_checks(manager.database), context),
                )
            site = (("site", partial(wordpress_site, manager=manager)),) if manager.needs_site else ()
            found = _run((*site, *server_checks(manager.names.tables)), context)
            if site and found[0].state == "fail":  # then the table is not for wch to create
                found = tuple(one for one in found if one.name != "options table")
            return (reached, version, *found)
    except DatabaseUnavailable as error:
        advice = "Nothing else could be checked; set the database with --database or WCH_DATABASE_URL."
        return (Diagnosis("connection", "fail", str(error), advice),)
    except UnsupportedServer as error:
        return (reached, Diagnosis("version", "fail", str(error), f"Use {SUPPORTED}."))


def _run(checks: Iterable[tuple[str, Check]], context: RunContext) -> tuple[Diagnosis, ...]:
    return tuple(_asked(name, check, context) for name, check in checks)


def _asked(name: str, check: Check, context: RunContext) -> Diagnosis:
    try:
        return check(context)
    except pw.PeeweeException as error:
        if context.dialect.failure(error.args) == "lost":
            raise
        said = error.args[-1] if error.args else error
        return Diagnosis(name, "warn", f"could not be checked ({said})", "Use an account that may read it.")


def migrations(folder: Path) -> tuple[Diagnosis, ...]:
    """Warn of migrations that other users may change: their code runs with this user's rights."""
    path = writable_by_others(folder)
    if path is None:
        return ()
    advice = f"wch runs the code in it. Take that right from others: chmod go-w {shlex.quote(str(path))}"
    return (Diagnosis("migrations", "warn", f"other users may change {path}", advice),)


def object_cache(site: WordPressSite | None) -> tuple[Diagnosis, ...]:
    """Return advice for the site's persistent object cache, or nothing if there is none or no known site."""
    if site is None:
        return ()
    dropin = object_cache_dropin(site.path, content=site.content)
    if dropin is None:
        return ()
    *_, flush = object_cache_advice(site.path, content=site.content)
    advice = f"PHP may not see a new version until the cache is cleared. After each upgrade: {flush.strip()}"
    return (Diagnosis("object cache", "warn", f"{dropin} is there", advice),)
