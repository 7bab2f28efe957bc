"""A SQLite file is deleted, replaced, restored or damaged: every call is about the file that is there, or names it."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import peewee
import pytest

from tests.support.command import wch
from tests.support.databases import LiveDatabase
from wch_peewee import DatabaseManager, DatabaseUnavailable, Plugin
from wch_peewee.database.failures import RESCUE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "upgrades.md"

pytestmark = pytest.mark.families("sqlite")


def phones(path: Path) -> list[str]:
    """Return what another process finds in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return [phone for (phone,) in connection.execute("SELECT customer_phone FROM wp_wch_conversations ORDER BY id")]


def write(plugin: Plugin, phone: str) -> None:
    plugin.models.Conversation.create(customer_phone=phone, wa_conversation_id=phone)


@pytest.fixture(autouse=True)
def looking_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the file before each statement: nobody waits here for a tenth of a second to pass."""
    monkeypatch.setattr("wch_peewee.database.connect.LOOK_EVERY", 0.0)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    """An installation with an open connection; the file ``backup.db`` beside it lacks its last row."""
    plugin = Plugin(f"sqlite:///{tmp_path / 'shop.db'}")
    plugin.activate()
    write(plugin, "1")
    plugin.database.close()
    shutil.copy(tmp_path / "shop.db", tmp_path / "backup.db")
    plugin.database.connect()
    write(plugin, "2")
    return plugin


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    path.with_name("backup.db").replace(path)


def empty(path: Path) -> None:
    path.with_name("empty.db").touch()
    path.with_name("empty.db").replace(path)


def test_a_new_file_is_not_a_replaced_one(tmp_path: Path) -> None:
    plugin = Plugin(f"sqlite:///{tmp_path / 'new.db'}")
    with plugin.database.atomic():
        plugin.database.execute_sql("CREATE TABLE notes (note)")
    assert plugin.activate().outcome == "installed"
    assert plugin.database.get_tables()
    plugin.database.close()


CALLS: dict[str, Callable[[Plugin], object]] = {
    "admin_init": lambda plugin: plugin.admin_init().outcome,
    "activate": lambda plugin: plugin.activate().outcome,
    "status": lambda plugin: plugin.manager.status().version,
    "row_counts": lambda plugin: plugin.manager.row_counts().get("wp_wch_conversations"),
    "plan": lambda plugin: plugin.manager.plan().pending,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("change", [delete, replace, empty])
def test_a_call_is_about_the_file_that_is_there(
    change: Callable[[Path], None], call: str, plugin: Plugin, tmp_path: Path
) -> None:
    """The same as in a new process."""
    path = tmp_path / "shop.db"
    assert plugin.admin_init().outcome == "current"
    plugin.database.connect(reuse_if_open=True)
    copy = tmp_path / "elsewhere"
    shutil.copytree(tmp_path, copy)
    for place in (path, copy / "shop.db"):
        change(place)
    new = Plugin(f"sqlite:///{copy / 'shop.db'}")
    assert CALLS[call](plugin) == CALLS[call](new)
    assert path.exists() == (copy / "shop.db").exists()
    for each in (plugin, new):
        each.database.close()


def test_an_application_s_own_database(plugin: Plugin, tmp_path: Path) -> None:
    """peewee's class follows SQLite; what looks or runs has a connection of its own."""
    plugin.database.close()
    database = peewee.SqliteDatabase(tmp_path / "shop.db")
    own = Plugin(database)
    database.connect()
    assert own.admin_init().outcome == "current"
    empty(tmp_path / "shop.db")
    assert own.manager.status().version is None
    assert own.activate().outcome == "installed"
    database.close()
    write(own, "3")
    database.close()
    assert phones(tmp_path / "shop.db") == ["3"]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_rows_go_into_the_file_that_is_there(mode: str, plugin: Plugin, tmp_path: Path) -> None:
    plugin.database.execute_sql(f"PRAGMA journal_mode = {mode}")
    plugin.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    ready, replaced = threading.Event(), threading.Event()

    def in_another_thread() -> None:
        plugin.database.connect()
        assert plugin.models.Conversation.select().count() == 2
        ready.set()
        assert replaced.wait(60)
        write(plugin, "4")
        plugin.database.close()

    thread = threading.Thread(target=in_another_thread)
    thread.start()
    assert ready.wait(60)
    replace(tmp_path / "shop.db")
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"shop.db{suffix}").unlink(missing_ok=True)
    write(plugin, "3")
    plugin.database.close()
    replaced.set()
    thread.join(60)
    assert phones(tmp_path / "shop.db") == ["1", "3", "4"]


