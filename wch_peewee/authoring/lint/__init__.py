"""A lint for a folder of migrations: numbers, versions, and whatever hurts on a live table.

No database is needed: the files are run with stand-ins that record the steps they ask for.

    for finding in check_migrations("migrations"):
        print(finding)
"""

import re
from collections.abc import Iterable
from pathlib import Path

from ...errors import ConfigurationError
from ...migrate.folder import is_migration_name
from . import files
from .findings import FIRM, RULES, Finding, Remark, Remarks
from .load import Migration, RecordedStep, Source, load, read_source
from .shipped import record_shipped, shipped_findings
from .sql import sql_remarks
from .tables import Moment, Tables, column_remarks, drop_remarks, key_remarks, moments, rollback_drops

__all__ = ["RULES", "Finding", "check_migrations", "record_migrations"]

_COMMENT = re.compile(r"#\s*wch:\s*allow\b(.*)", re.IGNORECASE | re.DOTALL)
_ALLOWED = re.compile(r"\s+([a-z][a-z-]*)\s+because\s+([\W\d_]*[^\W\d_].*)", re.DOTALL)
_ADVICE = "write # wch: allow RULE because ..., with one rule and the reason"


def without_allowed(source: Source, remarks: Iterable[Remark]) -> Remarks:
    """Yield the findings that no comment in the file allows."""
    allowed: dict[int, str] = {}
    for line, comment in source.comments.items():
        if (rule := _rule_of(comment)) in RULES:
            allowed[line] = rule
    for remark in remarks:
        lines = source.lines_of(remark[0])
        near = (*lines, lines.start - 1, remark[0] - 1)
        if remark[1] in FIRM or not any(allowed.get(line) == remark[1] for line in near):
            yield remark


def bad_comments(source: Source) -> Remarks:
    """Yield comments that fail to allow what they name."""
    for line, comment in source.comments.items():
        match = _COMMENT.match(comment)
        if match is None:
            continue
        rule = _rule_of(comment)
        if rule is None:
            yield line, "allow", "this comment has no rule or no reason", _ADVICE
        elif rule not in RULES:
            yield line, "allow", f"unknown rule {rule}", f"the rules are {', '.join(RULES)}"
        elif rule in FIRM:
            yield line, "allow", f"{rule} cannot be allowed in the file itself", "remove the comment"


def _rule_of(comment: str) -> str | None:
    match = _COMMENT.match(comment)
    words = _ALLOWED.fullmatch(match[1]) if match else None
    return words[1] if words else None


def check_migrations(folder: Path | str) -> tuple[Finding, ...]:
    """Return mistakes in the files of ``folder``, and what hurts on a live table. Files are run, steps are not.

    Raises ConfigurationError if there is no such folder.
    """
    numbered, others = _sources(Path(folder))
    found = [*files.misnamed(others, numbered), *files.misnumbered(numbered), *shipped_findings(Path(folder), numbered)]
    tables: Tables = {}
    earlier: tuple[RecordedStep, ...] = ()
    previous: Migration | None = None
    for source in numbered:
        migration = load(source)
        steps, after = moments(migration, tables, earlier)
        remarks = dict.fromkeys(without_allowed(source, _remarks(migration, previous, steps)))
        found += [Finding(source.path, *remark) for remark in remarks]
        tables = after
        earlier += tuple(migration.migrate.steps)
        previous = migration
    if not numbered and not found:
        raise ConfigurationError(f"No migrations in {folder}: expected files named NNN_words.py.")
    return tuple(sorted(set(found)))


def record_migrations(folder: Path | str) -> tuple[str, ...]:
    """Add the digests of new migrations to the record of shipped ones; return their names.

    Raises ConfigurationError. The caller has to check that the folder is clean.
    """
    numbered, _ = _sources(Path(folder))
    return record_shipped(Path(folder), numbered)


def _sources(folder: Path) -> tuple[list[Source], list[Source]]:
    if not folder.is_dir():
        raise ConfigurationError(f"No migrations folder at {folder}.")
    sources = [read_source(path) for path in sorted(folder.glob("*.py"))]
    return [s for s in sources if is_migration_name(s.name)], [s for s in sources if not is_migration_name(s.name)]


def _remarks(migration: Migration, previous: Migration | None, steps: list[Moment]) -> Remarks:
    yield from bad_comments(migration.source)
    yield from migration.remarks
    if any(rule == "load" for _, rule, *_ in migration.remarks):
        return
    yield from files.bad_version(migration, previous)
    yield from files.bad_stamps(migration, previous)
    yield from files.undecided(migration)
    yield from files.bad_rollback(migration)
    yield from files.live_imports(migration)
    yield from sql_remarks(migration)
    yield from rollback_drops(migration)
    for moment in steps:
        yield from column_remarks(moment)
        yield from drop_remarks(moment)
        yield from key_remarks(moment)
