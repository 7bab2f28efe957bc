"""What the library logs, and that it prints nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.support.databases import LiveDatabase
from wch_peewee import Busy, Plugin
from wch_peewee.execution.lock import lock_name


def lines(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    own = (record for record in caplog.records if record.name.partition(".")[0] == "wch_peewee")
    return [record.getMessage() for record in own if record.levelname == level]


def test_an_upgrade_is_logged_with_what_was_done(database: LiveDatabase, caplog: pytest.LogCaptureFixture) -> None:
    plugin = Plugin(database.url, remove_data=True)
    with caplog.at_level(logging.INFO, "wch_peewee"):
        report = plugin.activate()
        logged = lines(caplog, "INFO")
        assert [line for line in logged if line in report.changes] == list(report.changes)
        assert "Applied migration 001_initial_schema" in logged
        assert "wp_options: wch_db_version is 1.0.0" in logged
        assert lines(caplog, "WARNING") == []
        caplog.clear()
        plugin.activate()
        plugin.admin_init()
        assert lines(caplog, "INFO") == []
        plugin.manager.rollback("001_initial_schema", allow_loss=True)
        assert "Rolled back migration 001_initial_schema" in lines(caplog, "INFO")


def test_a_wait_for_another_run_is_one_warning(database: LiveDatabase, caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as stack, caplog.at_level(logging.INFO, "wch_peewee"):
        if database.family == "sqlite":
            stack.enter_context(database.database.atomic("IMMEDIATE"))
        else:
            assert database.execute("SELECT GET_LOCK(%s, 0)", (lock_name(database.name, "wp_"),)) == [(1,)]
        with pytest.raises(Busy):
            Plugin(database.url, patience=2.5).activate()
    (warning,) = lines(caplog, "WARNING")
    assert warning.startswith("Another ")
    assert "waiting up to 2.5 seconds" in warning
    assert lines(caplog, "INFO") == []


@pytest.mark.families("mysql", "mariadb")
def test_a_wait_for_a_locked_table_is_one_warning(database: LiveDatabase, caplog: pytest.LogCaptureFixture) -> None:
    plugin = Plugin(database.url, patience=2.5)
    plugin.activate()
    database.execute("ALTER TABLE wp_wch_carts DROP INDEX expires_at")
    database.execute("BEGIN")
    database.execute("SELECT * FROM wp_wch_carts")
    with caplog.at_level(logging.INFO, "wch_peewee"), pytest.raises(Busy):
        plugin.activate()
    (warning,) = lines(caplog, "WARNING")
    assert warning.startswith("Another session has locked wp_wch_carts")
    database.execute("ROLLBACK")


def test_nothing_is_printed_and_the_command_says_each_change_once(database: LiveDatabase) -> None:
    host = f"from wch_peewee import Plugin; Plugin({database.url!r}).activate()"
    done = subprocess.run([sys.executable, "-c", host], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert len(Plugin(database.url, remove_data=True).uninstall().tables) == 8
    command = [sys.executable, "-m", "wch_peewee", "activate", "--database", database.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout + done.stderr).count("Created table wp_wch_carts") <= 1
    assert "Applied migration" not in done.stdout + done.stderr
