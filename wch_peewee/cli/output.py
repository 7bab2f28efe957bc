"""The output of ``wch``: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TextIO

import click

from ..progress import BatchDone, SiteStarted, StepStarted
from .options import Choices

#: Wide enough that no table is ever wrapped for a program that reads it.
_ENDLESS = 100_000

Rows = Sequence[dict[str, Any]]

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


class Output:
    """A writer in the format of ``choices``, which may still change while the command line is parsed."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    @property
    def structured(self) -> bool:
        """True if the result is printed by ``document``, in a format for programs or with chosen fields."""
        return self._choices.format in RENDERERS or self._choices.fields is not None

    def document(self, value: dict[str, Any], rows: Rows | None = None, columns: Sequence[str] = ()) -> None:
        """Print the result as one document, or its ``rows`` as CSV, as count or ids, or the fields of ``--fields``.

        ``columns`` are the names in rows that may be empty. Raises UsageError for a field that is not one of them.
        """
        rows = [value] if rows is None else rows
        columns = columns or list(dict.fromkeys(name for row in rows for name in row))
        chosen = columns if self._choices.fields is None else self._choices.fields.split(",")
        if unknown := [name for name in chosen if name not in columns]:
            raise click.UsageError(
                f"--fields: {unknown[0]!r} is not a field of this list; choose from {', '.join(columns)}."
            )
        lines = [{name: row.get(name) for name in chosen} for row in rows]
        if self._choices.format in RENDERERS:
            shown = value if self._choices.fields is None else lines
            _write(sys.stdout, RENDERERS[self._choices.format](shown, lines, chosen))
        else:
            self.listing(lines, chosen)

    def success(self, text: str) -> None:
        """Print the last line of a success in wp-cli's words, which ``--quiet`` suppresses as there."""
        if not self._choices.quiet:
            self.line(f"Success: {text}")

    def line(self, text: str = "") -> None:
        """Print a line of the result, without wrapping."""
        _write(sys.stdout, visible(text))

    def lines(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.line(text)

    def statements(self, statements: Iterable[str]) -> None:
        """Print SQL, indented to stand out from the text around it."""
        for statement in statements:
            self.lines(f"    {line}" for line in statement.splitlines())

    def table(
        self, headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = (), asks: bool = False
    ) -> None:
        """Print a table of the result, or with ``asks`` the one of a question on stderr; ``right`` are the numbers."""
        stream = sys.stderr if asks else sys.stdout
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

    def listing(self, rows: Rows, columns: Sequence[str]) -> None:
        """Print rows as a table, with the names of ``--fields`` as headings."""
        right = [n for n, name in enumerate(columns) if any(type(row[name]) in (int, float) for row in rows)]
        self.table(columns, [[_text(row[name]) for name in columns] for row in rows], right=right)

    def note(self, text: str) -> None:
        """Print a remark about the run, unless ``--quiet`` is given."""
        if not self._choices.quiet:
            _write(sys.stderr, visible(text))

    def notes(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.note(text)

    def error(self, text: str) -> None:
        _write(sys.stderr, visible(text))

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[Display]:
        """Show progress for the duration of the block; yields the display to report to."""
        if self._choices.quiet:
            yield Display()
            return
        with showing(text, self.note, terminal=_can_move_the_cursor(sys.stderr)) as display:
            yield display


def visible(text: str) -> str:
    """Escape control characters, which a terminal would obey; a name in a database may contain any."""
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def counted(count: int, what: str = "row") -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def flush() -> None:
    """Flush stdout and stderr, so that a failure to write has an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with _discarding_on_error(stream):
                stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _can_move_the_cursor(stream: TextIO | None) -> bool:
    return _is_terminal(stream) and os.environ.get("TERM") not in ("dumb", "unknown")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by the calling process
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    with _discarding_on_error(stream):
        click.echo(text, file=stream, color=_is_terminal(stream))


@contextlib.contextmanager
def _discarding_on_error(stream: TextIO) -> Iterator[None]:
    """Discard what is left to write if writing fails; a closed pipe is no error."""
    try:
        yield
    except OSError as error:
        # The buffer is emptied to nowhere, or the interpreter reports an error when it exits.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise


#: Keys that need no quotes in YAML. ``yes``, ``no`` and the like would, but are not used.
_PLAIN = re.compile(r"[a-z]+(_[a-z]+)+|version|prefix|target|applied|pending|engine|error|outcome|rows", re.ASCII)

#: Takes the document, its rows, and their columns if rows may be empty; JSON and YAML have only the document.
Renderer = Callable[[Any, Rows, Sequence[str]], str]


def _json(document: Any, rows: Rows = (), columns: Sequence[str] = (), indent: int | None = 2) -> str:
    # Of the control characters it leaves only DEL as it is.
    return json.dumps(document, indent=indent, default=str).replace("\x7f", "\\u007f")


def _yaml(document: Any, rows: Rows, columns: Sequence[str] = ()) -> str:
    return "\n".join(_yaml_lines(json.loads(json.dumps(document, default=str))))


def _yaml_lines(value: Any) -> Iterator[str]:
    """Yield lines in block style. Scalars are JSON's, which YAML reads alike."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _yaml_item(f"{key if _PLAIN.fullmatch(key) else _yaml_text(key)}:", inner)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _yaml_item("-", inner)
    else:
        yield _yaml_text(value) if isinstance(value, str) else json.dumps(value)


def _yaml_text(text: str) -> str:
    """Quote a text. Unprintable characters become escapes, which are the same in YAML as in Python."""
    return visible(json.dumps(text, ensure_ascii=False))


def _yaml_item(head: str, value: Any) -> Iterator[str]:
    lines = list(_yaml_lines(value))
    if isinstance(value, dict | list) and value:
        yield head
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{head} {lines[0]}"


def _csv(document: Any, rows: Rows, columns: Sequence[str] = ()) -> str:
    """Return a line for each row below the names of all columns. An object, or a list of other than text, is JSON.

    Control characters are escaped as in tables. A text that a spreadsheet would take for a formula begins with an
    apostrophe; numbers, negative ones too, stay as they are.
    """
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, names))
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().rstrip("\n")


