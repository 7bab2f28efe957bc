"""A folder of migration files: their names in order, and the schema version at which each ends."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import stat
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ..errors import ConfigurationError, InvalidValue
from ..models.namespace import WCH
from ..schema.naming import Namespace

_NAME = re.compile(r"[0-9]{3}_[A-Za-z0-9_]+")
_LOOKS_NUMBERED = re.compile(r"^\d")
_STATES_VERSION = re.compile(rb"^VERSION\s*(:.*)?=", re.MULTILINE)
_PLAIN = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


Part = Literal["major", "minor", "patch"]


def is_migration_name(stem: str) -> bool:
    """Return True for ``NNN_words``."""
    return _NAME.fullmatch(stem) is not None


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


def next_version(version: str | None, part: Part) -> str:
    """Increment one part of the version and reset the parts behind it; the first version is 1.0.0."""
    if version is None:
        return "1.0.0"
    major, minor, patch = parse_plain(version)
    return {"major": f"{major + 1}.0.0", "minor": f"{major}.{minor + 1}.0", "patch": f"{major}.{minor}.{patch + 1}"}[
        part
    ]


@dataclass(frozen=True, slots=True)
class MigrationFolder:
    """A folder with files ``NNN_words.py``.

    Names that look like migrations and are not (``0001_x.py``, ``1_x.py``) raise ConfigurationError, because
    peewee-migrate ignores them silently.
    """

    path: Path
    #: The names, where they have been read already and are to stay as they were.
    known: tuple[str, ...] | None = None
    #: Whose migrations are expected there.
    namespace: Namespace = WCH

    def as_it_is(self) -> MigrationFolder:
        """Return a snapshot of the folder: a run over many sites brings all of them to the same version."""
        return replace(self, known=self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The migrations in the order in which they run. Raises ConfigurationError."""
        if self.known is not None:
            return self.known
        if not self.path.is_dir():
            raise ConfigurationError(f"No migrations folder at {self.path}. wch new NAME creates it.")
        names = sorted(file.stem for file in self.path.glob("*.py") if _LOOKS_NUMBERED.match(file.stem))
        wrong = [name for name in names if not is_migration_name(name)]
        if wrong:
            raise ConfigurationError(
                f"{self.path / wrong[0]}.py is not a migration's name; expected three digits, as in 002_words.py."
            )
        numbers = [name[:3] for name in names]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice:
            raise ConfigurationError(f"{self.path} has more than one migration numbered {twice}.")
        return tuple(names)

    def require(self, name: str | None) -> None:
        """Raise ConfigurationError if ``name`` is given and no migration of the folder."""
        if name is not None and name not in self.names:
            raise ConfigurationError(f"No migration {name} in {self.path}; expected one of {', '.join(self.names)}.")

    def newest_of(self, version: str) -> str:
        """Return the newest migration that ends at ``version``. Raises ConfigurationError if none does."""
        ends = {self.version_of(name): name for name in self.names}
        if version not in ends:
            raise ConfigurationError(
                f"No migration in {self.path} ends at version {version}, only at {', '.join(ends)}."
            )
        return ends[version]

    @property
    def version(self) -> str:
        """The schema version that the newest migration ends at."""
        if not self.names:
            raise ConfigurationError(f"No migrations in {self.path}.")
        return self.version_of(self.names[-1])

    def version_of(self, name: str) -> str:
        """Read a migration's ``VERSION`` without running it. Raises ConfigurationError for another's migration."""
        said = {
            getattr(target, "id", ""): getattr(node.value, "value", None)
            for node in self._tree(name).body
            if isinstance(node, ast.Assign)
            for target in node.targets
        }
        own, whose = self.namespace.name, said.get("NAMESPACE")
        if own != (whose or WCH.name):
            found = (
                f'has NAMESPACE = "{whose}"' if whose else f'has no NAMESPACE = "{own}", so it belongs to {WCH.name}'
            )
            raise ConfigurationError(
                f"{self.path / name}.py {found}, but the models belong to {own}; choose models and migrations of "
                "the same namespace (--models, --migrations)."
            )
        version = said.get("VERSION")
        if not (isinstance(version, str) and is_plain(version)):
            raise ConfigurationError(f'{self.path / name}.py has no VERSION = "MAJOR.MINOR.PATCH".')
        return version

    def checksum_of(self, name: str) -> str:
        """Return the digest of what a migration does; comments, docstrings and spaces do not count."""
        return digest(self._tree(name))

    def _tree(self, name: str) -> ast.Module:
        path = self.path / f"{name}.py"
        try:
            state = path.stat()
        except OSError as error:
            raise ConfigurationError(
                f"Cannot read {path} ({error.strerror}): it was removed or its permissions changed."
            ) from error
        return _parsed(path, state.st_mtime_ns, state.st_size)


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
def _parsed(path: Path, changed: int, size: int) -> ast.Module:
    """Parse a file once for each of its contents: a network asks for the version thousands of times."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigurationError(f"{in_words(error, path)}.") from error


#: What says nothing that the rest of the tree does not say, or depends on how the file was parsed.
_LEFT_OUT = {"ctx", "type_comment", "type_ignores", "kind"}


def digest(tree: ast.Module) -> str:
    """Return the SHA-256 of the tree, the same on every supported Python."""
    return hashlib.sha256("".join(_words(tree)).encode("utf-8", "surrogatepass")).hexdigest()


def _words(value: object) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield f"({type(value.value).__name__} {value.value!r})"
    elif isinstance(value, ast.AST):
        yield f"({type(value).__name__}"
        for name in sorted(set(value._fields) - _LEFT_OUT):
            inner = _without_docstring(value, name, getattr(value, name, None))
            if inner is not None and inner != []:
                yield f" {name}="
                yield from _words(inner)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:  # None has a meaning here: {**others} is a key that is None
            yield from _words(item)
            yield ","
        yield "]"
    else:
        yield repr(value)


def _without_docstring(node: ast.AST, name: str, value: object) -> object:
    if name != "body" or not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return value
    first = node.body[0] if node.body else None
    is_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return node.body[1:] if is_docstring else node.body


def other_folder(around: Path) -> Path | None:
    """Return a folder ``migrations`` with migrations of this kind in ``around`` or above it, unless it is our own."""
    own = migrations_folder()
    for folder in (parent / "migrations" for parent in (around, *around.parents)):
        with contextlib.suppress(OSError):
            files = [file for file in folder.glob("*.py") if is_migration_name(file.stem)]
            if any(_STATES_VERSION.search(file.read_bytes()) for file in files):
                return None if folder.resolve() == own else folder
    return None


def same_migrations(one: Path, other: Path) -> bool:
    """Return True if two folders have the same migrations, as a checkout and what was installed from it."""
    files = ({file.name: file.read_bytes() for file in folder.glob("[0-9]*.py")} for folder in (one, other))
    return next(files) == next(files)


def writable_by_others(folder: Path) -> Path | None:
    """Return the folder, or the first migration in it, that every user may change: wch runs its code."""
    if os.name != "posix":
        return None
    for path in (folder, *sorted(folder.glob("*.py"))):
        with contextlib.suppress(OSError):
            if path.stat().st_mode & stat.S_IWOTH:
                return path
    return None


def folder_of(namespace: Namespace, path: Path | str | None = None) -> MigrationFolder:
    """Return a folder of migrations, by default the shipped one. Raises ConfigurationError where none is shipped."""
    if path is None and namespace != WCH:
        raise ConfigurationError(f"The namespace {namespace.name} has no migrations; use --migrations FOLDER.")
    return MigrationFolder(migrations_folder() if path is None else Path(path), namespace=namespace)


def migrations_folder() -> Path:
    """Return the folder of the shipped migrations: in a wheel inside the package, in a checkout linked into it.

    Raises ConfigurationError if it holds none.
    """
    folder = (Path(__file__).parents[1] / "migrations").resolve()
    if not any(folder.glob("[0-9][0-9][0-9]_*.py")):
        raise ConfigurationError(
            f"No migrations are installed: {folder} has no file NNN_name.py. Reinstall wch-peewee."
        )
    return folder
