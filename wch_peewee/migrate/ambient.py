"""Find the run that a migration step belongs to.

Inside our router the run's workspace is attached to its connection. Under stock ``pw_migrate`` there is
none; then the settings come from the environment, and the lock is taken for the one step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import peewee as pw

from ..server import detect_dialect
from ..settings import table_prefix
from ..workspace import Workspace, attached, attached_workspace
from .lock import migration_lock


@contextlib.contextmanager
def workspace_of(database: pw.Database) -> Iterator[Workspace]:
    workspace = attached_workspace(database)
    if workspace is not None and workspace.lock is not None:
        yield workspace
        return
    if workspace is None:
        workspace = Workspace(database, detect_dialect(database), table_prefix())
    with migration_lock(database, workspace.dialect, workspace.prefix, timeout=workspace.patience) as lock:
        workspace.lock = lock
        try:
            with attached(workspace):
                yield workspace
        finally:
            workspace.lock = None
