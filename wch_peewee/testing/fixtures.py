"""The pytest plugin: the fixture ``examine_migrations``, and the verdicts at the end of the session's output.

    def test_our_migrations(examine_migrations):
        examine_migrations("migrations", populate=fill)

PYTEST_DONT_REWRITE: there are no assertions here to explain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .examination import examine
from .verdict import Verdict

_VERDICTS = pytest.StashKey[list[tuple[str, Verdict]]]()


@pytest.fixture
def examine_migrations(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """Examine a folder of migrations; takes what ``wch_peewee.testing.examine`` takes, and returns its Verdict."""

    def examined(*arguments: Any, **options: Any) -> Verdict:
        __tracebackhide__ = True
        verdict = examine(*arguments, **options)
        request.config.stash.setdefault(_VERDICTS, []).append((request.node.nodeid, verdict))
        return verdict

    return examined


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for test, verdict in config.stash.get(_VERDICTS, []):
        terminalreporter.section(f"examined by {test}", sep="-")
        terminalreporter.line(str(verdict))
