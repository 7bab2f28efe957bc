"""Steps on the schema version: the last one of every migration, and of every rollback."""

from __future__ import annotations

import peewee as pw

from ...execution.ambient import workspace_of
from ...wordpress.version import version_compare
from ..state import delete_version, read_version, write_version


def stamp(database: pw.Database, version: str) -> None:
    """Write the schema version, the last step of a migration; a newer one is left as it is."""
    with workspace_of(database) as workspace:
        stored = read_version(workspace)
        if stored is None or version_compare(stored, version) < 0:
            write_version(workspace, version)


def unstamp(database: pw.Database, version: str | None) -> None:
    """Set the schema version back, the last step of a rollback; None removes it."""
    with workspace_of(database) as workspace:
        if version is None:
            delete_version(workspace)
        else:
            write_version(workspace, version)
