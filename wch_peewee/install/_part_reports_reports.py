"""What the lifecycle calls answer: small values, each with ``to_dict()`` for JSON.

report = plugin.activate()
print(report.changed, report.changes)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..schema.diff import Refusal

#: ``current`` nothing was to do, ``installed`` or ``upgraded`` something was done, ``newer`` the database is of a
#: newer minor version and was left alone, ``deferred`` an upgrade failed less than a minute ago and was not retried
Outcome = Literal["current", "installed", "upgraded", "newer", "deferred"]


class Report:
    """What the reports have in common."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class InstallReport(Report):
    """``changes`` are dbDelta's words. ``refusals`` stay until somebody decides; ``extras`` are not ours."""

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
        """True when anything at all was written."""
        return bool(self.migrations or self.changes) or self.version != self.version_before


@dataclass(frozen=True, slots=True)
class UninstallReport(Report):
    """``removed`` is false when nothing was touched, and ``reason`` says why."""

    removed: bool
    tables: tuple[str, ...] = ()
    option: bool = False
    reason: str = ""
