"""The schema version: WordPress's option ``wch_db_version``, in an options table that is made when there is none.

write_version(workspace, "1.0.0")
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import peewee as pw

from ..execution.apply import Overtaken
from ..execution.context import Workspace
from ..schema.forecast import RowWork
from ..schema.naming import options_table_name
from ..schema.statements import Step
from ..wordpress._part_options_options_table import options_steps
from ..wordpress.options import ADOPTED_OPTION, VERSION_OPTION, delete_option, read_option, write_option

T = TypeVar("T")


def read_version(workspace: Workspace) -> str | None:
    """Read the stored version, whatever it says; one SELECT."""
    return read_option(workspace.database, workspace.dialect, workspace.prefix, VERSION_OPTION)


def options_step(workspace: Workspace) -> tuple[Step, ...]:
    """Plan the options table where there is none."""
    if workspace.present([options_table_name(workspace.prefix)]):
        return ()
    return options_steps(workspace.dialect, workspace.prefix, workspace.collation)


def write_version(workspace: Workspace, version: str) -> None:
    """Write the version, into an options table that is made when there is none."""
    table = options_table_name(workspace.prefix)
    # WordPress itself, which takes no lock of ours, may make the table at the same moment.
    with contextlib.suppress(Overtaken):
        workspace.run_steps(options_step(workspace), table)
    _write(workspace, VERSION_OPTION, version)


def delete_version(workspace: Workspace) -> bool:
    """Remove the row, and PHP's version with it; say whether it was there."""
    _delete(workspace, ADOPTED_OPTION)
    return _delete(workspace, VERSION_OPTION)


def read_adopted_version(workspace: Workspace) -> str | None:
    """Read the version that PHP had written before our history began; None where there was none."""
    return read_option(workspace.database, workspace.dialect, workspace.prefix, ADOPTED_OPTION)


def remember_adopted_version(workspace: Workspace, version: str) -> None:
    """Write down whose version this is, while it can be told: ahead of the first row of our history."""
    if read_adopted_version(workspace) is None:
        _write(workspace, ADOPTED_OPTION, version)


def _write(workspace: Workspace, name: str, value: str) -> None:
    database, dialect, prefix = workspace.database, workspace.dialect, workspace.prefix
    if workspace.rehearse(RowWork(f"Sets the option {name} to {value}", (options_table_name(prefix),))):
        return
    _told(workspace, name, value, lambda: write_option(database, dialect, prefix, name, value))


def _delete(workspace: Workspace, name: str) -> bool:
    database, dialect, prefix = workspace.database, workspace.dialect, workspace.prefix
    if read_option(database, dialect, prefix, name) is None:
        return False
    if workspace.rehearse(RowWork(f"Deletes the option {name}", (options_table_name(prefix),))):
        return True
    return _told(workspace, name, None, lambda: delete_option(database, dialect, prefix, name))


def _told(workspace: Workspace, name: str, value: str | None, write: Callable[[], T]) -> T:
    """Write, and note what was written for those who keep a copy of it."""
    try:
        done = workspace.write(write, options_table_name(workspace.prefix))
    except pw.PeeweeException as error:
        if workspace.dialect.failure(error.args) == "lost":  # then it may have been done
            workspace.options[name] = value
        raise
    if done is not False:  # there was a row to delete
        workspace.options[name] = value
    return done
