"""The pytest plugin: the fixture ``examine_migrations``, and the verdicts in the summary. PYTEST_DONT_REWRITE"""

from collections.abc import Callable
from typing import Any

import pytest

from .examination import Verdict, examine

_VERDICTS = pytest.StashKey[list[tuple[str, Verdict]]]()


@pytest.fixture
def examine_migrations(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """Return ``wch_peewee.testing.examine``, whose verdicts are then shown in pytest's summary."""

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
