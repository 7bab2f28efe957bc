"""Two migrations beside 001: a column that can be filled, and a rename together with one more value of an enum.

folder = notes_folder(tmp_path)
"""

from __future__ import annotations

from pathlib import Path

from tests.support.migration_chain import chain_folder

NOTES = '''
"""Version 1.1.0: notes."""
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, text
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.add_column, database, "messages", Column("note", text(), nullable=True))
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_column, database, "messages", "note", allow_drop=True)
    migrator.run(steps.unstamp, database, "1.0.0")
'''

#: It goes back by name first, so that the rows are looked for under the name that they have now.
RENAMED = '''
"""Version 1.2.0: another name, and one more value."""
from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, Default, enum
VERSION = "1.2.0"
FEWER = enum("pending", "active", "closed")
MORE = enum("pending", "active", "closed", "muted")


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.rename_column, database, "conversations", "status", "state")
    migrator.run(steps.alter_column, database, "conversations", Column("state", MORE, default=Default("pending")))
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.rename_column, database, "conversations", "state", "status")
    migrator.run(steps.alter_column, database, "conversations", Column("status", FEWER, default=Default("pending")))
    migrator.run(steps.unstamp, database, "1.1.0")
'''


def notes_folder(parent: Path) -> Path:
    """Create the folder ``migrations`` in ``parent`` with 001, 002_notes and 003_renamed."""
    folder = chain_folder(parent, [])
    (folder / "002_notes.py").write_text(NOTES, encoding="utf-8")
    (folder / "003_renamed.py").write_text(RENAMED, encoding="utf-8")
    return folder
