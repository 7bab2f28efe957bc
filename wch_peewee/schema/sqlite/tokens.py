"""Cut SQLite's DDL text into tokens, as SQLite's own tokenizer does, and walk over them.

It knows the four ways to quote a name, strings, numbers, blobs and both kinds of comment. It knows no
grammar and no keyword: ``sqlite_parse`` does.

    Cursor('CREATE TABLE "t" (a)').accept("CREATE", "TABLE")
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import Literal, cast

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


class SyntaxTrouble(ValueError):
    """The text is none that this reader understands; it is never guessed at."""


def fold(name: str) -> str:
    """Bring a name to the form in which SQLite compares names: only ASCII letters lose their case."""
    return name.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``value`` is what it means (quotes taken off), ``start`` and ``end`` where it stands."""

    kind: Kind
    value: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Can it name a table or a column? SQLite takes a string for a name wherever only a name can stand."""
        return self.kind in ("word", "name", "string")

    def says(self, *texts: str) -> bool:
        """Is it one of these unquoted words (in upper case) or marks?"""
        return self.kind in ("word", "mark") and self.value.upper() in texts


@lru_cache(maxsize=256)
def tokenize(sql: str) -> tuple[Token, ...]:
    """Cut ``sql`` into tokens without blanks and comments, each text once."""
    tokens = []
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if match is None:
            raise SyntaxTrouble(f"no token begins at {sql[at : at + 20]!r}")
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
    """A place in a text, moving forward token by token."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        self.at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def sees(self, *texts: str) -> bool:
        """Say whether the next tokens are exactly these words or marks."""
        following = self.tokens[self.at : self.at + len(texts)]
        return len(following) == len(texts) and all(
            token.says(text) for token, text in zip(following, texts, strict=True)
        )

    def accept(self, *texts: str) -> bool:
        """Step over these words or marks if they come next."""
        seen = self.sees(*texts)
        if seen:
            self.at += len(texts)
        return seen

    def expect(self, *texts: str) -> None:
        if not self.accept(*texts):
            raise self.trouble(" ".join(texts))

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise self.trouble("more text")
        self.at += 1
        return token

    def name(self) -> str:
        token = self.peek()
        if token is None or not token.is_name:
            raise self.trouble("a name")
        return self.take().value

    def object_name(self) -> None:
        """Step over the name behind CREATE TABLE or CREATE INDEX; sqlite_master tells it in a column of its own."""
        self.accept("IF", "NOT", "EXISTS")
        self.name()
        if self.accept("."):
            self.name()

    def group(self) -> tuple[Token, ...]:
        """Step over a parenthesis and everything in it; return what is inside."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            token = self.take()
            depth += token.says("(") - token.says(")")
        return self.tokens[start : self.at - 1]

    def trouble(self, wanted: str) -> SyntaxTrouble:
        token = self.peek()
        found = "the end" if token is None else repr(self.sql[token.start : token.start + 20])
        return SyntaxTrouble(f"expected {wanted}, found {found}")


def source(sql: str, tokens: Sequence[Token]) -> str:
    """Return the text of neighbouring tokens as it was written, but without comments."""
    if not tokens:
        return ""
    parts = [sql[tokens[0].start : tokens[0].end]]
    for before, token in pairwise(tokens):
        gap = sql[before.end : token.start]
        parts += [gap if not gap.strip(" \t\n\f\r") else " ", sql[token.start : token.end]]
    return "".join(parts)
