"""The doctor: looks at a database and says what would keep an installation from working, and what to do.

It reads only, and makes not even the SQLite file that is not there yet. Whether the tables are
installed is not its business; that is ``DatabaseManager.status()``.

    for finding in diagnose(DatabaseManager("sqlite:///wch.db")):
        print(finding.state, finding.name, finding.found, finding.advice)
"""

from __future__ import annotations

from .diagnose import diagnose
from .finding import Finding, State

__all__ = ["Finding", "State", "diagnose"]
