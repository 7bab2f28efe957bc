"""The whole of a database as a value, to compare before and after: tables as they print themselves, and all rows.

before = snapshot(database)
"""

from __future__ import annotations

import re
from typing import Any

from tests.databases import LiveDatabase


def snapshot(database: LiveDatabase, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every table but ``without``, with its definition and its rows in order."""
    names = [name for name in database.tables() if name not in without]
    return {name: (definition(database, name), rows(database, name)) for name in names}


def schema(database: LiveDatabase, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    return {name: definition(database, name) for name in database.tables() if name not in without}


def definition(database: LiveDatabase, table: str) -> str:
    """The table as the engine prints it, without the counter, which says nothing about the shape."""
    if database.family == "sqlite":
        texts = database.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL ORDER BY name", (table,)
        )
        return "\n".join(row[0] for row in texts)
    text = database.execute(f"SHOW CREATE TABLE `{table}`")[0][1]
    return re.sub(r" AUTO_INCREMENT=\d+", "", text)


def rows(database: LiveDatabase, table: str) -> list[tuple[Any, ...]]:
    quote = '"' if database.family == "sqlite" else "`"
    return sorted(database.execute(f"SELECT * FROM {quote}{table}{quote}"), key=repr)


def columns(database: LiveDatabase, table: str, names: str) -> list[tuple[Any, ...]]:
    return sorted(database.execute(f"SELECT {names} FROM {table}"), key=repr)
