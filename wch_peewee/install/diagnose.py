"""Connect, find out what is there, and run the checks that fit it.

A check that the server refuses to answer is a warning of its own, and the others still run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import peewee as pw

from ..database.detect import SUPPORTED
from ..errors import DatabaseUnavailable, UnsupportedServer
from ..execution.context import Workspace
from ..execution.session import look
from . import doctor as server
from . import sqlite
from .finding import Finding
from .manager import DatabaseManager

Check = Callable[[Workspace], Finding]


def diagnose(manager: DatabaseManager) -> tuple[Finding, ...]:
    """Look at the manager's database. Reads only."""
    reached = Finding("connection", "ok", f"{manager.target} can be opened")
    try:
        with look(manager.database, manager.prefix) as workspace:
            version = Finding("version", "ok", f"{workspace.dialect.label} is supported")
            if isinstance(manager.database, pw.SqliteDatabase):
                return (sqlite.file(manager.database), version, *_run(sqlite.CHECKS, workspace))
            return (reached, version, *_run(server.checks(manager.table_names), workspace))
    except DatabaseUnavailable as error:
        advice = "Nothing else could be looked at; the database is named by --database or WCH_DATABASE_URL."
        return (Finding("connection", "fail", str(error), advice),)
    except UnsupportedServer as error:
        return (reached, Finding("version", "fail", str(error), f"Use {SUPPORTED}."))


def _run(checks: Iterable[tuple[str, Check]], workspace: Workspace) -> tuple[Finding, ...]:
    return tuple(_asked(name, check, workspace) for name, check in checks)


def _asked(name: str, check: Check, workspace: Workspace) -> Finding:
    try:
        return check(workspace)
    except pw.PeeweeException as error:
        said = error.args[-1] if error.args else error
        return Finding(name, "warn", f"could not be asked ({said})", "Ask again with an account that may read it.")
