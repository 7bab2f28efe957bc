"""Steps on foreign keys. A key is what it does, not what it is called: names differ from site to site."""

from __future__ import annotations

import peewee as pw

from ...errors import SchemaConflict
from ...execution.context import Workspace
from ...schema._part_declared_resolve import resolve_key
from ...schema.objects import ForeignKey, Table
from ...schema.operations import AddForeignKey, DropForeignKey, Operation
from ...schema.preconditions import Requirement
from ._part_structure_change import change_table


def add_foreign_key(database: pw.Database, table: str, key: ForeignKey) -> None:
    """Add a foreign key where none does its work, and only where no rows stand against it."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        wanted = resolve_key(key, live.name, workspace.prefix)
        if any(candidate.serves(wanted) for candidate in live.foreign_keys):
            return []
        requirement = Requirement("no_orphans", live.name, wanted.columns, wanted)
        if count := workspace.count(requirement):
            raise SchemaConflict(requirement.refusal(count))
        return [AddForeignKey(live.name, wanted)]

    change_table(database, table, plan)


def drop_foreign_key(database: pw.Database, table: str, key: ForeignKey) -> None:
    """Drop the foreign key that does the work of ``key``, whatever its name; its index stays."""

    def plan(workspace: Workspace, live: Table) -> list[Operation]:
        wanted = resolve_key(key, live.name, workspace.prefix)
        return [DropForeignKey(live.name, there) for there in live.foreign_keys if there.serves(wanted)]

    change_table(database, table, plan)
