"""The way back: which migrations are rolled back, what each step does to the rows there, and what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..errors import ConfigurationError, Irreversible, RemovalRefused, SchemaConflict, Undecided, WchError
from ..execution.context import RunContext
from ..migrate.dry_run import DryRun, dry_run_migrations
from ..migrate.folder import MigrationFolder
from ..migrate.state import InstalledState
from ..schema.operations import DropTable
from ..schema.plan import Check, DryRunResult, Forecast
from ..schema.statements import Step
from ..wordpress.version import version_compare

Losses = tuple[Check, ...]

#: These say for themselves what to do.
_AS_THEY_ARE = (Irreversible, Undecided, ConfigurationError, RemovalRefused)


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback would do, rehearsed on the rows that are there.

    ``names`` are the migrations, newest first; ``name`` and ``to`` what was asked for, a migration or a version.
    """

    names: tuple[str, ...] = ()
    name: str | None = None
    to: str | None = None
    dry_run: DryRunResult = field(default_factory=DryRunResult)
    cause: WchError | None = None

    @property
    def losses(self) -> Losses:
        """The rows and values that would be lost, counted."""
        checks = (check for forecast in self.dry_run.steps for check in forecast.checks)
        return tuple(check for check in checks if check.is_loss and check.count)

    @property
    def loss(self) -> tuple[str, ...]:
        """The losses in words: ``1,000 rows of wp_wch_notes``."""
        return tuple(
            check.precondition.loss(check.count)
            + (f", counted now; {check.changed_by} changes rows before" if check.changed_by else "")
            for check in self.losses
        )

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why the rollback would not come to its end: what stops it, or the rows that stand against a step."""
        found = [_refusal(forecast) for forecast in self.dry_run.steps]
        stopped = self.dry_run.stopped
        if stopped is not None:
            where = f"{stopped.migration}, step {stopped.number} of {stopped.of}: " if stopped.number else ""
            found.append(f"{where}{stopped.reason}")
        return tuple(filter(None, found))

    @property
    def options(self) -> str:
        """The options that ``wch rollback`` needs for it: for what is lost, and for copies that would be refused.

        None if no option helps, because rows stand against it.
        """
        if self.dry_run.stopped is not None or any(forecast.failing for forecast in self.dry_run.steps):
            return ""
        copies = any(forecast.copy_refusal for forecast in self.dry_run.steps)
        return " --allow-loss" * bool(self.losses) + " --allow-copy" * copies

    def require_name(self, target: str, command: Callable[[str], str]) -> None:
        """Raise RemovalRefused if tables would be dropped, and neither a migration nor a version was named.

        Without a name each call rolls back one more migration: one call too many must not end at the first.
        """
        steps = [forecast.work for forecast in self.dry_run.steps if isinstance(forecast.work, Step)]
        dropped = [one for step in steps for one in step.operations if isinstance(one, DropTable)]
        if dropped and self.name is None and self.to is None:
            name, loss = self.names[-1], f" and loses {', '.join(self.loss)}" if self.loss else ""
            tables = "a table" if len(dropped) == 1 else f"{len(dropped)} tables"
            raise RemovalRefused(
                f"{target}: rolling back {name} drops {tables}{loss}. Nothing was changed. To do it, name the "
                f'migration: {command(f"rollback {name}{self.options}")}, in Python rollback("{name}").'
            )

    def require(self, target: str, command: Callable[[str], str], *, allowed: Losses | None) -> None:
        """Raise what prevents the rollback, before anything is changed.

        ``allowed`` are the losses that may be, None is any. Raises SchemaConflict if it would stop half way,
        RemovalRefused if rows or values would be lost without leave, and Irreversible, Undecided, RemovalRefused and
        ConfigurationError for what a migration's file says.
        """
        if isinstance(self.cause, _AS_THEY_ARE):
            raise self.cause
        nothing = "Nothing was changed."
        if self.refusals:
            despite = ", not even with --allow-loss" if allowed is None else ""
            raise SchemaConflict(
                "\n".join((f"{target}: cannot roll back {self.names[-1]}{despite}. {nothing}", *self.refusals)),
                reasons=self.refusals,
            )
        if allowed is None:
            return
        known = Counter({check.precondition: check.count for check in allowed})
        if Counter({check.precondition: check.count for check in self.losses}) - known:
            more = ", which is more than was confirmed" if allowed else ""
            raise RemovalRefused(
                f"{target}: rolling back {' and '.join(self.names)} loses {', '.join(self.loss)}{more}. {nothing} "
                f"To accept this: {command(f'rollback {self.names[-1]}{self.options}')}, in Python "
                "rollback(allow_loss=True)."
            )


def _refusal(forecast: Forecast) -> str:
    reasons = [f"{check.precondition.refusal(check.count)}. See them: {check.query};" for check in forecast.failing]
    if forecast.copy_refusal:
        reasons.append(forecast.copy_refusal)
    where = f"{forecast.migration}, step {forecast.number} of {forecast.of}"
    return f"{where}, {'; '.join(forecast.describe())}: {'; '.join(reasons)}" if reasons else ""


def plan_back(state: InstalledState, folder: MigrationFolder, name: str | None, to: str | None) -> RollbackPlan:
    """Return the choice of the migrations that a rollback is of; none if they are rolled back already.

    ``name`` takes those applied after it back, too; ``to`` all that end at a newer version; neither is the newest one.
    Raises ConfigurationError.
    """
    applied = state.applied or ()
    if name is not None and to is not None:
        raise ConfigurationError(
            f"A rollback was given a migration, {name}, and a version, {to}; expected one of them."
        )
    if to is not None:
        folder.newest_of(to)
        chosen = tuple(one for one in applied if version_compare(_version_of(folder, one), to) > 0)
    elif name is None:
        chosen = applied[-1:]
    elif name in applied:
        chosen = applied[applied.index(name) :]
    else:
        folder.require(name)
        chosen = ()
    for one in chosen:
        _version_of(folder, one)
    return RollbackPlan(chosen[::-1], name, to)


def _version_of(folder: MigrationFolder, name: str) -> str:
    if name not in folder.names:
        raise ConfigurationError(f"{name} is applied, and {folder.path} has no file {name}.py to roll it back.")
    return folder.version_of(name)


def rehearse(context: RunContext, folder: MigrationFolder, chosen: RollbackPlan) -> RollbackPlan:
    """Return the plan with what taking its migrations back would do. Reads only, and counts rows."""
    dry_run = DryRun(context, counts=True)
    # Whether rows may go is asked for all of them together, and before the first statement.
    dry_run.options = replace(context.options, remove_data=True)
    if chosen.names:
        dry_run_migrations(dry_run, folder, chosen.names, downgrade=True)
    return replace(chosen, dry_run=dry_run.result(), cause=dry_run.cause)
