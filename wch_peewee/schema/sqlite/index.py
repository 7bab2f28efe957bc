"""Read CREATE INDEX texts, and the lists of columns that keys of every kind have.

An ascending list of columns becomes an Index; a condition, an expression, an order or a collation is
named in words. Indexes without a text are the table's own UNIQUEs: ``sqlite_table`` reads those.

    read_index("i", "CREATE INDEX i ON t (a, b)", table)
"""

from __future__ import annotations

from ..objects import Index, Table
from .tokens import Cursor, SyntaxTrouble, Token, fold, source


def read_index(name: str, sql: str, table: Table) -> Index:
    """Read the CREATE INDEX of an index on ``table``."""
    try:
        cursor = Cursor(sql)
        cursor.expect("CREATE")
        unique = cursor.accept("UNIQUE")
        cursor.expect("INDEX")
        cursor.object_name()
        cursor.expect("ON")
        cursor.name()
        written, odd = column_list(cursor)
        odd += _condition(cursor)
    except SyntaxTrouble as trouble:
        return Index(name, (), opaque=(f"a definition that is not understood: {trouble}",))
    columns = tuple(stored_name(table, column) for column in written)
    known = {column.name for column in table.columns}
    # To SQLite a quoted name that is no column is a constant: an expression in disguise.
    odd += tuple(f"expression {column}" for column in columns if known and column not in known)
    return Index(name, columns, unique, odd)


def stored_name(table: Table, name: str) -> str:
    """Return a column's name as the table spells it; a name that is no column comes back as it is."""
    return next((column.name for column in table.columns if fold(column.name) == fold(name)), name)


def column_list(cursor: Cursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take a list in parentheses; return the names and, in words, whatever is more than an ascending column."""
    columns: list[str] = []
    odd: list[str] = []
    term: list[Token] = []
    depth = 0
    for token in (*cursor.group(), None):
        if token is not None and (depth or not token.says(",")):
            depth += token.says("(") - token.says(")")
            term.append(token)
            continue
        name, words = _term(cursor.sql, term)
        columns += [name] if name is not None else []
        odd += words
        term = []
    return tuple(columns), tuple(odd)


def _term(sql: str, term: list[Token]) -> tuple[str | None, list[str]]:
    rest = term[1:]
    words: list[str] = []
    if rest and rest[-1].says("AUTOINCREMENT"):  # only in a table's PRIMARY KEY
        words.append(rest.pop().value.upper())
    if rest and rest[-1].says("ASC", "DESC"):
        words += ["DESC"] if rest.pop().says("DESC") else []
    if len(rest) == 2 and rest[0].says("COLLATE"):
        words.append(f"COLLATE {rest[1].value}")
        rest = []
    if not term or rest or not term[0].is_name:
        return None, [f"expression {source(sql, term)}"]
    return term[0].value, words


def _condition(cursor: Cursor) -> tuple[str, ...]:
    if cursor.accept("WHERE"):
        start = cursor.at
        while cursor.peek() is not None:
            cursor.take()
        return (f"partial (WHERE {source(cursor.sql, cursor.tokens[start:])})",)
    if cursor.peek() is not None:
        raise cursor.trouble("the end")
    return ()
