"""Progress of a long run: values, plain lines for a log, a bar on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from wch_peewee.cli.output import LogDisplay, showing
from wch_peewee.progress import BatchDone, StepStarted

ROOT = Path(__file__).resolve().parents[2]

HALF = BatchDone("wp_wch_messages", 4000, 0.5, 8.0)


def test_a_batch_says_how_far_how_fast_and_how_long_yet() -> None:
    assert (HALF.rate, HALF.seconds_left) == (500.0, 8.0)
    assert str(HALF) == "wp_wch_messages: 50%, 4000 rows changed, 500 a second, 8 s left"


@pytest.mark.parametrize(("fraction", "seconds"), [(0.0, 0.0), (0.0, 3.0), (1.0, 0.0)])
def test_nothing_is_divided_by_zero(fraction: float, seconds: float) -> None:
    batch = BatchDone("t", 0, fraction, seconds)
    assert batch.rate == 0.0
    assert batch.seconds_left in (None, 0.0)
    assert str(batch).startswith("t: ")


def test_a_log_gets_a_line_for_each_tenth_of_each_step() -> None:
    lines: list[str] = []
    with showing("looking", lines.append, terminal=False) as display:
        for _ in range(2):
            display.say("UPDATE ...")
            display.event(StepStarted("002_more", 1, 3))
            for number in range(1, 101):
                display.event(BatchDone("t", number, number / 100, 1.0))
    assert isinstance(display, LogDisplay)
    assert len(lines) == 20
    assert lines[0] == lines[10] == "t: 10%, 10 rows changed, 10 a second, 9 s left"
    assert lines[9] == "t: 100%, 100 rows changed, 100 a second, 0 s left"


ON_A_TERMINAL = """
from wch_peewee.cli.options import Choices
from wch_peewee.cli.output import Output, showing
from wch_peewee.progress import BatchDone, StepStarted

with showing("looking at the tables", print, terminal=True) as display:
    display.event(StepStarted("002_more", 1, 3))
    display.event(BatchDone("wp_wch_messages", 4000, 0.5, 8.0))
"""


IN_THE_COMMAND = ON_A_TERMINAL.replace(
    'showing("looking at the tables", print, terminal=True)', 'Output(Choices()).working("")'
)


def test_a_terminal_that_cannot_erase_gets_lines() -> None:
    shown = on_a_terminal(IN_THE_COMMAND, "dumb")
    assert "wp_wch_messages: 50%, 4000 rows" in shown
    assert "\x1b" not in shown
    assert "\x1b" in on_a_terminal(IN_THE_COMMAND, "xterm-256color")


def test_a_terminal_gets_a_bar() -> None:
    """It is drawn on stderr, and erased at the end."""
    shown = on_a_terminal(ON_A_TERMINAL, "xterm-256color")
    assert "wp_wch_messages" in shown
    assert "4000 rows, 500/s, 8 s left" in shown
    assert "━" in shown
    assert shown.rindex("\x1b[2K") > shown.rindex("4000 rows")


def on_a_terminal(program: str, kind: str) -> str:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb") as terminal:
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "TERM": kind, "COLUMNS": "120", "LINES": "40"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            check=True,
        )
        os.close(theirs)
        return os.read(terminal.fileno(), 65536).decode()
