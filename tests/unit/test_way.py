"""A call enters few files on its way to SQL; ``python -m tests.support.way --files NAME`` lists them."""

from __future__ import annotations

import pytest

from tests.support.way import CALLS, files_entered

LIMITS = {"activate": 36, "db_delta": 28, "plan": 42, "new": 60, "admin_init": 3}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_enters_few_files(name: str) -> None:
    files = files_entered(name)
    assert 0 < len(files) <= LIMITS[name], files
