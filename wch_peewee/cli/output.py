"""Where words go: results to stdout, everything else to stderr.

A result is lines and tables for people, or one JSON document; nothing else ever reaches stdout. Only a
terminal gets colours and is wrapped to its width. A reader who goes away early (``wch plan | head``)
changes nothing: the rest is thrown away and the exit code stays that of the command.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import click

from ._part_output_formats import RENDERERS
from ._part_output_progress import Display, Silence, showing
from .options import Choices

#: Wide enough that no table is ever wrapped for a program that reads it.
_ENDLESS = 100_000

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


class Output:
    """Writes in the format of ``choices``, which may still change while the command line is read."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    @property
    def structured(self) -> bool:
        """True when the result goes to a program, as one document."""
        return self._choices.format in RENDERERS

    def document(self, value: dict[str, Any], rows: Sequence[dict[str, Any]] | None = None) -> None:
        """Print the result as one document; ``rows`` are the lines of a CSV where one is not enough."""
        _write(sys.stdout, RENDERERS[str(self._choices.format)](value, rows or [value]))

    def success(self, text: str) -> None:
        """Print the line that says how it ended well, as wp-cli words it."""
        self.line(f"Success: {text}")

    def line(self, text: str = "") -> None:
        """Print a line of the result, as wide as it is."""
        _write(sys.stdout, visible(text))

    def lines(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.line(text)

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """Print a table of the result; the columns ``right`` are numbers."""
        self._table(sys.stdout, headings, rows, right)

    def ask_table(self, headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """Print a table that a question is about, next to the question on stderr."""
        self._table(sys.stderr, headings, rows, right)

    def note(self, text: str) -> None:
        """Say something about the work, unless it should be done quietly."""
        if not self._choices.quiet:
            _write(sys.stderr, visible(text))

    def error(self, text: str) -> None:
        _write(sys.stderr, visible(text))

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[Display]:
        """Show that something is going on; yields what to tell of it."""
        if self._choices.quiet:
            yield Silence()
            return
        with showing(text, self.note, visible, terminal=_is_terminal(sys.stderr)) as display:
            yield display

    def _table(
        self, stream: TextIO, headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int]
    ) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(headings))
        for number, heading in enumerate(headings):
            table.add_column(heading, justify="right" if number in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(visible(cell), style=_STYLES.get(cell, "")) for cell in row))
        width = None if _is_terminal(stream) else _ENDLESS
        console = Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
        with console.capture() as capture:
            console.print(table)
        _write(stream, "\n".join(line.rstrip() for line in capture.get().splitlines()))


def visible(text: str) -> str:
    """Spell out what a terminal would obey rather than show; a database may hold anything."""
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def flush() -> None:
    """Send what is still held back, so that a failure to do so has an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with _nothing_left_behind(stream):
                stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by whoever started us
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    with _nothing_left_behind(stream):
        click.echo(text, file=stream, color=_is_terminal(stream))


@contextlib.contextmanager
def _nothing_left_behind(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # What is left in the buffer must go somewhere, or the interpreter complains about it when it ends.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise
