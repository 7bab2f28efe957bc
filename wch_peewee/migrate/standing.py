"""Where a database stands: whose the version in its option is, which migrations it has had, which are pending.

The option ``wch_db_version`` has two writers. WCH's PHP plugin writes its own version into it, with another structure
behind the same number at times, and writes it over a newer one when it is activated again. So the number alone says
little: a higher one than ours is a newer release of this library's only where our history is.

    standing = read_standing(workspace, folder)
    standing.is_newer
"""

from __future__ import annotations

from dataclasses import dataclass

from ..execution.context import Workspace
from ..wordpress.version import version_compare
from ._part_state_history import history_names
from .folder import MigrationFolder
from .state import read_adopted_version, read_version


@dataclass(frozen=True, slots=True)
class Standing:
    """``applied`` is None where there is no history table; ``known`` are the migrations of this code."""

    version: str | None
    code_version: str
    applied: tuple[str, ...] | None
    known: tuple[str, ...]
    #: the version that PHP had when our history began; None where the history came first
    adopted: str | None = None

    @property
    def is_newer(self) -> bool:
        """True when a newer release of this library has been here, so that nothing may be changed."""
        if not is_above(self.version, self.code_version) or self.applied is None:
            return False
        return self.adopted is None or any(name not in self.known for name in self.applied)

    @property
    def is_foreign(self) -> bool:
        """True when the version is above ours and PHP's doing: it is left as it is, for it never goes backwards."""
        return is_above(self.version, self.code_version) and not self.is_newer

    @property
    def is_stamped(self) -> bool:
        """True when there is no version to be written."""
        return self.version == self.code_version or self.is_foreign

    @property
    def pending(self) -> tuple[str, ...]:
        return tuple(name for name in self.known if name not in (self.applied or ()))


def read_standing(workspace: Workspace, folder: MigrationFolder) -> Standing:
    """Read it; two SELECTs, and one more where the version is above ours."""
    version = read_version(workspace)
    applied = history_names(workspace.database, workspace.dialect, workspace.prefix)
    above = is_above(version, folder.version)
    adopted = read_adopted_version(workspace) if above and applied is not None else None
    return Standing(version, folder.version, applied, folder.names, adopted)


def is_above(version: str | None, code_version: str) -> bool:
    """Say whether a stored version is above the code's, as PHP compares versions."""
    return version is not None and version_compare(version, code_version) > 0
