"""docs/hosts.md names every example, and shows lines of them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.page_examples import blocks_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")
EXAMPLES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.py")}


def test_the_page_names_every_example() -> None:
    assert sorted(re.findall(r"\]\(\.\./examples/(\w+\.py)\)", PAGE)) == sorted(EXAMPLES)


def test_what_the_page_shows_stands_in_an_example() -> None:
    blocks = blocks_of(PAGE)
    assert {block.language for block in blocks} == {"python"}
    for block in blocks:
        assert any(block.text in text for text in EXAMPLES.values()), block.text
