"""Check a folder of migrations without a database.

for finding in check_migrations("migrations"):
    print(finding)
"""

from __future__ import annotations

from pathlib import Path

from ...errors import ConfigurationError
from .allowed import bad_comments, without_allowed
from .columns import column_remarks
from .files import bad_body, bad_rollback, undecided
from .findings import Finding, Remarks
from .imports import live_imports
from .keys import key_remarks
from .load import Migration, load
from .numbering import is_migration, misnamed, misnumbered
from .recording import Step
from .shipped import record_shipped, shipped_findings
from .source import Source, read_source
from .sql import sql_remarks
from .state import Tables, moments
from .tables import drop_remarks, rollback_drops
from .versions import bad_stamps, bad_version


def check_migrations(folder: Path | str) -> tuple[Finding, ...]:
    """Look for mistakes in the files of ``folder``, and for what hurts on a live table; the files are run, no step is.

    Raises ConfigurationError where there is no such folder.
    """
    numbered, others = _sources(Path(folder))
    found = [*misnamed(others, numbered), *misnumbered(numbered), *shipped_findings(Path(folder), numbered)]
    tables: Tables = {}
    earlier: tuple[Step, ...] = ()
    previous: Migration | None = None
    for source in numbered:
        migration = load(source)
        remarks = dict.fromkeys(without_allowed(source, _remarks(migration, previous, tables, earlier)))
        found += [Finding(source.path, *remark) for remark in remarks]
        earlier += tuple(migration.migrate.steps) if migration.migrate is not None else ()
        previous = migration
    return tuple(sorted(set(found)))


def record_migrations(folder: Path | str) -> tuple[str, ...]:
    """Write the digests of new migrations into the record of shipped ones; return their names.

    Raises ConfigurationError. That the folder is clean is the caller's business.
    """
    numbered, _ = _sources(Path(folder))
    return record_shipped(Path(folder), numbered)


def _sources(folder: Path) -> tuple[list[Source], list[Source]]:
    if not folder.is_dir():
        raise ConfigurationError(f"There is no folder of migrations at {folder}.")
    sources = [read_source(path) for path in sorted(folder.glob("*.py"))]
    if not sources:
        raise ConfigurationError(f"There are no migrations in {folder}.")
    return [s for s in sources if is_migration(s.path)], [s for s in sources if not is_migration(s.path)]


def _remarks(migration: Migration, previous: Migration | None, tables: Tables, earlier: tuple[Step, ...]) -> Remarks:
    yield from bad_comments(migration.source)
    yield from migration.remarks
    if any(rule == "load" for _, rule, *_ in migration.remarks):
        return
    yield from bad_version(migration, previous)
    yield from bad_stamps(migration, previous)
    yield from bad_body(migration)
    yield from undecided(migration)
    yield from bad_rollback(migration)
    yield from live_imports(migration)
    yield from sql_remarks(migration)
    yield from rollback_drops(migration)
    for moment in moments(migration, tables, earlier):
        yield from column_remarks(moment)
        yield from drop_remarks(moment)
        yield from key_remarks(moment)
