"""The forms of wp-config.php: each value is PHP's, or unknown if it cannot be known without running PHP.

The cases and PHP's answers are data in tests/wp_config, made by tests/support/php_answers.py.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support.php_answers import CASES, NAMES, cases, copy_site, truth
from tests.support.wp_config_numbers import numbers_of, saved, shown, values_of
from wch_peewee.wordpress.php.reader import read_config
from wch_peewee.wordpress.php.values import ABSENT, Unknown

needs_php = pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_each_value_is_phps_or_honestly_unknown(case: Path, tmp_path: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    config, wordpress = copy_site(case, tmp_path)
    found = values_of(read_config(config, wordpress, expected["environment"]))
    site = str(tmp_path.resolve() / "site")
    assert set(found) == {*NAMES, "table_prefix"}
    unknown = {name for name, value in found.items() if isinstance(value, Unknown)}
    assert unknown == set(expected["unknown"]), [str(found[name]) for name in unknown]
    known = {name: value for name, value in found.items() if name not in unknown and value is not ABSENT}
    wanted = {name: saved(value, site) for name, value in expected["php"].items() if name not in unknown}
    assert {name: shown(value) for name, value in known.items()} == {
        name: shown(value) for name, value in wanted.items()
    }


def test_most_values_are_known_and_none_is_wrong() -> None:
    every = list(numbers_of(CASES))
    assert len(every) >= 100
    assert {one.case: one.wrong for one in every if one.wrong} == {}
    assert sum(len(one.known) for one in every) >= 540


@needs_php
@pytest.mark.skipif(not os.environ.get("WCH_TEST_WP_CONFIG_CASES"), reason="WCH_TEST_WP_CONFIG_CASES names no folder")
def test_no_value_of_other_cases_is_wrong() -> None:
    every = list(numbers_of(Path(os.environ["WCH_TEST_WP_CONFIG_CASES"])))
    assert every
    assert {one.case: one.wrong for one in every if one.wrong} == {}


@needs_php
@pytest.mark.parametrize("case", cases()[::8], ids=lambda case: case.name)
def test_php_still_says_the_same(case: Path) -> None:
    assert truth(case) == json.loads((case / "expected.json").read_text())["php"]
