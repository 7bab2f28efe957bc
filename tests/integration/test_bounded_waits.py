"""An open transaction blocks DDL: each attempt ends after a second, is retried, and names who blocks.

A bystander reads all the time and records its longest wait. An attempt may block it for a second; the bound of the test
is higher, because the machine may be busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import peewee
import pytest
from pymysql.constants import SERVER_STATUS

from tests.support.accounts import account
from tests.support.concurrency import Transaction, eventually, running
from tests.support.databases import LiveDatabase
from tests.support.snapshots import snapshot
from wch_peewee import MODELS, Busy, ConfigurationError, DatabaseManager, Plugin, db_delta

#: Three times what is promised.
LONGEST_STALL = 3.0

Bounded = Callable[["Bystander"], None]


class Bystander:
    """A reader of tables in its own thread until the block ends; ``longest`` is its longest wait in seconds."""

    def __init__(self, database: LiveDatabase, *tables: str) -> None:
        self._database = database
        self._tables = tables
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.longest = 0.0
        self.reads = 0
        self.failure: Exception | None = None

    def __enter__(self) -> Bystander:
        self._thread.start()
        eventually(lambda: self.reads or self.failure)
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
        assert self.failure is None

    def _read(self) -> None:
        database = self._database.connect()
        try:
            while not self._end.is_set():
                for table in self._tables:
                    begun = time.monotonic()
                    database.execute_sql(f"SELECT COUNT(*) FROM {table}").fetchall()
                    self.longest = max(self.longest, time.monotonic() - begun)
                    self.reads += 1
                self._end.wait(0.002)
        except Exception as error:
            self.failure = error
        finally:
            database.close()


@pytest.fixture
def bounded(request: pytest.FixtureRequest) -> Bounded:
    """Return a function that checks a bystander's longest wait, and records it for ``--junitxml``."""

    def check(bystander: Bystander) -> None:
        request.node.user_properties.append(("longest_stall", f"{bystander.longest:.2f}"))
        assert bystander.longest < LONGEST_STALL

    return check


