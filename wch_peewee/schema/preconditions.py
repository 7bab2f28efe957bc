"""The conditions that a change puts on existing rows. One holds if the number of conflicting rows is zero."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .base import BaseDialect, Query
from .objects import Column, ColumnType, ForeignKey
from .operations import AddColumn, AddForeignKey, AddIndex, DropColumn, ModifyColumn, Operation

#: ``no_values``     no row has a value: a drop would lose it, or its foreign key refers to a table yet to come
#: ``unreferenced``  no foreign key, counted instead of rows, prevents a change of the columns' type
#: ``fits``          no text is longer than ``size`` characters
#: ``in_range``      no number is outside ``bounds``
#: ``listed``        every text is one of ``values``
Kind = Literal[
    "empty",
    "no_nulls",
    "no_duplicates",
    "no_orphans",
    "no_values",
    "unreferenced",
    "fits",
    "in_range",
    "listed",
]


@dataclass(frozen=True, slots=True)
class Precondition:
    """One condition on the rows of a table."""

    kind: Kind
    table: str
    columns: tuple[str, ...] = ()
    foreign_key: ForeignKey | None = None
    size: int = 0
    bounds: tuple[int, int] = (0, 0)
    values: tuple[str, ...] = ()

    def refusal(self, count: int) -> str:
        """Return the reason why ``count`` conflicting rows prevent the change, and what to do about them."""
        columns = ", ".join(self.columns)
        if self.kind == "empty":
            return (
                f"{self.table} has rows, and {columns} is NOT NULL without a default: there is no value to give them; "
                "write a migration that adds it as NULL, fills it, and then makes it NOT NULL"
            )
        if self.kind == "unreferenced":
            keys = "a foreign key refers" if count == 1 else f"{count} foreign keys refer"
            return f"{keys} to {self.table} ({columns}) and holds its type; drop it first"
        if self.kind == "no_nulls":
            return f"{_rows(count)} of {self.table} with NULL in {columns}; fill them first"
        if self.kind == "no_duplicates":
            return f"{_rows(count)} of {self.table} whose ({columns}) another row has too; resolve them first"
        if self.kind == "fits":
            return f"{_rows(count)} of {self.table} whose {columns} is longer than {self.size}; shorten them first"
        if self.kind == "in_range":
            lowest, highest = self.bounds
            return f"{_rows(count)} of {self.table} whose {columns} is not in {lowest} to {highest}; change them first"
        if self.kind == "listed":
            values = ", ".join(self.values)
            return f"{_rows(count)} of {self.table} whose {columns} is none of {values}; change them first"
        if self.kind == "no_values" and self.foreign_key is None:
            return f"{_rows(count)} of {self.table} with a value in {columns}"
        assert self.foreign_key is not None
        return (
            f"{_rows(count)} of {self.table} whose {columns} is in no row of {self.foreign_key.referenced_table}; "
            "delete or reattach them first (wch repair --orphans=delete or --orphans=reattach)"
        )


def _rows(count: int) -> str:
    return "there is 1 row" if count == 1 else f"there are {count} rows"


_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_LONGEST = {"tinytext": 255, "text": 65_535, "mediumtext": 16_777_215, "longtext": 4_294_967_295}


def preconditions_of(operation: Operation) -> Iterator[Precondition]:
    """Yield the preconditions without which the operation fails or loses values."""
    match operation:
        case AddColumn(table, column):
            if not column.nullable and column.default is None and not column.auto_increment:
                yield Precondition("empty", table, (column.name,))
        case ModifyColumn(table, was, column):
            yield from _modified(table, was, column)
        case DropColumn(table, name):
            yield Precondition("no_values", table, (name,))
        case AddIndex(table, index):
            if index.unique:
                yield Precondition("no_duplicates", table, index.columns)
        case AddForeignKey(table, key):
            yield Precondition("no_orphans", table, key.columns, key)


def is_loss(precondition: Precondition) -> bool:
    """Return True if conflicting rows lose values, where others make the operation fail."""
    return precondition.kind == "no_values"


def _modified(table: str, was: Column, now: Column) -> Iterator[Precondition]:
    if was.nullable and not now.nullable:
        yield Precondition("no_nulls", table, (was.name,))
    length, bounds = _length(now.type), _bounds(now.type)
    if length is not None and (longest := _length(was.type)) is not None and length < longest:
        yield Precondition("fits", table, (was.name,), size=length)
    if bounds is not None and (before := _bounds(was.type)) is not None and not _within(before, bounds):
        yield Precondition("in_range", table, (was.name,), bounds=bounds)
    if now.type.name == "enum" and not (was.type.name == "enum" and set(was.type.values) <= set(now.type.values)):
        yield Precondition("listed", table, (was.name,), values=now.type.values)


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _length(type_: ColumnType) -> int | None:
    return type_.size if type_.name in ("varchar", "char") else _LONGEST.get(type_.name)


def _bounds(type_: ColumnType) -> tuple[int, int] | None:
    bits = _BITS.get(type_.name)
    if bits is None:
        return None
    return (0, 2**bits - 1) if type_.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def count_query(precondition: Precondition, dialect: BaseDialect) -> Query:
    """Return the query for the number of conflicting rows; of a table that should be empty, 1 if it has any."""
    quote = dialect.quote
    if precondition.kind == "empty":
        return Query(f"SELECT COUNT(*) FROM (SELECT 1 FROM {quote(precondition.table)} LIMIT 1) AS some_row")
    if precondition.kind == "no_duplicates":
        return Query(f"SELECT COALESCE(SUM(n), 0) FROM ({_duplicates(precondition, quote)}) AS repeated")
    return Query(f"SELECT COUNT(*) {_conflicting(precondition, dialect)}")


def rows_query(precondition: Precondition, dialect: BaseDialect) -> str:
    """Return the SELECT that shows the conflicting rows."""
    quote = dialect.quote
    if precondition.kind == "no_duplicates":
        return _duplicates(precondition, quote)
    columns = "" if precondition.kind == "empty" else "".join(f", t.{quote(name)}" for name in precondition.columns)
    return f"SELECT t.{quote('id')}{columns} {_conflicting(precondition, dialect)}"


def _duplicates(precondition: Precondition, quote: Callable[[str], str]) -> str:
    columns = ", ".join(f"t.{quote(name)}" for name in precondition.columns)
    filled = " AND ".join(f"t.{quote(name)} IS NOT NULL" for name in precondition.columns)
    return (
        f"SELECT {columns}, COUNT(*) AS n FROM {quote(precondition.table)} AS t WHERE {filled} "
        f"GROUP BY {columns} HAVING COUNT(*) > 1"
    )


# Columns are qualified: SQLite takes a quoted name that is not a column for a string.
def _conflicting(precondition: Precondition, dialect: BaseDialect) -> str:
    quote = dialect.quote
    table = f"FROM {quote(precondition.table)} AS t"
    columns = [f"t.{quote(name)}" for name in precondition.columns]
    match precondition.kind:
        case "empty":
            return table
        case "no_nulls":
            return f"{table} WHERE {' OR '.join(f'{column} IS NULL' for column in columns)}"
        case "no_values":
            return f"{table} WHERE {' AND '.join(f'{column} IS NOT NULL' for column in columns)}"
        case "fits":
            return f"{table} WHERE {dialect.text_length}({columns[0]}) > {precondition.size}"
        case "in_range":
            lowest, highest = precondition.bounds
            return f"{table} WHERE {columns[0]} NOT BETWEEN {lowest} AND {highest}"
        case "listed":
            values = ", ".join(dialect.literal(value) for value in precondition.values)
            return f"{table} WHERE {columns[0]} NOT IN ({values})"
        case "no_orphans" if (key := precondition.foreign_key) is not None:
            pairs = zip(key.referenced_columns, columns, strict=True)
            same = " AND ".join(f"parent_.{quote(there)} = {here}" for there, here in pairs)
            filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            return (
                f"{table} LEFT JOIN {quote(key.referenced_table)} AS parent_ ON {same} "
                f"WHERE {filled} AND parent_.{quote(key.referenced_columns[0])} IS NULL"
            )
    raise ValueError(f"there are no rows of {precondition}")
