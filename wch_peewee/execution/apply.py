"""Runs the steps of plans: the only place that changes a schema."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from peewee import PeeweeException

from ..database.query import retry_while_blocked
from ..errors import CopyRefused, NotOwned, SchemaConflict, StatementFailed
from ..schema.objects import Table
from ..schema.operations import AddForeignKey, apply_to_table
from ..schema.preconditions import is_loss, preconditions_of
from ..schema.statements import Copier, Statement, Step
from .introspect import count_rows, table_sizes

if TYPE_CHECKING:
    from .context import RunContext

logger = logging.getLogger("wch_peewee")


class ConcurrentChange(Exception):
    """Another session, without our lock, made the same change meanwhile."""


class Executor:
    """Runs statements in a run's context. An exception from its listener or from the check of its lock stops the run.

    A statement whose table is not owned is never sent. One that is blocked by an open transaction ends after the
    session's lock timeout, so that nothing queues behind it for longer, and is retried with jitter until the patience
    is used up. A failed step leaves the ones before it in place: every step can be repeated, so the next run inspects
    the schema again.

    The listener is called once for each statement, the lock is checked before each attempt. What has been done is added
    to the context's outcomes, in dbDelta's words, at once.
    """

    def __init__(self, context: RunContext, owned: Collection[str]) -> None:
        self._context, self._connection, self._dialect = context, context.connection, context.dialect
        self._owned = frozenset(owned)

    def run_steps(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._run_step(step)

    def _run_step(self, step: Step) -> None:
        try:
            for statement in step.statements:
                self._send(statement, step)
        except BaseException:
            for statement in step.cleanup:
                self._send_quietly(statement)
            raise
        for statement in step.cleanup:
            self._send(statement)
        if step.recheck is not None and count_rows(self._connection, step.recheck):
            for statement in step.undo:
                self._send(statement)
            return
        for operation in step.operations:
            self._context.outcomes += operation.outcome()
            for outcome in operation.outcome():
                logger.info("%s", outcome)

    def _send(self, statement: Statement, step: Step | None = None) -> None:
        if statement.table and statement.table not in self._owned:
            raise NotOwned(f"refused to change {statement.table}; managed tables: {', '.join(sorted(self._owned))}")
        if self._context.listener.before_statement is not None:
            self._context.listener.before_statement(statement)
        text = statement.text
        try:
            for text in self._variants(statement, step):
                if self._done(text, statement.table):
                    return
        except PeeweeException as error:
            meaning = self._dialect.failure(error.args)
            if meaning == "exists":
                raise ConcurrentChange(str(error)) from error
            if meaning == "damaged":
                raise  # it is the file that failed, and not this statement
            lost = meaning in ("lost", "not here")
            raise StatementFailed(_words(error, lost=meaning == "lost"), sql=text, lost=lost) from error

    def _variants(self, statement: Statement, step: Step | None) -> Iterator[str]:
        """Yield the statement with one algorithm after another; copying comes last, and only if allowed.

        On a Galera cluster, all of which waits for it, that is true of every algorithm that reads the table's rows.
        """
        algorithms, topology, copies = statement.algorithms, self._context.topology, self._context.options.copies
        stops = None
        if step is not None and topology.shares_writes:
            # One that the server may refuse is followed by those that read rows.
            stops = step if step.reads_rows else replace(step, cost="INPLACE", operations=())
        free = len(algorithms) if stops is None else int(stops is not step)
        yield from map(statement.naming, algorithms[:free])
        if statement.copying:
            size = table_sizes(self._connection, [statement.table]).get(statement.table)
            if copies.copier is not None and step is not None and copies.hands_over(step, size):
                self._hand_off(step, statement, copies.copier)
                return
            words = "" if stops is None else self._dialect.effect(stops, topology, size).words
            if reason := copies.refusal(statement.table, step, size, words):
                raise CopyRefused(reason, sql=statement.sql)
            yield from map(statement.naming, (*algorithms[free:], *statement.copying))
        # The last one says why, or it is the only one.
        yield statement.sql

    def _done(self, text: str, table: str) -> bool:
        """Send the statement; return False if the server does not support that algorithm for it."""
        try:
            retry_while_blocked(
                lambda: self._context.database.execute_sql(self._dialect.escape(text)),
                self._connection,
                tables=(table, *sorted(self._owned - {table})),
                patience=self._context.options.patience,
                check=self._context.check,
            )
        except PeeweeException as error:
            if self._dialect.failure(error.args) != "unsupported":
                raise
            return False
        return True

    def _send_quietly(self, statement: Statement) -> None:
        # The failure that brought us here is the one to report; a lost connection takes its settings with it.
        with contextlib.suppress(PeeweeException):
            self._context.database.execute_sql(self._dialect.escape(statement.sql))

    def _hand_off(self, step: Step, statement: Statement, copier: Copier) -> None:
        """Hand ``statement`` to ``copier``, and restore foreign keys which the tool has dropped.

        Raises SchemaConflict if rows conflict with the change, and StatementFailed.
        """
        for operation in step.operations:
            for need in preconditions_of(operation):
                if not is_loss(need) and (count := count_rows(self._connection, need)):
                    raise SchemaConflict(need.refusal(count))
        before = self._live(step)
        copier(statement, self._context.check)
        expected = apply_to_table(before, step.operations)
        after = self._live(step)
        missing = {index.name for index in expected.indexes} - {index.name for index in after.indexes}
        if after.columns != expected.columns or missing:
            raise StatementFailed(
                f"the tool reported success, but {step.table} still differs; wch check shows how", sql=statement.sql
            )
        lost = [key for key in expected.foreign_keys if not any(there.serves(key) for there in after.foreign_keys)]
        self.run_steps(self._dialect.render(after, [AddForeignKey(step.table, key) for key in lost]))

    def _live(self, step: Step) -> Table:
        table = self._context.live(step.table)
        if table is None:
            raise StatementFailed(f"{step.table} is not there", sql="")
        return table


def _words(error: PeeweeException, *, lost: bool) -> str:
    said = str(error.args[-1]) if error.args else str(error)
    if lost:
        return f"the connection was lost; it is unknown whether the statement was completed ({said})"
    return f"the server returned an error ({said})"
