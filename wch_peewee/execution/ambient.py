"""Find the run that a migration step belongs to.

Inside our router the run's workspace is attached to its connection. Under stock ``pw_migrate`` there is
none; then the settings come from the environment, and the lock is taken for the one step. A connection that
``migrations/conf.py`` has not opened is somebody else's: it has the settings of a run during the step alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import peewee as pw

from ..database.connect import with_run_settings
from ..database.detect import detect_dialect
from ..settings import table_prefix
from .context import Workspace, attached, attached_workspace
from .lock import migration_lock


@contextlib.contextmanager
def workspace_of(database: pw.Database) -> Iterator[Workspace]:
    workspace = attached_workspace(database)
    if workspace is not None and workspace.is_ready:
        yield workspace
        return
    session: AbstractContextManager[None] = contextlib.nullcontext()
    if workspace is None:
        workspace = Workspace(database, detect_dialect(database), table_prefix())
        session = with_run_settings(database)
    with session, migration_lock(database, workspace.dialect, workspace.prefix, timeout=workspace.patience) as lock:
        workspace.lock = lock
        try:
            with attached(workspace):
                yield workspace
        finally:
            workspace.lock = None
