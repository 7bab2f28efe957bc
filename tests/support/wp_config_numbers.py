"""How many values of wp-config.php files the reader knows, and whether PHP gives the same.

    python -m tests.support.wp_config_numbers            the cases of tests/wp_config, with PHP's answers saved there
    python -m tests.support.wp_config_numbers FOLDER     other files; PHP itself is asked

In a folder of other files a case is a folder with ``site/`` and ``case.json`` (``environment``: what PHP sees), or a
single ``.php`` file. The tests read such a folder if WCH_TEST_WP_CONFIG_CASES names it.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.php_answers import CASES, cases, copy_site, name_dotenv
from wch_peewee.wordpress.find import find_site
from wch_peewee.wordpress.php.interpreter import ask_php
from wch_peewee.wordpress.php.reader import ConfigValues, read_config
from wch_peewee.wordpress.php.values import ABSENT, Unknown


@dataclass(frozen=True)
class Numbers:
    """The names of a case's values: known as PHP has them, known otherwise than PHP (wrong), and unknown."""

    case: str
    known: frozenset[str]
    wrong: frozenset[str]
    unknown: dict[str, Unknown]


def shown(value: Any) -> Any:
    """Return a value with its type, so that 1 is not true; an array is only an array."""
    return dict if isinstance(value, dict) or value is dict else (type(value), value)


def values_of(reading: ConfigValues) -> dict[str, Any]:
    return {**reading.constants, "table_prefix": reading.table_prefix}


def saved(value: Any, site: str) -> Any:
    """Return a value of expected.json as the reader has it."""
    if isinstance(value, str):
        return value.replace("{site}", site).encode()
    if isinstance(value, dict):
        return base64.b64decode(value["base64"]) if "base64" in value else dict
    return value


def compared(name: str, reading: ConfigValues, wanted: dict[str, Any]) -> Numbers:
    found = values_of(reading)
    unknown = {key: value for key, value in found.items() if isinstance(value, Unknown)}
    doubtful = {key for key, value in wanted.items() if isinstance(value, Unknown)}
    wrong = {
        key
        for key, value in found.items()
        if key not in unknown and key not in doubtful and shown(value) != shown(wanted.get(key, ABSENT))
    }
    known = {key for key, value in wanted.items() if value is not ABSENT} - wrong - doubtful - unknown.keys()
    return Numbers(name, frozenset(known), frozenset(wrong), unknown)


def own_numbers(case: Path) -> Numbers:
    """Return the numbers of a case in tests/wp_config."""
    document = json.loads((case / "expected.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        config, wordpress = copy_site(case, Path(folder).resolve())
        reading = read_config(config, wordpress, document["environment"])
        site = f"{Path(folder).resolve()}/site"
        return compared(case.name, reading, {name: saved(value, site) for name, value in document["php"].items()})


def other_numbers(case: Path) -> Numbers:
    """Return the numbers of a case in another folder, by asking PHP."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder).resolve() / "site"
        site.mkdir()
        environment: dict[str, str] = {}
        if case.is_dir():
            environment = json.loads((case / "case.json").read_text())["environment"]
            shutil.copytree(case / "site", site, dirs_exist_ok=True)
            name_dotenv(site)
        else:
            shutil.copy(case, site / "wp-config.php")
        config = min(site.rglob("wp-config.php"), key=lambda path: len(path.parts))
        location = find_site(config)
        reading = read_config(location.config, location.abspath, environment)
        wanted = values_of(ask_php("php", location.config, location.abspath, environment))
        # Where PHP does not come to WordPress, its values mean nothing.
        reached = wanted["DB_NAME"] is not ABSENT
        return compared(case.name, reading, wanted if reached else dict.fromkeys(wanted, Unknown("PHP stops before")))


def numbers_of(folder: Path) -> Iterator[Numbers]:
    if folder == CASES:
        yield from map(own_numbers, cases())
    else:
        yield from map(
            other_numbers, sorted(path for path in folder.iterdir() if path.is_dir() or path.suffix == ".php")
        )


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CASES
    every = list(numbers_of(folder))
    for one in every:
        causes = "; ".join(sorted({str(value) for value in one.unknown.values()}))
        left = f", wrong: {', '.join(sorted(one.wrong))}" if one.wrong else ""
        left += f", unknown: {', '.join(sorted(one.unknown))} ({causes})" if one.unknown else ""
        sys.stdout.write(f"{one.case}: {len(one.known)} known{left}\n")
    known, wrong = sum(len(one.known) for one in every), sum(len(one.wrong) for one in every)
    sys.stdout.write(f"{len(every)} cases: {known} values known, {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
