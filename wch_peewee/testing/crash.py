"""Run an action in a process of its own, and kill that process with SIGKILL before or after its k-th write.

A write is a statement that can change something, or a COMMIT. The child is a fork: it shares nothing that
it could spoil, and a SIGKILL leaves no chance to clean up, as in real life. Needs an operating system
with fork.

    run_killed(lambda: manager.run_migrations(), KillPoint(3, "after"))
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import peewee as pw

_WRITES = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "COMMIT")


@dataclass(frozen=True, slots=True)
class KillPoint:
    """Before or after the write with this number, counted from 1."""

    number: int
    moment: Literal["before", "after"]

    def __str__(self) -> str:
        return f"killed {self.moment} write {self.number}"


class ActionFailed(Exception):
    """The child ended with an error of its own; the message is its traceback."""


def run_to_end(action: Callable[[], object]) -> None:
    """Run ``action`` in a child. Raises ActionFailed."""
    run_killed(action, None)


def run_killed(action: Callable[[], object], point: KillPoint | None) -> bool:
    """Run ``action`` in a child that is killed at ``point``; False when it ended before it got there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_child(action, point, writer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        words = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status != 0:
        raise ActionFailed(words or f"the child ended with status {status}")
    return False


def _be_child(action: Callable[[], object], point: KillPoint | None, writer: int) -> NoReturn:
    status = 1
    try:
        if point is not None:
            _arm(point)
        action()
        status = 0
    except BaseException:
        os.write(writer, traceback.format_exc().encode())
    finally:
        sys.stdout.flush()
        # Not sys.exit: the parent's atexit handlers and open files are none of the child's business.
        os._exit(status)


def _arm(point: KillPoint) -> None:
    """Count the writes of this process, which is the child and lives for nothing else."""
    written = 0

    def around(call: Callable[..., Any], database: pw.Database, *arguments: Any, **options: Any) -> Any:
        nonlocal written
        written += 1
        if (written, point.moment) == (point.number, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(database, *arguments, **options)
        if (written, point.moment) == (point.number, "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    execute, commit = pw.Database.execute_sql, pw.Database.commit

    def execute_sql(database: pw.Database, sql: str, *arguments: Any, **options: Any) -> Any:
        if sql.lstrip().upper().startswith(_WRITES):
            return around(execute, database, sql, *arguments, **options)
        return execute(database, sql, *arguments, **options)

    def commit_(database: pw.Database) -> Any:
        return around(commit, database)

    pw.Database.execute_sql = execute_sql  # type: ignore[method-assign,assignment]
    pw.Database.commit = commit_  # type: ignore[method-assign]
