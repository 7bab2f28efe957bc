"""Steps on indexes, by their plain names; on SQLite the name in the file has the table's in front."""

from __future__ import annotations

from dataclasses import replace

import peewee as pw

from ...errors import SchemaConflict
from ...execution.context import Workspace
from ...schema.objects import Index, Table
from ...schema.operations import AddIndex, DropIndex, Operation, RenameIndex
from ...schema.preconditions import Requirement
from ._part_structure_change import change_table


def add_index(database: pw.Database, table: str, index: Index) -> None:
    """Add an index where none does its work; a unique one only where no rows stand against it."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        wanted = replace(index, name=workspace.dialect.index_name(live.name, index.name))
        if any(candidate.serves(wanted) for candidate in live.indexes):
            return []
        requirement = Requirement("no_duplicates", live.name, wanted.columns)
        if wanted.unique and (count := workspace.count(requirement)):
            raise SchemaConflict(requirement.refusal(count))
        return [AddIndex(live.name, wanted)]

    change_table(database, table, plan)


def rename_index(database: pw.Database, table: str, old: str, new: str) -> None:
    """Rename an index; nothing is built anew where the server can do without."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        was, now = (live.index(workspace.dialect.index_name(live.name, name)) for name in (old, new))
        if was and now:
            raise SchemaConflict(f"{live.name} has both indexes {old} and {new}; drop the one that is not needed")
        if was:
            return [RenameIndex(live.name, was, workspace.dialect.index_name(live.name, new))]
        if now:
            return []
        raise SchemaConflict(f"{live.name} has neither an index {old} nor {new}; wch check says what is in their place")

    change_table(database, table, plan)


def drop_index(database: pw.Database, table: str, index: str) -> None:
    """Drop an index where it is there."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        name = workspace.dialect.index_name(live.name, index)
        return [DropIndex(live.name, name)] if live.index(name) else []

    change_table(database, table, plan)
