"""Messages without their conversation are deleted in batches: killed, repeated, and beside sessions that add one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.children import run_killed
from tests.support.concurrency import eventually, running
from tests.support.databases import LiveDatabase
from wch_peewee import DatabaseManager
from wch_peewee.progress import BatchDone, StepStarted
from wch_peewee.testing.child import Point

_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
MANY = 5_000


@pytest.fixture
def orphaned(site: LiveDatabase) -> LiveDatabase:
    """Two messages whose conversation 1 is missing, and on servers no foreign key."""
    if site.family == "sqlite":
        site.execute("PRAGMA foreign_keys = 0")
    else:
        site.execute("ALTER TABLE wp_wch_messages DROP FOREIGN KEY wp_wch_messages_conversation_id_fk")
    site.execute("DELETE FROM wp_wch_conversations WHERE id = 1")
    return site


@pytest.fixture
def many(orphaned: LiveDatabase) -> LiveDatabase:
    """Thousands of them more."""
    concat = "'many.' || n" if orphaned.family == "sqlite" else "CONCAT('many.', n)"
    orphaned.execute(
        "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, status, created_at) "
        f"SELECT 1000 + n, 'inbound', 'text', {concat}, 'sent', '2024-01-01 00:00:00' FROM (SELECT a.d + 10 * b.d + "
        "100 * c.d + 1000 * e.d AS n FROM "
        + ", ".join(f"({_DIGITS}) AS {name}" for name in "abce")
        + f") AS numbers WHERE n < {MANY}"
    )
    return orphaned


def left(database: LiveDatabase) -> int:
    return int(database.execute("SELECT COUNT(*) FROM wp_wch_messages")[0][0])


def test_batches_tell_how_far_they_are(many: LiveDatabase) -> None:
    kept, seen = left(many) - MANY - 2, list[BatchDone | StepStarted]()
    manager = DatabaseManager(many.url)
    manager.on_progress = seen.append
    report = manager.repair("delete")
    assert (report.orphans, report.deleted, left(many)) == (MANY + 2, MANY + 2, kept)
    done = [event for event in seen if isinstance(event, BatchDone)]
    assert len(done) > 1
    assert (done[-1].table, done[-1].rows, done[-1].fraction) == ("wp_wch_messages", MANY + 2, 1.0)
    assert manager.repair("delete").changed is False


def test_killed_in_a_batch_the_next_run_deletes_the_rest(many: LiveDatabase) -> None:
    before = left(many)

    def repair() -> None:
        DatabaseManager(many.url).repair("delete")

    assert run_killed(repair, Point(1, "after"))
    assert left(many) == before if many.family == "sqlite" else before - MANY < left(many) < before
    repair()
    assert (left(many), DatabaseManager(many.url).orphans()) == (before - MANY - 2, ())
    assert DatabaseManager(many.url).plan().plan.refusals == ()  # the foreign key is there, too


@pytest.mark.families("mysql", "mariadb")
@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "READ COMMITTED"])
def test_messages_of_a_conversation_that_is_being_inserted_stay(orphaned: LiveDatabase, isolation: str) -> None:
    other = orphaned.connect()
    other.execute_sql(f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}")
    other.execute_sql("BEGIN")
    other.execute_sql(
        "INSERT INTO wp_wch_conversations (id, customer_phone, wa_conversation_id, last_message_at, created_at, "
        "updated_at) SELECT 1, '+49', 'again', created_at, created_at, created_at FROM wp_wch_conversations LIMIT 1"
    )
    with ThreadPoolExecutor(1) as pool:
        repair = pool.submit(DatabaseManager(orphaned.url).repair, "delete")
        eventually(lambda: running(orphaned, "DELETE"))  # it waits for the conversation
        other.execute_sql("COMMIT")
        assert repair.result(60).deleted == 0
    assert orphaned.execute("SELECT id FROM wp_wch_messages WHERE conversation_id = 1 ORDER BY id") == [(1,), (2,)]
    assert DatabaseManager(orphaned.url).orphans() == ()
