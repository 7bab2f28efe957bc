"""Error numbers of MySQL and MariaDB, by how a run reacts to them."""

from __future__ import annotations

import pytest

from wch_peewee.schema.mysql.base import MySQLBase
from wch_peewee.schema.mysql.dialect import MySQLDialect

meaning = MySQLBase().failure

MEANINGS = {
    "waiting": {
        1205: "Lock wait timeout exceeded; try restarting transaction",
        1213: "Deadlock found when trying to get lock; try restarting transaction",
        3058: "Deadlock found when trying to get user-level lock",
    },
    "exists": {
        1050: "Table 'wp_wch_carts' already exists",
        1060: "Duplicate column name 'status'",
        1061: "Duplicate key name 'status'",
        1826: "Duplicate FOREIGN KEY constraint name 'wp_wch_messages_conversation_id_fk'",
        1005: 'Can\'t create table `db`.`t` (errno: 121 "Duplicate key on write or update")',
    },
    "missing": {1146: "Table 'db.wp_options' doesn't exist", 1051: "Unknown table 'db.wp_wch_carts'"},
    "lost": {
        2006: "MySQL server has gone away",
        2013: "Lost connection to MySQL server during query",
        0: "",
        1053: "Server shutdown in progress",
        1927: "Connection was killed",
    },
    "denied": {
        1142: "ALTER command denied to user 'wp'@'%' for table `db`.`wp_wch_carts`",
        1044: "Access denied for user 'wp'@'%' to database 'db'",
        1045: "Access denied for user 'wp'@'%' (using password: NO)",
        1227: "Access denied; you need (at least one of) the SUPER privilege(s) for this operation",
    },
    "orphans": {1452: "Cannot add or update a child row: a foreign key constraint fails"},
    "other": {
        1062: "Duplicate entry 'x' for key 'wa_message_id'",
        1064: "You have an error in your SQL syntax",
        1265: "Data truncated for column 'status' at row 1",
        1292: "Incorrect datetime value: '0000-00-00 00:00:00' for column 'created_at' at row 1",
        1451: "Cannot delete or update a parent row: a foreign key constraint fails",
        1553: "Cannot drop index 'conversation_id': needed in a foreign key constraint",
        1832: "Cannot change column 'conversation_id': used in a foreign key constraint",
        3780: "Referencing column 'c' and referenced column 'id' in foreign key constraint 'f' are incompatible.",
        4025: "CONSTRAINT `j` failed for `db`.`t`",
    },
}
CASES = [(word, number, text) for word, errors in MEANINGS.items() for number, text in errors.items()]


@pytest.mark.parametrize(("word", "number", "text"), CASES, ids=[f"{number} {word}" for word, number, _ in CASES])
def test_an_error_number(word: str, number: int, text: str) -> None:
    assert meaning((number, text)) == word
    assert MySQLDialect("mariadb", (10, 11)).failure((number, text)) == word


@pytest.mark.parametrize("errno", ["150", "13", "28"])
def test_a_table_that_cannot_be_made_for_another_reason_is_not_there_already(errno: str) -> None:
    """150 is a foreign key without its index or type, 13 a denied file, 28 a full disk."""
    assert meaning((1005, f'Can\'t create table `db`.`t` (errno: {errno} "...")')) == "other"


@pytest.mark.parametrize("arguments", [(), ("no number",), (None,), ("(1205, 'as text')",)])
def test_what_has_no_number_is_something_else(arguments: tuple[object, ...]) -> None:
    assert meaning(arguments) == "other"
