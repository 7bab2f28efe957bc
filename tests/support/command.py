"""Run the command ``wch`` inside this process, as a user would, and keep what it printed.

result = wch("status", "--format", "json", database=database.url)
assert result.code == 1 and result.json["pending"]
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import dataclass
from typing import Any
from unittest import mock

import click

from wch_peewee.cli import run


@dataclass(frozen=True)
class Result:
    """What came of one command line; ``out`` and ``err`` are stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; anything else there fails."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


def wch(*arguments: str, answer: str = "", database: str | None = None, **environment: str) -> Result:
    """Run ``wch arguments`` with ``answer`` on stdin; of the environment's WCH_* only those given are there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WCH_")}
    if database is not None:
        environment["WCH_DATABASE_URL"] = database
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {**kept, **environment}, clear=True),
        mock.patch("sys.stdin", io.StringIO(answer)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run(arguments)
    return Result(code, out.getvalue(), err.getvalue())


def commands_of(group: click.Group) -> dict[str, click.Command]:
    """Return the group's commands, in their order."""
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in commands.items() if command is not None}
