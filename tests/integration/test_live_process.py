"""A run in one thread of a live process: other threads read and write through the models meanwhile.

The run is held at several of its statements, with the lock, until the others have finished something.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peewee
import peewee_migrate.migrator
import peewee_migrate.models
import peewee_migrate.router
import playhouse.migrate
import pymysql.connections
import pymysql.cursors
import pytest
from peewee_migrate.models import MigrateHistory
from pymysql.constants import SERVER_STATUS

import wch_peewee.models.site
import wch_peewee.models.tables
from tests.support.databases import LiveDatabase
from tests.support.migration_chain import chain_folder
from tests.support.populate import LATER, populate
from wch_peewee import MODELS, Cart, ConfigurationError, Conversation, DatabaseManager, Message, Plugin, SyncQueueItem
from wch_peewee.database.driver import ServerDatabase
from wch_peewee.models.site import SiteModels
from wch_peewee.schema.statements import Statement

WRITERS = 4

#: Those of the chain's that add and widen: the models of version 1.0.0 go on working beside them.
ADDING = ("002_message_channel", "004_wider_types", "005_message_bodies", "007_message_index")


@pytest.fixture
def adding(tmp_path: Path) -> Path:
    folder = chain_folder(tmp_path, ADDING)
    # Between filling the column and making it NOT NULL others go on inserting: they need the default from the start.
    first = folder / f"{ADDING[0]}.py"
    without = 'EMPTY = Column("channel", varchar(10), nullable=True)'
    text = first.read_text()
    assert without in text
    first.write_text(text.replace(without, without[:-1] + ', default=Default("whatsapp"))'))
    return folder


class Stops:
    """Holds a run before each of its statements until ``meanwhile`` has run in the test's thread."""

    def __init__(self, manager: DatabaseManager) -> None:
        self._manager = manager
        self._reached: queue.Queue[str | None] = queue.Queue()
        self._go_on = threading.Semaphore(0)
        self._given_up = False
        manager.before_statement = self._stop

    def _stop(self, statement: Statement) -> None:
        if not self._given_up:
            self._reached.put(statement.sql)
            assert self._go_on.acquire(timeout=60)

    def run(self, meanwhile: Callable[[str], None]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(self._manager.install)
            future.add_done_callback(lambda _: self._reached.put(None))
            while (sql := self._reached.get(timeout=60)) is not None:
                try:
                    meanwhile(sql)
                except BaseException:
                    self._given_up = True
                    raise
                finally:
                    self._go_on.release()
            return future.result()


def write(models: SiteModels, name: str) -> list[tuple[type[peewee.Model], int]]:
    """Insert a row into each of four tables and update one, through the models; return what must be there."""
    conversation = models.Conversation.create(customer_phone=name, wa_conversation_id=name, context={"by": name})
    message = models.Message.create(
        conversation=conversation, direction="inbound", message_type="text", wa_message_id=name, content={"text": name}
    )
    cart = models.Cart.create(customer_phone=name, items=[{"id": name}], expires_at=LATER)
    item = models.SyncQueueItem.create(entity_type="product", entity_id=1, action="update")
    conversation.status = "active"
    assert conversation.save() == 1
    assert models.Message.get_by_id(message.id).content == {"text": name}
    return [(Conversation, conversation.id), (Message, message.id), (Cart, cart.id), (SyncQueueItem, item.id)]


def kept(models: SiteModels, rows: Iterable[tuple[type[peewee.Model], int]]) -> None:
    """Assert that every returned row is in its table."""
    written = list(rows)
    for declared in MODELS:
        model = getattr(models, declared.__name__)
        assert {number for kind, number in written if kind is declared} <= {row.id for row in model.select(model.id)}


def writing(plugin: Plugin) -> Callable[[str], list[tuple[type[peewee.Model], int]]]:
    """Return ``write`` as a thread of the application calls it."""

    def one(name: str) -> list[tuple[type[peewee.Model], int]]:
        try:
            return write(plugin.models, name)
        finally:
            plugin.database.close()

    return one


@pytest.mark.families("mysql", "mariadb")
def test_other_threads_write_while_a_run_is_held_at_every_statement(database: LiveDatabase, adding: Path) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    plugin = Plugin(database.url, migrations=adding)
    written: list[tuple[type[peewee.Model], int]] = []
    statements: list[str] = []

    def meanwhile(sql: str) -> None:
        statements.append(sql)
        with ThreadPoolExecutor(WRITERS) as threads:
            for rows in threads.map(writing(plugin), [f"{len(statements)}.{thread}" for thread in range(WRITERS)]):
                written.extend(rows)

    assert Stops(plugin.manager).run(meanwhile).outcome == "upgraded"
    assert sum(sql.startswith("ALTER TABLE `wp_wch_messages`") for sql in statements) >= 3
    assert len(written) == len(statements) * WRITERS * 4
    kept(plugin.models, written)
    model = plugin.models.Conversation
    assert model.select().where(model.status == "active").count() == len(statements) * WRITERS
    plugin.database.close()
    # The first were there when the bodies were copied.
    copied = {number for (number,) in database.execute("SELECT message_id FROM wp_wch_message_bodies")}
    assert {number for kind, number in written[: WRITERS * 4] if kind is Message} <= copied


@pytest.mark.families("sqlite")
def test_on_sqlite_others_read_and_their_writes_wait_for_the_file(database: LiveDatabase, adding: Path) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    plugin = Plugin(patient(database), migrations=adding)
    reads = 0
    waiting: list[Future[list[tuple[type[peewee.Model], int]]]] = []

    def meanwhile(sql: str) -> None:
        nonlocal reads
        if not waiting:
            waiting.extend(threads.submit(writing(plugin), str(thread)) for thread in range(WRITERS))
        assert [model.select().count() for model in plugin.models] == [3, 6, 3, 3, 3, 3]
        reads += 1
        assert not any(future.done() for future in waiting)

    with ThreadPoolExecutor(WRITERS) as threads:
        assert Stops(plugin.manager).run(meanwhile).outcome == "upgraded"
        written = [row for future in waiting for row in future.result()]
    assert reads > 5
    kept(plugin.models, written)
    counts = [3 + WRITERS, 6 + WRITERS, 3 + WRITERS, 3, 3, 3 + WRITERS]
    assert [model.select().count() for model in plugin.models] == counts
    plugin.database.close()


def patient(database: LiveDatabase) -> peewee.Database:
    """Return the database of an application that waits for a SQLite file."""
    if database.family == "sqlite":
        return peewee.SqliteDatabase(str(database.path), pragmas={"foreign_keys": 1}, timeout=60)
    return ServerDatabase(database.name, **database.address.arguments())


def test_threads_that_never_stop_lose_nothing(database: LiveDatabase, adding: Path) -> None:
    """Forward, back and forward again, while threads write and read without being held."""
    DatabaseManager(database.url).install()
    plugin = Plugin(patient(database), migrations=adding)
    end = threading.Event()
    one = writing(plugin)

    def go_on(thread: int) -> list[tuple[type[peewee.Model], int]]:
        rows: list[tuple[type[peewee.Model], int]] = []
        while not end.is_set():
            rows += one(f"{thread}.{len(rows)}")
        return rows

    with ThreadPoolExecutor(WRITERS) as threads:
        futures = [threads.submit(go_on, thread) for thread in range(WRITERS)]
        try:
            for _ in range(2):
                assert plugin.manager.run_migrations() == ADDING
                assert plugin.manager.rollback(ADDING[0], allow_loss=True) == ADDING[::-1]
        finally:
            end.set()
        written = [row for future in futures for row in future.result()]
    assert written
    kept(plugin.models, written)
    plugin.database.close()


# --- the application's own connection

#: What changes by itself.
VOLATILE = {
    "timestamp", "rand_seed1", "rand_seed2", "last_insert_id", "identity", "error_count", "warning_count",
    "statement_id", "gtid_executed", "gtid_binlog_pos", "gtid_current_pos",
    # The whole server's: another worker's test has it on, or not.
    "general_log", "log_output",
}  # fmt: skip

PRAGMAS = (
    "foreign_keys", "busy_timeout", "journal_mode", "synchronous", "recursive_triggers", "legacy_alter_table",
    "cache_spill", "cache_size", "defer_foreign_keys", "ignore_check_constraints", "locking_mode", "read_uncommitted",
)  # fmt: skip


def session(application: peewee.Database) -> dict[str, Any]:
    """Return the connection's id, its settings, and whether it is in a transaction."""
    connection: Any = application.connection()
    if isinstance(application, peewee.SqliteDatabase):
        settings = {name: application.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
        return {**settings, "connection": id(connection), "in transaction": connection.in_transaction}
    rows = application.execute_sql("SHOW SESSION VARIABLES").fetchall()
    settings = {name: value for name, value in rows if name not in VOLATILE}
    status = connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS
    return {**settings, "connection": connection.thread_id(), "in transaction": status}


def begin(application: peewee.Database) -> None:
    """Begin a transaction with unusual settings, and write to a table of the application."""
    if isinstance(application, peewee.SqliteDatabase):
        # A temporary table: in SQLite whoever writes to the file keeps everybody else from it.
        for statement in ("PRAGMA foreign_keys = 0", "PRAGMA busy_timeout = 1234", "CREATE TEMP TABLE notes (note)"):
            application.execute_sql(statement)
    else:
        application.execute_sql("CREATE TABLE notes (note varchar(20)) ENGINE=InnoDB")
        application.execute_sql("SET SESSION sql_mode = 'ANSI_QUOTES', lock_wait_timeout = 77, foreign_key_checks = 0")
    application.execute_sql("BEGIN")
    application.execute_sql("INSERT INTO notes VALUES ('open')")


@pytest.mark.parametrize("where", ["in another thread", "in the same thread"])
def test_the_applications_connection_and_transaction_stay_as_they_are(
    database: LiveDatabase, adding: Path, where: str
) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    application = patient(database)
    application.connect()
    begin(application)
    before = session(application)
    plugin = Plugin(application, migrations=adding)

    def act() -> list[str]:
        outcomes = [plugin.admin_init().outcome, plugin.activate().outcome, plugin.admin_init().outcome]
        plugin.manager.status()
        plugin.manager.plan()
        return outcomes

    if where == "in the same thread" and database.family == "sqlite":
        with pytest.raises(ConfigurationError, match="inside a transaction"):
            act()
    elif where == "in the same thread":
        assert act() == ["upgraded", "current", "current"]
    else:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(act).result() == ["upgraded", "current", "current"]
            pool.submit(application.close).result()
    assert session(application) == before
    assert application.execute_sql("SELECT note FROM notes").fetchall()[0][0] == "open"
    application.execute_sql("ROLLBACK")
    assert not application.execute_sql("SELECT note FROM notes").fetchall()
    application.close()


# --- nothing global

EVERYBODYS = (
    peewee, playhouse.migrate, peewee_migrate.router, peewee_migrate.migrator, peewee_migrate.models,
    pymysql, pymysql.connections, pymysql.cursors, sqlite3, time, wch_peewee.models.site, wch_peewee.models.tables,
)  # fmt: skip


def belongings() -> dict[str, object]:
    """Return everything that one thread could change under another: the attributes of modules and their classes."""
    found: dict[str, object] = {}
    for module in EVERYBODYS:
        for name, value in vars(module).items():
            found[f"{module.__name__}.{name}"] = value
            if isinstance(value, type):
                found |= {f"{module.__name__}.{name}.{inner}": held for inner, held in vars(value).items()}
    for model in (*MODELS, MigrateHistory):
        found[f"the database of {model.__name__}"] = model._meta.database
    # peewee counts the fields that it makes.
    return {name: value for name, value in found.items() if not isinstance(value, int)}


def test_nothing_of_everybodys_is_touched(database: LiveDatabase, adding: Path) -> None:
    DatabaseManager(database.url).install()
    before = belongings()
    assert {"peewee.Database.execute_sql", "peewee.Model.select"} <= before.keys()
    stops = 0

    def meanwhile(sql: str) -> None:
        nonlocal stops
        stops += 1
        untouched()

    def untouched() -> None:
        now = belongings()
        assert now.keys() == before.keys()
        assert [name for name in before if now[name] is not before[name]] == []

    assert Stops(DatabaseManager(database.url, migrations=adding)).run(meanwhile).outcome == "upgraded"
    assert stops > 5
    untouched()
