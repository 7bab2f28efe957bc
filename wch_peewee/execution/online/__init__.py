"""Finds and runs an online tool, reports its progress, and explains a failure in one line."""

import shutil
import subprocess
from collections.abc import Callable
from types import ModuleType
from typing import Any

import peewee as pw

from ...database.connect import connected
from ...database.query import detect_dialect
from ...errors import ConfigurationError, StatementFailed
from ...schema.statements import Copier, Statement
from . import gh_ost, pt_osc
from .tools import ToolTarget, credentials, target_of

TOOLS: dict[str, ModuleType] = {pt_osc.PROGRAM: pt_osc, gh_ost.PROGRAM: gh_ost}

#: Told how much of the copy is done, in percent.
OnPercent = Callable[[str, int], None]

#: How many lines of its output are kept for the message.
_KEPT = 20


def find_copier(name: str, database: pw.Database, on_percent: OnPercent = lambda table, percent: None) -> Copier:
    """Return a copier that runs the tool ``name`` on the tables of ``database``.

    Raises ConfigurationError if there is no such tool, it is not installed, or the database is not on a server.
    """
    if name not in TOOLS:
        raise ConfigurationError(f"There is no tool {name!r} to change a table online; use {' or '.join(TOOLS)}.")
    if shutil.which(name) is None:
        raise ConfigurationError(f"{name} is not installed here; install it, or leave --online out.")
    target_of(database, "", ())

    def copier(statement: Statement, check: Callable[[], None]) -> None:
        with connected(database):
            dialect = detect_dialect(database)
        target = target_of(database, dialect.name, dialect.version)
        _run(TOOLS[name], target, statement, check, on_percent)

    return copier


def _run(
    tool: ModuleType, target: ToolTarget, statement: Statement, check: Callable[[], None], on_percent: OnPercent
) -> None:
    kept: list[str] = []
    with credentials(target) as file:
        words = tool.command(target, statement.table, statement.clauses, file)
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(words, **pipes, text=True, errors="replace") as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    kept = [*kept[-_KEPT:], line.strip()]
                    if (done := tool.percent(line)) is not None:
                        on_percent(statement.table, done)
                        check()
            except BaseException:
                # It takes its triggers away when it is asked to end.
                process.terminate()
                raise
    if process.returncode:
        raise StatementFailed(_why(tool, target, statement.table, process.returncode, kept), sql=statement.sql)


def _why(tool: ModuleType, target: ToolTarget, table: str, code: int, kept: list[str]) -> str:
    said = " ".join(line for line in kept if line and tool.percent(line) is None)[-600:]
    if target.password:
        said = said.replace(target.password, "***")
    clear = "; ".join(tool.leftovers(target, table))
    return f"{tool.PROGRAM} ended with {code} ({said}). If it was killed before, clear up first: {clear}"