def _count(document: Any, rows: Rows, columns: Sequence[str] = ()) -> str:
    return str(len(rows))


def _ids(document: Any, rows: Rows, columns: Sequence[str] = ()) -> str:
    """Return the different values of the first column, as wp-cli prints ids for the command line of another program."""
    values = (next(iter(row.values()), None) for row in rows)
    return " ".join(dict.fromkeys(visible(_text(value)) for value in values if value is not None))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    return _json(value, indent=None) if isinstance(value, dict | list | tuple) else str(value)


def _cell(value: Any) -> str:
    if value is None or isinstance(value, int | float | dict):
        return _text(value)
    text = _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), _text(value))
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


#: OWASP's list, wide forms included; what else belongs to it is escaped.
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


RENDERERS: dict[str, Renderer] = {"json": _json, "csv": _csv, "yaml": _yaml, "count": _count, "ids": _ids}


class Display:
    """The display of a run in progress. This one shows nothing, for ``--quiet``."""

    def say(self, text: str) -> None:
        """Show the statement that is being run."""

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        """Show how far the run has come."""


class LogDisplay(Display):
    """The display in a log: a line for each tenth of long work on rows. Migrations have log records of their own."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._tenth = 0

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        if isinstance(event, StepStarted):
            self._tenth = 0
        elif int(event.fraction * 10) > self._tenth:
            self._tenth = int(event.fraction * 10)
            self._note(str(event))


class BarDisplay(Display):
    """The display on a terminal: the current step or statement; for work on rows a bar, the rate and the time left."""

    def __init__(self, progress: Any, text: str) -> None:
        self._progress = progress
        self._task = progress.add_task(visible(text), total=None, detail="")

    def say(self, text: str) -> None:
        self._progress.update(self._task, description=visible(text))

    def event(self, event: StepStarted | BatchDone | SiteStarted) -> None:
        total, done, detail, text = None, 0.0, "", str(event)
        if isinstance(event, SiteStarted):
            total, done = 1.0, event.fraction
        elif isinstance(event, BatchDone):
            left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
            total, done, text = 1.0, event.fraction, visible(event.table)
            detail = f"{event.rows} rows, {event.rate:.0f}/s{left}"
        self._progress.update(self._task, description=text, total=total, completed=done, detail=detail)


@contextlib.contextmanager
def showing(text: str, note: Callable[[str], None], *, terminal: bool) -> Iterator[Display]:
    """Show a run for the duration of the block. A bar is erased at the end."""
    if not terminal:
        yield LogDisplay(note)
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
        yield BarDisplay(progress, text)


class NotConfirmed(Exception):
    """An answer other than the expected one."""


def confirm(question: str, expected: str, *, scripts: str = "--yes") -> None:
    """Ask on stderr. Raises NotConfirmed unless the answer is ``expected``; ``scripts`` is the option for scripts."""
    click.echo(visible(f"{question}: "), nl=False, err=True)
    try:
        answer = sys.stdin.readline() if sys.stdin is not None else ""
    except KeyboardInterrupt:
        click.echo(err=True)
        raise
    if not answer:
        click.echo(err=True)
        raise NotConfirmed(f"Not confirmed; nothing was changed. Use {scripts} in scripts.")
    if answer.rstrip("\r\n") != expected:
        raise NotConfirmed("Not confirmed; nothing was changed.")
