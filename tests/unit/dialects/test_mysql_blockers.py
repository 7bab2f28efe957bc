"""Who blocks a statement, from a server's answers; real servers are in tests/integration/test_bounded_waits.py."""

from __future__ import annotations

from typing import Any

import pytest

from wch_peewee.schema.mysql.dialect import MySQLDialect

ANA = (12, "ana", "web1", "wp_wch_messages", 4)
BEN = (13, "ben", "web2", "wp_wch_conversations", 9)
BACKUP = (14, "backup", "localhost", None, 70)
FOUR = [(number, "ana", "web1:5000", None, number) for number in (4, 3, 2, 1)]

ANSWERS: list[tuple[str, str, list[Any], str]] = [
    ("nobody", "mysql", [], ""),
    ("the table itself", "mysql", [ANA], "held by connection 12 (ana@web1, for 4 s)"),
    ("the table before others", "mysql", [BEN, ANA], "held by connection 12 (ana@web1, for 4 s)"),
    ("what it refers to", "mysql", [BEN], "held by connection 13 (ben@web2, wp_wch_conversations, for 9 s)"),
    ("the whole server", "mysql", [BACKUP, BEN], "held by connection 14 (backup@localhost, for 70 s)"),
    ("candidates only", "mariadb", [BACKUP], "open transactions: connection 14 (backup@localhost, for 70 s)"),
    (
        "no transaction",
        "mariadb",
        [(15, "ana", "web1:5000", "", 8)],
        "perhaps LOCK TABLES of connection 15 (ana@web1:5000, for 8 s)",
    ),
    (
        "too many to list",
        "mariadb",
        FOUR,
        (
            "open transactions: connection 4 (ana@web1:5000, for 4 s), connection 3 (ana@web1:5000, for 3 s), "
            "connection 2 (ana@web1:5000, for 2 s) and 1 more"
        ),
    ),
]


@pytest.mark.parametrize(("flavor", "rows", "words"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_they_are_named(flavor: str, rows: list[Any], words: str) -> None:
    assert MySQLDialect(flavor, (10, 11)).read_blockers("wp_wch_messages", rows) == words


@pytest.mark.parametrize(("flavor", "parameters"), [("mysql", ("a", "b")), ("mariadb", ())])
def test_the_question_has_its_parameters(flavor: str, parameters: tuple[str, ...]) -> None:
    asked = MySQLDialect(flavor, (10, 11)).blockers(("a", "b"))
    assert asked is not None
    assert asked.params == parameters
    assert asked.sql.count("%s") == len(parameters)
