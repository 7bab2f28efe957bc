"""Write a migration from schema values, as ``wch new`` does from models, and run it.

folder = Folder(tmp_path, BEFORE)
folder.write(AFTER)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import peewee as pw

from wch_peewee import DatabaseManager
from wch_peewee.authoring.author import Author, migration_path, model_differences
from wch_peewee.authoring.source import Mark
from wch_peewee.database.connect import connected
from wch_peewee.migrate.folder import MigrationFolder
from wch_peewee.schema.objects import Table


class Folder:
    """A folder of migrations; the first one creates ``tables``."""

    def __init__(self, path: Path, tables: Sequence[Table]) -> None:
        path.mkdir()
        self.migrations = MigrationFolder(path)
        self.write(tables, "first")

    def write(
        self,
        tables: Sequence[Table],
        name: str = "next",
        *,
        renames: Iterable[str] = (),
        dropped: Iterable[str] = (),
        decided: bool = True,
    ) -> str:
        """Write the next migration and return its text, empty if nothing differs. ``decided`` removes the marks."""
        with connected(pw.SqliteDatabase(":memory:")) as database:
            author = Author.of(database, self.migrations, tables)
            draft = author.draft(author.renames(renames, dropped, None), dropped, "minor")
        if draft is None:
            return ""
        if decided:
            draft.forward = tuple(line for line in draft.forward if not isinstance(line, Mark))
        source = draft.source()
        migration_path(self.migrations, name).write_text(source, encoding="utf-8")
        return source

    def differences(self, tables: Sequence[Table], database: pw.Database | None = None) -> list[str]:
        """Return how the migrated schema differs from ``tables``, by default on a SQLite database in memory."""
        with connected(database or pw.SqliteDatabase(":memory:")) as scratch:
            return [found.words for found in model_differences([scratch], self.migrations, tables)]

    def manager(self, database: pw.Database | str) -> DatabaseManager:
        return DatabaseManager(database, prefix="wp_", migrations=self.migrations.path, remove_data=True)
