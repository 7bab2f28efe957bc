"""The command lines of the online tools, their progress output, and the handling of the password."""

from __future__ import annotations

import stat
from pathlib import Path

import peewee as pw
import pytest

from wch_peewee.errors import ConfigurationError
from wch_peewee.execution.online.tools import GhOst, PtOnlineSchemaChange, ToolTarget, credentials, tool_target

PT_OSC, GH_OST = PtOnlineSchemaChange(), GhOst()
FILE = Path("options.cnf")
ALTER = "MODIFY COLUMN `a` varchar(90) NOT NULL"
SECRET = 'se"cr\\et'


def target(**attributes: object) -> ToolTarget:
    values = {"flavor": "mariadb", "version": (10, 11, 19), "host": "db", "port": 3307, "password": SECRET}
    return ToolTarget("shop", "wp", **{**values, **attributes})  # type: ignore[arg-type]


def test_pt_online_schema_change_is_told_where_in_its_dsn() -> None:
    words = PT_OSC.command(target(), "wp_wch_messages", ALTER, FILE)
    assert words[0] == "pt-online-schema-change"
    assert words[-1] == "F=options.cnf,D=shop,t=wp_wch_messages,A=utf8mb4,h=db,P=3307"
    assert {f"--alter={ALTER}", "--execute", "--alter-foreign-keys-method=rebuild_constraints"} <= set(words)
    assert "--set-vars=lock_wait_timeout=1,foreign_key_checks=0" in words
    assert PT_OSC.command(target(socket="/run/s,1"), "t", ALTER, FILE)[-1].endswith(",S=/run/s\\,1")


def test_mysql_9_explains_as_a_table_to_it() -> None:
    words = PT_OSC.command(target(flavor="mysql", version=(9, 7, 4)), "t", ALTER, FILE)
    assert "--set-vars=lock_wait_timeout=1,foreign_key_checks=0,explain_format=TRADITIONAL" in words


def test_gh_ost_is_told_by_options() -> None:
    words = GH_OST.command(target(), "wp_wch_messages", ALTER, FILE)
    wanted = {"--host=db", "--port=3307", "--database=shop", "--table=wp_wch_messages", f"--alter={ALTER}"}
    assert {*wanted, "--conf=options.cnf", "--execute", "--discard-foreign-keys"} <= set(words)
    with pytest.raises(ConfigurationError, match="TCP only"):
        GH_OST.command(target(socket="/run/s"), "t", ALTER, FILE)


@pytest.mark.parametrize(
    ("tool", "line", "expected"),
    [
        (PT_OSC, "Copying `shop`.`wp_wch_messages`:  12% 00:30 remain\n", 12),
        (PT_OSC, "Altering `shop`.`wp_wch_messages`...\n", None),
        (GH_OST, "Copy: 1200/10000 12.0%; Applied: 3; Backlog: 0/1000; Time: 4s(total)\n", 12),
        (GH_OST, "# Migrating `shop`.`wp_wch_messages`\n", None),
    ],
)
def test_progress_is_read(tool: object, line: str, expected: int | None) -> None:
    assert tool.percent(line) == expected  # type: ignore[attr-defined]


def test_the_password_is_in_a_file_of_ones_own_and_nowhere_else() -> None:
    for tool in (PT_OSC, GH_OST):
        assert not any(SECRET in word for word in tool.command(target(), "t", ALTER, FILE))
    assert SECRET not in repr(target())
    with credentials(target()) as file:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text(encoding="utf-8") == '[client]\nuser="wp"\npassword="se\\"cr\\\\et"\n'
    assert not file.exists()


def test_sqlite_needs_no_tool() -> None:
    with pytest.raises(ConfigurationError, match="SQLite rebuilds a table by itself"):
        tool_target(pw.SqliteDatabase(":memory:"), "sqlite", (3, 40))
