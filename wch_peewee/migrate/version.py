"""The schema version: WordPress's option ``wch_db_version``, in an options table that is made when there is none.

write_version(workspace, "1.0.0")
"""

from __future__ import annotations

from dataclasses import replace

from ..naming import options_table_name
from ..schema.introspect import present_tables
from ..schema.operations import CreateTable
from ..schema.statements import Step
from ..wordpress.options import OPTIONS_SHAPE, VERSION_OPTION, delete_option, read_option, write_option
from ..workspace import Workspace


def read_version(workspace: Workspace) -> str | None:
    """Read the stored version, whatever it says; one SELECT."""
    return read_option(workspace.database, workspace.dialect, workspace.prefix, VERSION_OPTION)


def options_step(workspace: Workspace) -> tuple[Step, ...]:
    """Plan the options table, in WordPress's shape, where there is none."""
    name = options_table_name(workspace.prefix)
    if present_tables(workspace.database, workspace.dialect, [name]):
        return ()
    shape = replace(OPTIONS_SHAPE, name=name, engine="InnoDB", collation=workspace.collation)
    return workspace.dialect.render(None, [CreateTable(name, workspace.dialect.adapt(shape))])


def write_version(workspace: Workspace, version: str) -> None:
    """Write the version, into an options table that is made when there is none."""
    workspace.run_steps(options_step(workspace), options_table_name(workspace.prefix))
    write_option(workspace.database, workspace.dialect, workspace.prefix, VERSION_OPTION, version)


def delete_version(workspace: Workspace) -> bool:
    """Remove the row; say whether it was there."""
    return delete_option(workspace.database, workspace.dialect, workspace.prefix, VERSION_OPTION)
