"""A site whose migrations need an online tool, and its runs as processes of their own.

site = OnlineSite(database, twin, tmp_path, rows=20_000)
site.next_migrations()
run = site.start()
run.kill()
succeed(site.start())
assert (site.settle(), site.state()) == ([], site.expected())
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.databases import LiveDatabase
from tests.support.migration_chain import SETTLED, chain_folder
from wch_peewee import DatabaseManager
from wch_peewee.database.query import Connection
from wch_peewee.execution.introspect import introspect_schema
from wch_peewee.schema.objects import Table
from wch_peewee.schema.statements import CopyRule

TOOL = "pt-online-schema-change"
CONVERSATIONS, MESSAGES = "wp_wch_conversations", "wp_wch_messages"
_FIRST = 1_000

#: A server knows only how to copy both tables: across 255 bytes, or narrower.
_RESIZED = '''
"""Identifiers of another length."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, varchar

VERSION = "1.{number}.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.alter_column, database, "messages", Column("wa_message_id", varchar({size})))
    migrator.run(steps.alter_column, database, "conversations", Column("wa_conversation_id", varchar({size})))
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.irreversible, database, "only forward")
'''
#: What a copy that is swapped in late would take away.
_NOTED = '''
"""Messages have a note, and some have one of their own."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, Default, varchar

VERSION = "1.{number}.1"
NOTE = "UPDATE {{messages}} SET note_{number} = CONCAT('note ', id) WHERE id <= 500"


def migrate(migrator, database, *, fake=False):
    column = Column("note_{number}", varchar(20), default=Default("plain"))
    migrator.run(steps.add_column, database, "messages", column)
    migrator.run(steps.run_sql, database, NOTE)
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.irreversible, database, "only forward")
'''
_NOW = "'2030-01-01 00:00:00'"
_CONVERSATION = f"'+49', CONCAT('c', ID), 'active', NULL, '{{}}', {_NOW}, {_NOW}, {_NOW}"
_MESSAGE = f"1, 'inbound', 'text', CONCAT('message ', ID), '{{\"n\": 1}}', 'sent', {_NOW}"
_RUN = """
import sys
from tests.support.migration_chain import SETTLED
from wch_peewee import DatabaseManager, WchError
from wch_peewee.execution.online import find_copier
from wch_peewee.schema.objects import Table
from wch_peewee.schema.statements import CopyRule

url, folder, tool = sys.argv[1:]
manager = DatabaseManager(url, migrations=folder, models=SETTLED)
copier = find_copier(manager.database, lambda table, percent: print(table, percent, flush=True))
try:
    DatabaseManager(url, migrations=folder, models=SETTLED, copies=CopyRule(rows=-1, copier=copier)).run_migrations()
except (WchError, KeyboardInterrupt) as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def succeed(run: subprocess.Popen[str]) -> None:
    """Wait for a run and expect it to succeed."""
    _, err = run.communicate(timeout=300)
    assert run.returncode == 0, err


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until the condition holds; return False if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds


