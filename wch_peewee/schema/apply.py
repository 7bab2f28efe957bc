"""Run a plan's steps. The only place that changes a schema.

A statement whose table is not owned is never sent. A statement that waits for somebody's transaction
gives way after the session's lock timeout, so that nobody queues behind it for longer, and is tried
again with jitter until ``patience`` (seconds) is used up. A step that fails leaves the ones before it
in place; every step can be repeated, so the way on is to look again.

    Executor(database, dialect, owned=("wp_wch_carts",)).run_steps(plan.steps)
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from peewee import Database, PeeweeException

from ..dialects.base import Dialect
from ..errors import Busy, NotOwned, StatementFailed
from .introspect import count_rows
from .statements import Statement, Step


class Overtaken(Exception):
    """Somebody who takes no lock of ours made the same thing meanwhile; look again."""


@dataclass(slots=True)
class ApplyResult:
    """``outcomes`` are dbDelta's words for what was done; ``taken_back`` are reasons, one for each step undone."""

    outcomes: list[str] = field(default_factory=list)
    taken_back: list[tuple[Step, str]] = field(default_factory=list)


class Executor:
    """Runs statements on one connection. ``before`` is called ahead of each; what it raises stops the run."""

    def __init__(
        self,
        database: Database,
        dialect: Dialect,
        *,
        owned: Collection[str],
        patience: float = 60.0,
        before: Callable[[Statement], None] | None = None,
    ) -> None:
        self._database = database
        self._dialect = dialect
        self._owned = frozenset(owned)
        self._patience = patience
        self._before = before

    def run_steps(self, steps: Iterable[Step]) -> ApplyResult:
        result = ApplyResult()
        for step in steps:
            self._run_step(step, result)
        return result

    def _run_step(self, step: Step, result: ApplyResult) -> None:
        try:
            for statement in step.statements:
                self._send(statement, result)
        except BaseException:
            for statement in step.cleanup:
                self._send_quietly(statement)
            raise
        for statement in step.cleanup:
            self._send(statement, result)
        if step.recheck is not None and (count := count_rows(self._database, self._dialect, step.recheck)):
            for statement in step.undo:
                self._send(statement, result)
            result.taken_back.append((step, step.recheck.refusal(count)))
            return
        for operation in step.operations:
            result.outcomes += operation.outcome()

    def _send(self, statement: Statement, result: ApplyResult) -> None:
        if statement.table and statement.table not in self._owned:
            raise NotOwned(f"refused to change {statement.table}, which is none of: {', '.join(sorted(self._owned))}")
        if self._before is not None:
            self._before(statement)
        deadline = time.monotonic() + self._patience
        attempt = 0
        while True:
            try:
                self._database.execute_sql(self._dialect.wire(statement.sql))
                return
            except PeeweeException as error:
                meaning = self._dialect.failure(error.args)
                if meaning == "exists":
                    raise Overtaken(str(error)) from error
                if meaning != "waiting":
                    raise StatementFailed(
                        _words(statement, error, meaning), sql=statement.sql, done=result.outcomes
                    ) from error
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"somebody's open transaction has held {statement.table} for {self._patience:g} seconds; "
                        "this statement was not done, try again later"
                    ) from error
            attempt += 1
            time.sleep(min(5.0, 0.1 * 2 ** min(attempt, 5)) * random.uniform(0.5, 1.5))

    def _send_quietly(self, statement: Statement) -> None:
        # The failure that brought us here is the one to report; a lost connection takes its settings with it.
        with contextlib.suppress(PeeweeException):
            self._database.execute_sql(self._dialect.wire(statement.sql))


def _words(statement: Statement, error: PeeweeException, meaning: str) -> str:
    said = str(error.args[-1]) if error.args else str(error)
    if meaning == "lost":
        return f"the connection was lost; whether this was done is unknown, so run it again: {statement.sql} ({said})"
    return f"the server refused: {statement.sql} ({said})"
