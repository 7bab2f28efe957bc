"""A lint for a folder of migrations: numbers, versions, and whatever hurts on a live table.

No database is needed: the files are run with stand-ins that record the steps they ask for.

    for finding in check_migrations("migrations"):
        print(finding)
"""

from .check import check_migrations, record_migrations
from .findings import RULES, Finding

__all__ = ["RULES", "Finding", "check_migrations", "record_migrations"]
