"""Rehearse a migration without a database: what would it run, with which values, from which line?

recording = record(source, scope["migrate"])
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from .arguments import bound
from .findings import Remark
from .source import Source

_BODY_ADVICE = "hand it to migrator.run(steps.run_python, database, function), which runs it in its turn"


@dataclass(frozen=True)
class Step:
    """One ``migrator.run(function, ...)``; ``arguments`` are by the names of the function's parameters."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    line: int

    def is_(self, *functions: Callable[..., Any]) -> bool:
        """Tell whether the step is one of these functions."""
        return any(self.function is function for function in functions)


@dataclass
class Recording:
    """What was recorded, and what is wrong with it; ``complete`` when the function came to its end."""

    steps: list[Step] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    complete: bool = True


class Touched(Exception):
    """A migration has asked the database for something in its body."""


class NoDatabase:
    """Stands for the database in a rehearsal: it can be handed on, and nothing else."""

    def __getattr__(self, name: str) -> NoReturn:
        raise Touched(f"database.{name}")


class Recorder:
    """Stands for the migrator: ``run`` writes down, and everything else is peewee-migrate's own."""

    def __init__(self, path: Path, recording: Recording) -> None:
        self._path = str(path)
        self._recording = recording

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Write one step down, with the line that it comes from."""
        line = _line_of_frame(self._path)
        while isinstance(function, partial):
            args, kwargs, function = (*function.args, *args), {**function.keywords, **kwargs}, function.func
        try:
            arguments = bound(function, args, kwargs)
        except (TypeError, ValueError) as error:
            name = getattr(function, "__name__", str(function))
            said = (line, "step", f"{name} cannot be called with this: {error}", f"see help(steps.{name})")
            self._recording.remarks.append(said)
            return
        self._recording.steps.append(Step(function, arguments, line))

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        line = _line_of_frame(self._path)

        def passed_over(*args: Any, **kwargs: Any) -> None:
            found = f"migrator.{name} is peewee-migrate's own: it cannot be repeated after a kill"
            self._recording.remarks.append((line, "body", found, "use a step: migrator.run(steps...., database, ...)"))

        return passed_over


def record(source: Source, function: Callable[..., Any]) -> Recording:
    """Call ``migrate`` or ``rollback`` with stand-ins and return what it would run."""
    recording = Recording()
    try:
        function(Recorder(source.path, recording), NoDatabase(), fake=False)
    except Touched as error:
        line = line_of(error.__traceback__, source.path)
        found = f"{error} is asked for in the body, which is run without a database, too"
        recording.remarks.append((line, "body", found, _BODY_ADVICE))
        recording.complete = False
    except (Exception, SystemExit) as error:
        line = line_of(error.__traceback__, source.path)
        found = f"the body does not come to its end: {type(error).__name__}: {' '.join(str(error).split())}"
        recording.remarks.append((line, "body", found, "it may only hand steps to migrator.run(...)"))
        recording.complete = False
    return recording


def line_of(trace: TracebackType | None, path: Path) -> int:
    """Return the innermost line of the file that an error came through."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _line_of_frame(path: str) -> int:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame.f_code.co_filename == path else 1
