"""A test kit for authors of migrations: ``pytest_plugins = ["wch_peewee.testing"]`` or ``python -m ...``.

``assert_migrations_clean`` checks the files, like ``wch check --migrations``. ``examine``, and the fixture
``examine_migrations``, run the migrations on scratch databases: twice, forward and back, killed at every write, two at
once. Only the plugin needs pytest. (PYTEST_DONT_REWRITE: the package may be imported before pytest loads it.)
"""

from .examination import ExaminationFailed, Verdict, assert_migrations_clean, examine

__all__ = ["ExaminationFailed", "Verdict", "assert_migrations_clean", "examine"]

pytest_plugins = ["wch_peewee.testing.fixtures"]
