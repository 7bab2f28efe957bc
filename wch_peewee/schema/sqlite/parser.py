"""Parse the CREATE TABLE texts that SQLite keeps in sqlite_master.

Every token is consumed, or ``SyntaxTrouble`` is raised. What a clause means for the schema is not
decided here: ``sqlite_table`` does that.

    parse_table('CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)').columns
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .index import column_list
from .tokens import Cursor, Token, source

ClauseKind = Literal[
    "null", "not null", "default", "primary key", "unique", "check", "foreign key", "collate", "generated", "name only"
]
_CLAUSE_STARTS = (
    "CONSTRAINT", "DEFAULT", "NULL", "NOT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "COLLATE", "AS", "DEFERRABLE"
)  # fmt: skip
_ACTIONS = (("CASCADE",), ("RESTRICT",), ("NO", "ACTION"), ("SET", "NULL"), ("SET", "DEFAULT"))


@dataclass(frozen=True, slots=True)
class Clause:
    """One constraint of a column or of a table; ``odd`` is what has no place in a schema's objects."""

    kind: ClauseKind
    name: str = ""
    text: str = ""
    columns: tuple[str, ...] = ()
    autoincrement: bool = False
    referenced_table: str = ""
    referenced_columns: tuple[str, ...] = ()
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A column's name, the tokens of its type without the parenthesis, those inside it, and its clauses."""

    name: str
    type: tuple[Token, ...]
    sizes: tuple[Token, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class TableText:
    columns: tuple[ColumnText, ...]
    clauses: tuple[Clause, ...]
    options: tuple[str, ...]


def parse_table(sql: str) -> TableText:
    cursor = Cursor(sql)
    cursor.expect("CREATE")
    if not cursor.accept("TEMP"):
        cursor.accept("TEMPORARY")
    cursor.expect("TABLE")
    cursor.object_name()
    cursor.expect("(")
    columns = [_column(cursor)]
    clauses: list[Clause] = []
    while cursor.accept(",") and not _at_table_clause(cursor):
        columns.append(_column(cursor))
    while _at_table_clause(cursor):
        clauses.append(_table_clause(cursor))
        cursor.accept(",")  # SQLite does not insist on commas between these
    cursor.expect(")")
    options: list[str] = []
    while cursor.peek() is not None:
        if options:
            cursor.expect(",")
        options.append("WITHOUT ROWID" if cursor.accept("WITHOUT", "ROWID") else cursor.name().upper())
    return TableText(tuple(columns), tuple(clauses), tuple(options))


def _at_table_clause(cursor: Cursor) -> bool:
    token = cursor.peek()
    return token is not None and token.says("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def _column(cursor: Cursor) -> ColumnText:
    name = cursor.name()
    type_tokens: list[Token] = []
    while (token := cursor.peek()) is not None and token.is_name:
        if token.says(*_CLAUSE_STARTS) or cursor.sees("GENERATED", "ALWAYS"):
            break
        type_tokens.append(cursor.take())
    sizes = cursor.group() if type_tokens and cursor.sees("(") else ()
    clauses: list[Clause] = []
    while not (cursor.sees(",") or cursor.sees(")")):
        if cursor.sees("DEFERRABLE") or cursor.sees("NOT", "DEFERRABLE"):  # it follows its REFERENCES
            if not clauses or clauses[-1].kind != "foreign key":
                raise cursor.trouble("REFERENCES before DEFERRABLE")
            clauses[-1] = replace(clauses[-1], odd=clauses[-1].odd + _deferral(cursor))
        else:
            clauses.append(_column_clause(cursor))
    return ColumnText(name, tuple(type_tokens), sizes, tuple(clauses))


def _column_clause(cursor: Cursor) -> Clause:
    name = cursor.name() if cursor.accept("CONSTRAINT") else ""
    if cursor.accept("NOT", "NULL"):
        return Clause("not null", name, odd=_conflict(cursor))
    if cursor.accept("NULL"):
        return Clause("null", name, odd=_conflict(cursor))
    if cursor.accept("DEFAULT"):
        return _default(cursor, name)
    if cursor.accept("PRIMARY", "KEY"):
        odd: tuple[str, ...] = ("DESC",) if cursor.accept("DESC") else ()
        cursor.accept("ASC")
        odd += _conflict(cursor)
        return Clause("primary key", name, odd=odd, autoincrement=cursor.accept("AUTOINCREMENT"))
    if cursor.accept("UNIQUE"):
        return Clause("unique", name, odd=_conflict(cursor))
    if cursor.accept("CHECK"):
        return _check(cursor, name)
    if cursor.accept("REFERENCES"):
        return _references(cursor, name, ())
    if cursor.accept("COLLATE"):
        return Clause("collate", name, text=cursor.name())
    if cursor.accept("GENERATED", "ALWAYS", "AS") or cursor.accept("AS"):
        cursor.group()
        if not cursor.accept("STORED"):
            cursor.accept("VIRTUAL")
        return Clause("generated", name)
    if name:
        return Clause("name only", name)
    raise cursor.trouble("a column's constraint")


def _table_clause(cursor: Cursor) -> Clause:
    name = cursor.name() if cursor.accept("CONSTRAINT") else ""
    if cursor.accept("PRIMARY", "KEY"):
        columns, odd = column_list(cursor)
        # The one word that only this list may hold comes through column_list as an oddity of its last column.
        autoincrement = "AUTOINCREMENT" in odd
        odd = tuple(word for word in odd if word != "AUTOINCREMENT") + _conflict(cursor)
        return Clause("primary key", name, columns=columns, odd=odd, autoincrement=autoincrement)
    if cursor.accept("UNIQUE"):
        columns, odd = column_list(cursor)
        return Clause("unique", name, columns=columns, odd=odd + _conflict(cursor))
    if cursor.accept("CHECK"):
        return _check(cursor, name)
    if cursor.accept("FOREIGN", "KEY"):
        columns, odd = column_list(cursor)
        cursor.expect("REFERENCES")
        clause = _references(cursor, name, columns)
        return replace(clause, odd=odd + clause.odd + _deferral(cursor))
    return Clause("name only", name)


def _default(cursor: Cursor, name: str) -> Clause:
    """Take ``(expression)`` whole, or one value with its signs."""
    start = cursor.at
    if cursor.sees("("):
        cursor.group()
    else:
        while cursor.take().says("+", "-"):
            pass
    inner = cursor.tokens[start : cursor.at]
    return Clause("default", name, text=source(cursor.sql, inner))


def _check(cursor: Cursor, name: str) -> Clause:
    inner = cursor.group()
    return Clause("check", name, text=source(cursor.sql, inner), odd=_conflict(cursor))


def _references(cursor: Cursor, name: str, columns: tuple[str, ...]) -> Clause:
    table = cursor.name()
    referenced, odd = column_list(cursor) if cursor.sees("(") else ((), ())
    actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION"}
    while True:
        if cursor.accept("MATCH"):
            odd += (f"MATCH {cursor.name()}",)
        elif cursor.sees("ON", "DELETE") or cursor.sees("ON", "UPDATE"):
            cursor.take()
            event = cursor.take().value.upper()
            words = next((words for words in _ACTIONS if cursor.accept(*words)), None)
            if words is None:
                raise cursor.trouble("a foreign key's action")
            actions[event] = " ".join(words)
        else:
            break
    return Clause(
        "foreign key", name, columns=columns, referenced_table=table, referenced_columns=referenced,
        on_delete=actions["DELETE"], on_update=actions["UPDATE"], odd=odd,
    )  # fmt: skip


def _deferral(cursor: Cursor) -> tuple[str, ...]:
    immediate = cursor.accept("NOT")
    if not cursor.accept("DEFERRABLE"):
        if immediate:
            raise cursor.trouble("DEFERRABLE")
        return ()
    text = "DEFERRABLE"
    if cursor.accept("INITIALLY"):
        text += f" INITIALLY {cursor.name().upper()}"
    return () if immediate else (text,)  # NOT DEFERRABLE is what every key is


def _conflict(cursor: Cursor) -> tuple[str, ...]:
    return (f"ON CONFLICT {cursor.name().upper()}",) if cursor.accept("ON", "CONFLICT") else ()
