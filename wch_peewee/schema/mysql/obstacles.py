"""What MySQL and MariaDB would refuse, or worse, do in part, said in words beforehand.

Some refusals would come from the server anyway, but only in the middle of a run, and MariaDB makes an index
over a prefix where the whole does not fit: as a unique one it then refuses good rows.

    obstacles(table, [AddIndex(table.name, index)])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..objects import Column, Table
from ..operations import AddIndex, ModifyColumn, Operation
from .algorithms import bytes_per_character

#: InnoDB's limit for the key of one index, in bytes
_LONGEST_KEY = 3072
_UNBOUNDED = {"tinytext", "text", "mediumtext", "longtext", "json", "tinyblob", "blob", "mediumblob", "longblob"}


def obstacles(table: Table, operations: Sequence[Operation]) -> tuple[str, ...]:
    return (*table.opaque, *(words for operation in operations for words in _against(table, operation)))


def _against(table: Table, operation: Operation) -> Iterator[str]:
    if isinstance(operation, ModifyColumn) and operation.column.type.values != operation.was.type.values:
        yield from _same_values(operation.column, operation.column.collation or table.collation or "")
    elif isinstance(operation, AddIndex):
        there = [column for name in operation.index.columns if (column := table.column(name))]
        length = sum(_length(table, column) for column in there)
        if length > _LONGEST_KEY:
            longest = max(there, key=lambda column: _length(table, column))
            yield f"{longest.name} is {longest.type}, too long for an index"


def _same_values(column: Column, collation: str) -> Iterator[str]:
    """An enum's values compare as its collation says: 'Sent' and 'sent' are one, and an error (1291) as two."""
    if collation.endswith("_bin"):
        return
    seen: dict[str, str] = {}
    for value in column.type.values:
        other = seen.setdefault(value.casefold(), value)
        if other != value:
            yield f"{value!r} is to the server the same as {other!r}"


def _length(table: Table, column: Column) -> int:
    if column.type.name in _UNBOUNDED:
        return _LONGEST_KEY + 1
    if column.type.name in ("varchar", "char"):
        return (column.type.size or 0) * bytes_per_character(column.collation or table.collation)
    return 8
