"""What the commands for authors work with: a folder of migrations, and the server to try them on, if any.

session = open_author_session(choices, folder=None)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from ..database.url import Target
from ..errors import ConfigurationError
from ..migrate.folder import MigrationFolder
from ..migrate.migrations_folder import migrations_folder
from ..settings import Settings
from .options import Choices
from .output import Output

F = TypeVar("F", bound=Callable[..., Any])


def folder_option(function: F) -> F:
    """Add ``--migrations``, which the function takes as ``folder``."""
    return click.option(
        "--migrations", "folder", metavar="FOLDER", help="The folder of the migrations  [the checkout's]"
    )(function)


@dataclass(frozen=True, slots=True)
class AuthorSession:
    """``target`` is where a scratch database may be made; a SQLite file there is none of."""

    folder: MigrationFolder
    target: Target
    out: Output

    def say(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.out.note(note)


def open_author_session(choices: Choices, *, folder: str | None, writes: bool) -> AuthorSession:
    """Find the folder and the server; nothing is connected. Raises ConfigurationError."""
    path = migrations_folder() if folder is None else Path(folder)
    if folder is None and writes and path.parent.name == "wch_peewee":
        raise ConfigurationError(
            f"The migrations are those of an installed package ({path}), where nothing is written; say --migrations "
            "FOLDER, or install a checkout with pip install -e ."
        )
    settings = Settings.gather(
        database=choices.database, prefix=choices.prefix, wordpress=choices.wordpress, around=None
    )
    return AuthorSession(MigrationFolder(path), settings.target, Output(choices))