def test_a_transaction_ends_with_its_file(plugin: Plugin, tmp_path: Path) -> None:
    database, path = plugin.database, tmp_path / "shop.db"
    for lines in (("next",), ()):  # noticed by a statement, or by the commit
        shutil.copy(path, tmp_path / "backup.db")
        with pytest.raises(peewee.OperationalError, match="deleted or replaced"), database.atomic():
            write(plugin, "lost")
            replace(path)
            for phone in lines:
                write(plugin, phone)
        assert phones(path) == ["1", "2"]
        assert plugin.admin_init().outcome == "current"
    with pytest.raises(ValueError, match="the application's own"), database.atomic():
        write(plugin, "lost")
        shutil.copy(path, tmp_path / "backup.db")
        replace(path)
        raise ValueError("the application's own")
    write(plugin, "3")
    assert phones(path) == ["1", "2", "3"]
    database.close()


def test_a_look_inside_such_a_transaction_is_one_clear_error(plugin: Plugin, tmp_path: Path) -> None:
    for call in ("status", "admin_init"):
        plugin.database.connect(reuse_if_open=True)
        message = "the file has been deleted or replaced"
        with pytest.raises(DatabaseUnavailable, match=message) as raised, plugin.database.atomic():
            write(plugin, "lost")
            shutil.copy(tmp_path / "shop.db", tmp_path / "backup.db")
            replace(tmp_path / "shop.db")
            CALLS[call](plugin)
        assert str(tmp_path / "shop.db") in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1
        assert CALLS[call](plugin) in ("1.0.0", "current")
    plugin.database.close()


