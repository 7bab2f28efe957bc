"""Ask the person at the keyboard before something is lost.

confirm("Type the table prefix", "wp_")
"""

from __future__ import annotations

import sys

import click


class NotConfirmed(Exception):
    """The answer was another one."""


def confirm(question: str, expected: str) -> None:
    """Ask on stderr, and raise NotConfirmed unless the answer is exactly ``expected``.

    Raises UsageError where nobody can answer, which is what ``--yes`` is for.
    """
    click.echo(f"{question}: ", nl=False, err=True)
    try:
        answer = sys.stdin.readline() if sys.stdin is not None else ""
    except KeyboardInterrupt:
        click.echo(err=True)
        raise
    if not answer:
        click.echo(err=True)
        raise click.UsageError("Nobody answered, and nothing was done; scripts say --yes.")
    if answer.rstrip("\r\n") != expected:
        raise NotConfirmed("Not confirmed; nothing was done.")
