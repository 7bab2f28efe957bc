"""The reports of the lifecycle and the manager: outcomes, status, plan, repair."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..schema.diff import Refusal
    from ..schema.plan import DryRunResult, Plan


#: ``current`` nothing was to do, ``installed`` or ``upgraded`` something was done, ``newer`` the database is of a
#: newer minor version and was left alone, ``deferred`` an upgrade failed less than a minute ago and was not retried
Outcome = Literal["current", "installed", "upgraded", "newer", "deferred"]


class Report:
    """The base of all reports."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class InstallReport(Report):
    """The outcome of a run. ``changes`` are dbDelta's words, ``refusals`` need a decision, ``extras`` are not ours."""

    outcome: Outcome
    version_before: str | None
    version: str | None
    migrations: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()
    reason: str = ""
    #: the version of the PHP plugin whose tables these were, when this run has taken them over
    adopted: str | None = None

    @property
    def changed(self) -> bool:
        """True if anything was written."""
        return bool(self.migrations or self.changes) or self.version != self.version_before


@dataclass(frozen=True, slots=True)
class UninstallReport(Report):
    """The outcome of an uninstall. ``removed`` is False if nothing was changed, and ``reason`` says why."""

    removed: bool
    tables: tuple[str, ...] = ()
    option: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport(Report):
    """The state of an installation, read without writing."""

    target: str
    prefix: str
    engine: str
    version: str | None
    code_version: str
    applied: tuple[str, ...]
    pending: tuple[str, ...]
    missing_tables: tuple[str, ...]
    #: the database is of a newer release
    is_newer: bool = False
    #: the version in the option is right, or not ours to change
    is_stamped: bool = True

    @property
    def is_current(self) -> bool:
        return not (self.pending or self.missing_tables or self.is_newer) and self.is_stamped


def _no_dry_run() -> DryRunResult:
    # Imported here, because admin_init imports the reports and plans nothing.
    from ..schema.plan import DryRunResult

    return DryRunResult()


@dataclass(frozen=True, slots=True)
class InstallPlan(Report):
    """The plan of ``install``. ``plan`` is what remains to be repaired after the pending migrations: drift.

    ``dry_run`` has all steps in order, the migrations' first. A migration that would stop the run ends it, and
    ``plan`` is empty then.
    """

    version: str | None
    code_version: str
    pending: tuple[str, ...]
    plan: Plan
    #: the database is of a newer release, and nothing would be done
    is_newer: bool = False
    #: the version in the option is right, or not ours to change
    is_stamped: bool = True
    dry_run: DryRunResult = field(default_factory=_no_dry_run)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do, even if something has been refused."""
        return self.is_newer or (self.plan.is_empty and not self.pending and self.is_stamped)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: what would be done in words, without the statements."""
        return {
            "version": self.version,
            "code_version": self.code_version,
            "pending": self.pending,
            "steps": [line for forecast in self.dry_run.steps for line in forecast.describe()],
            "refusals": [asdict(refusal) for refusal in self.plan.refusals],
            "extras": self.plan.extras,
            "is_newer": self.is_newer,
            "is_stamped": self.is_stamped,
            "is_empty": self.is_empty,
        }


#: What to do about messages without their conversation.
Orphans = Literal["report", "delete", "reattach"]


@dataclass(frozen=True, slots=True)
class RepairReport(Report):
    """The outcome of a repair. ``orphans`` is the number of orphaned messages, ``changes`` are dbDelta's words."""

    orphans: int = 0
    deleted: int = 0
    reattached: int = 0
    changes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True if anything was written."""
        return bool(self.deleted or self.reattached or self.changes)
