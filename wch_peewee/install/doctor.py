"""What can be wrong with a MySQL or MariaDB server: rights, collation, engine, strictness, patience with locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..database.collation import collation_beside
from ..database.query import ask
from ..execution.context import Workspace
from ..execution.introspect import introspect_schema
from ..schema._part_statements_query import Query
from ..schema.naming import options_table_name
from .finding import Finding
from .privileges import REMOVAL, UPGRADE, grant_sql

#: What the models do all day, beyond what an upgrade needs.
_DAILY = ("DELETE",)


def checks(tables: Sequence[str]) -> tuple[tuple[str, Callable[[Workspace], Finding]], ...]:
    """List the checks; ``tables`` are the full names of ours."""
    return (
        ("privileges", privileges),
        ("privileges to remove", privileges_to_remove),
        ("writable", writable),
        ("collation", collation),
        ("tables' collation", partial(tables_collation, tables=tables)),
        ("engine", engine),
        ("tables' engine", partial(tables_engine, tables=tables)),
        ("strictness", strictness),
        ("lock waits", lock_waits),
    )


def privileges(workspace: Workspace) -> Finding:
    return _privileges(workspace, "privileges", (*UPGRADE, *_DAILY), needed=True)


def privileges_to_remove(workspace: Workspace) -> Finding:
    return _privileges(workspace, "privileges to remove", REMOVAL, needed=False)


def _privileges(workspace: Workspace, name: str, wanted: tuple[str, ...], *, needed: bool) -> Finding:
    held = workspace.privileges()
    if held is None:
        advice = f"Should something be refused, an administrator can run: {grant_sql(workspace, wanted)}"
        return Finding(name, "warn", "cannot be told from SHOW GRANTS (a role, or rights on single tables)", advice)
    missing = tuple(right for right in wanted if right not in held)
    if not missing:
        return Finding(name, "ok", f"the account may {', '.join(wanted)}")
    kept = [right for right in wanted if right in held]
    found = f"the account may not {', '.join(missing)}" + (f"; it may {', '.join(kept)}" if kept else "")
    advice = f"An administrator can run: {grant_sql(workspace, missing)}"
    if not needed:
        advice += " Only rollback and uninstall need it."
    return Finding(name, "fail" if needed else "warn", found, advice)


def writable(workspace: Workspace) -> Finding:
    ((value,),) = _rows(workspace, "SELECT @@global.read_only")
    # A number up to MariaDB 11, a word from 12 on.
    if str(value).upper() in ("0", "OFF"):
        return Finding("writable", "ok", "the server takes writes")
    advice = "This is probably a replica: name the primary server instead."
    return Finding("writable", "warn", f"the server is read-only (read_only = {value})", advice)


def collation(workspace: Workspace) -> Finding:
    """Our tables take the site's collation, because comparing columns of two collations is an error (1267)."""
    ((default,),) = _rows(workspace, "SELECT @@collation_database")
    options = options_table_name(workspace.prefix)
    site = _site_collation(workspace)
    ours = collation_beside(site)
    if site is None:
        found = f"there is no {options}; new tables get {ours} (the database's default is {default})"
        return Finding("collation", "ok", found)
    if site != ours:
        found = f"{options} has {site}; new tables get {ours} and can be joined with it"
        advice = f"The site's own tables are better converted to utf8mb4: {site.partition('_')[0]} cannot hold emoji."
        return Finding("collation", "warn", found, advice)
    return Finding("collation", "ok", f"{options} has {site}, and new tables get it too (the database's is {default})")


def tables_collation(workspace: Workspace, *, tables: Sequence[str]) -> Finding:
    site = collation_beside(_site_collation(workspace))
    live = introspect_schema(workspace.database, workspace.dialect, tables)
    other = [table for table in live if table.collation and table.collation != site]
    if not other:
        return Finding("tables' collation", "ok", f"our tables have {site}" if live.tables else "no tables yet")
    found = ", ".join(f"{table.name} has {table.collation}" for table in other)
    commands = " ".join(
        f"ALTER TABLE {workspace.dialect.quote(table.name)} CONVERT TO CHARACTER SET {site.partition('_')[0]} "
        f"COLLATE {site};"
        for table in other
    )
    advice = (
        f"Joins with the site's tables ({site}) can fail with error 1267. In a quiet hour, as it copies: {commands}"
    )
    return Finding("tables' collation", "warn", found, advice)


def engine(workspace: Workspace) -> Finding:
    rows = _rows(workspace, "SELECT SUPPORT FROM information_schema.ENGINES WHERE ENGINE = 'InnoDB'")
    support = str(rows[0][0]).upper() if rows else "NO"
    if support == "DEFAULT":
        return Finding("engine", "ok", "InnoDB is the default")
    if support == "YES":
        ((default,),) = _rows(workspace, "SELECT @@default_storage_engine")
        return Finding("engine", "ok", f"InnoDB is there, and our tables ask for it (the default is {default})")
    advice = "Start the server with InnoDB; other engines have no foreign keys and no transactions."
    return Finding("engine", "fail", "there is no InnoDB", advice)


def tables_engine(workspace: Workspace, *, tables: Sequence[str]) -> Finding:
    live = introspect_schema(workspace.database, workspace.dialect, tables)
    other = [table for table in live if (table.engine or "").lower() != "innodb"]
    if not other:
        return Finding("tables' engine", "ok", "our tables are InnoDB" if live.tables else "no tables yet")
    found = ", ".join(f"{table.name} is {table.engine}" for table in other)
    commands = " ".join(f"ALTER TABLE {workspace.dialect.quote(table.name)} ENGINE=InnoDB;" for table in other)
    advice = f"It has no foreign keys and no transactions. In a quiet hour, as it copies: {commands}"
    return Finding("tables' engine", "warn", found, advice)


def strictness(workspace: Workspace) -> Finding:
    ((mode,),) = _rows(workspace, "SELECT @@global.sql_mode")
    if {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(str(mode).split(",")):
        return Finding("strictness", "ok", f"the server's default is strict (sql_mode = {mode})")
    advice = (
        "Connections of wch_peewee are strict by themselves; other programs' values may be cut without a word. "
        "Add STRICT_TRANS_TABLES to sql_mode in the server's configuration."
    )
    return Finding("strictness", "warn", f"the server's default is not strict (sql_mode = {mode or 'empty'})", advice)


def lock_waits(workspace: Workspace) -> Finding:
    """Not a fault: whoever alters a table by hand should know."""
    ((table, row),) = _rows(workspace, "SELECT @@global.lock_wait_timeout, @@global.innodb_lock_wait_timeout")
    found = f"by default a statement waits {_span(int(table))} for a table and {_span(int(row))} for a row"
    advice = ""
    if int(table) > 60:
        advice = (
            "Runs of wch wait a second at a time. Before an ALTER by hand: SET SESSION lock_wait_timeout = 1; "
            "while it waits, every reader of the table waits behind it."
        )
    return Finding("lock waits", "ok", found, advice)


def _span(seconds: int) -> str:
    for unit, length in (("year", 31_536_000), ("day", 86_400), ("hour", 3_600)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


def _site_collation(workspace: Workspace) -> str | None:
    query = workspace.dialect.column_collation(options_table_name(workspace.prefix), "option_name")
    rows = ask(workspace.database, workspace.dialect, query) if query is not None else []
    return str(rows[0][0]) if rows and rows[0][0] else None


def _rows(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    return ask(workspace.database, workspace.dialect, Query(sql))
