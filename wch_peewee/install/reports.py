"""The reports of the lifecycle, which a host reads. What they hold is light, because every admin_init imports them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..schema.diff import Refusal

#: ``current`` nothing was to do, ``installed`` or ``upgraded`` something was done, ``newer`` the PHP plugin or a newer
#: release has upgraded the tables and they were left alone, ``deferred`` an upgrade failed less than a minute ago and
#: was not retried
Outcome = Literal["current", "installed", "upgraded", "newer", "deferred"]


class Report:
    """The base of all reports."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts and strings."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class InstallReport(Report):
    """The outcome of a run. ``changes`` are dbDelta's words, ``refusals`` need a decision, ``extras`` are not ours.

    >>> Plugin("sqlite:///shop.db").activate().outcome
    'installed'
    """

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
    """The outcome of an uninstall. ``removed`` is False if nothing was changed, and ``reason`` says why.

    >>> plugin.uninstall().reason
    'WCH_REMOVE_DATA is not true; nothing was removed'
    """

    removed: bool
    tables: tuple[str, ...] = ()
    option: bool = False
    reason: str = ""
