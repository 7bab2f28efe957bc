"""VERSION: there, plain, rising with the number; and stamped by the last step."""

from __future__ import annotations

from collections.abc import Callable

from ...migrate import steps
from ...wordpress.version import is_plain, version_compare
from .code import run_code, text_code
from .findings import Remarks
from .load import Migration
from .recording import Recording
from .source import Source


def bad_version(migration: Migration, previous: Migration | None) -> Remarks:
    """Look at VERSION; it has to be newer than that of the migration before."""
    assignment, version = migration.source.assignment("VERSION"), migration.version
    line = 1 if assignment is None else assignment.lineno
    older = previous.version if previous is not None else None
    if version is None:
        found = "there is no VERSION that can be read without running the file"
        yield line, "version", found, f"write VERSION = {text_code(_after(older))} at its top"
    elif not is_plain(version):
        found = f"VERSION {version!r} is not MAJOR.MINOR.PATCH"
        yield line, "version", found, f"write VERSION = {text_code(_after(older))}, for instance"
    elif previous is not None and older is not None and version_compare(version, older) <= 0:
        found = f"VERSION {version} does not come after {older} of {previous.name}"
        yield line, "version", found, f"raise it, to {_after(older)} for instance"


def bad_stamps(migration: Migration, previous: Migration | None) -> Remarks:
    """Look at the last step of each way: who stops there has been told the right version."""
    version = migration.version
    there = migration.migrate
    if there is not None and there.complete and version is not None and not _ends_with(there, steps.stamp, version):
        line = _end(migration.source, there, "migrate")
        advice = f"end it with {run_code('steps.stamp', 'VERSION')}"
        yield line, "stamp", "migrate() does not end with its stamp", advice
    back = migration.rollback
    if back is None or not back.complete or not back.steps or any(s.is_(steps.irreversible) for s in back.steps):
        return
    older = previous.version if previous is not None else None
    if previous is not None and older is None:
        return  # the one before has to be mended first
    if not _ends_with(back, steps.unstamp, older):
        line = _end(migration.source, back, "rollback")
        words = "None" if older is None else text_code(older)
        yield (
            line,
            "stamp",
            "rollback() does not end at the version before",
            f"end it with {run_code('steps.unstamp', words)}",
        )


def _ends_with(recording: Recording, function: Callable[..., None], version: str | None) -> bool:
    last = recording.steps[-1] if recording.steps else None
    return last is not None and last.is_(function) and last.arguments["version"] == version


def _end(source: Source, recording: Recording, name: str) -> int:
    function = source.function(name)
    return recording.steps[-1].line if recording.steps else function.lineno if function is not None else 1


def _after(version: str | None) -> str:
    if version is None or not is_plain(version):
        return "1.0.0"
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"
