"""A test kit for authors of migrations, loaded on demand: ``pytest_plugins = ["wch_peewee.testing"]``.

    def test_our_migrations(examine_migrations):
        assert_migrations_clean("migrations")
        examine_migrations("migrations")

The first says in a moment what ``wch check --migrations`` says. The second runs the folder twice, forward and back and
forward again, killed at every write, and two at once, on SQLite and on every server of WCH_TEST_SERVERS, in real
processes, and compares each end with that of an undisturbed run. ``python -m wch_peewee.testing`` does the same and
prints the table. Nothing of it is imported by ``import wch_peewee``, and only the plugin needs pytest.
(PYTEST_DONT_REWRITE: it may have been imported before pytest loads it.)
"""

from __future__ import annotations

from .examination import ExaminationFailed, assert_migrations_clean, examine
from .verdict import Verdict

__all__ = ["ExaminationFailed", "Verdict", "assert_migrations_clean", "examine"]

pytest_plugins = ["wch_peewee.testing.fixtures"]
