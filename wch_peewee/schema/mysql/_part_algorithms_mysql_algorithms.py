"""Asking for an algorithm by name, so that MySQL and MariaDB refuse an ALTER rather than copy the table unasked.

A server takes the cheapest algorithm by itself, and copies, with every writer waiting, where it has no cheaper one.
Named, an algorithm that does not do is an error (1845, 1846, on MySQL 4092), and the next one is tried. Measured on
MariaDB 10.11 and 11.8 and MySQL 9.7; MySQL takes no LOCK beside INSTANT (error 1221) and knows no NOCOPY.

    online(step, "mariadb", (11, 8), table).statements[0].algorithms
"""

from __future__ import annotations

from dataclasses import replace

from ..objects import Table
from ..operations import ModifyColumn
from ..statements import Effect, Statement, Step

_LADDERS = {
    "mariadb": {"INSTANT": "ALGORITHM=INSTANT", "NOCOPY": "ALGORITHM=NOCOPY", "INPLACE": "ALGORITHM=INPLACE"},
    "mysql": {"INSTANT": "ALGORITHM=INSTANT", "INPLACE": "ALGORITHM=INPLACE"},
}
#: The first MariaDB that copies a table while others write to it.
COPIES_ONLINE = (11, 2)


def online(step: Step, flavor: str, version: tuple[int, ...], table: Table | None) -> Step:
    """Give each ALTER of ``step`` its algorithms, cheapest first, and how it is copied when none of them does."""
    if step.cost not in (*_LADDERS["mariadb"], "COPY"):
        return step
    copying = tuple(f"ALGORITHM=COPY, LOCK={lock}" for lock in _copying_locks(step, flavor, version, table))

    def named(statement: Statement) -> Statement:
        if not statement.table:
            return statement
        return replace(statement, algorithms=_ladder(flavor, step.cost), copying=copying)

    return replace(step, statements=tuple(map(named, step.statements)), undo=tuple(map(named, step.undo)))


def effect(step: Step, flavor: str) -> Effect:
    """Say what a step means for those who use the table meanwhile."""
    if step.cost in ("CREATE", "DROP"):
        return Effect(step.cost, "", "nobody waits")
    if step.cost == "COPY":
        locks = [clause.rpartition("=")[2] for statement in step.statements for clause in statement.copying[:1]]
        lock = locks[0] if locks else "SHARED"
        if lock == "NONE":
            return Effect("COPY", lock, "the table is copied; readers and writers go on")
        return Effect("COPY", lock, "the table is copied; readers go on, writers wait until it is done")
    if step.cost == "INSTANT":
        return Effect("INSTANT", "" if flavor == "mysql" else "NONE", "no row is touched; nobody waits")
    return Effect(step.cost, "NONE", "readers and writers go on")


def _ladder(flavor: str, cost: str) -> tuple[str, ...]:
    rungs = _LADDERS[flavor]
    if cost not in rungs:
        return ()
    names = list(rungs)[list(rungs).index(cost) :]
    return tuple(
        rungs[name] if name == "INSTANT" and flavor == "mysql" else f"{rungs[name]}, LOCK=NONE" for name in names
    )


def _copying_locks(step: Step, flavor: str, version: tuple[int, ...], table: Table | None) -> tuple[str, ...]:
    """MariaDB copies beside writers from 11.2 on, but not to count, and no table whose key passes changes on."""
    if flavor != "mariadb" or version < COPIES_ONLINE or table is None:
        return ("SHARED",)
    counts = any(
        isinstance(operation, ModifyColumn) and operation.column.auto_increment for operation in step.operations
    )
    rules = {rule for key in table.foreign_keys for rule in (key.on_delete, key.on_update)}
    return ("SHARED",) if counts or rules - {"NO ACTION", "RESTRICT"} else ("NONE", "SHARED")
