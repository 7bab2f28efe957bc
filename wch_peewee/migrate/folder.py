"""A folder of migration files: their names in order, and the schema version at which each ends."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import stat
import traceback
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..errors import ConfigurationError, InvalidValue

_NAME = re.compile(r"^\d{3}_[A-Za-z0-9_]+$")
_LOOKS_NUMBERED = re.compile(r"^\d")
_STATES_VERSION = re.compile(rb"^VERSION\s*(:.*)?=", re.MULTILINE)
_PLAIN = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def is_plain(version: str) -> bool:
    """Return True for ``MAJOR.MINOR.PATCH``, the only form that is ever written."""
    return _PLAIN.fullmatch(version) is not None


def parse_plain(version: str) -> tuple[int, int, int]:
    """Split a plain version into its three numbers. Raises InvalidValue for anything else."""
    match = _PLAIN.fullmatch(version)
    if match is None:
        raise InvalidValue(f"{version!r} is not a version of the form MAJOR.MINOR.PATCH.")
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch)


@dataclass(frozen=True, slots=True)
class MigrationFolder:
    """A folder with files ``NNN_words.py``.

    Names that look like migrations and are not (``0001_x.py``, ``1_x.py``) raise ConfigurationError, because
    peewee-migrate ignores them silently.
    """

    path: Path
    #: The names, where they have been read already and are to stay as they were.
    known: tuple[str, ...] | None = None

    def as_it_is(self) -> MigrationFolder:
        """Return a snapshot of the folder: a run over many sites brings all of them to the same version."""
        return replace(self, known=self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The migrations in the order in which they run. Raises ConfigurationError."""
        if self.known is not None:
            return self.known
        if not self.path.is_dir():
            raise ConfigurationError(f"There is no folder of migrations at {self.path}.")
        names = sorted(file.stem for file in self.path.glob("*.py") if _LOOKS_NUMBERED.match(file.stem))
        wrong = [name for name in names if not _NAME.match(name)]
        if wrong:
            raise ConfigurationError(
                f"{self.path / wrong[0]}.py is no migration's name; expected three digits, as in 002_words.py."
            )
        numbers = [name[:3] for name in names]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice:
            raise ConfigurationError(f"{self.path} has more than one migration numbered {twice}.")
        return tuple(names)

    @property
    def version(self) -> str:
        """The schema version that the newest migration ends at."""
        if not self.names:
            raise ConfigurationError(f"There are no migrations in {self.path}.")
        return self.version_of(self.names[-1])

    def version_of(self, name: str) -> str:
        """Read a migration's ``VERSION`` without running it."""
        path = self.path / f"{name}.py"
        try:
            state = path.stat()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read any more ({error.strerror}).") from error
        return _version_in(path, state.st_mtime_ns, state.st_size)


def in_words(error: BaseException, path: Path) -> str:
    """Return what an author's file raised, after the file and the line where it did: that is where to look."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError):
        lines, said = ([error.lineno] if error.filename in (None, str(path)) else lines), error.msg
    else:
        said = " ".join(str(error).split())
    if isinstance(error, UnicodeDecodeError):
        lines = [error.object[: error.start].count(b"\n") + 1]
    where = f"{path}, line {lines[-1]}" if lines and lines[-1] else str(path)
    return f"{where}: {type(error).__name__}: {said}"


@lru_cache(maxsize=64)
def _version_in(path: Path, changed: int, size: int) -> str:
    """Parse a file once for each of its contents: a network asks for the version thousands of times."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigurationError(f"{in_words(error, path)}.") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "VERSION" for t in node.targets):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            if isinstance(value, str) and is_plain(value):
                return value
    raise ConfigurationError(f'{path} has no VERSION = "MAJOR.MINOR.PATCH".')


def other_folder(around: Path) -> Path | None:
    """Return a folder ``migrations`` with migrations of this kind in ``around`` or above it, unless it is our own."""
    own = migrations_folder()
    for folder in (parent / "migrations" for parent in (around, *around.parents)):
        with contextlib.suppress(OSError):
            files = [file for file in folder.glob("*.py") if _NAME.match(file.stem)]
            if any(_STATES_VERSION.search(file.read_bytes()) for file in files):
                return None if folder.resolve() == own else folder
    return None


def writable_by_others(folder: Path) -> Path | None:
    """Return the folder, or the first migration in it, that other users than its owner may change: wch runs its code.

    A group that is its owner's own, as many systems make one for each user, is nobody else.
    """
    if os.name != "posix":
        return None
    for path in (folder, *sorted(folder.glob("*.py"))):
        with contextlib.suppress(OSError):
            state = path.stat()
            others = stat.S_IWOTH | (0 if _is_own_group(state) else stat.S_IWGRP)
            if state.st_mode & others:
                return path
    return None


def _is_own_group(state: os.stat_result) -> bool:
    import grp
    import pwd

    try:
        return pwd.getpwuid(state.st_uid).pw_gid == state.st_gid and not grp.getgrgid(state.st_gid).gr_mem
    except KeyError:  # a user or group without an entry, as in many containers
        return state.st_uid == state.st_gid


def migrations_folder() -> Path:
    """Return the folder of the shipped migrations: in a wheel inside the package, in a checkout linked into it.

    Raises ConfigurationError if it holds none.
    """
    folder = (Path(__file__).parents[1] / "migrations").resolve()
    if not any(folder.glob("[0-9][0-9][0-9]_*.py")):
        raise ConfigurationError(
            f"No migrations are installed: {folder} holds no file NNN_name.py. Install wch-peewee again."
        )
    return folder
