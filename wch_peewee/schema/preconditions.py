"""The conditions that a change puts on existing rows. One holds if the number of conflicting rows is zero."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from .base import BaseDialect, Query
from .objects import Column, ColumnType, ForeignKey
from .operations import AddColumn, AddForeignKey, AddIndex, DropColumn, DropTable, ModifyColumn, Operation
from .types import KINDS, widens

Kind = Literal[
    "empty",
    "no_nulls",
    "no_duplicates",
    "no_orphans",
    "no_rows",  # there is no row: a drop of the table would lose it
    "no_values",  # no row has a value but the one in ``values``: a drop would lose it, or its key is to a table to come
    "unreferenced",  # no foreign key, counted instead of rows, prevents a change of the columns' type
    "fits",  # no text is longer than ``size`` characters
    "fits_bytes",  # no text is longer than ``size`` bytes
    "same",  # every value is one of ``type``: a text that holds a number, for one
    "exact",  # no value is rounded, or cut, to be one of ``type``
    "in_range",  # no number is outside ``bounds``
    "listed",  # every text is one of ``values``
    "unused",  # no text is one of ``values``, which an enum is to lose
]

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Precondition:
    """One condition on the rows of a table."""

    kind: Kind
    table: str
    columns: tuple[str, ...] = ()
    foreign_key: ForeignKey | None = None
    size: int = 0
    bounds: tuple[Number, Number] = (0, 0)
    values: tuple[str, ...] = ()
    type: ColumnType | None = None
    was: ColumnType | None = None

    def refusal(self, count: int) -> str:
        """Return the reason why ``count`` conflicting rows prevent the change, and what to do about them."""
        columns = ", ".join(self.columns)
        if self.kind == "empty":
            return (
                f"{self.table} has rows, and {columns} is NOT NULL without a default: "
                "write a migration that adds it as NULL, fills it, and then makes it NOT NULL"
            )
        if self.kind == "unreferenced":
            keys = "a foreign key refers" if count == 1 else f"{count} foreign keys refer"
            return f"{keys} to {self.table} ({columns}) and fixes its type; drop it first"
        kind: Kind = "no_orphans" if self.foreign_key else "same" if self.type else self.kind
        words = _CONFLICTS[kind].format(
            columns=columns,
            size=self.size,
            type=self.type,
            bounds=self.bounds,
            them="it" if count == 1 else "them",
            values=(" or " if self.kind == "unused" else ", ").join(self.values),
            parent=self.foreign_key and self.foreign_key.referenced_table,
        )
        return f"{_rows(count)} of {self.table}{words}"

    @property
    def has_rows(self) -> bool:
        """True if a SELECT of the conflicting rows helps: they are not all rows, or orphans, which wch repair lists."""
        return self.foreign_key is None and self.kind not in ("empty", "no_rows", "unreferenced")

    def loss(self, count: int) -> str:
        """Return in words what is lost with ``count`` rows, for a condition that is about loss."""
        rows = "1 row" if count == 1 else f"{count:,} rows"
        if self.kind == "no_rows":
            return f"{rows} of {self.table}"
        values = f"the {'value' if count == 1 else 'values'} of {rows} in {self.table}.{', '.join(self.columns)}"
        fit = "does not fit" if count == 1 else "do not fit"
        return values if self.type is None else f"{values}, which {fit} into {self.type}"


#: By kind of precondition: the words behind the table's name, and what to do.
_CONFLICTS: dict[Kind, str] = {
    "no_nulls": " with NULL in {columns}; fill {them} first",
    "no_duplicates": " with duplicate ({columns}); delete or change the duplicates first",
    "no_orphans": " whose {columns} is missing in {parent}; "
    "delete or reattach {them} first (wch repair --orphans=delete or --orphans=reattach)",
    "no_rows": "",
    "no_values": " with a value in {columns}",
    "fits": " whose {columns} is longer than {size}; shorten {them} first",
    "fits_bytes": " whose {columns} is longer than {size:,} bytes; shorten {them} first",
    "same": " whose {columns} does not fit {type}; correct {them} first",
    "in_range": " whose {columns} is not in {bounds[0]} to {bounds[1]}; correct {them} first",
    "listed": " whose {columns} is not one of {values}; change {them} first",
    "unused": " whose {columns} is {values}, which is removed; change {them} first",
}


def _rows(count: int) -> str:
    return "there is 1 row" if count == 1 else f"there are {count:,} rows"


_NUMBERS = {"whole", "decimal", "real"}
_COMPARABLE = {"date", "time", "moment"}, _NUMBERS
#: The greatest whole number up to which all are kept, and shown by a server.
_EXACT = {"float": 999_999, "double": 2**53}
#: In bytes; the longest types hold whatever a server sends.
_ENDLESS = 2**32 - 1


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
        case DropTable(table):
            yield Precondition("no_rows", table)
        case AddIndex(table, index):
            if index.unique:
                yield Precondition("no_duplicates", table, index.columns)
        case AddForeignKey(table, key):
            yield Precondition("no_orphans", table, key.columns, key)


def is_loss(precondition: Precondition) -> bool:
    """Return True if conflicting rows lose values in silence. Others make the operation fail, on a server at least."""
    was, now = precondition.was, precondition.type
    if now is None:
        return precondition.kind in ("no_values", "no_rows")
    # Of what becomes a timestamp, servers round some values, and refuse those before 1970.
    return precondition.kind == "exact" and (now.name != "timestamp" or was is None or was.name == now.name)


#: What one family and another hold is not the same in any row: bytes can be no text, and a number is not the place of a
#: value in an enum.
_UNLIKE = {
    *(("bytes", family) for family in ("text", "enum", "json")),
    *(("real", family) for family in ("enum", "json")),
    *((family, "enum") for family in ("whole", "decimal")),
}


def _modified(table: str, was: Column, now: Column) -> Iterator[Precondition]:
    if was.nullable and not now.nullable:
        yield Precondition("no_nulls", table, (was.name,))
    kept = was.type == now.type or widens(was.type, now.type)
    families = was.type.family, now.type.family
    if families in _UNLIKE:
        yield Precondition("no_values", table, (was.name,), type=now.type)
    elif now.type.family == "text" and not kept:
        # Digits of a number, or the blank at the end of a text that becomes a char.
        if was.type.family == "real" or (now.type.name == "char" != was.type.name):
            yield Precondition("exact", table, (was.name,), type=now.type, was=was.type)
        if now.type.is_bounded:
            yield Precondition("fits", table, (was.name,), size=now.type.size or 0)
        elif (size := KINDS[now.type.name].holds) < _ENDLESS:
            yield Precondition("fits_bytes", table, (was.name,), size=size)
    elif families == ("bytes", "bytes") and now.type.name != "binary":
        size = now.type.size or KINDS[now.type.name].holds
        if not kept and size < _ENDLESS:
            yield Precondition("fits_bytes", table, (was.name,), size=size)
    elif not kept and (kind := _conversion(was.type, now.type)) is not None:
        yield Precondition(kind, table, (was.name,), type=now.type, was=was.type)
    bounds, before = now.type.bounds if kept else _bounds(was.type, now.type), was.type.bounds
    if bounds is not None and (before is None or before[0] < bounds[0] or before[1] > bounds[1]):
        yield Precondition("in_range", table, (was.name,), bounds=bounds)
    if now.type.name == "enum" and was.type.name == "enum":
        # The empty text that WordPress's sessions have left there stays as it is.
        if going := tuple(value for value in was.type.values if value not in now.type.values):
            yield Precondition("unused", table, (was.name,), values=going)
    elif now.type.name == "enum":
        yield Precondition("listed", table, (was.name,), values=now.type.values)


def _bounds(was: ColumnType, now: ColumnType) -> tuple[Number, Number] | None:
    """Return the least and the greatest number that the change keeps, but for digits that are rounded."""
    if was.family not in _NUMBERS or now.family in ("whole", "enum"):
        return now.bounds
    if now.family == "decimal":
        greatest: Number = Decimal(10) ** ((now.size or 10) - (now.scale or 0)) - Decimal(1).scaleb(-(now.scale or 0))
    elif now.family == "real" and was.family == "whole":
        greatest = _EXACT[now.name]
    elif now.name == "float" or now.unsigned:
        greatest = 3.4e38 if now.name == "float" else 1.7e308
    else:
        return None
    return 0 if now.unsigned else -greatest, greatest


def _conversion(was: ColumnType, now: ColumnType) -> Literal["same", "exact"] | None:
    """Return what a change that can lose values depends on: None if the values are judged by a range or a list."""
    if now.name == "enum" or (was.family == "whole" and now.family in _NUMBERS):
        return None
    alike = any({was.family, now.family} <= families for families in _COMPARABLE)
    return "exact" if alike else "same"


def count_query(precondition: Precondition, dialect: BaseDialect) -> Query:
    """Return the query for the number of conflicting rows; of a table that should be empty, 1 if it has any."""
    quote = dialect.quote
    if precondition.kind == "empty":
        return Query(f"SELECT COUNT(*) FROM (SELECT 1 FROM {quote(precondition.table)} LIMIT 1) AS some_row")
    if precondition.kind == "no_duplicates":
        return Query(f"SELECT COALESCE(SUM(n), 0) FROM ({_duplicates(precondition, quote)}) AS repeated")
    return Query(f"SELECT COUNT(*) {_conflicting(precondition, dialect)}")


def rows_query(precondition: Precondition, dialect: BaseDialect, key: Sequence[str]) -> str:
    """Return the SELECT that shows the conflicting rows, with the columns of their primary key."""
    quote = dialect.quote
    if precondition.kind == "no_duplicates":
        return _duplicates(precondition, quote)
    names = dict.fromkeys([*key, *([] if precondition.kind in ("empty", "no_rows") else precondition.columns)])
    columns = ", ".join(f"t.{quote(name)}" for name in names) or "t.*"
    return f"SELECT {columns} {_conflicting(precondition, dialect)}"


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
        case "empty" | "no_rows":
            return table
        case "no_nulls":
            return f"{table} WHERE {' OR '.join(f'{column} IS NULL' for column in columns)}"
        case "no_values":
            others = [f"{dialect.exactly(columns[0])} <> {dialect.literal(value)}" for value in precondition.values]
            return f"{table} WHERE {' AND '.join([*(f'{column} IS NOT NULL' for column in columns), *others])}"
        case "fits":
            return f"{table} WHERE {dialect.text_length}({columns[0]}) > {precondition.size}"
        case "fits_bytes":
            return f"{table} WHERE {dialect.byte_length(columns[0])} > {precondition.size}"
        case "same" | "exact" if precondition.type is not None and precondition.was is not None:
            was, now, as_text = precondition.was, precondition.type, precondition.kind == "same"
            changes = dialect.changes_as(columns[0], was, now, as_text=as_text)
            negative = f" OR {columns[0]} < 0" if precondition.type.unsigned else ""
            return f"{table} WHERE {changes}{negative}"
        case "in_range":
            lowest, highest = precondition.bounds
            return f"{table} WHERE {columns[0]} + 0 NOT BETWEEN {lowest} AND {highest}"  # of a text, too
        case "listed" | "unused":
            values = ", ".join(dialect.literal(value) for value in precondition.values)
            if precondition.kind == "unused":
                return f"{table} WHERE {columns[0]} IN ({values})"
            return f"{table} WHERE {dialect.exactly(columns[0])} NOT IN ({values})"
        case "no_orphans" if (key := precondition.foreign_key) is not None:
            pairs = zip(key.referenced_columns, columns, strict=True)
            same = " AND ".join(f"parent_.{quote(there)} = {here}" for there, here in pairs)
            filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            return (
                f"{table} LEFT JOIN {quote(key.referenced_table)} AS parent_ ON {same} "
                f"WHERE {filled} AND parent_.{quote(key.referenced_columns[0])} IS NULL"
            )
    raise ValueError(f"there are no rows of {precondition}")