@contextmanager
def in_thread(action: Callable[[], Any]) -> Iterator[Future[Any]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(action)


def tries(database: LiveDatabase, number: int, *words: str) -> None:
    """Wait until a statement that begins with one of ``words`` has been attempted ``number`` times."""
    seen, waiting = 0, False

    def look() -> bool:
        nonlocal seen, waiting
        was, waiting = waiting, any(running(database, word) for word in words)
        seen += waiting and not was
        return seen >= number

    eventually(look)


def delta(database: LiveDatabase, **options: Any) -> tuple[str, ...]:
    # Called in threads, too: a connection is closed by the thread that has opened it.
    with closing(database.connect()) as connection:
        return db_delta(MODELS, connection, prefix="wp_", **options).changes


COLUMN = "ALTER TABLE wp_wch_messages DROP COLUMN status"
KEY = "ALTER TABLE wp_wch_messages DROP FOREIGN KEY {key}"
PARENT = "ALTER TABLE wp_wch_conversations DROP COLUMN context"
READ = "SELECT COUNT(*) FROM wp_wch_messages"
WRITE = "UPDATE wp_wch_messages SET wa_message_id = CONCAT(wa_message_id, 'x')"

# What is missing, and what the other transaction has done.
ON_SERVERS = [
    pytest.param([KEY], READ, id="a foreign key, read"),
    pytest.param([COLUMN, KEY], READ, id="both, read"),
    pytest.param([PARENT], WRITE, id="the parent's column, the child written"),
]


def damage(site: LiveDatabase, statements: list[str]) -> None:
    for statement in statements:
        if "{key}" in statement:
            ((key,),) = site.execute(
                "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
                "WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = 'wp_wch_messages'"
            )
            statement = statement.format(key=key)
        site.execute(statement)


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(("missing", "held"), ON_SERVERS)
def test_it_goes_through_between_tries_and_readers_wait_for_a_second_at_most(
    site: LiveDatabase, missing: list[str], held: str, bounded: Bounded
) -> None:
    damage(site, missing)
    with (
        Bystander(site, "wp_wch_messages", "wp_wch_conversations") as bystander,
        Transaction(site, held) as other,
        in_thread(lambda: delta(site, patience=60)) as run,
    ):
        tries(site, 3, "ALTER")
        other.end()
        assert len(run.result()) == len(missing)
    bounded(bystander)
    assert delta(site) == ()


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(("missing", "held"), ON_SERVERS)
def test_it_ends_busy_and_names_who_was_in_the_way(
    site: LiveDatabase, missing: list[str], held: str, bounded: Bounded
) -> None:
    damage(site, missing)
    before = snapshot(site)
    with (
        Bystander(site, "wp_wch_messages", "wp_wch_conversations") as bystander,
        Transaction(site, held) as other,
        pytest.raises(Busy, match=rf"connection {other.number} \(root@.*for \d+ s\)"),
    ):
        delta(site, patience=2)
    bounded(bystander)
    assert snapshot(site) == before
    assert len(delta(site)) == len(missing)


@pytest.mark.families("mysql", "mariadb")
def test_a_try_may_be_given_longer(site: LiveDatabase) -> None:
    damage(site, [COLUMN])
    with Bystander(site, "wp_wch_messages") as bystander, Transaction(site, READ), pytest.raises(Busy):
        DatabaseManager(site.url, patience=1, lock_wait=3).install()
    assert bystander.longest > 2


@pytest.mark.families("mysql")
def test_on_mysql_a_reader_of_the_parent_keeps_a_foreign_key_out(site: LiveDatabase, bounded: Bounded) -> None:
    damage(site, [KEY])
    before = snapshot(site)
    with (
        Bystander(site, "wp_wch_conversations") as bystander,
        Transaction(site, "SELECT COUNT(*) FROM wp_wch_conversations") as other,
        pytest.raises(Busy, match=rf"connection {other.number} \(root@.*, wp_wch_conversations, for \d+ s\)"),
    ):
        delta(site, patience=2)
    bounded(bystander)
    assert snapshot(site) == before
    assert len(delta(site)) == 1


@pytest.mark.families("mysql", "mariadb")
def test_an_account_that_may_not_ask_who_is_told_busy_all_the_same(site: LiveDatabase) -> None:
    damage(site, [COLUMN])
    with (
        account(site, "ALL PRIVILEGES") as limited,
        Transaction(site, READ),
        pytest.raises(Busy, match=r"has locked wp_wch_messages for \d+ seconds \(this account may not see .*\); the"),
    ):
        db_delta(MODELS, peewee.MySQLDatabase(site.name, **limited.arguments()), prefix="wp_", patience=1)
    assert len(delta(site)) == 1


# --- the rows of the bookkeeping


NEXT = '''
"""Version 1.1.0: fills rows, and nothing else."""
from wch_peewee.migrate import steps
VERSION = "1.1.0"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.run_sql, database, "UPDATE {carts} SET coupon_code = ? WHERE coupon_code IS NULL", "none")
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.unstamp, database, "1.0.0")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped migrations, and one that writes rows."""
    shipped = DatabaseManager("sqlite:///:memory:").folder.path
    for file in shipped.glob("0*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "002_coupons.py").write_text(NEXT)
    return tmp_path


ROWS = [
    ("wp_options", "SELECT option_value FROM wp_options WHERE option_name = 'wch_db_version' FOR UPDATE"),
    ("wp_wch_migratehistory", "SELECT name FROM wp_wch_migratehistory FOR UPDATE"),
    ("wp_wch_carts", "SELECT id FROM wp_wch_carts FOR UPDATE"),
]


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(("table", "lock"), ROWS, ids=[table for table, _ in ROWS])
def test_locked_rows_end_in_busy_and_nothing_worse(site: LiveDatabase, folder: Path, table: str, lock: str) -> None:
    with Transaction(site, lock) as other:
        # Reading waits for nobody.
        assert Plugin(site.database).admin_init().outcome == "current"
        assert DatabaseManager(site.url).status().is_current
        with pytest.raises(Busy, match=rf"locked {table} for \d+ seconds .*connection {other.number} "):
            DatabaseManager(site.url, migrations=folder, patience=1).install()
    assert DatabaseManager(site.url, migrations=folder).install().version == "1.1.0"


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize(("table", "lock"), ROWS, ids=[table for table, _ in ROWS])
def test_locked_rows_are_waited_for(site: LiveDatabase, folder: Path, table: str, lock: str) -> None:
    with Transaction(site, lock) as other, in_thread(DatabaseManager(site.url, migrations=folder).install) as run:
        tries(site, 2, "INSERT INTO", "UPDATE")
        assert not run.done()
        other.end()
        assert run.result().outcome == "upgraded"


# --- SQLite: the file as a whole


@pytest.fixture
def file(site: LiveDatabase) -> LiveDatabase:
    """A site in a file, with one index missing."""
    site.execute("DROP INDEX wp_wch_carts_expires_at")
    return site


@pytest.mark.families("sqlite")
def test_a_writer_of_the_file_is_waited_for(file: LiveDatabase) -> None:
    with Transaction(file, "SELECT 1", "BEGIN IMMEDIATE") as other:
        before = snapshot(file)
        with pytest.raises(Busy, match="another process writes to the file"):
            delta(file, patience=0)
        with in_thread(lambda: delta(file)) as run:
            assert snapshot(file) == before
            other.end()
            assert len(run.result()) == 1


@pytest.mark.families("sqlite")
def test_a_reader_of_the_file_ends_in_busy_and_other_readers_go_on(file: LiveDatabase, bounded: Bounded) -> None:
    before = snapshot(file)
    with Bystander(file, "wp_wch_carts") as bystander, Transaction(file, "SELECT COUNT(*) FROM wp_wch_carts"):
        with pytest.raises(Busy, match="that reads the file prevented the commit; the run was rolled back"):
            delta(file, patience=3)
        assert snapshot(file) == before
    bounded(bystander)
    assert len(delta(file)) == 1


@pytest.mark.families("sqlite")
def test_a_run_that_a_reader_has_kept_from_its_commit_is_done_again(file: LiveDatabase, bounded: Bounded) -> None:
    begun = threading.Semaphore(0)
    mine = DatabaseManager(file.url, patience=60)
    mine.before_statement = lambda statement: begun.release()
    with (
        Bystander(file, "wp_wch_carts") as bystander,
        Transaction(file, "SELECT COUNT(*) FROM wp_wch_carts") as other,
        in_thread(mine.install) as run,
    ):
        for _ in range(3):
            assert begun.acquire(timeout=60)
        other.end()
        assert run.result().outcome == "upgraded"
    bounded(bystander)


# --- our own caller's transaction


@pytest.mark.families("sqlite")
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_inside_a_transaction_of_ones_own_a_file_is_not_upgraded(file: LiveDatabase, begin: str) -> None:
    """The run would wait for its own caller."""
    manager = DatabaseManager(file.database)
    file.execute(begin)
    with pytest.raises(ConfigurationError, match="inside a transaction; commit first"):
        manager.install()
    assert file.database.connection().in_transaction
    file.execute("COMMIT")
    assert manager.install().outcome == "upgraded"


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("begin", ["BEGIN", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SET autocommit = 0"])
def test_inside_a_transaction_of_ones_own_a_server_is_upgraded(site: LiveDatabase, begin: str) -> None:
    """Inspection must not lock the tables that are then changed: orphans are counted before a key is added."""
    damage(site, [KEY])
    application = site.connect()
    try:
        application.execute_sql(begin)
        assert DatabaseManager(application, patience=1).install().outcome == "upgraded"
        status = application.connection().server_status
        if begin != "SET autocommit = 0":
            assert status & SERVER_STATUS.SERVER_STATUS_IN_TRANS
        else:
            assert not status & SERVER_STATUS.SERVER_STATUS_AUTOCOMMIT
    finally:
        application.close()
