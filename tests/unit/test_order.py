"""The list of long test files has only existing files, each once."""

from __future__ import annotations

from pathlib import Path

from tests.support.order import LONGEST

TESTS = Path(__file__).resolve().parents[1]


def test_every_long_file_is_there() -> None:
    assert len(set(LONGEST)) == len(LONGEST)
    assert set(LONGEST) <= {path.stem for path in TESTS.rglob("test_*.py")}
