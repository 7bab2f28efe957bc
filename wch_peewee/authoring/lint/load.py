"""Loads a migration as the router does, and records the steps of migrate() and rollback()."""

import ast
import inspect
import io
import sys
import tokenize
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from ...schema.objects import Column, ColumnType, Default, ForeignKey, Index, Table
from .findings import Remark

_SHAPES: dict[Any, type] = {"Column": Column, "Index": Index, "ForeignKey": ForeignKey, "str": str}

#: Where the functions are whose arguments are known; an author's own are his.
_OURS = ("wch_peewee.migrate.steps.", "wch_peewee.migrate.batches")


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by name. Raises TypeError if the step cannot be called like this, or cannot work."""
    signature = inspect.signature(function)
    call = signature.bind(*args, **kwargs)
    call.apply_defaults()
    arguments = dict(call.arguments)
    if not getattr(function, "__module__", "").startswith(_OURS):
        return arguments
    for name, parameter in signature.parameters.items():
        # A text where the module postpones the evaluation of its annotations, otherwise the class.
        wanted = _SHAPES.get(getattr(parameter.annotation, "__name__", parameter.annotation))
        if wanted is not None and not isinstance(arguments[name], wanted):
            raise TypeError(f"{name} is {type(arguments[name]).__name__}, and not {wanted.__name__}")
        if name == "tables":
            arguments[name] = tuple(arguments[name])  # it may be used up by one look
        elif name == "columns" and not all(isinstance(column, str) for column in arguments[name]):
            raise TypeError("columns are not all str")
        elif wanted in (Column, Index, ForeignKey):
            _examine(arguments[name])
    for table in arguments.get("tables", ()):
        _examine(table)
    return arguments


def _examine(shape: object) -> None:
    """Check the types inside a schema value, which Python itself does not."""
    if isinstance(shape, Table):
        _insist(isinstance(shape.name, str), "a table's name is no text")
        for kind, inner in ((Column, shape.columns), (Index, shape.indexes), (ForeignKey, shape.foreign_keys)):
            _insist(isinstance(inner, tuple), f"the table {shape.name} has no tuple of {kind.__name__}")
            for part in inner:
                _insist(isinstance(part, kind), f"{part!r} in the table {shape.name} is no {kind.__name__}")
                _examine(part)
        _insist(_are_texts(shape.primary_key), f"the primary key of {shape.name} is no tuple of names")
    elif isinstance(shape, Column):
        _insist(isinstance(shape.name, str), f"{shape.name!r} is no column's name")
        _insist(isinstance(shape.type, ColumnType), f"the type of {shape.name} is no column type")
        type_ = shape.type
        _insist(
            isinstance(type_.name, str) and _are_texts(type_.values), f"the values of {shape.name} are not all texts"
        )
        _insist(type_.size is None or isinstance(type_.size, int), f"the size of {shape.name} is no number")
        is_default = isinstance(shape.default, Default) and isinstance(shape.default.text, str)
        _insist(shape.default is None or is_default, f"the default of {shape.name} is no Default with a text")
    elif isinstance(shape, Index):
        _insist(isinstance(shape.name, str), f"{shape.name!r} is no index's name")
        _insist(_are_texts(shape.columns) and bool(shape.columns), f"the index {shape.name} has no tuple of columns")
    elif isinstance(shape, ForeignKey):
        _insist(isinstance(shape.referenced_table, str), "the table that a foreign key refers to is no text")
        _insist(_are_texts(shape.columns) and bool(shape.columns), "a foreign key has no tuple of columns")
        alike = _are_texts(shape.referenced_columns) and len(shape.referenced_columns) == len(shape.columns)
        _insist(alike, "a foreign key refers to another number of columns")
    else:
        _insist(False, f"{shape!r} is no Table")


def _are_texts(values: Iterable[object]) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, str) for value in values)


def _insist(holds: bool, otherwise: str) -> None:
    if not holds:
        raise TypeError(otherwise)


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
        return Source(path, text, error=f"it is no Python: {error.msg}", error_line=error.lineno or 1)
    return Source(path, text, tree, _comments(text))


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


_BODY_ADVICE = "hand it to migrator.run(steps.run_python, database, function), which runs it in its turn"


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
    """The recorded steps, and what is wrong with them; ``complete`` if the function reached its end."""

    steps: list[RecordedStep] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    complete: bool = True


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
        while isinstance(function, partial):
            args, kwargs, function = (*function.args, *args), {**function.keywords, **kwargs}, function.func
        try:
            arguments = bound(function, args, kwargs)
        except (TypeError, ValueError) as error:
            name = getattr(function, "__name__", str(function))
            said = (line, "step", f"{name} cannot be called with this: {error}", f"see help(steps.{name})")
            self._recording.remarks.append(said)
            return
        self._recording.steps.append(RecordedStep(function, arguments, line))

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
        line = line_in_traceback(error.__traceback__, source.path)
        found = f"{error} is asked for in the body, which is run without a database, too"
        recording.remarks.append((line, "body", found, _BODY_ADVICE))
        recording.complete = False
    except (Exception, SystemExit) as error:
        line = line_in_traceback(error.__traceback__, source.path)
        found = f"the body does not come to its end: {type(error).__name__}: {' '.join(str(error).split())}"
        recording.remarks.append((line, "body", found, "it may only hand steps to migrator.run(...)"))
        recording.complete = False
    return recording


def line_in_traceback(trace: TracebackType | None, path: Path) -> int:
    """Return the innermost line of the file in a traceback."""
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


@dataclass(frozen=True)
class Migration:
    """A loaded file. ``migrate`` and ``rollback`` are None if they are missing or cannot be run."""

    source: Source
    migrate: Recording | None = None
    rollback: Recording | None = None
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
        return Migration(source, remarks=((source.error_line, "load", source.error, "mend the file"),))
    scope: dict[str, Any] = {"__file__": str(source.path), "__name__": f"wch_migration_{source.name}"}
    try:
        exec(compile(_decided(source), str(source.path), "exec", dont_inherit=True), scope)
    except (Exception, SystemExit) as error:
        line = line_in_traceback(error.__traceback__, source.path)
        said = f"it cannot be run: {type(error).__name__}: {' '.join(str(error).split())}"
        return Migration(source, remarks=((line, "load", said, "mend the file"),))
    ways = [record(source, scope[name]) if callable(scope.get(name)) else None for name in ("migrate", "rollback")]
    remarks = [remark for way in ways if way is not None for remark in way.remarks]
    return Migration(source, ways[0], ways[1], tuple(remarks))


def is_decide(node: ast.AST) -> bool:
    """Return True if this is ``steps.decide(...)``, however it was imported."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func
    return (isinstance(name, ast.Attribute) and name.attr == "decide") or (
        isinstance(name, ast.Name) and name.id == "decide"
    )


class _Decided(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.copy_location(ast.Pass(), node) if is_decide(node.value) else node


def _decided(source: Source) -> ast.Module:
    """Return the tree without open questions, so that what follows them is checked, too."""
    # A tree of its own: the other rules look at the file as it is.
    tree: ast.Module = _Decided().visit(ast.parse(source.text, filename=str(source.path)))
    return tree
