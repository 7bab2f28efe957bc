"""docs/next-migration.md shows what really happens, except for sizes and times, which are those of a larger table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.engines import Engine
from tests.support.worked_example import make

PAGE = Path(__file__).parents[2] / "docs" / "next-migration.md"
#: Fewer than on the page.
ROWS = 3_000


def test_the_page_is_what_is_made(engines: list[Engine]) -> None:
    if all(engine.family == "sqlite" for engine in engines):
        pytest.skip("it is about servers")
    told, made = (masked(text) for text in (PAGE.read_text(encoding="utf-8"), make(ROWS, engines)))
    same_servers = heading(told) == heading(made)
    parts = slice(None) if same_servers else slice(0, 4)
    assert sections(made)[parts] == sections(told)[parts]


def masked(text: str) -> str:
    """Return the text with one word for each size, time and version of SQLite, and without a server's last number.

    Nor has it the numbers of the lines in the difference: git finds a place that has moved.
    """
    text = re.sub(r"about [\d,]+ rows, [\d,.]+ [KMG]iB", "SIZE", text)
    text = re.sub(r"\d+\.\d\d s\b", "SECONDS", text)
    text = re.sub(r"(with|With) [\d,]+ messages|--rows \d+", "ROWS", text)
    text = re.sub(r"@@ -\d+,\d+ \+\d+,\d+ @@.*", "LINES", text)
    text = re.sub(r"SQLite \d+(\.\d+)+", "SQLite", text)
    return re.sub(r"((?:MariaDB|MySQL) \d+\.\d+)\.\d+", r"\1", text)


def heading(text: str) -> str:
    return next((line for line in text.splitlines() if line.startswith("| step")), "")


def sections(text: str) -> list[str]:
    return re.split(r"(?m)^## ", text)
