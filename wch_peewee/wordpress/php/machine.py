"""The abstract interpreter that evaluates a wp-config.php without running PHP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from .state import Environment, Frame, ProgramState, merge_states
from .syntax import arguments_of, line_of, named
from .values import Unknown, merge_values

T = TypeVar("T")
Handler = Callable[["Machine", Any], Any]
#: A PHP function: it gets the call's node and the values of its arguments.
Builtin = Callable[["Machine", Any, list[Any]], Any]

_MAX_STEPS = 100_000
_MAX_DEPTH = 110
_MAX_ROUNDS = 5_000
#: Rounds of a loop of unknown length; without a fixpoint by then, everything that it could change is unknown.
_FIXPOINT_ROUNDS = 6

_SOMEWHERE = Unknown("the way that the program takes")
_ENDED = Unknown("the program ends before WordPress is loaded")


class Unreachable(Exception):
    """Raised where the program does not continue: it has ended, returned or thrown."""


class EvaluationAborted(Exception):
    """Raised if the program is too long, too deep or not PHP; ``why`` is an Unknown."""

    def __init__(self, why: Unknown) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(slots=True)
class Unit:
    """One PHP file: its path, its namespace, and its ``use`` names."""

    path: str
    namespace: str = ""
    classes: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Machine:
    """An abstract interpreter: it evaluates a program along every path that it may take.

    ``statements``, ``expressions`` and ``builtins`` are the tables of handlers; ``abspath`` is None without WordPress.
    If a condition is unknown, both branches are evaluated, each on its own state, and what differs afterwards is
    unknown. Unreadable code makes everything unknown that it could have changed. Steps, depth and rounds are limited,
    so evaluation always ends.
    """

    environment: Environment
    config: Path
    abspath: Path | None
    statements: Mapping[str, Handler]
    expressions: Mapping[str, Handler]
    builtins: Mapping[str, Builtin]
    state: ProgramState | None = field(default_factory=ProgramState)
    unit: Unit = field(default_factory=lambda: Unit(""))
    steps: int = 0
    depth: int = 0
    cause: Unknown = _SOMEWHERE
    ended: Unknown = _ENDED
    returns: list[tuple[ProgramState, Any]] = field(default_factory=list)
    breaks: list[tuple[ProgramState, int]] = field(default_factory=list)
    continues: list[tuple[ProgramState, int]] = field(default_factory=list)
    throws: list[ProgramState] | None = None
    #: The state each time WordPress itself was loaded.
    connects: list[ProgramState] = field(default_factory=list)

    @property
    def current(self) -> ProgramState:
        """The current state. Raises Unreachable if the program cannot reach this point."""
        if self.state is None:
            raise Unreachable
        return self.state

    @property
    def frame(self) -> Frame:
        return self.current.frames[-1]

    def unknown(self, node: Any, what: str) -> Unknown:
        return Unknown(what, self.unit.path, line_of(node))

    def unreadable(self, node: Any, what: str, *, local: bool = True) -> Unknown:
        """Record that unreadable code was run, which with ``local`` could change this scope's variables."""
        cause = self.unknown(node, what)
        self.may_throw(cause)
        self.current.havoc(cause, local=local)
        return cause

    def may_throw(self, cause: Unknown) -> None:
        if self.throws is not None:
            self.cause = cause
            self.throws.append(self.current.fork())

    def evaluate(self, node: Any) -> Any:
        """Return the value of an expression. Raises Unreachable if the program ends in it."""
        self._step(node)
        handler = self.expressions.get(node.type)
        if handler is None or self.depth > _MAX_DEPTH:
            what = "an expression nested too deeply" if handler else f"PHP's {node.type.replace('_', ' ')}"
            return self.unreadable(node, what)
        self.depth += 1
        try:
            value = handler(self, node)
        finally:
            self.depth -= 1
        if isinstance(value, bytes | dict):
            self.steps += len(value) >> 10  # large values cost steps
        if isinstance(value, Unknown) and not value.file:
            return replace(value, file=self.unit.path, line=line_of(node))
        return value

    def execute(self, node: Any) -> None:
        """Run a statement; ``state`` is None if the program does not continue after it."""
        if self.state is None:
            return
        self._step(node)
        handler = self.statements.get(node.type)
        try:
            if handler is None or self.depth > _MAX_DEPTH:
                self.unreadable(node, "nested too deeply" if handler else f"PHP's {node.type.replace('_', ' ')}")
                return
            self.depth += 1
            try:
                handler(self, node)
            finally:
                self.depth -= 1
        except Unreachable:
            self.state = None

    def run(self, nodes: Sequence[Any]) -> None:
        for node in nodes:
            self.execute(node)

    def _step(self, node: Any) -> None:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise EvaluationAborted(self.unknown(node, "the program is too long to be followed"))

    def branch(self, cause: Unknown, paths: Sequence[Callable[[], T]]) -> T | Unknown:
        """Evaluate each path from the current state and merge the results. Raises Unreachable if no path continues."""
        origin = self.current
        ends: list[tuple[ProgramState, T]] = []
        for path in paths:
            self.steps += origin.size >> 5  # the cost of copying the state
            self.state = origin.fork()
            try:
                value = path()
            except Unreachable:
                continue
            if self.state is not None:
                ends.append((self.state, value))
        self.cause = cause
        merged: T | Unknown = self.continue_from(ends)
        return merged

    def continue_from(self, ends: Sequence[tuple[ProgramState, Any]]) -> Any:
        """Merge the states and values at the ends of several paths; raise Unreachable if there are none."""
        if not ends:
            self.state = None
            raise Unreachable
        self.state = merge_states([state for state, _ in ends], self.cause)
        value = ends[0][1]
        for _, other in ends[1:]:
            value = merge_values(value, other, self.cause)
        return value

    def call(self, body: Callable[[], None], frame: Frame | None, unit: Unit) -> Any:
        """Run the body of a function, or of a file (no frame); return its ``return`` value, or ``...`` without one."""
        kept = self.unit, self.returns, self.breaks, self.continues
        self.unit, self.returns, self.breaks, self.continues = unit, [], [], []
        if frame is not None:
            self.current.frames.append(frame)
        try:
            body()
            ends = self.returns + ([] if self.state is None else [(self.state, ...)])
        finally:
            self.unit, self.returns, self.breaks, self.continues = kept
        value = self.continue_from(ends)
        if frame is not None:
            self.current.frames.pop()
        return value

    def repeat(self, node: Any, check: Callable[[], bool | Unknown], body: Callable[[], None]) -> None:
        """Run ``body`` while ``check`` holds; once its answer is unknown, until the state no longer changes."""
        kept = self.breaks, self.continues
        self.breaks, self.continues = [], []
        try:
            rounds = 0
            while self.state is not None:
                answer = self._run_check(check)
                if answer is False or self.state is None:
                    break
                if isinstance(answer, Unknown):
                    self._find_fixpoint(check, body, answer)
                    break
                self._run_round(body)
                rounds += 1
                if rounds > _MAX_ROUNDS:
                    raise EvaluationAborted(self.unknown(node, "a loop goes round too often to be followed"))
            ends = [(state, None) for state, level in self.breaks if level == 1]
            outer = [(state, level - 1) for state, level in self.breaks if level > 1]
            outer_continues = [(state, level - 1) for state, level in self.continues if level > 1]
        finally:
            self.breaks, self.continues = kept
        self.breaks += outer
        self.continues += outer_continues
        if self.state is not None:
            ends.append((self.state, None))
        self.continue_from(ends)

    def _run_check(self, check: Callable[[], bool | Unknown]) -> bool | Unknown:
        try:
            return check()
        except Unreachable:
            self.state = None
            return False

    def _run_round(self, body: Callable[[], None]) -> None:
        try:
            body()
        except Unreachable:
            self.state = None
        ends = [(state, None) for state, level in self.continues if level == 1]
        self.continues = [(state, level) for state, level in self.continues if level > 1]
        if self.state is not None:
            ends.append((self.state, None))
        if ends:
            self.continue_from(ends)

    def _find_fixpoint(self, check: Callable[[], bool | Unknown], body: Callable[[], None], cause: Unknown) -> None:
        for _ in range(_FIXPOINT_ROUNDS):
            before = self.current.fork()
            self._run_round(body)
            if self.state is not None:
                self._run_check(check)
            if self.state is None:
                self.state = before
                return
            self.cause = cause
            merged = merge_states([before, self.state], cause)
            self.state = merged
            if merged == before:
                return
        self.current.havoc(cause, local=True)


def evaluate_arguments(machine: Machine, node: Any) -> list[Any] | None:
    """Return the arguments' values in order, or None if they are named or unpacked in an unsupported way."""
    values: list[Any] = []
    plain = True
    for argument in arguments_of(node):
        inner = named(argument)
        if argument.type == "variadic_unpacking" or (inner and inner[-1].type == "variadic_unpacking"):
            unpacked = machine.evaluate(named(argument if argument.type == "variadic_unpacking" else inner[-1])[0])
            if isinstance(unpacked, dict) and all(isinstance(key, int) for key in unpacked):
                values.extend(unpacked.values())
            else:
                plain = False
            continue
        if argument.child_by_field_name("name") is not None:
            plain = False
        if not inner:
            plain = False  # f(...) makes a closure
            continue
        values.append(machine.evaluate(inner[-1]))
    return values if plain else None
