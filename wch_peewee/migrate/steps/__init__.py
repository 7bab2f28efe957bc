"""The steps that a migration is made of. Each looks at the live schema when it runs, and can be repeated.

They go into ``migrator.run(...)``, never into the body of ``migrate()``; only ``decide`` stands there. Tables are
named by their key ("messages" for ``wp_wch_messages``), indexes by their plain name; the prefix and the engine come
from the run.

    migrator.run(steps.add_column, database, "messages", Column("note", text(), nullable=True))

Under stock ``pw_migrate`` there is no run of ours: each step then takes the lock by itself.
"""

from __future__ import annotations

from ._part_special_stops import decide, irreversible
from ._part_special_versions import stamp, unstamp
from ._part_structure_foreign_keys import add_foreign_key, drop_foreign_key
from ._part_structure_indexes import add_index, drop_index, rename_index
from ._part_structure_tables import create_tables, drop_tables
from .special import run_python, run_sql
from .structure import add_column, alter_column, drop_column, rename_column

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
    "rename_column",
    "rename_index",
    "run_python",
    "run_sql",
    "stamp",
    "unstamp",
]
