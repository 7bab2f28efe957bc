"""Servers are recognized by their version text; old ones and imitations are refused by name."""

from __future__ import annotations

import peewee
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pymysql.converters import convert_datetime

from wch_peewee import ConfigurationError, UnsupportedServer
from wch_peewee.database.connect import unwrap
from wch_peewee.database.driver import server_moment
from wch_peewee.database.query import mysql_dialect, sqlite_dialect


@pytest.mark.parametrize(
    ("version", "comment", "label"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "Debian 12", "MariaDB 10.11.19"),
        ("5.5.5-10.4.34-MariaDB-log", "", "MariaDB 10.4.34"),
        ("11.8.6-MariaDB-0+deb13u1 from Debian", "", "MariaDB 11.8.6"),
        ("10.6.12-log", "MariaDB Server", "MariaDB 10.6.12"),
        ("9.7.4-2", "(Debian)", "MySQL 9.7.4"),
        ("8.0.13", "MySQL Community Server - GPL", "MySQL 8.0.13"),
        ("8.0.36-28", "Percona Server (GPL)", "MySQL 8.0.36"),
    ],
)
def test_the_flavor_and_version(version: str, comment: str, label: str) -> None:
    assert mysql_dialect(version, comment).label == label


@pytest.mark.parametrize(
    ("version", "comment", "words"),
    [
        ("5.7.44-log", "MySQL Community Server (GPL)", "MySQL 5.7.44 is too old.*MySQL 8.0.13"),
        ("8.0.12", "", "MySQL 8.0.12 is too old"),
        ("10.3.39-MariaDB", "", "MariaDB 10.3.39 is too old.*MariaDB 10.4"),
        ("8.0.11-TiDB-v7.5.0", "TiDB Server", "The server is tidb"),
        ("8.0.30-Vitess", "Version: 19.0", "The server is vitess"),
        ("unknown", "", "cannot be read"),
    ],
)
def test_what_is_refused_says_what_works(version: str, comment: str, words: str) -> None:
    with pytest.raises(UnsupportedServer, match=words):
        mysql_dialect(version, comment)


def test_sqlite_from_3_35_on() -> None:
    assert sqlite_dialect("3.35.0").label == "SQLite 3.35.0"
    with pytest.raises(UnsupportedServer, match=r"SQLite 3\.34\.1 is too old; use SQLite 3\.35"):
        sqlite_dialect("3.34.1")


def test_a_proxy_is_looked_through_and_other_engines_are_refused() -> None:
    database = peewee.SqliteDatabase(":memory:")
    proxy = peewee.DatabaseProxy()
    proxy.initialize(database)
    assert unwrap(proxy) is database
    with pytest.raises(UnsupportedServer, match="PostgresqlDatabase is not supported"):
        unwrap(peewee.PostgresqlDatabase("x"))
    with pytest.raises(ConfigurationError, match="got int"):
        unwrap(7)


@given(
    text=st.datetimes().map(str)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?", fullmatch=True)
)
@example(text="0000-00-00 00:00:00")
@example(text="2026-02-29 00:00:00")
@example(text="2026-01-02 03:04:05")
def test_a_datetime_of_a_server_is_read_as_pymysql_reads_it(text: str) -> None:
    assert server_moment(text) == convert_datetime(text)
