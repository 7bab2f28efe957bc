"""The writes of a run: statements that can change something, and COMMITs, numbered from 1 in the order sent."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import peewee as pw

from ..database.connection import ServerConnection

_WRITES = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "COMMIT", "WITH")

#: ``during``: the statement was sent to the server, its answer not yet read. SQLite has no such moment.
Moment = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a run: before, during or after the write with this number."""

    number: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} write {self.number}"


@dataclass(frozen=True, slots=True)
class Write:
    """One write, with its migration and step; those of the history and the ledger have no step, others neither."""

    number: int
    sql: str
    migration: str = ""
    step: int = 0
    steps: int = 0

    def __str__(self) -> str:
        where = ""
        if self.step:
            where = f"{self.migration}, step {self.step} of {self.steps}: "
        elif self.migration:
            where = f"{self.migration}: "
        return where + " ".join(self.sql.split())


def is_write(sql: str) -> bool:
    """Return True if a statement can change something. A ``WITH`` may end in an UPDATE, so it counts."""
    return sql.lstrip().upper().startswith(_WRITES)


def watch(callback: Callable[[Point, Write], None]) -> None:
    """Call back before, during and after each write, for the rest of this process.

    Statements that bypass peewee's ``execute_sql`` and ``commit`` are not seen.
    """
    count = 0
    in_flight: Write | None = None
    database_class: Any = pw.Database
    connection_class: Any = ServerConnection
    execute, commit, read = database_class.execute_sql, database_class.commit, connection_class._read_query_result

    def around(call: Callable[..., Any], sql: str, *arguments: Any, **options: Any) -> Any:
        nonlocal count, in_flight
        count += 1
        write = Write(count, sql, *_position())
        callback(Point(write.number, "before"), write)
        in_flight = write
        try:
            result = call(*arguments, **options)
        finally:
            in_flight = None
        callback(Point(write.number, "after"), write)
        return result

    def execute_sql(database: pw.Database, sql: str, *arguments: Any, **options: Any) -> Any:
        if is_write(sql):
            return around(execute, sql, database, sql, *arguments, **options)
        return execute(database, sql, *arguments, **options)

    def commit_(database: pw.Database) -> Any:
        return around(commit, "COMMIT", database)

    def read_query_result(connection: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal in_flight
        if in_flight is not None:
            write, in_flight = in_flight, None
            callback(Point(write.number, "during"), write)
        return read(connection, *arguments, **options)

    database_class.execute_sql = execute_sql
    database_class.commit = commit_
    connection_class._read_query_result = read_query_result


def _position() -> tuple[str, int, int]:
    """Return the migration, the step and the steps, from the frames of ``run_one`` and ``_run_step`` on the stack."""
    step, steps = 0, 0
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if frame.f_code.co_name == "_run_step" and "steps" in frame.f_locals:
            step, steps = frame.f_locals["number"], frame.f_locals["steps"]
        elif frame.f_code.co_name == "run_one" and "migrator" in frame.f_locals:
            return str(frame.f_locals["name"]), step, steps
    return "", 0, 0
