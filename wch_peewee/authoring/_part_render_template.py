"""The file that ``wch new --empty`` writes: a migration of rows, with a batch for an example.

empty_migration("1.1.0", "1.0.0")
"""

from __future__ import annotations

_TEMPLATE = '''\
"""Version {version}: say here what becomes of the rows."""

import peewee as pw
from peewee_migrate import Migrator

from wch_peewee.migrate import batches, steps

VERSION = "{version}"

# An example: a batch of ids at a time. It finds nothing to do where it has been, so it can be repeated.
UPDATE = "UPDATE {{messages}} SET content = ? WHERE content IS NULL AND {{batch}}"


def migrate(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    steps.decide("put what is to be done to the rows in place of the example; then remove this line")
    migrator.run(batches.run_in_batches, database, "messages", UPDATE, "{{}}", remaining="content IS NULL")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    # Rows may stay as they are if the version before can read them; if it cannot, and nothing brings them back, say
    # migrator.run(steps.irreversible, database, "why").
    migrator.run(steps.unstamp, database, {previous})
'''


def empty_migration(version: str, previous: str | None) -> str:
    return _TEMPLATE.format(version=version, previous="None" if previous is None else f'"{previous}"')
