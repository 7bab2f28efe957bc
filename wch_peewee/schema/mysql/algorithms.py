"""The algorithms that MySQL and MariaDB take for a change, as measured on MariaDB 10.11 and 11.8 and MySQL 9.7.

Parts of an ALTER that differ in cost all take the algorithm of the most expensive one, so they are kept apart.
"""

from dataclasses import replace

from ..objects import Column, ColumnType, Table
from ..operations import AddColumn, AddIndex, DropColumn, DropForeignKey, DropIndex, ModifyColumn, Operation
from ..statements import Effect, Size, Statement, Step

#: Cheapest first. METADATA stands for MySQL's INPLACE where it touches no row.
COSTS = ("INSTANT", "METADATA", "NOCOPY", "INPLACE", "COPY")

_BYTES = {"utf8mb4": 4, "utf8mb3": 3, "utf8": 3, "utf16": 4, "utf32": 4, "ucs2": 2}


def bytes_per_character(collation: str | None) -> int:
    """Return the largest number of bytes in a character, in the site's own charset if no collation is known."""
    return _BYTES.get((collation or "utf8mb4").split("_")[0], 1)


def highest_cost(costs: list[str]) -> str:
    return max(costs, key=COSTS.index)


def cost_of(flavor: str, table: Table, operation: Operation) -> str:
    """Return the cost of an operation on ``table``."""
    mariadb = flavor == "mariadb"
    if isinstance(operation, AddColumn | DropColumn) and _is_full_text(table):
        return "COPY"
    if isinstance(operation, AddColumn):
        column = operation.column
        if mariadb and operation.after != table.columns[-1].name and _is_virtual(table):
            return "COPY"
        plain = column.default is None or not column.default.is_expression or column.default.text == "current_timestamp"
        return "INSTANT" if not column.auto_increment and (mariadb or plain) else "COPY"
    if isinstance(operation, ModifyColumn):
        return _modify(flavor, table, operation.was, operation.column)
    if isinstance(operation, AddIndex):
        return "NOCOPY" if mariadb else "INPLACE"
    if isinstance(operation, DropIndex):
        return "NOCOPY" if mariadb else "METADATA"
    if isinstance(operation, DropForeignKey):
        return "INSTANT" if mariadb else "METADATA"
    if isinstance(operation, DropColumn) and any(operation.column in index.columns for index in table.indexes):
        return "NOCOPY" if mariadb else "INPLACE"
    return "INSTANT"


def _is_full_text(table: Table) -> bool:
    """Return True for tables that MySQL copies if a column is added or dropped, while MariaDB blocks writers."""
    return any("FULLTEXT" in word for index in table.indexes for word in index.opaque)


def _is_virtual(table: Table) -> bool:
    """Return True for tables that MariaDB copies if a column is added elsewhere than at the end."""
    return any(word.startswith("a virtual") for column in table.columns for word in column.opaque)


def _modify(flavor: str, table: Table, was: Column, now: Column) -> str:
    costs = ["INSTANT"]
    if was.type != now.type:
        costs.append(_retype(flavor, was.collation or table.collation, was.type, now.type))
    if was.nullable != now.nullable:
        costs.append("INPLACE")
    if was.auto_increment != now.auto_increment:
        costs.append("COPY")
    if was.collation != now.collation:
        costs.append(_recollate(flavor, table, was, now))
    return highest_cost(costs)


def _recollate(flavor: str, table: Table, was: Column, now: Column) -> str:
    before, after = ((column.collation or table.collation or "").split("_")[0] for column in (was, now))
    if before != after:
        return "COPY"
    if any(was.name in index.columns for index in table.indexes):
        return "NOCOPY" if flavor == "mariadb" else "COPY"
    return "INSTANT" if flavor == "mariadb" else "METADATA"


def _retype(flavor: str, collation: str | None, was: ColumnType, now: ColumnType) -> str:
    if was.name == now.name == "enum":
        appended = now.values[: len(was.values)] == was.values
        return "INSTANT" if appended and (len(now.values) < 256 or len(was.values) > 255) else "COPY"
    if was.name == now.name in ("varchar", "varbinary") and (was.size or 0) <= (now.size or 0):
        width = bytes_per_character(collation if was.family == "text" else "binary")
        # The length of a value takes one byte up to 255 bytes, and two above; to MariaDB, one up to 127 in either.
        least = 127 if flavor == "mariadb" else 0
        if least < (was.size or 0) * width <= 255 < (now.size or 0) * width:
            return "COPY"
        return "INSTANT" if flavor == "mariadb" else "METADATA"
    if was.name == now.name == "tinyint" and was.unsigned == now.unsigned:
        return "INSTANT"
    return "COPY"


