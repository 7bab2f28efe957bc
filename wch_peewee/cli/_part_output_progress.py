"""How a run shows itself on stderr: a line and a bar on a terminal, plain lines elsewhere.

with showing("looking at the tables", note, terminal=True) as display:
    manager.on_progress = display.event
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..progress import BatchDone, SiteStarted, StepStarted


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
