"""The paths that a PHP program may take: where a condition is unknown each is taken, and where they meet they merge."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .outside import Environment
from .syntax import line_of
from .values import ABSENT, Unknown, merge_values, to_bool

#: 40,000 steps take less than half a second. Large values cost more steps.
_MAX_STEPS = 40_000


class Leave(Exception):
    """Raised where the program does not go on with the next node: "return", "break", "continue" or "exit"."""

    def __init__(self, word: str, value: Any = None) -> None:
        super().__init__(word)
        self.word, self.value = word, value


class EvaluationAborted(Exception):
    """Raised, with an Unknown, if the program is too long, or cannot be followed at all."""


@dataclass(slots=True, repr=False)
class State:
    """What the program has set so far: values by kind and name.

    The kinds are "constant", "function", "file" (included), "environment", "setting" (of Bedrock's Config), and a
    number for the variables of each frame, of which 0 is global. ``rest`` has the kinds of which other names may be set
    as well, and why. ``value`` is that of the expression or the call at whose end the state is kept.
    """

    known: dict[tuple[Any, Any], Any] = field(default_factory=dict)
    rest: dict[Any, Unknown] = field(default_factory=dict)
    value: Any = None

    def get(self, kind: Any, name: Any) -> Any:
        return self.known.get((kind, name), self.rest.get(kind, ABSENT))

    def of(self, kind: Any) -> dict[Any, Any]:
        """Return what is known of one kind, by name."""
        return {name: value for (each, name), value in self.known.items() if each == kind}

    def fork(self) -> State:
        return State(dict(self.known), dict(self.rest), self.value)

    def merge(self, other: State, cause: Unknown) -> State:
        """Return the state after one of two paths that were forked from one state: what differs is unknown."""
        keys = {**self.known, **other.known}
        known = dict[tuple[Any, Any], Any]()
        for key in keys:
            left, right = self.get(*key), other.get(*key)
            known[key] = left if left is right else merge_values(left, right, cause)
        return State(known, {**other.rest, **self.rest}, merge_values(self.value, other.value, cause))

    def havoc(self, kind: Any, cause: Unknown) -> None:
        """Record that every name of a kind may be set or changed."""
        self.known.update({(kind, name): cause for name in self.of(kind)})
        self.rest.setdefault(kind, cause)

    def drop_frame(self, frame: int) -> None:
        """Forget the variables of a frame."""
        self.known = {key: one for key, one in self.known.items() if key[0] != frame}
        self.rest.pop(frame, None)


@dataclass(slots=True, repr=False)
class Unit:
    """One PHP file: its path, its source, its namespace, and its ``use`` names by kind: "", "function", "const"."""

    path: str
    source: bytes = b""
    namespace: str = ""
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass(slots=True, repr=False)
class Paths:
    """The part of the evaluator that follows paths. Steps are limited before the work is done."""

    environment: Environment
    config: Path
    abspath: Path | None
    unit: Unit
    trees: dict[bytes, Any]  # by source
    state: State = field(default_factory=State)
    frame: int = 0
    steps: int = 0
    depth: int = 0
    #: The decisions on the path that is followed, how many of them have been met, and paths to follow later.
    path: list[int] = field(default_factory=list)
    met: int = 0
    later: list[tuple[list[int], Unknown]] = field(default_factory=list)
    #: Why the program ends before WordPress is loaded, and the state in which it is loaded.
    ended: Unknown = field(default_factory=lambda: Unknown("the program ends before WordPress is loaded"))
    connected: State | None = None
    #: Variables to which there is a reference: they can change under another name.
    references: set[str] = field(default_factory=set)
    #: Whether there may be classes of the site's own.
    own_classes: bool = False

    def spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > _MAX_STEPS:
            raise EvaluationAborted(Unknown("the program is too long to be followed", self.unit.path, 1))

    def unknown(self, node: Any, what: str) -> Unknown:
        return Unknown(what, self.unit.path, line_of(node))

    def blind(self, node: Any, what: str) -> Unknown:
        """Record that code ran which cannot be followed, and which could set any name that is not set once for all."""
        cause = self.unknown(node, what)
        for kind in ("constant", "function", "file", "object"):
            self.state.rest.setdefault(kind, cause)
        for changing in (0, self.frame, "environment", "setting"):
            self.state.havoc(changing, cause)
        return cause

    def perhaps_leave(self, node: Any, cause: Unknown) -> None:
        """Record that code which is not followed may end with ``return`` and the like."""
        words = re.findall(rb"\b(return|goto|(?:break|continue)(?:\s+\d)?)\b", node.text.lower())
        for word in sorted({word.decode() for word in words}):
            if word not in ("return", "break", "continue"):
                raise EvaluationAborted(cause)
            if self.decide(cause):
                raise Leave(word, cause)

    def end(self, node: Any) -> Any:
        self.ended = self.unknown(node, "the program ends here, before WordPress is loaded")
        raise Leave("exit")

    def decide(self, cause: Unknown, count: int = 2) -> int:
        """Return which of a number of ways the program takes here; the others are followed later."""
        if self.met == len(self.path):
            self.later += [([*self.path, other], cause) for other in range(1, count)]
            self.path.append(0)
        self.met += 1
        return self.path[self.met - 1]

    def holds(self, value: Any) -> bool:
        """Return the truth of a value; if it is unknown both are followed."""
        answer = to_bool(value)
        return bool(self.decide(answer)) if isinstance(answer, Unknown) else answer

    def explore(self, body: Callable[[], Any], *words: str) -> Any:
        """Follow each path through a body and merge those that end alike; return the value at its end.

        What leaves the body by one of the words goes on behind it.
        """
        kept = self.unit, self.frame, self.depth
        outer, start, cause = (self.path, self.met, self.later), self.state, Unknown("the way that the program takes")
        later, ends = [(list[int](), cause)], dict[str, State]()
        while later:
            self.spend(len(start.known) >> 8)
            self.path, cause = later.pop()
            self.met, self.later, self.state, word = 0, later, start.fork(), ""
            try:
                self.state.value = body()
            except Leave as leave:
                word, self.state.value = "" if leave.word in words else leave.word, leave.value
                self.unit, self.frame, self.depth = kept
            self.spend(len(self.state.known) >> 5 if word in ends else 0)
            ends[word] = ends[word].merge(self.state, cause) if word in ends else self.state
        self.path, self.met, self.later = outer
        if len(ends) > 1:
            ends.pop("exit", None)
        word = sorted(ends)[self.decide(cause, len(ends)) if len(ends) > 1 else 0]
        self.state = ends[word]
        if word:
            raise Leave(word, self.state.value)
        return self.state.value
