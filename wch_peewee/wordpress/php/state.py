"""What a PHP program has set so far, and the meeting of two ways that it may have gone.

``state.fork()`` before each way, ``meet([one, other], cause)`` behind them: what differs is unknown from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .values import Unknown, join


@dataclass(slots=True)
class Scope:
    """Names and values; ``rest`` says that, and why, names which are not here may be set as well."""

    known: dict[Any, Any] = field(default_factory=dict)
    rest: Unknown | None = None

    def fork(self) -> Scope:
        return Scope(dict(self.known), self.rest)

    def havoc(self, cause: Unknown) -> None:
        """Anything may have been done to any of them."""
        self.known = {name: value if isinstance(value, Unknown) else cause for name, value in self.known.items()}
        self.rest = self.rest or cause

    def add(self, cause: Unknown) -> None:
        """Others may have been set; those that are there cannot have been changed."""
        self.rest = self.rest or cause


@dataclass(slots=True)
class Frame:
    """A function's variables; ``shared`` are those that ``global`` took in."""

    variables: Scope = field(default_factory=Scope)
    shared: dict[str, None] = field(default_factory=dict)

    def fork(self) -> Frame:
        return Frame(self.variables.fork(), dict(self.shared))


@dataclass(slots=True)
class State:
    """``constants`` once set stay; ``frames[0]`` is the global scope; ``environment`` is what the program set itself.

    ``settings`` are those that Bedrock's Config has collected and not yet made constants of.
    """

    constants: Scope = field(default_factory=Scope)
    functions: Scope = field(default_factory=Scope)
    environment: Scope = field(default_factory=Scope)
    settings: Scope = field(default_factory=Scope)
    included: Scope = field(default_factory=Scope)
    frames: list[Frame] = field(default_factory=lambda: [Frame()])

    @property
    def size(self) -> int:
        """How many names there are."""
        return len(self.constants.known) + sum(len(frame.variables.known) for frame in self.frames)

    def fork(self) -> State:
        return State(
            self.constants.fork(),
            self.functions.fork(),
            self.environment.fork(),
            self.settings.fork(),
            self.included.fork(),
            [frame.fork() for frame in self.frames],
        )

    def havoc(self, cause: Unknown, *, here: bool) -> None:
        """Code that nobody read has been run; ``here`` says that it could change the variables of this very scope."""
        self.constants.add(cause)
        self.functions.add(cause)
        self.included.add(cause)
        self.environment.havoc(cause)
        self.settings.havoc(cause)
        self.frames[0].variables.havoc(cause)
        if here:
            self.frames[-1].variables.havoc(cause)


_ABSENT = object()


def meet(states: Sequence[State], cause: Unknown) -> State:
    """Join states that two or more ways ended in; they have the same number of frames."""
    result = states[0]
    for other in states[1:]:
        result = State(
            _meet(result.constants, other.constants, cause),
            _meet(result.functions, other.functions, cause),
            _meet(result.environment, other.environment, cause),
            _meet(result.settings, other.settings, cause),
            _meet(result.included, other.included, cause),
            [_meet_frames(one, two, cause) for one, two in zip(result.frames, other.frames, strict=True)],
        )
    return result


def _meet_frames(left: Frame, right: Frame, cause: Unknown) -> Frame:
    variables = _meet(left.variables, right.variables, cause)
    for name in left.shared.keys() ^ right.shared.keys():
        variables.known[name] = cause
    shared = {name: None for name in left.shared if name in right.shared}
    if left.shared.keys() != right.shared.keys():
        variables.havoc(cause)
    return Frame(variables, shared)


def _meet(left: Scope, right: Scope, cause: Unknown) -> Scope:
    if left.known == right.known and left.rest == right.rest and not left.known:
        return left
    known = {}
    for name in (*left.known, *(name for name in right.known if name not in left.known)):
        one, other = left.known.get(name, _ABSENT), right.known.get(name, _ABSENT)
        known[name] = cause if one is _ABSENT or other is _ABSENT else join(one, other, cause)
    return Scope(known, left.rest or right.rest)