def test_a_run_whose_file_is_replaced_has_not_run(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    manager = DatabaseManager(f"sqlite:///{path}")
    path.with_name("backup.db").touch()

    def swap(statement: object) -> None:
        if path.with_name("backup.db").exists():
            replace(path)

    manager.before_statement = swap
    with pytest.raises(DatabaseUnavailable, match="the file has been deleted or replaced"):
        manager.install()
    assert path.stat().st_size == 0
    assert manager.install().outcome == "installed"
    assert manager.status().is_current


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_backup_is_restored_into_the_open_file(mode: str, plugin: Plugin, tmp_path: Path) -> None:
    """As docs/upgrades.md advises: sqlite3's own backup writes through SQLite."""
    plugin.database.execute_sql(f"PRAGMA journal_mode = {mode}")
    write(plugin, "3")
    program = re.search(r'^    python -c "(.*)"$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert program is not None
    subprocess.run([sys.executable, "-c", program[1]], cwd=tmp_path, check=True)
    write(plugin, "4")
    assert phones(tmp_path / "shop.db") == ["1", "4"]
    plugin.database.close()


def test_a_wal_that_is_left_undoes_the_restoring(plugin: Plugin, tmp_path: Path) -> None:
    """SQLite cannot tell whose it is, which is why docs/upgrades.md says to take it away."""
    path = tmp_path / "shop.db"
    plugin.database.execute_sql("PRAGMA journal_mode = wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        # Kept from being copied into the file by a reader, as after a crash.
        other.execute("BEGIN")
        other.execute("SELECT * FROM wp_options").fetchall()
        write(plugin, "3")
        plugin.database.close()
        shutil.copy(tmp_path / "shop.db-wal", tmp_path / "kept-wal")
        shutil.copy(path, tmp_path / "backup.db")
    shutil.copy(tmp_path / "kept-wal", tmp_path / "shop.db-wal")
    replace(path)
    assert phones(path) == ["1", "2", "3"]


# Damage


def harm(content: bytes, chance: random.Random) -> bytes:
    """Damage a database's file somewhere."""
    damaged, size = bytearray(content), int.from_bytes(content[16:18], "big")
    first = chance.randrange(len(content) // size) * size
    match chance.choice(("bytes", "stretch", "page", "zeros", "cut", "header", "schema", "swap")):
        case "bytes":
            for _ in range(chance.choice((1, 3, 20))):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        case "stretch":
            start = chance.randrange(len(damaged) - 64)
            damaged[start : start + 64] = chance.randbytes(64)
        case "page":
            damaged[first : first + size] = chance.randbytes(size)
        case "zeros":
            damaged[first : first + size] = bytes(size)
        case "cut":
            del damaged[chance.randrange(1, len(damaged)) :]
        case "header":
            damaged[chance.randrange(100)] = chance.randrange(256)
        case "schema":
            for _ in range(5):
                damaged[chance.randrange(100, 4 * size)] = chance.randrange(256)
        case "swap":
            other = chance.randrange(len(content) // size) * size
            damaged[first : first + size], damaged[other : other + size] = (
                content[other : other + size],
                content[first : first + size],
            )
    return bytes(damaged)


def is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except (sqlite3.Error, UnicodeDecodeError):  # it quotes a damaged schema
        return False


COMMANDS = (
    "status",
    "check",
    "plan",
    "activate",
    "migrate",
    "repair --orphans delete --yes",
    "rollback --allow-loss",
    "uninstall --yes",
)
NAMED = re.compile(r"malformed|not a database|unsupported file format|Could not decode")


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 40))])
def test_a_damaged_file_is_named_and_never_made_worse(seed: int, site: LiveDatabase, tmp_path: Path) -> None:
    with closing(sqlite3.connect(site.path, isolation_level=None)) as connection:
        # More than a page for each table and index.
        for table, column in (("messages", "wa_message_id"), ("conversations", "wa_conversation_id")):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info(wp_wch_{table})") if row[1] != "id"]
            values = ", ".join(f"{name} || n.i" if name == column else f"t.{name}" for name in names)
            connection.execute(
                f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO "
                f"wp_wch_{table} ({', '.join(names)}) SELECT {values} FROM wp_wch_{table} AS t, n"
            )
    content, chance, path = site.path.read_bytes(), random.Random(seed), tmp_path / "sick.db"
    for _ in range(15):
        damaged = harm(content, chance)
        path.write_bytes(damaged)
        sound = is_sound(path)
        finding = wch("doctor", database=f"sqlite:///{path}")
        assert finding.code == 2 or (finding.code == 0 and sound), finding.text
        for command in COMMANDS:
            path.write_bytes(damaged)
            result = wch(*command.split(), database=f"sqlite:///{path}", WCH_REMOVE_DATA="true")
            assert result.code in (0, 1, 2, 78)
            assert "Traceback" not in result.text
            if NAMED.search(result.err):
                lines = [line for line in result.err.splitlines() if not line.startswith("Rolling back ")]
                assert (result.code, len(lines)) == (2, 2), result.text
                assert lines[1].startswith(f"Error: sqlite:///{path}: the file is ")
                assert lines[1].endswith(RESCUE)
            if result.code > 1:
                assert path.read_bytes() == damaged
        assert sorted(tmp_path.glob("sick.db*")) == [path]


@pytest.mark.parametrize("content", [b"SQLite format 3\0", b"not a database at all", bytes(600), b"x" * 5000])
def test_what_never_was_a_database_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wch.db"
    path.write_bytes(content)
    for command in (*COMMANDS, "doctor"):
        result = wch(*command.split(), database=f"sqlite:///{path}", WCH_REMOVE_DATA="true")
        assert result.code == 2, command
        assert f"sqlite:///{path}: the file is not a SQLite database, or its header is damaged" in result.text
    assert path.read_bytes() == content


def test_a_damaged_index_is_written_anew(site: LiveDatabase) -> None:
    name = "wp_wch_conversations_customer_phone"
    ((size,),) = site.execute("PRAGMA page_size")
    ((page,),) = site.execute("SELECT rootpage FROM sqlite_master WHERE name = %s", (name,))
    site.close()
    content = site.path.read_bytes()
    start, end = (page - 1) * size, page * size
    harmed = content[start:end].replace(b"+491510000002", b"+491510000009")
    assert harmed != content[start:end]
    site.path.write_bytes(content[:start] + harmed + content[end:])
    found = wch("doctor", database=site.url)
    assert (found.code, f"from index {name}" in found.out, "rebuild its indexes with REINDEX," in found.out) == (
        2,
        True,
        True,
    )
    site.reopen()
    site.execute("REINDEX")
    assert wch("doctor", database=site.url).code == 0
