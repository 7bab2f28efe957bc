"""Killed anywhere: the end is always that of an undisturbed run.

With --slow at every point of every run, and the test kit's other scenarios, too; a part of the points, spread over
the whole run, without. ``python -m tests.support.convergence`` prints the table of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import kit_cases as cases
from tests.support.databases import LiveDatabase
from wch_peewee.testing.scenarios import SCENARIOS, Scenario

LONG = ("forward, back and forward again", "two at once")
SHORT = tuple(scenario for scenario in SCENARIOS if scenario.name not in LONG)
CHOSEN = [pytest.param(one, marks=pytest.mark.slow if one.name in LONG else (), id=one.name) for one in SCENARIOS]


@pytest.fixture
def effort(pytestconfig: pytest.Config) -> dict[str, Any]:
    return {} if pytestconfig.getoption("--slow") else {"every": 29, "scenarios": SHORT}


@pytest.mark.parametrize("case", [cases.install(), cases.shipped(), cases.repair()], ids=lambda case: case.name)
def test_every_end_is_that_of_an_undisturbed_run(
    database: LiveDatabase, effort: dict[str, Any], case: cases.Case
) -> None:
    verdict = case.examine(database, **effort)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize("scenario", CHOSEN)
def test_the_chain(database: LiveDatabase, chain: Path, effort: dict[str, Any], scenario: Scenario) -> None:
    verdict = cases.chain(chain).examine(database, **{**effort, "scenarios": [scenario]})
    assert verdict.ok, str(verdict)
