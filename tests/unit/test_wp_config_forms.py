"""The forms of wp-config.php: each value is PHP's, or unknown if it cannot be known without running PHP.

The cases and PHP's answers are data in tests/wp_config, made by tests/support/php_answers.py.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.php_answers import NAMES, cases, copy_site, truth
from wch_peewee.wordpress.php.reader import read_config
from wch_peewee.wordpress.php.values import ABSENT, Unknown

CASES = cases()


def php(value: Any, site: str) -> Any:
    """Return a value of expected.json as the reader has it."""
    if isinstance(value, str):
        return value.replace("{site}", site).encode()
    if isinstance(value, dict):
        return base64.b64decode(value["base64"]) if "base64" in value else dict
    return value


def shown(value: Any) -> Any:
    """Return a value with its type, so that 1 is not true; an array is only an array."""
    return dict if isinstance(value, dict) else (type(value), value)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_value_is_phps_or_honestly_unknown(case: Path, tmp_path: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    config, wordpress = copy_site(case, tmp_path)
    reading = read_config(config, wordpress, expected["environment"])
    site = str(tmp_path.resolve() / "site")
    found = {**reading.constants, "table_prefix": reading.table_prefix}
    assert set(found) == {*NAMES, "table_prefix"}
    unknown = {name for name, value in found.items() if isinstance(value, Unknown)}
    assert unknown == set(expected["unknown"]), [str(found[name]) for name in unknown]
    known = {name: value for name, value in found.items() if name not in unknown and value is not ABSENT}
    wanted = {name: php(value, site) for name, value in expected["php"].items() if name not in unknown}
    assert {name: shown(value) for name, value in known.items()} == {
        name: shown(value) if value is not dict else dict for name, value in wanted.items()
    }


def test_there_are_enough_cases_and_few_unknowns() -> None:
    assert len(CASES) >= 60
    documents = [json.loads((case / "expected.json").read_text()) for case in CASES]
    assert sum(len(document["php"]) for document in documents) > 400
    assert sum(bool(document["unknown"]) for document in documents) < len(CASES) / 4


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed")
@pytest.mark.parametrize("case", CASES[::8], ids=lambda case: case.name)
def test_php_still_says_the_same(case: Path) -> None:
    assert truth(case) == json.loads((case / "expected.json").read_text())["php"]
