"""Where words go: results to stdout, everything else to stderr.

A result is lines and tables for people, or one JSON document; nothing else ever reaches stdout. Only a
terminal gets colours and is wrapped to its width. A reader who goes away early (``wch plan | head``)
changes nothing: the rest is thrown away and the exit code stays that of the command.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TextIO

import click

from ..progress import BatchDone, SiteStarted, StepStarted
from .options import Choices


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


#: Keys that need no quotes; ``yes``, ``no`` and their like are none of ours.
_PLAIN = re.compile(r"[a-z]+(_[a-z]+)+|version|prefix|target|applied|pending|engine|error|outcome|rows", re.ASCII)

#: Takes the document, and its rows for a format that has only rows.
Renderer = Callable[[dict[str, Any], Sequence[dict[str, Any]]], str]


def _json(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(document, indent=2, default=str)


def _yaml(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(_yaml_lines(json.loads(json.dumps(document, default=str))))


def _yaml_lines(value: Any) -> Iterator[str]:
    """Block style, with JSON's scalars, which are YAML's, too."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _yaml_item(f"{key if _PLAIN.fullmatch(key) else _yaml_text(key)}:", inner)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _yaml_item("-", inner)
    else:
        yield _yaml_text(value) if isinstance(value, str) else json.dumps(value)


def _yaml_text(text: str) -> str:
    """Quote a text; what YAML does not print, it writes as an escape, eight digits long beyond the first 65,536."""
    return "".join(
        character
        if character.isprintable()
        else f"\\u{ord(character):04x}"
        if ord(character) < 0x10000
        else f"\\U{ord(character):08x}"
        for character in json.dumps(text, ensure_ascii=False)
    )


def _yaml_item(head: str, value: Any) -> Iterator[str]:
    lines = list(_yaml_lines(value))
    if isinstance(value, dict | list) and value:
        yield head
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{head} {lines[0]}"


def _csv(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """A line for each row under the names of all columns; what is no single value stands there as JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().rstrip("\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str)
    return str(value)


RENDERERS: dict[str, Renderer] = {"json": _json, "csv": _csv, "yaml": _yaml}


class Display(Protocol):
    def say(self, text: str) -> None:
        """Show what is being done at this moment."""

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        """Show how far it has come."""


class Silence:
    """For ``--quiet``."""

    def say(self, text: str) -> None:
        return

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        return


class Lines:
    """For a log, which has a line for each migration already: one for each tenth of long work on rows."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._tenth = 0

    def say(self, text: str) -> None:
        return

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        if isinstance(event, StepStarted):
            self._tenth = 0
        elif int(event.fraction * 10) > self._tenth:
            self._tenth = int(event.fraction * 10)
            self._note(str(event))


class Bar:
    """For people: what is going on, and for long work on rows how much is done, how fast, and how long it takes yet."""

    def __init__(self, progress: Any, text: str, clean: Callable[[str], str]) -> None:
        self._progress = progress
        self._clean = clean
        self._task = progress.add_task(clean(text), total=None, detail="")

    def say(self, text: str) -> None:
        self._progress.update(self._task, description=self._clean(text))

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        if isinstance(event, StepStarted):
            self._progress.update(self._task, description=str(event), total=None, completed=0, detail="")
            return
        if isinstance(event, SiteStarted):
            self._progress.update(self._task, description=str(event), total=1.0, completed=event.fraction, detail="")
            return
        left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
        detail = f"{event.rows} rows, {event.rate:.0f}/s{left}"
        self._progress.update(
            self._task, description=self._clean(event.table), total=1.0, completed=event.fraction, detail=detail
        )


@contextlib.contextmanager
def showing(
    text: str, note: Callable[[str], None], clean: Callable[[str], str], *, terminal: bool
) -> Iterator[Display]:
    """Show a run for the block; the bar is gone afterwards."""
    if not terminal:
        yield Lines(note)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, text, clean)


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
