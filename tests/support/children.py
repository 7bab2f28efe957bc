"""Actions in child processes of the test kit, to their end or killed on the way."""

from __future__ import annotations

from collections.abc import Callable

from wch_peewee.testing.child import Child, Ending, Point, Write


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
