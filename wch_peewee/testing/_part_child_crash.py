"""Kill a run with SIGKILL at its k-th write, in a process of its own, or let it come to its end there.

run_killed(lambda: manager.run_migrations(), KillPoint(3, "after"))
"""

from __future__ import annotations

from collections.abc import Callable

from .child import Child
from .writes import Point, Write

#: Before, during or after the write with this number, counted from 1.
KillPoint = Point


class ActionFailed(Exception):
    """The child ended with an error of its own; the message is its traceback."""


def run_to_end(action: Callable[[], object]) -> tuple[Write, ...]:
    """Run ``action`` in a child; return its writes. Raises ActionFailed."""
    with Child(action) as child:
        ending = child.end()
    if ending.failure is not None:
        raise ActionFailed(ending.failure.trace or str(ending.failure))
    return ending.writes


def run_killed(action: Callable[[], object], point: Point) -> bool:
    """Run ``action`` in a child that is killed at ``point``; False when it ended before it got there."""
    with Child(action, kill=point) as child:
        ending = child.end()
    if ending.failure is not None:
        raise ActionFailed(ending.failure.trace or str(ending.failure))
    return ending.killed
