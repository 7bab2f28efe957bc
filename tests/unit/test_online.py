"""The command lines of the online tools, their progress output, and the handling of the password."""

from __future__ import annotations

import hashlib
import os
import ssl
import stat
import tempfile
from pathlib import Path

import peewee as pw
import pytest

from wch_peewee.errors import ConfigurationError
from wch_peewee.execution.online.tools import (
    ToolTarget,
    command,
    demands_tls,
    option_file,
    options,
    percent,
    tool_target,
)

FILE = "options.cnf"
ALTER = "MODIFY COLUMN `a` varchar(90) NOT NULL"
SECRET = 'se"cr\\et'


def target(**attributes: object) -> ToolTarget:
    values = {"flavor": "mariadb", "version": (10, 11, 19), "host": "db", "port": 3307, "password": SECRET}
    return ToolTarget("shop", "wp", **{**values, **attributes})  # type: ignore[arg-type]


def test_pt_online_schema_change_is_told_where_in_its_dsn() -> None:
    words = command(target(), "wp_wch_messages", ALTER, FILE)
    assert words[0] == "pt-online-schema-change"
    assert words[-1] == "F=options.cnf,D=shop,t=wp_wch_messages,A=utf8mb4,h=db,P=3307"
    assert {f"--alter={ALTER}", "--execute", "--alter-foreign-keys-method=rebuild_constraints"} <= set(words)
    assert "--set-vars=lock_wait_timeout=1,foreign_key_checks=0" in words
    assert command(target(socket="/run/s,1"), "t", ALTER, FILE)[-1].endswith(",S=/run/s\\,1")


def test_mysql_9_explains_as_a_table_to_it() -> None:
    words = command(target(flavor="mysql", version=(9, 7, 4)), "t", ALTER, FILE)
    assert "--set-vars=lock_wait_timeout=1,foreign_key_checks=0,explain_format=TRADITIONAL" in words


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
    assert not any(SECRET in word for word in command(target(), "t", ALTER, FILE))
    assert options(target()) == '[client]\nuser="wp"\npassword="se\\"cr\\\\et"\n'
    assert SECRET not in repr(target())
    with option_file(options(target())) as (path, descriptors):
        assert len(descriptors) == in_memory
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        for _ in range(2):  # each connection reads it
            assert Path(path).read_text(encoding="utf-8") == options(target())
        assert list(tmp_path.iterdir()) == ([] if in_memory else [Path(path)])
    assert list(tmp_path.iterdir()) == []


def database(**parameters: object) -> pw.Database:
    return pw.MySQLDatabase("shop", host="db", user="wp", password=SECRET, **parameters)


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
    found = tool_target(database(**parameters), "mysql", (9, 7), b"certificate")
    lines = options(found).splitlines()
    assert {f'ssl-mode="{mode}"', f'ssl-fp="{hashlib.sha1(b"certificate").hexdigest()}"'} <= {*lines}
    assert ('ssl-ca="ca.pem"' in lines) == (mode != "REQUIRED")


def test_without_a_demand_for_tls_nothing_is_said_of_it() -> None:
    for parameters in ({}, {"ssl": {}}, {"ssl": {"ssl": True}, "ssl_disabled": True}):
        found = tool_target(database(**parameters), "mysql", (9, 7), b"certificate")
        assert found.tls == {}
    with pytest.raises(ConfigurationError, match="SSLContext cannot be handed"):
        demands_tls(database(ssl=ssl.create_default_context()))


def test_sqlite_needs_no_tool() -> None:
    with pytest.raises(ConfigurationError, match="SQLite rebuilds a table by itself"):
        tool_target(pw.SqliteDatabase(":memory:"), "sqlite", (3, 40))
