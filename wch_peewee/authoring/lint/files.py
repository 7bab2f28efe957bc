"""Rules about files: names, numbers, versions, imports, and what migrate() and rollback() have to say."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ...migrate import steps
from ...migrate.folder import is_plain, next_version
from ...models import base, tables
from ...wordpress.version import version_compare
from .findings import Finding, Remarks, code_of, run_code
from .load import Migration, Recording, Source, is_decide


def undecided(migration: Migration) -> Remarks:
    """Yield open questions; one in the body keeps the migration from running."""
    for node in ast.walk(migration.source.tree):
        if is_decide(node):
            asked = node.args[0] if node.args else None
            question = asked.value if isinstance(asked, ast.Constant) and isinstance(asked.value, str) else "a question"
            found = f"open question: {' '.join(question.split())}"
            yield node.lineno, "undecided", found, "the migration does not run while this line is there"


def bad_rollback(migration: Migration) -> Remarks:
    """Yield a function that is missing, and a rollback that is empty without a reason."""
    if migration.migrate.missing:
        yield 1, "load", "migrate() is missing", "write def migrate(migrator, database, *, fake=False)"
    advice = "write the steps that undo migrate(), or the reason why not: " + run_code("steps.irreversible", '"..."')
    back = migration.rollback
    if back.missing:
        yield 1, "rollback", "rollback() is missing", advice
    elif back.complete and not back.steps and not back.remarks:
        yield _end(migration.source, back, "rollback"), "rollback", "rollback() does nothing", advice


_ADVICE = "write the shape down with wch_peewee.schema.objects: models change, and this file must not"

_MODULES = tuple(f"wch_peewee.{name}" for name in ("models", "install.delta", "schema.declared"))

#: What the package itself hands out of those modules; the package as a whole hands out all of it.
_NAMES = {
    "wch_peewee",
    *(f"wch_peewee.{name}" for module in (base, tables) for name in vars(module) if name[0].isupper()),
    *("wch_peewee.db_delta", "wch_peewee.*"),
}


def live_imports(migration: Migration) -> Remarks:
    """Yield imports of the live models, of their enums, and of what is made from them."""
    for node in ast.walk(migration.source.tree):
        for name in _imported(node):
            if name in _NAMES or f"{name}.".startswith(tuple(f"{module}." for module in _MODULES)):
                yield getattr(node, "lineno", 1), "models", f"{name} follows the live models", _ADVICE


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


_NO_MIGRATIONS = {"conf", "__init__"}


def misnamed(others: Sequence[Source], numbers: Sequence[Source]) -> Iterator[Finding]:
    """Yield files that are meant as migrations but have another name."""
    taken = [source.name for source in numbers]
    for source in others:
        numbered = source.name[:1].isdigit()
        if source.name not in _NO_MIGRATIONS and (numbered or source.function("migrate") is not None):
            found = "this is not a migration's name, and peewee-migrate silently ignores the file"
            words = re.sub(r"[^A-Za-z0-9]+", "_", source.name.lstrip("0123456789")).strip("_") or "words"
            yield Finding(source.path, 1, "name", found, f"rename it to {_next(taken):03}_{words}.py")


def misnumbered(sources: Sequence[Source]) -> Iterator[Finding]:
    """Yield gaps and duplicates, which appear when two branches with a migration each are merged."""
    expected, last = 1, ""
    for source in sources:
        number = int(source.name[:3])
        if number < expected and last[:3] == source.name[:3]:
            found = f"{last} has the same number {number:03}"
            advice = f"renumber the later one to {_next(s.name for s in sources):03}"
            yield Finding(source.path, 1, "duplicate", found, advice)
        elif number > expected:
            missing = f"{expected:03}" if number - expected == 1 else f"{expected:03} to {number - 1:03}"
            found = f"migration {missing} is missing before it"
            yield Finding(source.path, 1, "gap", found, f"restore it, or name this one {expected:03}{source.name[3:]}")
        expected, last = max(expected, number + 1), source.name


def _next(names: Iterable[str]) -> int:
    return max((int(name[:3]) for name in names), default=0) + 1


def bad_version(migration: Migration, previous: Migration | None) -> Remarks:
    """Check VERSION, which must be newer than that of the migration before."""
    assignment, version = migration.source.assignment("VERSION"), migration.version
    line = 1 if assignment is None else assignment.lineno
    older = previous.version if previous is not None else None
    if version is None or not is_plain(version):
        found = "VERSION is missing, or is not a plain text MAJOR.MINOR.PATCH"
        yield line, "version", found, f"write VERSION = {code_of(_after(older))} at its top, for instance"
    elif previous is not None and older is not None and version_compare(version, older) <= 0:
        found = f"VERSION {version} does not come after {older} of {previous.name}"
        yield line, "version", found, f"raise it, for instance to {_after(older)}"


def bad_stamps(migration: Migration, previous: Migration | None) -> Remarks:
    """Check the last step of migrate() and rollback(), which has to set the right version."""
    version, there, back = migration.version, migration.migrate, migration.rollback
    if there.complete and version is not None and not _ends_with(there, steps.stamp, version):
        advice = f"end it with {run_code('steps.stamp', 'VERSION')}"
        line = _end(migration.source, there, "migrate")
        yield line, "stamp", "the last step of migrate() does not stamp VERSION", advice
    older = previous.version if previous is not None else None
    if not back.complete or not back.steps or any(s.is_(steps.irreversible) for s in back.steps):
        return
    if not _ends_with(back, steps.unstamp, older):
        advice = f"end it with {run_code('steps.unstamp', 'None' if older is None else code_of(older))}"
        line = _end(migration.source, back, "rollback")
        yield line, "stamp", "the last step of rollback() does not set the previous version", advice


def _ends_with(recording: Recording, function: Callable[..., None], version: str | None) -> bool:
    last = recording.steps[-1] if recording.steps else None
    return last is not None and last.is_(function) and last.arguments["version"] == version


def _end(source: Source, recording: Recording, name: str) -> int:
    function = source.function(name)
    return recording.steps[-1].line if recording.steps else function.lineno if function is not None else 1


def _after(version: str | None) -> str:
    return next_version(version if version and is_plain(version) else None, "minor")
