"""The table of docs/cluster-runs.md is that of the command that makes it, and each of its scenarios has tests."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.clusters import SCENARIOS

ROOT = Path(__file__).parents[2]


def test_the_page_has_the_command_s_rows() -> None:
    page = (ROOT / "docs/cluster-runs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| [^|]+ \| [1-9]\d* \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(scenario.tried, scenario.held) for scenario in SCENARIOS]


def test_each_scenario_has_tests() -> None:
    for scenario in SCENARIOS:
        text = (ROOT / f"tests/integration/{scenario.file}.py").read_text(encoding="utf-8")
        for name in scenario.tests:
            assert f"def {name.partition('[')[0]}" in text or name == "test_", name
