"""The schema version: WordPress's option ``wch_db_version``, in an options table that is made when there is none.

write_version(workspace, "1.0.0")
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import peewee as pw

from ..naming import options_table_name
from ..schema.apply import Overtaken
from ..schema.statements import Step
from ..wordpress.options import VERSION_OPTION, delete_option, missing_options_steps, read_option, write_option
from ..workspace import Workspace

T = TypeVar("T")


def read_version(workspace: Workspace) -> str | None:
    """Read the stored version, whatever it says; one SELECT."""
    return read_option(workspace.database, workspace.dialect, workspace.prefix, VERSION_OPTION)


def options_step(workspace: Workspace) -> tuple[Step, ...]:
    """Plan the options table where there is none."""
    return missing_options_steps(workspace.database, workspace.dialect, workspace.prefix, workspace.collation)


def write_version(workspace: Workspace, version: str) -> None:
    """Write the version, into an options table that is made when there is none."""
    table = options_table_name(workspace.prefix)
    # WordPress itself, which takes no lock of ours, may make the table at the same moment.
    with contextlib.suppress(Overtaken):
        workspace.run_steps(options_step(workspace), table)
    database, dialect, prefix = workspace.database, workspace.dialect, workspace.prefix
    _told(workspace, version, lambda: write_option(database, dialect, prefix, VERSION_OPTION, version))


def delete_version(workspace: Workspace) -> bool:
    """Remove the row; say whether it was there."""
    database, dialect, prefix = workspace.database, workspace.dialect, workspace.prefix
    return _told(workspace, None, lambda: delete_option(database, dialect, prefix, VERSION_OPTION))


def _told(workspace: Workspace, version: str | None, write: Callable[[], T]) -> T:
    """Write, and note what was written for those who keep a copy of it."""
    try:
        done = workspace.write(write, options_table_name(workspace.prefix))
    except pw.PeeweeException as error:
        if workspace.dialect.failure(error.args) == "lost":  # then it may have been done
            workspace.options[VERSION_OPTION] = version
        raise
    if done is not False:  # there was a row to delete
        workspace.options[VERSION_OPTION] = version
    return done
