"""Our connections read the rows that PyMySQL reads, and write the texts that it writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee
import pytest
from pymysql.connections import MySQLResult
from pymysql.constants import FIELD_TYPE

from tests.support.databases import LiveDatabase
from wch_peewee.database import connection
from wch_peewee.database.driver import ServerDatabase

pytestmark = pytest.mark.families("mysql", "mariadb")

_NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 900) SELECT "
#: Around the sizes at which a length takes more bytes, and at which a value is longer than the reader's buffer.
_SIZES = (0, 1, 249, 250, 251, 252, 253, 254, 255, 256, 65_534, 65_535, 65_536, 70_000, 200_000)
SELECTS = (
    " UNION ALL ".join(
        f"SELECT REPEAT('x', {size}), {size}, REPEAT(CONVERT(0xC3A4 USING utf8mb4), {size})" for size in _SIZES
    ),
    " UNION ALL ".join(f"SELECT REPEAT('x', {size}) FROM DUAL" for size in range(65_500, 65_560)),
    _NUMBERS + "n, REPEAT(CHAR(65 + n % 26), n % 300), IF(n % 3, NULL, n), '' FROM numbers",
    _NUMBERS + "NULL FROM numbers",
    _NUMBERS + "'' FROM numbers",
    _NUMBERS + "REPEAT(CONVERT(0xF09F9880 USING utf8mb4), n * 10), n FROM numbers",
    "SELECT 1, 'a' FROM DUAL WHERE 1 = 0",
    (
        "SELECT 1.50, -1, 18446744073709551615, 1e300, CAST('2026-01-02' AS DATE), CAST('-25:06:17.5' AS TIME(1)), "
        "CAST('2026-01-02 03:04:05.123456' AS DATETIME(6)), x'00ff', b'101', CAST('{}' AS CHAR), JSON_OBJECT('a', 1), "
        "TRUE, YEAR(NOW()), CAST('a' AS BINARY(3)) UNION ALL SELECT " + ", ".join(["NULL"] * 14)
    ),
    "SELECT zero, day, moment FROM odd_dates",
    _NUMBERS + "n * IF(n < 800, 1, 18446744073709551615) FROM numbers",
)
TEXTS = ("", "plain", "it's", "\\", "\\'", "'' \\\\", '"', "100% %s", "a\0b", "\x1a", "\r\n\t", "ä\u200f", "表", "縗")


@pytest.fixture(params=["utf8mb4", "latin1", "gbk", "cp932"])
def charset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ours(database: LiveDatabase, charset: str) -> Iterator[ServerDatabase]:
    opened = ServerDatabase(database.name, **database.address.arguments() | {"charset": charset, "sql_mode": ""})
    opened.connect()
    yield opened
    opened.close()


def read(database: peewee.Database, sql: str) -> Any:
    try:
        cursor = database.execute_sql(sql)
    except peewee.PeeweeException as error:
        return error.args
    return cursor.rowcount, [(type(row), repr(row)) for row in cursor.fetchall()], cursor.description


def test_rows_are_those_of_pymysql(ours: ServerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.execute_sql("CREATE TABLE odd_dates (zero DATETIME, day DATE, moment TIMESTAMP NULL)")
    ours.execute_sql("INSERT INTO odd_dates VALUES ('0000-00-00', '2026-02-00', NULL), ('2026-01-02', NULL, NULL)")
    for select in (*SELECTS, *SELECTS):  # the second time their columns are known
        quick = read(ours, select), read(ours, "SELECT 'still in step'")
        with monkeypatch.context() as patch:
            patch.setattr(connection, "Result", MySQLResult)
            assert quick == (read(ours, select), read(ours, "SELECT 'still in step'"))


def test_other_columns_of_the_same_statement_are_seen(ours: ServerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.execute_sql("CREATE TABLE changing (a INT)")
    ours.execute_sql("INSERT INTO changing VALUES (5)")
    for kind in ("INT", "INT NOT NULL", "VARCHAR(9)", "BLOB", "DECIMAL(5,1)", "INT, ADD b DATE"):
        ours.execute_sql(f"ALTER TABLE changing MODIFY a {kind}")
        found = [read(ours, "SELECT * FROM changing") for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(connection, "Result", MySQLResult)
            assert found == [read(ours, "SELECT * FROM changing")] * 2


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"])
def test_texts_arrive_as_they_are(ours: ServerDatabase, charset: str, mode: str) -> None:
    ours.execute_sql("SET SESSION sql_mode = %s", (mode,))
    for text in TEXTS:
        try:
            text.encode(charset.replace("utf8mb4", "utf8"))
        except UnicodeEncodeError:
            continue
        rows = ours.execute_sql("SELECT %s, HEX(%s), %s", (text, text, "next")).fetchall()
        assert rows == ((text, text.encode(charset.replace("utf8mb4", "utf8")).hex().upper(), "next"),)


def test_an_interrupted_answer_is_not_taken_for_the_next(ours: ServerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    sql = f"{_NUMBERS} CAST('2026-01-02' AS DATETIME), n FROM numbers"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setitem(ours.connection().decoders, FIELD_TYPE.DATETIME, interrupt)
        ours.execute_sql(sql)
    assert ours.execute_sql("SELECT 'next'").fetchall() == (("next",),)
