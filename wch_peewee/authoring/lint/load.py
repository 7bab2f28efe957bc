"""Loads a migration as the router does, and records the steps of migrate() and rollback()."""

import ast
import inspect
import io
import sys
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, NoReturn, TypeGuard, get_type_hints

from ...errors import Undecided
from ...schema.objects import Table
from .findings import Remark, run_code

#: Where the steps are; an author's own functions are his.
_OURS = ("wch_peewee.migrate.steps.", "wch_peewee.migrate.batches")


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by name. Raises TypeError if the step cannot be called like this."""
    call = inspect.signature(function).bind(*args, **kwargs)
    call.apply_defaults()
    arguments = dict(call.arguments)
    if getattr(function, "__module__", "").startswith(_OURS):
        if "tables" in arguments:
            arguments["tables"] = tuple(arguments["tables"])  # it may be used up by one look
        hints = get_type_hints(function)
        values = [(name, arguments[name], hints[name]) for name in arguments if isinstance(hints.get(name), type)]
        for name, value, wanted in [*values[1:], *(("tables", one, Table) for one in arguments.get("tables", ()))]:
            if not isinstance(value, wanted):
                raise TypeError(f"{name} is {type(value).__name__}, and not {wanted.__name__}")
    return arguments


@dataclass(frozen=True)
class Source:
    """A parsed file. ``tree`` is empty if ``error`` says why, of line ``error_line``. ``comments`` are by line."""

    path: Path
    text: str = ""
    tree: ast.Module = field(default_factory=lambda: ast.Module(body=[], type_ignores=[]))
    comments: dict[int, str] = field(default_factory=dict)
    error: str = ""
    error_line: int = 1

    @property
    def name(self) -> str:
        return self.path.stem

    def function(self, name: str) -> ast.FunctionDef | None:
        """Return the function that the module ends up with; the last definition wins, as in Python."""
        found = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        return found[-1] if found else None

    def assignment(self, name: str) -> ast.Assign | ast.AnnAssign | None:
        """Return the first assignment to a name at the top of the module."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    return node
        return None

    def lines_of(self, line: int) -> range:
        """Return the lines of the innermost statement that ``line`` is part of."""
        statements = [
            range(node.lineno, (node.end_lineno or node.lineno) + 1)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        return min(statements, key=len, default=range(line, line + 1))


def read_source(path: Path) -> Source:
    """Read and parse a file; what is wrong with it is part of the result."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tree = ast.parse(text, filename=str(path))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, MemoryError) as error:
        return Source(path, error=f"it cannot be read: {error}")
    except SyntaxError as error:
        return Source(path, text, error=f"it is not valid Python: {error.msg}", error_line=error.lineno or 1)
    return Source(path, text, tree, _comments(text))


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


_BODY_ADVICE = f"use a step: {run_code('steps.run_sql', '...')}, or steps.run_python with a function"


@dataclass(frozen=True)
class RecordedStep:
    """One ``migrator.run(function, ...)``; ``arguments`` are by the names of the function's parameters."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    line: int

    def is_(self, *functions: Callable[..., Any]) -> bool:
        """Return True if the step is one of these functions."""
        return any(self.function is function for function in functions)


@dataclass
class Recording:
    """The recorded steps, and what is wrong with them; ``complete`` if the function reached its end.

    ``missing`` if there is no such function, or the file cannot be run.
    """

    steps: list[RecordedStep] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    complete: bool = True
    missing: bool = False


def _missing() -> Recording:
    return Recording(complete=False, missing=True)


class Touched(Exception):
    """A migration has used the database in its body."""


class NoDatabase:
    """A stand-in for the database: it can be passed on, and nothing else."""

    def __getattr__(self, name: str) -> NoReturn:
        raise Touched(f"database.{name}")


class Recorder:
    """A stand-in for the migrator: ``run`` records, and everything else is peewee-migrate's own."""

    def __init__(self, path: Path, recording: Recording) -> None:
        self._path = str(path)
        self._recording = recording

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Record one step, with its line."""
        line = _line_of_frame(self._path)
        try:
            arguments = bound(function, args, kwargs)
        except (TypeError, ValueError) as error:
            name = getattr(function, "__name__", str(function))
            said = (line, "step", f"{name} does not accept these arguments: {error}", f"see help(steps.{name})")
            self._recording.remarks.append(said)
            return
        self._recording.steps.append(RecordedStep(function, arguments, line))

    def __getattr__(self, name: str) -> Callable[..., None]:
        line = _line_of_frame(self._path)

        def passed_over(*args: Any, **kwargs: Any) -> None:
            found = f"migrator.{name} is peewee-migrate's own: it cannot be repeated after an interruption"
            self._recording.remarks.append((line, "body", found, "use a step: migrator.run(steps...., database, ...)"))

        return passed_over


def record(source: Source, function: Callable[..., Any]) -> Recording:
    """Call ``migrate`` or ``rollback`` with stand-ins and return what it would run."""
    recording = Recording()
    try:
        function(Recorder(source.path, recording), NoDatabase(), fake=False)
    except Touched as error:
        line = line_in_traceback(error.__traceback__, source.path)
        found = f"the body uses {error}, but it also runs without a database"
        recording.remarks.append((line, "body", found, _BODY_ADVICE))
        recording.complete = False
    except Undecided:
        recording.complete = False  # the question is a finding of its own
    except (Exception, SystemExit) as error:
        line = line_in_traceback(error.__traceback__, source.path)
        found = f"the body raises an error: {type(error).__name__}: {' '.join(str(error).split())}"
        recording.remarks.append((line, "body", found, "it may only pass steps to migrator.run(...)"))
        recording.complete = False
    return recording


def line_in_traceback(trace: TracebackType | None, path: Path) -> int:
    """Return the innermost line of the file in a traceback."""
    lines = [line for frame, line in walk_tb(trace) if frame.f_code.co_filename == str(path)]
    return lines[-1] if lines else 1


def _line_of_frame(path: str) -> int:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return frame.f_lineno if frame.f_code.co_filename == path else 1


@dataclass(frozen=True)
class Migration:
    """A loaded file."""

    source: Source
    migrate: Recording = field(default_factory=_missing)
    rollback: Recording = field(default_factory=_missing)
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def version(self) -> str | None:
        """The text of VERSION, as the folder reads it: a literal that is assigned at the top."""
        node = self.source.assignment("VERSION")
        value = node.value if isinstance(node, ast.Assign) else None
        return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def load(source: Source) -> Migration:
    """Run the file, and then its functions with stand-ins."""
    if source.error:
        return Migration(source, remarks=((source.error_line, "load", source.error, "correct the file"),))
    scope: dict[str, Any] = {"__file__": str(source.path), "__name__": f"wch_migration_{source.name}"}
    try:
        exec(compile(source.text, str(source.path), "exec", dont_inherit=True), scope)
    except (Exception, SystemExit) as error:
        line = line_in_traceback(error.__traceback__, source.path)
        said = f"it cannot be run: {type(error).__name__}: {' '.join(str(error).split())}"
        return Migration(source, remarks=((line, "load", said, "correct the file"),))
    ways = [record(source, scope[n]) if callable(scope.get(n)) else _missing() for n in ("migrate", "rollback")]
    remarks = [remark for way in ways for remark in way.remarks]
    return Migration(source, ways[0], ways[1], tuple(remarks))


def is_decide(node: ast.AST) -> TypeGuard[ast.Call]:
    """Return True if this is ``steps.decide(...)``, however it was imported."""
    return isinstance(node, ast.Call) and "decide" in (getattr(node.func, name, "") for name in ("attr", "id"))
