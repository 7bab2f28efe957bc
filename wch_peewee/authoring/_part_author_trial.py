"""Try a migration that has just been written on the scratch databases: there, and back again.

troubles = try_newest(databases, folder, tables, before)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import peewee as pw

from ..database.detect import detect_dialect
from ..errors import Irreversible, RemovalRefused, RunStopped
from ..install.manager import DatabaseManager
from ..migrate.folder import MigrationFolder
from ..schema.compare import compare
from ..schema.naming import DEFAULT_PREFIX
from ..schema.objects import Schema, Table
from ..schema.renames import Renames
from .author import differences
from .scratch import scratch_schema


def try_newest(
    databases: Sequence[pw.Database], folder: MigrationFolder, tables: Iterable[Table], before: Sequence[Schema]
) -> tuple[str, ...]:
    """Run the newest migration of ``folder`` on each database, and take it back; say what is wrong with it.

    ``before`` is what each database held without it.
    """
    tables = tuple(tables)
    return tuple(
        f"on {detect_dialect(database).label} {trouble}"
        for database, old in zip(databases, before, strict=True)
        for trouble in _troubles(database, folder, tables, old)
    )


def _troubles(
    database: pw.Database, folder: MigrationFolder, tables: tuple[Table, ...], before: Schema
) -> Iterator[str]:
    try:
        yield from (f"it does not: {found.words}" for found in differences([database], folder, tables))
        # A way back that is refused, or is none, has been decided.
        with contextlib.suppress(Irreversible, RemovalRefused):
            DatabaseManager(database, prefix=DEFAULT_PREFIX, remove_data=True, migrations=folder.path).rollback()
            back = compare(scratch_schema(database), before, Renames())
            yield from (f"its rollback does not: {line}" for operation in back for line in operation.describe())
    except RunStopped as error:
        yield f"it fails: {str(error).splitlines()[0]}"
