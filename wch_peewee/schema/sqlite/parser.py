"""A parser for the CREATE TABLE and CREATE INDEX texts in sqlite_master: it consumes every token, or refuses.

SQLite writes the words up to the name itself: without IF NOT EXISTS, TEMP and the name of the file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import Literal, TypeVar, cast

from ..objects import ForeignKey, Index, Table

Kind = Literal["word", "name", "string", "number", "blob", "mark"]

_LETTER = r"A-Za-z_\u0080-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<skip>    [ \t\n\f\r\ufeff]+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<blob>    [xX]'[0-9a-fA-F]*' )
    | (?P<string>  '[^']*(?:''[^']*)*'(?!') )
    | (?P<name>    "[^"]*(?:""[^"]*)*"(?!") | `[^`]*(?:``[^`]*)*`(?!`) | \[[^\]]*\] )
    | (?P<number>  (?: 0[xX][0-9a-fA-F_]+ | (?:[0-9][0-9_]*(?:\.[0-9_]*)? | \.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)? )
                   (?![0-9$.{_LETTER}]) )
    | (?P<word>    [{_LETTER}][0-9${_LETTER}]* )
    | (?P<mark>    \|\| | ->>? | <[=><]? | >[=>]? | != | ==? | [-+*/%&|~(),.;] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class ParseError(ValueError):
    """The text cannot be parsed. Nothing is guessed."""


def fold(name: str) -> str:
    """Return a name in the form in which SQLite compares names: only ASCII letters lose their case."""
    return name.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its value without quotes, and its place in the text."""

    kind: Kind
    value: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """True if it can name a table or a column. Where only a name is possible, SQLite takes a string for one."""
        return self.kind in ("word", "name", "string")

    def is_any(self, *texts: str) -> bool:
        """Return True for one of these unquoted words (in upper case) or marks."""
        return self.kind in ("word", "mark") and self.value.upper() in texts


@lru_cache(maxsize=256)
def tokenize(sql: str) -> tuple[Token, ...]:
    """Return the tokens of ``sql`` without blanks and comments, each text once. Raises ParseError."""
    tokens = []
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:
            raise ParseError(f"no token begins at {sql[at : at + 20]!r}")
        at = match.end()
        if match.lastgroup != "skip":
            kind = cast(Kind, match.lastgroup)
            tokens.append(Token(kind, _meaning(kind, match.group()), match.start(), at))
    return tuple(tokens)


def _meaning(kind: Kind, text: str) -> str:
    if kind not in ("name", "string"):
        return text
    quote, inner = text[0], text[1:-1]
    return inner if quote == "[" else inner.replace(quote * 2, quote)


class Cursor:
    """A position in a text, which moves forward token by token."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        self.at = 0

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def is_next(self, *texts: str) -> bool:
        """Return True if the next tokens are exactly these words or marks."""
        following = self.tokens[self.at : self.at + len(texts)]
        return len(following) == len(texts) and all(
            token.is_any(text) for token, text in zip(following, texts, strict=True)
        )

    def accept(self, *texts: str) -> bool:
        """Skip these words or marks if they come next; return True then."""
        seen = self.is_next(*texts)
        if seen:
            self.at += len(texts)
        return seen

    def expect(self, *texts: str) -> None:
        if not self.accept(*texts):
            raise self.error(" ".join(texts))

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise self.error("more text")
        self.at += 1
        return token

    def name(self) -> str:
        token = self.peek()
        if token is None or not token.is_name:
            raise self.error("a name")
        return self.take().value

    def group(self) -> tuple[Token, ...]:
        """Skip a parenthesis; return the tokens inside."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            token = self.take()
            depth += token.is_any("(") - token.is_any(")")
        return self.tokens[start : self.at - 1]

    def error(self, wanted: str) -> ParseError:
        token = self.peek()
        found = "the end" if token is None else repr(self.sql[token.start : token.start + 20])
        return ParseError(f"expected {wanted}, found {found}")


def source(sql: str, tokens: Sequence[Token]) -> str:
    """Return the text of adjacent tokens as it is written, but without comments."""
    if not tokens:
        return ""
    parts = [sql[tokens[0].start : tokens[0].end]]
    for before, token in pairwise(tokens):
        gap = sql[before.end : token.start]
        parts += [gap if not gap.strip(" \t\n\f\r") else " ", sql[token.start : token.end]]
    return "".join(parts)


def has_comment(sql: str) -> bool:
    """Return True if there is a comment in ``sql``, which is a part of a text that has been parsed."""
    return source(sql, tokenize(sql)) != sql.strip(" \t\n\f\r")


