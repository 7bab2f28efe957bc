"""The command line of the online tool, its progress output, and the handling of the password."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import stat
import tempfile
from pathlib import Path

import peewee as pw
import pytest

from wch_peewee.database.query import Connection
from wch_peewee.errors import ConfigurationError
from wch_peewee.execution.online import find_copier, percent
from wch_peewee.execution.online.tools import command, option_file, tls_options
from wch_peewee.schema.mysql.dialect import MySQLDialect

FILE = "options.cnf"
ALTER = "MODIFY COLUMN `a` varchar(90) NOT NULL"
SECRET = 'se"cr\\et'


def database(**parameters: object) -> pw.Database:
    return pw.MySQLDatabase("shop", **{"host": "db", "port": 3307, "user": "wp", "password": SECRET, **parameters})


def words(flavor: str = "mariadb", version: tuple[int, ...] = (10, 11, 19), **parameters: object) -> list[str]:
    connection = Connection(database(**parameters), MySQLDialect(flavor, version))
    return command(connection, "wp_wch_messages", ALTER, FILE)


def test_pt_online_schema_change_is_told_where_in_its_dsn() -> None:
    found = words()
    assert found[0] == "pt-online-schema-change"
    assert found[-1] == "F=options.cnf,D=shop,t=wp_wch_messages,A=utf8mb4,h=db,P=3307"
    assert {f"--alter={ALTER}", "--execute", "--alter-foreign-keys-method=rebuild_constraints"} <= set(found)
    assert "--set-vars=lock_wait_timeout=1,foreign_key_checks=0" in found
    assert words(unix_socket="/run/s,1")[-1].endswith(",S=/run/s\\,1")
    assert not any(SECRET in word for word in found)


def test_mysql_9_explains_as_a_table_to_it() -> None:
    assert "--set-vars=lock_wait_timeout=1,foreign_key_checks=0,explain_format=TRADITIONAL" in words("mysql", (9, 7, 4))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Copying `shop`.`wp_wch_messages`:  12% 00:30 remain\n", 12),
        ("Altering `shop`.`wp_wch_messages`...\n", None),
    ],
)
def test_progress_is_read(line: str, expected: int | None) -> None:
    assert percent(line) == expected


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_password_is_in_a_file_of_ones_own_and_nowhere_else(
    in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    for password in (SECRET, SECRET.encode()):
        with option_file(database(password=password)) as (path, descriptors):
            assert len(descriptors) == in_memory
            assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
            for _ in range(2):  # each connection reads it
                text = Path(path).read_text(encoding="utf-8")
                assert text == '[client]\nuser="wp"\npassword="se\\"cr\\\\et"\n'
            assert list(tmp_path.iterdir()) == ([] if in_memory else [Path(path)])
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("parameters", "mode"),
    [
        ({"ssl": {"ssl": True}}, "REQUIRED"),
        ({"ssl_ca": "ca.pem", "ssl_verify_cert": True}, "VERIFY_IDENTITY"),
        ({"ssl": {"ca": "ca.pem", "key": "k.pem", "cert": "c.pem"}}, "VERIFY_IDENTITY"),
    ],
)
def test_tls_is_demanded_of_the_tool_as_of_ourselves(parameters: dict[str, object], mode: str) -> None:
    """The certificate that we have accepted is the one that the tool accepts."""
    found = tls_options(parameters, b"certificate")
    assert (found["ssl-mode"], found["ssl-fp"]) == (mode, hashlib.sha1(b"certificate").hexdigest())
    assert (found["ssl-ca"] == "ca.pem") == (mode != "REQUIRED")


@pytest.mark.parametrize("parameters", [{}, {"ssl": {}}, {"ssl": {"ssl": True}, "ssl_disabled": True}])
def test_without_a_demand_for_tls_nothing_is_said_of_it(parameters: dict[str, object]) -> None:
    with option_file(database(**parameters)) as (path, _):
        assert "ssl" not in Path(path).read_text(encoding="utf-8")


def test_what_no_tool_can_do_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name)
    with pytest.raises(ConfigurationError, match="SSLContext cannot be handed"):
        find_copier(database(ssl=ssl.create_default_context()))
    with pytest.raises(ConfigurationError, match="SQLite rebuilds a table by itself"):
        find_copier(pw.SqliteDatabase(":memory:"))
