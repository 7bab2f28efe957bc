"""Run the command ``wch`` in this process and capture its output.

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
    """The result of one command line; ``out`` and ``err`` are stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on stdout. Raises an error if stdout holds anything else."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


def wch(*arguments: str, answer: str = "", database: str | None = None, **environment: str) -> Result:
    """Run ``wch arguments`` with ``answer`` on stdin. No WCH_* variables are set but those given."""
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
    """Return the group's commands by name, in order."""
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in commands.items() if command is not None}
