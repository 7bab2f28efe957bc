"""Tools that copy a table beside its users, for changes that a server makes only by copying it itself.

    copier = find_copier("pt-online-schema-change", database)
    DatabaseManager(database, copies=CopyRule(copier=copier)).install()

They are installed by whoever runs the server. Both copy rows with INSERT IGNORE, which drops or cuts what does not fit
without a word; so the rows are counted first, and nothing is begun while one stands against the change.
"""

from __future__ import annotations

from .run import TOOLS, find_copier

__all__ = ["TOOLS", "find_copier"]
