"""A call enters few files on its way to SQL; ``python -m tests.support.way --files NAME`` lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.way import CALLS, files_entered

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")

#: By call: the words of its row in docs/architecture.md.
ROWS = {
    "activate": "`activate` on an empty database",
    "db_delta": "`db_delta` that adds one column",
    "plan": "`wch plan` on an empty database",
    "new": "`wch new` that writes a migration",
    "admin_init": "`admin_init` with a current version, on an open connection",
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_enters_as_few_files_as_the_page_says(name: str) -> None:
    row = re.search(rf"^\| {re.escape(ROWS[name])} \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert row is not None
    said, limit = int(row[1]), int(row[2])
    files = files_entered(name)
    # Another version of SQLite or Python can save one, and must not add one.
    assert 0 < len(files) <= said <= limit, files
