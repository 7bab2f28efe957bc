"""Which algorithm MySQL and MariaDB take for a change, in their own words.

Measured on MariaDB 10.11 and 11.8 and MySQL 9.7. The server picks the cheapest algorithm by itself;
this is for grouping, because parts of different cost in one ALTER all pay for the dearest, and for plans.
"""

from __future__ import annotations

from ..objects import Column, ColumnType, Table
from ..operations import AddColumn, AddIndex, DropColumn, DropForeignKey, DropIndex, ModifyColumn, Operation

#: Cheapest first. METADATA is MySQL's INPLACE that touches no row.
COSTS = ("INSTANT", "METADATA", "NOCOPY", "INPLACE", "COPY")

_BYTES = {"utf8mb4": 4, "utf8mb3": 3, "utf8": 3, "utf16": 4, "utf32": 4, "ucs2": 2}


def bytes_per_character(collation: str | None) -> int:
    """Say how many bytes a character may take; in the site's own charset where no collation is known."""
    return _BYTES.get((collation or "utf8mb4").split("_")[0], 1)


def dearest(costs: list[str]) -> str:
    return max(costs, key=COSTS.index)


def cost(flavor: str, table: Table, operation: Operation) -> str:
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
    """With such an index MySQL copies for a column more or less, and MariaDB has writers wait, too."""
    return any("FULLTEXT" in word for index in table.indexes for word in index.opaque)


def _is_virtual(table: Table) -> bool:
    """Beside a virtual column MariaDB puts a new one at the end at once, and elsewhere by a copy."""
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
    return dearest(costs)


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
    if was.name == now.name == "varchar" and (was.size or 0) <= (now.size or 0):
        width = bytes_per_character(collation)
        # The length takes one byte up to 255 bytes and two beyond.
        crosses = (was.size or 0) * width <= 255 < (now.size or 0) * width
        return "COPY" if crosses else "INSTANT" if flavor == "mariadb" else "METADATA"
    if was.name == now.name == "tinyint" and was.unsigned == now.unsigned:
        return "INSTANT"
    return "COPY"
