"""The rows that stand against a change, in SQL that every engine takes: how many there are, and which.

Columns are qualified throughout, because SQLite takes a quoted name that is no column for a string.

    count(Requirement("no_nulls", "wp_wch_carts", ("items",)), WORDS)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .preconditions import Precondition
from .statements import Query


@dataclass(frozen=True, slots=True)
class Words:
    """How an engine quotes a name, writes a text, and what counts a text's characters."""

    quote: Callable[[str], str]
    literal: Callable[[str], str]
    length: str


def count_query(precondition: Precondition, words: Words) -> Query:
    """Ask how many rows there are; of a table that should be empty, whether there is one."""
    quote = words.quote
    if precondition.kind == "empty":
        return Query(f"SELECT COUNT(*) FROM (SELECT 1 FROM {quote(precondition.table)} LIMIT 1) AS some_row")
    if precondition.kind == "no_duplicates":
        return Query(f"SELECT COALESCE(SUM(n), 0) FROM ({_duplicates(precondition, quote)}) AS repeated")
    return Query(f"SELECT COUNT(*) {_offending(precondition, words)}")


def see_query(precondition: Precondition, words: Words) -> str:
    """Write the SELECT that shows them."""
    quote = words.quote
    if precondition.kind == "no_duplicates":
        return _duplicates(precondition, quote)
    columns = "" if precondition.kind == "empty" else "".join(f", t.{quote(name)}" for name in precondition.columns)
    return f"SELECT t.{quote('id')}{columns} {_offending(precondition, words)}"


def _duplicates(precondition: Precondition, quote: Callable[[str], str]) -> str:
    columns = ", ".join(f"t.{quote(name)}" for name in precondition.columns)
    filled = " AND ".join(f"t.{quote(name)} IS NOT NULL" for name in precondition.columns)
    return (
        f"SELECT {columns}, COUNT(*) AS n FROM {quote(precondition.table)} AS t WHERE {filled} "
        f"GROUP BY {columns} HAVING COUNT(*) > 1"
    )


def _offending(precondition: Precondition, words: Words) -> str:
    quote = words.quote
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
            return f"{table} WHERE {words.length}({columns[0]}) > {precondition.size}"
        case "in_range":
            lowest, highest = precondition.bounds
            return f"{table} WHERE {columns[0]} NOT BETWEEN {lowest} AND {highest}"
        case "listed":
            values = ", ".join(words.literal(value) for value in precondition.values)
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
