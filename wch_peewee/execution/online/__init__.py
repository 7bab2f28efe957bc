"""Online schema change tools, for changes that a server makes only by copying the table.

Both copy rows with INSERT IGNORE, which silently drops or cuts what does not fit, so conflicting rows are counted
first, and nothing is started if there are any.
"""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import peewee as pw

from ...database.connect import connected
from ...database.query import detect_dialect
from ...errors import ConfigurationError, StatementFailed
from ...schema.statements import Copier, Statement
from .tools import TOOLS, Tool, ToolTarget, credentials, tool_target

#: Called with the table and how much of its copy is done, in percent.
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
    tool_target(database, "", ())

    def copier(statement: Statement, check: Callable[[], None]) -> None:
        with connected(database):
            dialect = detect_dialect(database)
        target = tool_target(database, dialect.name, dialect.version)
        _run(TOOLS[name], target, statement, check, on_percent)

    return copier


def _run(
    tool: Tool, target: ToolTarget, statement: Statement, check: Callable[[], None], on_percent: OnPercent
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
                # The tool removes its triggers when it is terminated.
                process.terminate()
                raise
    if process.returncode:
        raise StatementFailed(_failure(tool, target, statement.table, process.returncode, kept), sql=statement.sql)


def _failure(tool: Tool, target: ToolTarget, table: str, code: int, kept: list[str]) -> str:
    said = " ".join(line for line in kept if line and tool.percent(line) is None)[-600:]
    if target.password:
        said = said.replace(target.password, "***")
    clear = "; ".join(tool.leftovers(target, table))
    return f"{tool.program} ended with {code} ({said}). If it was killed before, clear up first: {clear}"