_ALGORITHMS = {
    "mariadb": {name: f"ALGORITHM={name}, LOCK=NONE" for name in ("INSTANT", "NOCOPY", "INPLACE")},
    # MySQL takes no LOCK with INSTANT.
    "mysql": {"INSTANT": "ALGORITHM=INSTANT", "INPLACE": "ALGORITHM=INPLACE, LOCK=NONE"},
}


def copies_online(flavor: str, version: tuple[int, ...]) -> bool:
    """Return True if the server can copy a table without blocking writers: MariaDB from 11.2 on."""
    return flavor == "mariadb" and version >= (11, 2)


def with_algorithms(step: Step, flavor: str, version: tuple[int, ...], table: Table | None) -> Step:
    """Return the step with the algorithms of each ALTER, cheapest first, and those that copy the table."""
    if step.cost not in (*_ALGORITHMS["mariadb"], "COPY"):
        return step
    copying = tuple(f"ALGORITHM=COPY, LOCK={lock}" for lock in _copying_locks(step, flavor, version, table))

    def extended(statement: Statement) -> Statement:
        if not statement.table:
            return statement
        return replace(statement, algorithms=_from_cost(flavor, step.cost), copying=copying)

    return replace(step, statements=tuple(map(extended, step.statements)), undo=tuple(map(extended, step.undo)))


#: Bytes of a table and its indexes per second, as measured on busy machines: read for an index, and written anew.
_INDEX_RATE, _COPY_RATE = 32 * 2**20, 10 * 2**20


def effect_of(step: Step, flavor: str, size: Size | None, *, on_cluster: bool) -> Effect:
    """Return the impact of a step, with an estimate of its time if it takes a second or more.

    A Galera cluster does the step on all nodes at once, whatever lock it names.
    """
    effect = _locking_effect(step, flavor)
    if not step.reads_rows:
        ends = "but rolls back open transactions on the table"
        alters = on_cluster and step.cost in _ALGORITHMS["mariadb"]
        return replace(effect, words=f"{effect.words}, {ends}") if alters else effect
    rate = _INDEX_RATE if all(isinstance(operation, AddIndex) for operation in step.operations) else _COPY_RATE
    seconds = 0 if size is None else size.bytes / rate
    span = "1 second" if round(seconds) == 1 else f"{seconds:,.0f} seconds"
    about = f"about {span} (an estimate, at {rate // 2**20} MiB a second)"
    if not on_cluster:
        return replace(effect, words=f"{effect.words}; takes {about}") if seconds >= 1 else effect
    long = "until it is done" if size is None else about if seconds >= 1 else "for less than a second (an estimate)"
    return replace(effect, words=f"blocks all writes to the cluster, on every table and node, {long}; readers continue")


def _locking_effect(step: Step, flavor: str) -> Effect:
    """Return the locking impact of a step on concurrent readers and writers."""
    if step.cost in ("CREATE", "DROP"):
        return Effect(step.cost, "", "blocks nobody")
    if step.cost == "COPY":
        locks = [clause.rpartition("=")[2] for statement in step.statements for clause in statement.copying[:1]]
        lock = locks[0] if locks else "SHARED"
        if lock == "NONE":
            return Effect("COPY", lock, "copies the table; blocks nobody")
        return Effect("COPY", lock, "copies the table; blocks writers until it is done")
    if step.cost == "INSTANT":
        return Effect("INSTANT", "" if flavor == "mysql" else "NONE", "metadata only; blocks nobody")
    return Effect(step.cost, "NONE", "blocks nobody")


def _from_cost(flavor: str, cost: str) -> tuple[str, ...]:
    """Return the clauses for the algorithm of that cost and for those above it."""
    clauses = _ALGORITHMS[flavor]
    return tuple(clauses.values())[list(clauses).index(cost) :] if cost in clauses else ()


def _copying_locks(step: Step, flavor: str, version: tuple[int, ...], table: Table | None) -> tuple[str, ...]:
    """Return the locks of a copy, the weakest first. AUTO_INCREMENT and cascading keys rule out an online copy."""
    if not copies_online(flavor, version) or table is None:
        return ("SHARED",)
    counts = any(
        isinstance(operation, ModifyColumn) and operation.column.auto_increment for operation in step.operations
    )
    rules = {rule for key in table.foreign_keys for rule in (key.on_delete, key.on_update)}
    return ("SHARED",) if counts or rules - {"NO ACTION", "RESTRICT"} else ("NONE", "SHARED")
