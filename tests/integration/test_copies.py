"""Large tables are copied only if that is allowed, or by an online tool; a real one where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import peewee
import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import SETTLED, chain_folder
from wch_peewee import ConfigurationError, DatabaseManager, MigrationFailed
from wch_peewee.database.query import Connection, detect_dialect
from wch_peewee.execution.leftovers import tool_at_work
from wch_peewee.execution.online import find_copier
from wch_peewee.execution.online.tools import command, option_file
from wch_peewee.schema.dialect import Topology
from wch_peewee.schema.statements import CopyRule, Statement

TOOL = "pt-online-schema-change"
MIGRATION = '''
"""Wider identifiers of messages, and conversations that say more."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, varchar

VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.alter_column, database, "conversations", Column("wa_conversation_id", varchar(90)))
    migrator.run(steps.alter_column, database, "messages", Column("wa_message_id", varchar({size})))
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.unstamp, database, "1.0.0")
'''

pytestmark = pytest.mark.families("mysql", "mariadb")


@pytest.fixture
def filled(database: LiveDatabase, tmp_path: Path) -> tuple[LiveDatabase, Path]:
    """Version 1.0.0 with a few rows, and a folder with one more migration, which has to copy both tables."""
    folder = chain_folder(tmp_path, [])
    DatabaseManager(database.url, migrations=folder, models=SETTLED).run_migrations()
    stamp = ["2030-01-01 00:00:00"]
    insert = "INSERT INTO wp_wch_conversations VALUES (1, '+49', 'c1', 'active', NULL, '{}', %s, %s, %s)"
    database.execute(insert, stamp * 3)
    for number in range(1, 6):
        insert = "INSERT INTO wp_wch_messages VALUES (%s, 1, 'inbound', 'text', %s, '{}', 'sent', %s)"
        database.execute(insert, [number, f"message {number}", *stamp])
    # Else a server that is busy with others' tables counts these when it comes to it, and until then they have no rows.
    database.execute("ANALYZE TABLE wp_wch_conversations, wp_wch_messages")
    (folder / "002_wider.py").write_text(MIGRATION.format(size=90), encoding="utf-8")
    return database, folder


def manager(database: LiveDatabase, folder: Path, rule: CopyRule) -> DatabaseManager:
    return DatabaseManager(database.url, migrations=folder, models=SETTLED, copies=rule)


def test_a_large_table_is_not_copied_without_leave(filled: tuple[LiveDatabase, Path]) -> None:
    database, folder = filled
    rule = CopyRule(rows=0)
    (first, second, *_) = manager(database, folder, rule).plan(counts=True).dry_run.steps
    assert "allow it with --allow-copy" in first.copy_refusal
    assert "wp_wch_messages (about 5 rows" in second.copy_refusal
    with (
        database.statements() as seen,
        pytest.raises(MigrationFailed, match="has to copy wp_wch_conversations") as caught,
    ):
        manager(database, folder, rule).run_migrations()
    assert seen.ddl == [] or all("migratehistory" in sql or "migrateledger" in sql for sql in seen.ddl)
    assert (caught.value.step, caught.value.in_place) == (1, ())
    with database.statements() as seen:
        manager(database, folder, CopyRule(rows=0, allowed=True)).run_migrations()
    # MariaDB 11.8 copies beside writers what no cascading key hangs on.
    connection = database.connect()
    dialect = detect_dialect(connection)
    connection.close()
    first_lock = "NONE" if dialect.name == "mariadb" and dialect.version >= (11, 2) else "SHARED"
    assert [sql.partition("ALGORITHM=")[2] for sql in seen.ddl] == [f"COPY, LOCK={first_lock}", "COPY, LOCK=SHARED"]


def test_a_small_one_is(filled: tuple[LiveDatabase, Path]) -> None:
    database, folder = filled
    manager(database, folder, CopyRule(rows=1_000)).run_migrations()
    assert manager(database, folder, CopyRule()).status().version == "1.1.0"


@pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed")
def test_the_tool_copies_in_the_stead_of_the_server(filled: tuple[LiveDatabase, Path]) -> None:
    """A parent with its child, and the child: afterwards the foreign key exists and the plan is empty."""
    database, folder = filled
    before = database.execute("SELECT * FROM wp_wch_messages ORDER BY id")
    percents: list[tuple[str, int]] = []
    copier = find_copier(database.connect(), lambda table, percent: percents.append((table, percent)))
    # -1: whatever the server believes of a table that has just been made anew.
    with database.statements() as seen:
        manager(database, folder, CopyRule(rows=-1, copier=copier)).run_migrations()
    assert not any(sql.startswith("ALTER TABLE `wp_wch_messages` MODIFY") for sql in seen.ddl)
    assert any("_wp_wch_messages_wch_new" in sql for sql in seen.ddl)
    assert database.execute("SELECT * FROM wp_wch_messages ORDER BY id") == before
    plan = manager(database, folder, CopyRule()).plan()
    assert plan.is_empty
    with pytest.raises(Exception, match=r"1452|foreign key"):
        database.execute(
            "INSERT INTO wp_wch_messages VALUES (9, 7, 'inbound', 'text', 'w9', '{}', 'sent', '2030-01-01 00:00:00')"
        )


@pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed")
def test_a_tool_that_would_cut_rows_is_not_begun(filled: tuple[LiveDatabase, Path]) -> None:
    database, folder = filled
    (folder / "002_wider.py").write_text(MIGRATION.format(size=3), encoding="utf-8")
    copier = find_copier(database.connect())
    with pytest.raises(MigrationFailed, match="5 rows of wp_wch_messages whose wa_message_id is longer than 3"):
        manager(database, folder, CopyRule(rows=-1, copier=copier)).run_migrations()
    assert database.execute("SELECT MAX(CHAR_LENGTH(wa_message_id)) FROM wp_wch_messages") == [(9,)]


def test_a_tool_that_fails_is_quoted_without_the_password(
    filled: tuple[LiveDatabase, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, folder = filled
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    script = bin_ / TOOL
    script.write_text('#!/bin/sh\necho "cannot do this"\nexit 11\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    copier = find_copier(database.connect())
    with pytest.raises(MigrationFailed, match=r"ended with 11 \(cannot do this\)"):
        manager(database, folder, CopyRule(rows=-1, copier=copier)).run_migrations()


def test_a_key_that_a_tool_has_discarded_is_given_back(filled: tuple[LiveDatabase, Path]) -> None:
    """A tool may drop foreign keys; that of this test does."""
    database, folder = filled

    def discarding(statement: Statement, check: Callable[[], None]) -> None:
        check()
        database.execute(statement.sql)
        if statement.table == "wp_wch_messages":
            database.execute("ALTER TABLE wp_wch_messages DROP FOREIGN KEY wp_wch_messages_conversation_id_fk")

    rule = CopyRule(rows=0, copier=discarding)
    steps = manager(database, folder, rule).plan(counts=True).dry_run.steps
    assert [(step.handed_over, step.copy_refusal) for step in steps[:2]] == [(True, "")] * 2
    manager(database, folder, rule).run_migrations()
    assert manager(database, folder, CopyRule()).plan().is_empty


def test_a_tool_is_not_believed(filled: tuple[LiveDatabase, Path]) -> None:
    database, folder = filled
    idle = CopyRule(rows=0, copier=lambda statement, check: None)
    with pytest.raises(MigrationFailed, match="reported success, but wp_wch_conversations still differs"):
        manager(database, folder, idle).run_migrations()
    assert manager(database, folder, CopyRule()).status().version == "1.0.0"


def test_a_tool_that_is_not_there_is_one_line(database: LiveDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match=f"{TOOL} is not installed"):
        find_copier(database.connect())
    ended = wch("plan", "--online", TOOL, database=database.url)
    assert (ended.code, ended.err.splitlines()[-1][:47]) == (78, f"Error: {TOOL} is not installed")


@pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed")
def test_what_a_killed_tool_has_left_is_cleared_up_by_what_is_said(database: LiveDatabase) -> None:
    """The tool's own names for its triggers, where neither the database's name nor the length is plain."""
    with database.address.connection() as connection, connection.cursor() as cursor:
        name, table = f"{database.name}-shop", "wp_a_rather_long_prefix_wch_messages"
        cursor.execute(f"CREATE DATABASE `{name}`")
        try:
            cursor.execute(f"USE `{name}`")
            cursor.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, a varchar(20))")
            url = peewee.MySQLDatabase(name, **database.address.arguments())
            with option_file(url) as (file, descriptors):
                words = command(Connection.detect(url), table, "MODIFY a varchar(90)", file)
                kept = ["--no-swap-tables", "--no-drop-triggers", "--no-drop-new-table"]
                subprocess.run([*words[:1], *kept, *words[1:]], check=True, capture_output=True, pass_fds=descriptors)
            for sql in ("SHOW TRIGGERS", "SHOW TABLES"):
                assert cursor.execute(sql) > 1
            found = tool_at_work(Connection.detect(url), Topology(), [table])
            url.close()
            assert found is not None
            for statement in re.findall(r"DROP [^;]+;", found.advice):
                cursor.execute(statement)
            assert (cursor.execute("SHOW TRIGGERS"), cursor.execute("SHOW TABLES")) == (0, 1)
        finally:
            cursor.execute(f"DROP DATABASE `{name}`")
