"""Fill an installed database with many messages, by the server's own means, or with many tables of others.

fill_messages(database, 2_000_000)
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.support.databases import LiveDatabase

from .places import bare

CONVERSATIONS = 1_000
#: Columns of the messages that are NULL everywhere, for figures to fill.
SPARE = ("filled", "filled_by_hand", "filled_for_memory", "changed")
#: Rows in one statement, and so in one transaction.
_AT_ONCE = 100_000
_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
_NOW = "'2026-01-02 03:04:05'"


def fill_messages(database: LiveDatabase, messages: int) -> None:
    """Put so many messages into a thousand conversations, and let the server look at what it has."""
    text = "printf('%09d', n)" if database.family == "sqlite" else "LPAD(n, 9, '0')"
    # Without parameters, too, peewee has PyMySQL look for their places.
    modulo = "%" if database.family == "sqlite" else "%%"
    begin, commit = ("BEGIN", "COMMIT") if database.family == "sqlite" else ("START TRANSACTION", "COMMIT")
    for column in SPARE:
        database.execute(f"ALTER TABLE wp_wch_messages ADD COLUMN {column} VARCHAR(100) NULL")
    database.execute("ALTER TABLE wp_wch_messages ADD COLUMN label VARCHAR(2) NULL")
    database.execute(begin)
    database.execute(
        "INSERT INTO wp_wch_conversations (id, customer_phone, wa_conversation_id, last_message_at, created_at, "
        f"updated_at) SELECT n + 1, n, n, {_NOW}, {_NOW}, {_NOW} FROM ({numbers(3)}) AS numbers"
    )
    database.execute(commit)
    for first in range(0, messages, _AT_ONCE):
        wanted = min(_AT_ONCE, messages - first)
        database.execute(begin)
        database.execute(
            "INSERT INTO wp_wch_messages "
            "(conversation_id, direction, message_type, wa_message_id, content, created_at) "
            f"SELECT 1 + n {modulo} {CONVERSATIONS}, 'inbound', 'text', {text}, "
            f"""'{{"text": "Where is my order? I have been waiting."}}', {_NOW} """
            f"FROM (SELECT n + {first} AS n FROM ({numbers(5)}) AS few WHERE n < {wanted}) AS numbers ORDER BY n"
        )
        database.execute(commit)
    database.execute("ANALYZE" if database.family == "sqlite" else "ANALYZE TABLE wp_wch_messages")


def add_tables(database: LiveDatabase, number: int) -> None:
    """Make so many tables that are not ours; on a server a few at a time, since it waits for the disk."""
    at_once = 1 if database.family == "sqlite" else 4
    # In memory they are there like any others, and no file of their own has to be made.
    engine = "" if database.family == "sqlite" else " ENGINE = MEMORY"
    stop = threading.Event()

    def make(first: int) -> None:
        with bare(database.url) as connection:
            cursor = connection.cursor()
            cursor.execute("BEGIN")
            for place in range(first, number, at_once):
                if stop.is_set():
                    return
                cursor.execute(
                    f"CREATE TABLE other_{place} (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20)){engine}"
                )
            cursor.execute("COMMIT")

    with ThreadPoolExecutor(at_once) as threads:
        try:
            list(threads.map(make, range(at_once)))
        except BaseException:
            # Ctrl-C: nobody waits for the other ten thousand.
            stop.set()
            raise


def numbers(digits: int) -> str:
    """Write a SELECT of n from 0 to 10**digits - 1."""
    names = "abcdefg"[:digits]
    value = " + ".join(f"{name}.d * {10**place}" for place, name in enumerate(names))
    tables = ", ".join(f"({_DIGITS}) AS {name}" for name in names)
    return f"SELECT {value} AS n FROM {tables}"
