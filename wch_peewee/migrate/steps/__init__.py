"""The steps that a migration is made of. Each inspects the live schema when it runs, and can be repeated.

    migrator.run(steps.add_column, database, "messages", Column("note", text(), nullable=True))

Steps go into ``migrator.run(...)``, never into the body of ``migrate()``; only ``decide`` stands there. Tables are
named by their key ("messages" for ``wp_wch_messages``), indexes by their plain name; prefix and engine come from the
run. Under stock ``pw_migrate`` there is no run of ours: each step then takes the lock itself.
"""

from __future__ import annotations

from .special import decide, irreversible, run_python, run_sql, stamp, unstamp
from .structure import (
    add_column,
    add_foreign_key,
    add_index,
    alter_column,
    create_tables,
    drop_column,
    drop_foreign_key,
    drop_index,
    drop_tables,
    keep_column,
    rename_column,
    rename_index,
)

__all__ = [
    "add_column",
    "add_foreign_key",
    "add_index",
    "alter_column",
    "create_tables",
    "decide",
    "drop_column",
    "drop_foreign_key",
    "drop_index",
    "drop_tables",
    "irreversible",
    "keep_column",
    "rename_column",
    "rename_index",
    "run_python",
    "run_sql",
    "stamp",
    "unstamp",
]
