"""Names and numbers: every migration is found, each number is there once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .findings import Finding
from .source import Source

_NAME = re.compile(r"[0-9]{3}_[A-Za-z0-9_]+")
_NO_MIGRATIONS = {"conf", "__init__"}


def is_migration(path: Path) -> bool:
    """Tell whether the file has a migration's name."""
    return _NAME.fullmatch(path.stem) is not None


def misnamed(others: Sequence[Source], numbers: Sequence[Source]) -> Iterator[Finding]:
    """Find files that mean to be migrations and are called otherwise."""
    taken = [source.name for source in numbers]
    for source in others:
        numbered = source.name[:1].isdigit()
        if source.name not in _NO_MIGRATIONS and (numbered or source.function("migrate") is not None):
            found = "that is no name of a migration, and peewee-migrate passes over it in silence"
            yield Finding(source.path, 1, "name", found, f"rename it to {_proposal(source.name, taken)}.py")


def misnumbered(sources: Sequence[Source]) -> Iterator[Finding]:
    """Find gaps and duplicates; two branches that each add a migration make the latter when they are merged."""
    expected, last = 1, ""
    for source in sources:
        number = int(source.name[:3])
        if number < expected and last[:3] == source.name[:3]:
            found = f"{last} has the number {number:03}, too"
            advice = f"give the later one the next number, {_next(s.name for s in sources):03}"
            yield Finding(source.path, 1, "duplicate", found, advice)
        elif number > expected:
            missing = f"{expected:03}" if number - expected == 1 else f"{expected:03} to {number - 1:03}"
            found = f"there is no migration {missing} before it"
            yield Finding(source.path, 1, "gap", found, f"put it back, or call this one {expected:03}{source.name[3:]}")
        expected, last = max(expected, number + 1), source.name


def _next(names: Iterator[str]) -> int:
    return max((int(name[:3]) for name in names), default=0) + 1


def _proposal(name: str, taken: Sequence[str]) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", name.lstrip("0123456789")).strip("_") or "words"
    digits = re.match(r"[0-9]*", name)
    number = int(digits[0]) if digits and digits[0] else 0
    if not 0 < number < 1000 or any(int(other[:3]) == number for other in taken):
        number = _next(iter(taken))
    return f"{number:03}_{words}"
