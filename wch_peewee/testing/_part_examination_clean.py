"""Ahead of the examination, which takes a while: what can be said of migrations from their files alone.

def test_our_migrations_are_clean():
    assert_migrations_clean("migrations")
"""

from __future__ import annotations

from pathlib import Path

from ..authoring.lint import check_migrations


def assert_migrations_clean(folder: Path | str) -> None:
    """Fail with a line for each finding of ``wch check --migrations``; no database is needed.

    Raises AssertionError, and ConfigurationError where there are no migrations.
    """
    __tracebackhide__ = True
    if findings := check_migrations(folder):
        raise AssertionError("\n".join([f"the migrations of {folder} are not clean", *map(str, findings)]))
