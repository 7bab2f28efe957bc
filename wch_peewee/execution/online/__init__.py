"""Online schema change tools, for changes that a server makes only by copying the table.

    copier = find_copier("pt-online-schema-change", database)
    DatabaseManager(database, copies=CopyRule(copier=copier)).install()

Both copy rows with INSERT IGNORE, which silently drops or cuts what does not fit, so conflicting rows are counted
first, and nothing is started if there are any.
"""

from .run import TOOLS, find_copier

__all__ = ["TOOLS", "find_copier"]
