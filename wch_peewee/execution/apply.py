"""Applies plans: the only place that changes a schema."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from peewee import PeeweeException

from ..database.query import Connection, retry_while_blocked
from ..errors import CopyRefused, NotOwned, SchemaConflict, StatementFailed
from ..schema.diff import Refusal
from ..schema.objects import Schema, Table
from ..schema.operations import AddForeignKey, CreateTable, apply_to_table
from ..schema.plan import Plan
from ..schema.preconditions import is_loss, preconditions_of
from ..schema.statements import COPY_RULE, Copier, CopyRule, Statement, Step
from .introspect import count_rows, introspect_schema, table_sizes, with_referenced

#: A schema that still differs after so many rounds is being changed by another session.
_ROUNDS = 4


class ConcurrentChange(Exception):
    """Another session, without our lock, made the same change meanwhile. ``done`` was done before it."""

    def __init__(self, message: str, *, done: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.done = tuple(done)


@dataclass(slots=True)
class ApplyResult:
    """The outcome of steps: ``outcomes`` in dbDelta's words, without steps that were undone."""

    outcomes: list[str] = field(default_factory=list)


class Executor:
    """Runs statements on one connection. An exception from ``before`` or ``check`` stops the run.

    A statement whose table is not owned is never sent. One that is blocked by an open transaction ends after the
    session's lock timeout, so that nothing queues behind it for longer, and is retried with jitter until ``patience``
    (seconds) is used up. A failed step leaves the ones before it in place: every step can be repeated, so the next run
    inspects the schema again.

    ``before`` is called once for each statement, ``check`` before each attempt. What has been done is added to ``log``,
    in dbDelta's words, at once.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        owned: Collection[str],
        patience: float = 60.0,
        before: Callable[[Statement], None] | None = None,
        check: Callable[[], None] | None = None,
        log: list[str] | None = None,
        copies: CopyRule = COPY_RULE,
    ) -> None:
        self._connection = connection
        self._database, self._dialect = connection.database, connection.dialect
        self._owned = frozenset(owned)
        self._patience = patience
        self._before = before
        self._check = check
        self._log = [] if log is None else log
        self._copies = copies

    def run_steps(self, steps: Iterable[Step]) -> ApplyResult:
        result = ApplyResult()
        for step in steps:
            self._run_step(step, result)
        return result

    def _run_step(self, step: Step, result: ApplyResult) -> None:
        try:
            for statement in step.statements:
                self._send(statement, result, step)
        except BaseException:
            for statement in step.cleanup:
                self._send_quietly(statement)
            raise
        for statement in step.cleanup:
            self._send(statement, result)
        if step.recheck is not None and count_rows(self._connection, step.recheck):
            for statement in step.undo:
                self._send(statement, result)
            return
        for operation in step.operations:
            result.outcomes += operation.outcome()
            self._log += operation.outcome()

    def _send(self, statement: Statement, result: ApplyResult, step: Step | None = None) -> None:
        if statement.table and statement.table not in self._owned:
            raise NotOwned(f"refused to change {statement.table}, which is none of: {', '.join(sorted(self._owned))}")
        if self._before is not None:
            self._before(statement)
        text = statement.text
        try:
            for text in self._variants(statement, step):
                if self._done(text, statement.table):
                    return
        except PeeweeException as error:
            meaning = self._dialect.failure(error.args)
            if meaning == "exists":
                raise ConcurrentChange(str(error), done=result.outcomes) from error
            if meaning == "damaged":
                raise  # it is the file that failed, and not this statement
            lost = meaning == "lost"
            raise StatementFailed(_words(error, lost=lost), sql=text, lost=lost) from error

    def _variants(self, statement: Statement, step: Step | None) -> Iterator[str]:
        """Yield the statement with one algorithm after another; copying comes last, and only if allowed."""
        yield from map(statement.naming, statement.algorithms)
        if statement.copying:
            size = table_sizes(self._connection, [statement.table]).get(statement.table)
            if (copier := self._copies.copier) is not None and step is not None and self._copies.hands_over(size):
                for given_back in hand_off(self._connection, step, statement, copier, self._check):
                    self._run_step(given_back, ApplyResult())
                return
            if reason := self._copies.refusal(statement.table, size):
                raise CopyRefused(reason, sql=statement.sql)
            yield from map(statement.naming, statement.copying)
        # The last one says why, or it is the only one.
        yield statement.sql

    def _done(self, text: str, table: str) -> bool:
        """Send the statement; return False if the server does not support that algorithm for it."""
        try:
            retry_while_blocked(
                lambda: self._database.execute_sql(self._dialect.escape(text)),
                self._connection,
                tables=(table, *sorted(self._owned - {table})),
                patience=self._patience,
                check=self._check,
            )
        except PeeweeException as error:
            if self._dialect.failure(error.args) != "unsupported":
                raise
            return False
        return True

    def _send_quietly(self, statement: Statement) -> None:
        # The failure that brought us here is the one to report; a lost connection takes its settings with it.
        with contextlib.suppress(PeeweeException):
            self._database.execute_sql(self._dialect.escape(statement.sql))


def hand_off(
    connection: Connection,
    step: Step,
    statement: Statement,
    copier: Copier,
    check: Callable[[], None] | None,
) -> tuple[Step, ...]:
    """Hand ``statement`` to ``copier``; return the steps that restore foreign keys which the tool has dropped.

    Raises SchemaConflict if rows conflict with the change, and StatementFailed.
    """
    for operation in step.operations:
        for need in preconditions_of(operation):
            if not is_loss(need) and (count := count_rows(connection, need)):
                raise SchemaConflict(need.refusal(count))
    before = _live(connection, step)
    copier(statement, check or _nothing)
    expected = apply_to_table(before, step.operations)
    after = _live(connection, step)
    if after.columns != expected.columns:
        raise StatementFailed(
            f"the tool reported success, but {step.table} is not as it should be; wch check says how", sql=statement.sql
        )
    lost = [key for key in expected.foreign_keys if not any(there.serves(key) for there in after.foreign_keys)]
    return connection.dialect.render(after, [AddForeignKey(step.table, key) for key in lost])


def _live(connection: Connection, step: Step) -> Table:
    table = introspect_schema(connection, [step.table]).table(step.table)
    if table is None:
        raise StatementFailed(f"{step.table} is not there", sql="")
    return table


def _nothing() -> None:
    return


def _words(error: PeeweeException, *, lost: bool) -> str:
    said = str(error.args[-1]) if error.args else str(error)
    if lost:
        return f"the connection was lost, and whether the statement was done is unknown ({said})"
    return f"the server refused ({said})"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome of a reconciliation: changes in dbDelta's words, refusals with reasons, and what is not ours."""

    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()


