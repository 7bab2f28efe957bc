"""State of a PHP evaluation: variables, constants and the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .values import Unknown, merge_values


@dataclass(slots=True)
class Scope:
    """Names and values; ``rest``, unless None, is the reason why unlisted names may be set as well."""

    known: dict[Any, Any] = field(default_factory=dict)
    rest: Unknown | None = None

    def fork(self) -> Scope:
        return Scope(dict(self.known), self.rest)

    def havoc(self, cause: Unknown) -> None:
        """Mark every name as possibly changed."""
        self.known = {name: value if isinstance(value, Unknown) else cause for name, value in self.known.items()}
        self.rest = self.rest or cause

    def add_unknown(self, cause: Unknown) -> None:
        """Record that unlisted names may be set; the listed ones are unchanged."""
        self.rest = self.rest or cause


@dataclass(slots=True)
class Frame:
    """A function's variables; ``shared`` are those of its ``global`` statements."""

    variables: Scope = field(default_factory=Scope)
    shared: dict[str, None] = field(default_factory=dict)

    def fork(self) -> Frame:
        return Frame(self.variables.fork(), dict(self.shared))


@dataclass(slots=True)
class ProgramState:
    """The state of the program: constants, variables by frame, environment.

    ``constants`` never change once set; ``frames[0]`` is the global scope; ``environment`` is what the program has set;
    ``settings`` are those that Bedrock's Config has collected and not yet defined as constants.
    """

    constants: Scope = field(default_factory=Scope)
    functions: Scope = field(default_factory=Scope)
    environment: Scope = field(default_factory=Scope)
    settings: Scope = field(default_factory=Scope)
    included: Scope = field(default_factory=Scope)
    frames: list[Frame] = field(default_factory=lambda: [Frame()])

    @property
    def size(self) -> int:
        """The number of names."""
        return len(self.constants.known) + sum(len(frame.variables.known) for frame in self.frames)

    def fork(self) -> ProgramState:
        return ProgramState(
            self.constants.fork(),
            self.functions.fork(),
            self.environment.fork(),
            self.settings.fork(),
            self.included.fork(),
            [frame.fork() for frame in self.frames],
        )

    def havoc(self, cause: Unknown, *, local: bool) -> None:
        """Record that unreadable code was run, which with ``local`` could change this scope's variables."""
        self.constants.add_unknown(cause)
        self.functions.add_unknown(cause)
        self.included.add_unknown(cause)
        self.environment.havoc(cause)
        self.settings.havoc(cause)
        self.frames[0].variables.havoc(cause)
        if local:
            self.frames[-1].variables.havoc(cause)


def merge_states(states: Sequence[ProgramState], cause: Unknown) -> ProgramState:
    """Merge the states at the ends of paths that were forked from one state: what differs becomes unknown."""
    result = states[0]
    for other in states[1:]:
        result = ProgramState(
            _merge_scopes(result.constants, other.constants, cause),
            _merge_scopes(result.functions, other.functions, cause),
            _merge_scopes(result.environment, other.environment, cause),
            _merge_scopes(result.settings, other.settings, cause),
            _merge_scopes(result.included, other.included, cause),
            [_merge_frames(one, two, cause) for one, two in zip(result.frames, other.frames, strict=True)],
        )
    return result


def _merge_frames(left: Frame, right: Frame, cause: Unknown) -> Frame:
    variables = _merge_scopes(left.variables, right.variables, cause)
    for name in left.shared.keys() ^ right.shared.keys():
        variables.known[name] = cause
    shared = {name: None for name in left.shared if name in right.shared}
    if left.shared.keys() != right.shared.keys():
        variables.havoc(cause)
    return Frame(variables, shared)


def _merge_scopes(left: Scope, right: Scope, cause: Unknown) -> Scope:
    if left.known == right.known and left.rest == right.rest and not left.known:
        return left
    known = {}
    for name in (*left.known, *(name for name in right.known if name not in left.known)):
        in_both = name in left.known and name in right.known
        known[name] = merge_values(left.known[name], right.known[name], cause) if in_both else cause
    return Scope(known, left.rest or right.rest)


_REQUEST = re.compile(
    r"(HTTP_|REQUEST_|SERVER_|REMOTE_|SCRIPT_|DOCUMENT_|QUERY_|PATH_|CONTENT_|GATEWAY_|REDIRECT_|ORIG_|SSL_|AUTH_|"
    r"PHP_|FCGI_|CF_|GEOIP_|CONTEXT_).*|HTTPS|argv|argc|USER|HOME|PATH|PWD|OLDPWD|SHELL|SHLVL|LANG|LC_.*|TERM|LOGNAME|"
    r"HOSTNAME|TMPDIR|TMP|TEMP|TZ|_|UNIQUE_ID|SUDO_.*|SSH_.*|EDITOR|MAIL|DISPLAY"
)


@dataclass(slots=True)
class Environment:
    """The environment variables that PHP sees, inferred from this process's.

    ``variables`` are this process's. One that is set counts as PHP's. One that is not set counts as not set only if
    another one that the file reads is set (``complete``); otherwise, as outside the container or the web server, it is
    unknown. What every process has, and what a web request brings, is always unknown.
    """

    variables: Mapping[str, str]
    complete: bool = False
    #: The names that the file reads and that are set.
    found: set[str] = field(default_factory=set)

    def get(self, name: bytes, what: str) -> bytes | Unknown | None:
        """Return the value as PHP would have it, or None. ``what`` is how the file reads it, for messages."""
        key = os.fsdecode(name)
        if "\0" in key:
            return Unknown(f"{what}, which no variable can be called")
        if _REQUEST.fullmatch(key):
            return Unknown(f"{what}, which only PHP's own process or request knows")
        if key in self.variables:
            self.found.add(key)
            return os.fsencode(self.variables[key])
        return None if self.complete else Unknown(f"{what}, which is not set here and may be for PHP")
