"""Folders of migrations to check: the shipped first one, and files that a test adds."""

from __future__ import annotations

import shutil
from pathlib import Path

from wch_peewee.authoring.lint import Finding, check_migrations
from wch_peewee.migrate.folder import migrations_folder

HEAD = '''\
"""Version 1.1.0."""

from wch_peewee.migrate import batches, steps
from wch_peewee.schema.objects import (
    Column, ColumnType, Default, ForeignKey, Index, Table, bigint, enum, integer, json, text, varchar
)

VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
'''
#: The line of the first step that a test writes.
FIRST = HEAD.count("\n") + 1

STAMP = "migrator.run(steps.stamp, database, VERSION)"
UNSTAMP = 'migrator.run(steps.unstamp, database, "1.0.0")'
BACK = "def rollback(migrator, database, *, fake=False):"


def indented(*lines: str) -> str:
    return "".join(f"    {line}\n" for line in lines)


def file(*steps: str, back: tuple[str, ...] = ()) -> str:
    """Return the text of a second migration with these steps, and those of its rollback."""
    return f"{HEAD}{indented(*steps, STAMP)}\n\n{BACK}\n{indented(*back, UNSTAMP)}"


def folder(parent: Path, **files: str) -> Path:
    """Create a folder with the first migration and these; ``_002_x`` is 002_x.py, as a keyword must be a name."""
    path = parent / "migrations"
    path.mkdir()
    shutil.copy(migrations_folder() / "001_initial_schema.py", path)
    for name, text in files.items():
        (path / f"{name.removeprefix('_')}.py").write_text(text, encoding="utf-8")
    return path


def found(path: Path) -> list[Finding]:
    return list(check_migrations(path))


def places(path: Path) -> list[tuple[str, int, str]]:
    """Return each finding as its file, line and rule."""
    return [(finding.path.name, finding.line, finding.rule) for finding in found(path)]