def read_index(name: str, sql: str, table: Table) -> Index:
    """Return the index on ``table`` from its CREATE INDEX."""
    try:
        cursor = Cursor(sql)
        cursor.expect("CREATE")
        unique = cursor.accept("UNIQUE")
        cursor.expect("INDEX")
        cursor.name()
        cursor.expect("ON")
        cursor.name()
        written, odd = column_list(cursor)
        if cursor.accept("WHERE"):
            odd += (f"partial (WHERE {source(sql, cursor.tokens[cursor.at :])})",)
        elif cursor.peek() is not None:
            raise cursor.error("the end")
    except ParseError as error:
        return Index(name, (), opaque=(f"a definition that is not understood: {error}",))
    columns = tuple(stored_name(table, column) for column in written)
    known = {column.name for column in table.columns}
    # To SQLite a quoted name that is not a column is a constant, which makes it an expression.
    odd += tuple(f"expression {column}" for column in columns if known and column not in known)
    return Index(name, columns, unique, odd, sql)


def stored_name(table: Table, name: str) -> str:
    """Return a column's name as the table spells it; a name that is not a column is returned unchanged."""
    return next((column.name for column in table.columns if fold(column.name) == fold(name)), name)


def column_list(cursor: Cursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a list in parentheses; return the names and, in words, all that is more than an ascending column."""
    columns: list[str] = []
    odd: list[str] = []
    term: list[Token] = []
    depth = 0
    for token in (*cursor.group(), None):
        if token is not None and (depth or not token.is_any(",")):
            depth += token.is_any("(") - token.is_any(")")
            term.append(token)
            continue
        name, words = _term(cursor.sql, term)
        columns += [name] if name is not None else []
        odd += words
        term = []
    return tuple(columns), tuple(odd)


def _term(sql: str, term: list[Token]) -> tuple[str | None, list[str]]:
    if not term or not term[0].is_name or (term[1:] and term[1].kind != "word"):
        return None, [f"expression {source(sql, term)}"]
    # AUTOINCREMENT is only in a table's PRIMARY KEY, which looks for it.
    rest = [token for token in term[1:] if not token.is_any("ASC", "AUTOINCREMENT")]
    return term[0].value, [source(sql, rest)] if rest else []


ClauseKind = Literal[
    "null", "not null", "default", "primary key", "unique", "check", "foreign key", "collate", "generated", "name only"
]
_CLAUSE_STARTS = (
    "CONSTRAINT", "DEFAULT", "NULL", "NOT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "COLLATE", "AS", "DEFERRABLE"
)  # fmt: skip
_ACTIONS = (("CASCADE",), ("RESTRICT",), ("NO", "ACTION"), ("SET", "NULL"), ("SET", "DEFAULT"))


@dataclass(frozen=True, slots=True)
class Clause:
    """A constraint of a column or a table; ``odd`` lists in words what schema values cannot restate.

    ``source`` is all that is written between the commas around it, or around its column.
    """

    kind: ClauseKind
    name: str = ""
    text: str = ""
    columns: tuple[str, ...] = ()
    autoincrement: bool = False
    foreign_key: ForeignKey | None = None
    odd: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A column's definition: ``type`` are the tokens of its type, ``sizes`` those in the parenthesis behind it."""

    name: str
    type: tuple[Token, ...]
    sizes: tuple[Token, ...]
    clauses: tuple[Clause, ...]
    source: str = ""


Part = TypeVar("Part", ColumnText, Clause)


@dataclass(frozen=True, slots=True)
class TableText:
    columns: tuple[ColumnText, ...]
    clauses: tuple[Clause, ...]
    options: tuple[str, ...]


def parse_table(sql: str) -> TableText:
    cursor = Cursor(sql)
    cursor.expect("CREATE")
    cursor.expect("TABLE")
    cursor.name()
    named = cursor.at
    cursor.expect("(")
    columns = [_with_source(cursor, _column)]
    clauses: list[Clause] = []
    while cursor.accept(",") and not _at_table_clause(cursor):
        columns.append(_with_source(cursor, _column))
    while _at_table_clause(cursor):
        clauses.append(_with_source(cursor, _clause))
        cursor.accept(",")  # SQLite does not require commas between these
    cursor.expect(")")
    options: list[str] = []
    while cursor.peek() is not None:
        if options:
            cursor.expect(",")
        options.append("WITHOUT ROWID" if cursor.accept("WITHOUT", "ROWID") else cursor.name().upper())
    if has_comment(sql[cursor.tokens[named - 1].start : cursor.tokens[named].end]):
        options.append("a comment before its columns")
    return TableText(tuple(columns), tuple(clauses), tuple(options))


def _with_source(cursor: Cursor, parse: Callable[[Cursor], Part]) -> Part:
    before, first = cursor.tokens[cursor.at - 1], cursor.peek() or cursor.take()
    part, following = parse(cursor), cursor.peek() or cursor.take()
    written = cursor.sql[before.end if before.is_any("(", ",") else first.start : following.start].strip(" \t\n\f\r")
    # A comma behind a comment would belong to the comment.
    return replace(part, source=written + "\n" if "--" in written.rpartition("\n")[2] else written)


def _at_table_clause(cursor: Cursor) -> bool:
    token = cursor.peek()
    return token is not None and token.is_any("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def _column(cursor: Cursor) -> ColumnText:
    name = cursor.name()
    type_tokens: list[Token] = []
    while (token := cursor.peek()) is not None and token.is_name:
        if token.is_any(*_CLAUSE_STARTS) or cursor.is_next("GENERATED", "ALWAYS"):
            break
        type_tokens.append(cursor.take())
    sizes = cursor.group() if type_tokens and cursor.is_next("(") else ()
    clauses: list[Clause] = []
    while not (cursor.is_next(",") or cursor.is_next(")")):
        clauses.append(_clause(cursor, name))
    return ColumnText(name, tuple(type_tokens), sizes, tuple(clauses))


def _clause(cursor: Cursor, column: str | None = None) -> Clause:
    """Read a constraint of a column, or without one of the table."""
    name = cursor.name() if cursor.accept("CONSTRAINT") else ""
    columns: tuple[str, ...] = () if column is None else (column,)
    odd: tuple[str, ...] = ()
    if cursor.accept("PRIMARY", "KEY"):
        if column is None:
            columns, odd = column_list(cursor)
        autoincrement = cursor.tokens[cursor.at - 2].is_any("AUTOINCREMENT")
        odd += ("DESC",) if cursor.accept("DESC") else ()
        cursor.accept("ASC")
        odd += _conflict(cursor)
        return Clause("primary key", name, "", columns, cursor.accept("AUTOINCREMENT") or autoincrement, odd=odd)
    if cursor.accept("UNIQUE"):
        if column is None:
            columns, odd = column_list(cursor)
        return Clause("unique", name, columns=columns, odd=odd + _conflict(cursor))
    if cursor.accept("CHECK"):
        condition = source(cursor.sql, cursor.group())
        return Clause("check", name, condition, columns, odd=_conflict(cursor))
    if column is None and cursor.accept("FOREIGN", "KEY"):
        columns, odd = column_list(cursor)
        cursor.expect("REFERENCES")
        return _references(cursor, name, columns, odd)
    if column is not None and (clause := _column_clause(cursor, name, columns)):
        return clause
    if name:
        return Clause("name only", name)
    raise cursor.error("a column's constraint")


def _column_clause(cursor: Cursor, name: str, columns: tuple[str, ...]) -> Clause | None:
    """Read a constraint that only a column can have."""
    if cursor.accept("NOT", "NULL"):
        return Clause("not null", name, columns=columns, odd=_conflict(cursor))
    if cursor.accept("NULL"):
        return Clause("null", name, columns=columns, odd=_conflict(cursor))
    if cursor.accept("DEFAULT"):
        return _default(cursor, name)
    if cursor.accept("REFERENCES"):
        return _references(cursor, name, columns, ())
    if cursor.accept("COLLATE"):
        return Clause("collate", name, text=cursor.name())
    if cursor.accept("GENERATED", "ALWAYS", "AS") or cursor.accept("AS"):
        cursor.group()
        if not cursor.accept("STORED"):
            cursor.accept("VIRTUAL")
        return Clause("generated", name)
    return None


def _default(cursor: Cursor, name: str) -> Clause:
    """Read an ``(expression)``, or one value with its signs."""
    start = cursor.at
    if cursor.is_next("("):
        cursor.group()
    else:
        while cursor.take().is_any("+", "-"):
            pass
    inner = cursor.tokens[start : cursor.at]
    return Clause("default", name, text=source(cursor.sql, inner))


def _references(cursor: Cursor, name: str, columns: tuple[str, ...], odd: tuple[str, ...]) -> Clause:
    table = cursor.name()
    referenced, words = column_list(cursor) if cursor.is_next("(") else ((), ())
    odd += words
    actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION"}
    while True:
        if cursor.accept("MATCH"):
            odd += (f"MATCH {cursor.name()}",)
        elif cursor.is_next("ON", "DELETE") or cursor.is_next("ON", "UPDATE"):
            cursor.take()
            event = cursor.take().value.upper()
            action = next((words for words in _ACTIONS if cursor.accept(*words)), None)
            if action is None:
                raise cursor.error("a foreign key's action")
            actions[event] = " ".join(action)
        elif cursor.is_next("DEFERRABLE") or cursor.is_next("NOT", "DEFERRABLE"):
            immediate = cursor.accept("NOT")  # the default
            cursor.expect("DEFERRABLE")
            when = f" INITIALLY {cursor.name().upper()}" if cursor.accept("INITIALLY") else ""
            odd += () if immediate else (f"DEFERRABLE{when}",)
        else:
            break
    key = ForeignKey(columns, table, referenced, actions["DELETE"], actions["UPDATE"], name)
    return Clause("foreign key", name, columns=columns, foreign_key=key, odd=odd)


def _conflict(cursor: Cursor) -> tuple[str, ...]:
    return (f"ON CONFLICT {cursor.name().upper()}",) if cursor.accept("ON", "CONFLICT") else ()
