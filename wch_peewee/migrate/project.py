"""The project that a command works for: whose models and which migrations, from options, environment or a file."""

import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..models.load import load_models
from ..models.tables import MODELS, BaseModel
from ..schema.naming import Namespace, names_of
from .folder import MigrationFolder, folder_of, other_folder, same_migrations, writable_by_others


@dataclass(frozen=True, slots=True)
class Project:
    """The models and the migrations of a command. ``module`` and ``path`` are None for the shipped ones.

    ``options`` are what a command that is printed has to repeat.
    """

    models: tuple[type[BaseModel], ...]
    module: str | None
    path: Path | None
    options: str = ""

    @property
    def namespace(self) -> Namespace:
        return names_of(self.models).namespace

    @property
    def folder(self) -> MigrationFolder:
        """The migrations. Raises ConfigurationError if they are not known."""
        return folder_of(self.namespace, self.path)

    @property
    def files(self) -> dict[str, str]:
        """The files that the command reads, by what is in them."""
        module = sys.modules[self.models[0].__module__ if self.module is None else self.module.partition(":")[0]]
        return {"models": str(module.__file__), "migrations": str(self.folder.path)}


def find_project(
    models: str | None, folder: str | None, note: Callable[[str], object], *, author: bool = False
) -> Project:
    """Return the project: ``models`` and ``folder`` as options give them, else the environment's or pyproject.toml's.

    ``note`` takes a remark for people. Raises ConfigurationError, also where there are other migrations around and none
    is named; for a command of an ``author``, who is about to change them, also where they are the same.
    """
    here = current_folder()
    root, written = _written(here)
    given = {"models": models, "migrations": folder}
    for name, value in given.items():
        if value == "":
            raise ConfigurationError(f"--{name} is empty; expected a {'module' if name == 'models' else 'folder'}.")
    found = {name: given[name] or os.environ.get(f"WCH_{name.upper()}") or written.get(name) for name in given}
    if root is not None and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    module, path = found["models"], None if found["migrations"] is None else Path(found["migrations"])
    if path is not None and root is not None and found["migrations"] == written.get("migrations"):
        path = root / path
    options = "".join(f" --{name} {value}" for name, value in given.items() if value)
    project = Project(MODELS if module is None else load_models(module), module, path, options)
    other = other_folder(here) if path is None and here is not None else None
    if other is not None and (author or not same_migrations(other, project.folder.path)):
        raise ConfigurationError(
            f"This wch uses the migrations in {project.folder.path}, but there are others in {other}; use "
            "--migrations FOLDER, or install a checkout with pip install -e ."
        )
    if writable := writable_by_others(project.folder.path):
        note(f"Other users can change {writable}, whose code wch runs; restrict it with chmod go-w.")
    return project


def current_folder() -> Path | None:
    """Return the current folder; None if it was removed, or cannot be read."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _written(here: Path | None) -> tuple[Path | None, dict[str, str]]:
    """Return the folder of the nearest pyproject.toml, and its table [tool.wch]; None without that table."""
    for folder in (here, *here.parents) if here is not None else ():
        file = folder / "pyproject.toml"
        with suppress(OSError):
            text = file.read_text(encoding="utf-8", errors="replace")
            try:
                tool = tomllib.loads(text).get("tool")
            except tomllib.TOMLDecodeError as error:
                raise ConfigurationError(f"{file} cannot be read: {error}.") from error
            table = tool.get("wch") if isinstance(tool, dict) else None
            return (None, {}) if table is None else (folder, dict(_checked(table, file)))
    return None, {}


def _checked(table: Any, file: Path) -> Iterator[tuple[str, str]]:
    for name, value in (table if isinstance(table, dict) else {"wch": table}).items():
        if name not in ("models", "migrations") or not isinstance(value, str) or not value:
            raise ConfigurationError(
                f"{file}: [tool.wch] has {name} = {value!r}; expected models = MODULE and migrations = FOLDER."
            )
        yield name, value