def reconcile(
    desired: Schema,
    executor: Executor,
    *,
    read: Callable[[Sequence[str]], Schema],
    plan: Callable[[Schema, Schema], Plan],
    verify: bool = True,
) -> Reconciled:
    """Apply plans until the plan is empty; refusals stay and are reported.

    ``read`` reads live tables by their names, ``plan`` plans what leads to ``desired``. Without ``verify`` tables
    that have only been created are not read again: such a caller verifies before the run is done.
    Raises SchemaConflict if the schema keeps differing, and what the executor raises.
    """
    changes: list[str] = []
    for _ in range(_ROUNDS):
        found = plan(desired, read(with_referenced(desired)))
        if found.is_empty:
            return Reconciled(tuple(changes), found.refusals, found.extras)
        try:
            result = executor.run_steps(found.steps)
        except ConcurrentChange as change:
            changes += change.done
            continue
        changes += result.outcomes
        if not verify and all(isinstance(one, CreateTable) for step in found.steps for one in step.operations):
            return Reconciled(tuple(changes), found.refusals, found.extras)
    left = "; ".join(found.describe())
    raise SchemaConflict(
        f"the schema does not come to rest after {_ROUNDS} rounds; is somebody else changing it? Left: {left}",
        reasons=found.describe(),
    )