class OnlineSite:
    """Version 1.0.0 with ``rows`` messages, and a conversation for a hundred of them.

    ``twin`` is a database in which the same migrations are run without a tool, and undisturbed; it has the first 1,000
    of the messages.
    """

    def __init__(self, database: LiveDatabase, twin: LiveDatabase, folder: Path, rows: int) -> None:
        self.database, self._twin = database, twin
        self.number = 0
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.migrations = chain_folder(folder, [])
        for one in (database, twin):
            DatabaseManager(one.url, migrations=self.migrations, models=SETTLED).run_migrations()
            self._fill(one, CONVERSATIONS, _CONVERSATION, rows // 100 if one is database else _FIRST // 100)
            self._fill(one, MESSAGES, _MESSAGE, rows if one is database else _FIRST)
        self._columns = [column.name for column in _table(database, MESSAGES).columns]
        self._checksum = self._checksum_of(self._columns)

    def _fill(self, database: LiveDatabase, table: str, values: str, rows: int) -> None:
        database.execute(f"INSERT INTO {table} SELECT 1, {values.replace('ID', '1')}")
        there = 1
        while there < rows:
            number = f"id + {there}"
            database.execute(
                f"INSERT INTO {table} SELECT {number}, {values.replace('ID', number)} FROM {table} "
                f"WHERE id <= {min(there, rows - there)}"
            )
            there *= 2
        database.execute(f"ANALYZE TABLE {table}")

    def next_migrations(self) -> None:
        """Add one that copies both tables, and one that comes after it."""
        self.number += 1
        for offset, text in enumerate((_RESIZED, _NOTED)):
            path = self.migrations / f"{2 * self.number + offset:03}_step.py"
            path.write_text(text.format(number=self.number, size=50 if self.number % 2 else 90), encoding="utf-8")

    def start(self, url: str | None = None) -> subprocess.Popen[str]:
        """Start a run as a process; its temporary files are in ``temporary``."""
        return subprocess.Popen(
            [sys.executable, "-c", _RUN, url or self.database.url, str(self.migrations), TOOL],
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> dict[int, str]:
        """Return all processes that runs have started and that are still there, with their command lines."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # gone meanwhile
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        return found

    def pids(self, program: str) -> list[int]:
        """Return the processes in whose command line ``program`` is, but for the runs themselves."""
        return [pid for pid, line in self.processes().items() if program in line and " -c " not in line]

    def left(self) -> list[str]:
        """Return everything that a run has left: processes, tables, triggers, files."""
        triggers = [f"trigger {name}" for (name, *_) in self.database.execute("SHOW TRIGGERS")]
        tables = [name for name in self.database.tables() if name.startswith("_")]
        return [*self.processes().values(), *triggers, *tables, *(path.name for path in self.temporary.iterdir())]

    def settle(self) -> list[str]:
        """Wait until nothing of a run is left; return what is left after a minute."""
        wait_until(lambda: not self.left())
        return self.left()

    def state(self) -> dict[str, Any]:
        """Return the schema, without the names of foreign keys, which the tool changes, the history and the rows."""
        notes = [f"note_{number}" for number in range(1, self.number + 1)]
        counts = ", ".join(f"SUM({note} <> 'plain')" for note in notes)
        special = self.database.execute(f"SELECT {counts} FROM {MESSAGES}")
        return {**_state(self.database), "checksum": self._checksum_of(self._columns), "notes": special}

    def _checksum_of(self, columns: list[str]) -> list[tuple[Any, ...]]:
        return self.database.execute(
            f"SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', {', '.join(columns)}))) FROM {MESSAGES}"
        )

    def expected(self) -> dict[str, Any]:
        """Return the state after an undisturbed run of the same migrations, without a tool."""
        copies = CopyRule(allowed=True)
        DatabaseManager(self._twin.url, migrations=self.migrations, models=SETTLED, copies=copies).run_migrations()
        return {**_state(self._twin), "checksum": self._checksum, "notes": [(500,) * self.number]}


def _table(database: LiveDatabase, name: str) -> Table:
    """Return a live table without the names of its foreign keys."""
    table = introspect_schema(Connection.detect(database.database), [name]).table(name)
    assert table is not None
    return replace(table, foreign_keys=tuple(replace(key, name="") for key in table.foreign_keys))


def _state(database: LiveDatabase) -> dict[str, Any]:
    columns = ", ".join(column.name for column in _table(database, MESSAGES).columns)
    return {
        "tables": [_table(database, name) for name in database.tables()],
        "rows": database.execute(f"SELECT {columns} FROM {MESSAGES} WHERE id <= {_FIRST} ORDER BY id"),
        "history": database.execute("SELECT name FROM wp_wch_migratehistory ORDER BY id"),
        "version": database.execute("SELECT option_value FROM wp_options WHERE option_name = 'wch_db_version'"),
    }
