"""Actions in child processes, which can be held or killed with SIGKILL at a point of their run. Needs ``os.fork``."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, NoReturn

from ..errors import Busy, WchError
from .writes import Point, Write, watch

#: The point before the child begins.
START = Point(0, "before")


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a child. ``kind`` is its class, ``busy`` and ``known`` are True for Busy and WchError."""

    kind: str
    text: str
    trace: str = ""
    busy: bool = False
    known: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a child, and the writes that it had begun by then."""

    killed: bool
    failure: Failure | None
    writes: tuple[Write, ...]


class Child:
    """A forked process that runs an action. It is killed at ``kill``, and stops at ``hold`` until ``go_on()``."""

    def __init__(self, action: Callable[[], object], *, kill: Point | None = None, hold: Point | None = None) -> None:
        self._writes: list[Write] = []
        self._failure: Failure | None = None
        self._held = False
        self._rest = b""
        self._ending: Ending | None = None
        self._reports, reports = os.pipe()
        gate, self._gate = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python 3.12 and newer warn of threads in the parent; the child uses nothing that they might lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            _ChildSide(reports, gate, kill, hold).run(action)
        os.close(reports)
        os.close(gate)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ending is None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()

    def reach_hold(self, timeout: float = 60) -> bool:
        """Wait until the child is held; return False if it ended or the time was up before."""
        deadline = time.monotonic() + timeout
        while not self._held and self._read(deadline):
            pass
        return self._held

    def go_on(self) -> None:
        """Release a held child."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._gate, b".")

    def ends_within(self, seconds: float) -> bool:
        """Wait at most ``seconds`` for the end; return True if it came."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self._reports < 0

    def end(self, timeout: float = 120) -> Ending:
        """Wait for the end. A child that takes longer than ``timeout`` seconds is killed, and this is its failure."""
        if self._ending is None:
            late = not self.ends_within(timeout)
            if late:
                os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            os.close(self._gate)
            if late:
                os.close(self._reports)
                self._failure = Failure("Timeout", f"it had not ended after {timeout:g} seconds and was killed")
            killed = os.WIFSIGNALED(status) and not late
            if status and not killed and self._failure is None:
                self._failure = Failure("Exit", f"it ended with status {status}")
            self._ending = Ending(killed, self._failure, tuple(self._writes))
        return self._ending

    def _read(self, deadline: float) -> bool:
        """Receive one message; return False if the child has ended or the time is up."""
        while b"\n" not in self._rest:
            if self._reports < 0 or not select.select([self._reports], [], [], max(0, deadline - time.monotonic()))[0]:
                return False
            block = os.read(self._reports, 65536)
            if not block:
                os.close(self._reports)
                self._reports = -1
                return False
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        message = json.loads(line)
        if "write" in message:
            self._writes.append(Write(**message["write"]))
        elif "failure" in message:
            self._failure = Failure(**message["failure"])
        else:
            self._held = True
        return True


class _ChildSide:
    """The code that runs in the child, and sends messages to its parent."""

    def __init__(self, reports: int, gate: int, kill: Point | None, hold: Point | None) -> None:
        self._reports = reports
        self._gate = gate
        self._kill = kill
        self._hold = hold

    def run(self, action: Callable[[], object]) -> NoReturn:
        status = 1
        try:
            watch(self._on_write)
            if self._hold == START:
                self._wait()
            action()
            status = 0
        except BaseException as error:
            trace = traceback.format_exc()
            known = isinstance(error, WchError)
            self._send(failure=asdict(Failure(type(error).__name__, str(error), trace, isinstance(error, Busy), known)))
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            # Not sys.exit, which would run the parent's atexit handlers and flush its files.
            os._exit(status)

    def _on_write(self, point: Point, write: Write) -> None:
        if point.moment == "before":
            self._send(write=asdict(write))
        if point == self._kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if point == self._hold:
            self._wait()

    def _wait(self) -> None:
        self._send(held=True)
        os.read(self._gate, 1)

    def _send(self, **message: Any) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._reports, data) :]


class ActionFailed(Exception):
    """An error that ended a child; the message is its traceback."""


def run_to_end(action: Callable[[], object]) -> tuple[Write, ...]:
    """Run ``action`` in a child; return its writes. Raises ActionFailed."""
    return _run(action, None).writes


def run_killed(action: Callable[[], object], point: Point) -> bool:
    """Run ``action`` in a child that is killed at ``point``; return False if it ended before. Raises ActionFailed."""
    return _run(action, point).killed


def _run(action: Callable[[], object], kill: Point | None) -> Ending:
    with Child(action, kill=kill) as child:
        ending = child.end()
    if ending.failure is not None:
        raise ActionFailed(ending.failure.trace or str(ending.failure))
    return ending
