"""The tokenizer cuts as SQLite does; an unrecognized token of SQLite is an error here, too."""

from __future__ import annotations

import pytest

from wch_peewee.schema.sqlite.parser import Cursor, ParseError, fold, source, tokenize

CUTS = [
    ('a "b" `c` [d]', "word a, name b, name c, name d"),
    ('"a""b" `a``b` [a"b]', 'name a"b, name a`b, name a"b'),
    ("'it''s' '' ''''", "string it's, string , string '"),
    ("x'00ff' X'' x", "blob x'00ff', blob X'', word x"),
    ("1 1.5 .5 1. 1e5", "number 1, number 1.5, number .5, number 1., number 1e5"),
    ("1.5E-3 0xFF 1_000", "number 1.5E-3, number 0xFF, number 1_000"),
    ("a-- comment\nb", "word a, word b"),
    ("a--", "word a"),
    ("a/* b\n' */c/**/d/* open", "word a, word c, word d"),
    ("a<=b<>c||d==e", "word a, mark <=, word b, mark <>, word c, mark ||, word d, mark ==, word e"),
    ("e!=f->>g<<h", "word e, mark !=, word f, mark ->>, word g, mark <<, word h"),
    ("-1*(", "mark -, number 1, mark *, mark ("),
    ("naïve _x a$1 ١ 😀", "word naïve, word _x, word a$1, word ١, word 😀"),
    ("\ufeff \t\r\n\fa", "word a"),
    ("'100%' \"100%\"", "string 100%, name 100%"),
]


@pytest.mark.parametrize(("sql", "expected"), CUTS)
def test_cuts(sql: str, expected: str) -> None:
    assert ", ".join(f"{token.kind} {token.value}" for token in tokenize(sql)) == expected


@pytest.mark.parametrize("sql", ["'open", '"open', "`open", "[open", "'a''", "12ab", "1.5.2", "\\", "a ? b", "@x"])
def test_refuses(sql: str) -> None:
    with pytest.raises(ParseError, match="no token begins"):
        tokenize(sql)


def test_names_lose_only_ascii_case() -> None:
    assert fold("WP_Wch_ÄÉ") == "wp_wch_ÄÉ"


def test_quoted_words_are_no_keywords() -> None:
    assert [token.is_any("KEY") for token in tokenize("key KEY \"KEY\" 'KEY' [key]")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_source_is_as_written_but_without_comments() -> None:
    sql = "a  +\tb /* why */ - c -- end"
    assert source(sql, tokenize(sql)) == "a  +\tb - c"
    assert source("", ()) == ""


def test_a_group_is_what_stands_in_its_parenthesis() -> None:
    cursor = Cursor("(a, (b), ')') c")
    assert [token.value for token in cursor.group()] == ["a", ",", "(", "b", ")", ",", ")"]
    assert cursor.name() == "c"
    with pytest.raises(ParseError, match="found the end"):
        cursor.take()
    with pytest.raises(ParseError):
        Cursor("(a").group()
