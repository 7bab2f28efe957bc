"""A process forks with connections open, as a server does that loads the application before its workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import peewee
import pytest

from tests.support.bound import bound
from tests.support.concurrency import Send, Worker
from tests.support.database_classes import CLASSES, DatabaseClass
from tests.support.databases import LiveDatabase
from wch_peewee import Conversation, Plugin

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

ROOT = Path(__file__).resolve().parents[2]

#: How many workers there are, and how often each reads its own rows.
WORKERS, READS = 3, 50


@pytest.fixture
def plugin(database: LiveDatabase) -> Iterator[Plugin]:
    """A plugin whose connection is open, with one conversation for each worker and one for the parent."""
    plugin = Plugin(database.url)
    plugin.activate()
    plugin.database.connect()
    with bound(plugin.database, plugin.prefix):
        for number in range(WORKERS + 1):
            Conversation.create(customer_phone=phone(number), wa_conversation_id=f"wa.{number}")
    yield plugin
    plugin.database.close()


def phone(number: int) -> str:
    return f"+4917{number}"


def answers(plugin: Plugin, number: int) -> set[str]:
    """Return the customers that are answered with when one's own is asked for ``READS`` times."""
    model = plugin.models.Conversation
    return {model.get(model.customer_phone == phone(number)).customer_phone for _ in range(READS)}


def in_child(plugin: Plugin, number: int, send: Send) -> list[str]:
    send("here")
    return sorted(answers(plugin, number))


def test_everybody_reads_rows_of_their_own(plugin: Plugin) -> None:
    connection = plugin.database.connection()
    assert plugin.admin_init().outcome == "current"
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(lambda send, number=number: in_child(plugin, number, send)))
            for number in range(WORKERS)
        ]
        assert {worker.receive() for worker in workers} == {"here"}
        assert answers(plugin, WORKERS) == {phone(WORKERS)}
        assert [worker.ending() for worker in workers] == [[phone(number)] for number in range(WORKERS)]
    assert answers(plugin, WORKERS) == {phone(WORKERS)}
    assert plugin.database.connection() is connection


HOSTS_OWN = [kind for kind in CLASSES if "Async" not in kind.name and "Queue" not in kind.name]


@pytest.mark.parametrize("kind", HOSTS_OWN, ids=str)
def test_a_database_of_a_hosts_own_is_left_by_forks(
    plugin: Plugin, database: LiveDatabase, kind: DatabaseClass
) -> None:
    """As before, with a connection that is open, and with one that waits in a pool."""
    if database.family not in kind.families or kind.name == "SqlCipherDatabase":
        pytest.skip(f"{kind} is not for {database.family}")
    with kind.open(database) as application:
        own = Plugin(application)
        assert own.admin_init().outcome == "current"
        for is_open in (False, True):
            if is_open:
                application.connect()
            with contextlib.ExitStack() as stack:
                workers = [
                    stack.enter_context(Worker(lambda send, number=number: in_child(own, number, send)))
                    for number in range(WORKERS)
                ]
                assert {worker.receive() for worker in workers} == {"here"}
                assert answers(own, WORKERS) == {phone(WORKERS)}
                assert [worker.ending() for worker in workers] == [[phone(number)] for number in range(WORKERS)]
            assert answers(own, WORKERS) == {phone(WORKERS)}
            application.close()


@pytest.mark.parametrize("kind", HOSTS_OWN, ids=str)
def test_a_transaction_of_a_hosts_own_database_belongs_to_the_parent(
    plugin: Plugin, database: LiveDatabase, kind: DatabaseClass
) -> None:
    if database.family not in kind.families or kind.name == "SqlCipherDatabase":
        pytest.skip(f"{kind} is not for {database.family}")

    def go_on(own: Plugin) -> str:
        try:
            own.models.Conversation.update(assigned_agent_id=8).execute()
        except peewee.PeeweeException:
            return "refused"
        return "written"

    with kind.open(database) as application:
        own = Plugin(application)
        with application.atomic():
            own.models.Conversation.update(assigned_agent_id=7).execute()
            with Worker(lambda send: go_on(own)) as child:
                assert child.ending() == "refused"
        assert {row.assigned_agent_id for row in own.models.Conversation.select()} == {7}


def test_a_child_begins_without_a_connection(plugin: Plugin) -> None:
    def begin(send: Send) -> list[object]:
        closed = plugin.database.is_closed()
        plugin.database.connect()
        written = Conversation.update(assigned_agent_id=7).execute(plugin.database)
        plugin.database.close()
        return [closed, written]

    with Worker(begin) as child:
        assert child.ending() == [True, WORKERS + 1]
    with bound(plugin.database, plugin.prefix):
        assert {row.assigned_agent_id for row in Conversation.select()} == {7}


def test_a_transaction_belongs_to_the_parent(plugin: Plugin) -> None:
    def go_on(send: Send) -> str:
        try:
            with bound(plugin.database, plugin.prefix):
                Conversation.update(assigned_agent_id=8).execute()
        except peewee.PeeweeException as error:
            return str(error)
        return "written"

    with bound(plugin.database, plugin.prefix):
        with plugin.database.atomic():
            Conversation.update(assigned_agent_id=7).execute()
            with Worker(go_on) as child:
                said = child.ending()
        assert {row.assigned_agent_id for row in Conversation.select()} == {7}
    assert "lost inside a transaction" in said or "belongs to the parent process" in said


def test_another_thread_that_is_connecting_holds_no_child_up(plugin: Plugin) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with plugin.database._lock:
            held.set()
            free.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(60)
        with Worker(lambda send: in_child(plugin, 0, send)) as child:
            assert child.receive() == "here"
            assert child.ending() == [phone(0)]
    finally:
        free.set()
        thread.join()


@pytest.mark.families("sqlite")
def test_a_childs_end_leaves_the_parents_journal(plugin: Plugin, database: LiveDatabase) -> None:
    def leave(send: Send) -> list[str]:
        read = sorted(answers(plugin, 0))
        plugin.database.close()
        return read

    plugin.database.execute_sql("PRAGMA journal_mode = WAL")
    with bound(plugin.database, plugin.prefix):
        Conversation.update(assigned_agent_id=7).execute()
        with Worker(leave) as child:
            assert child.ending() == [phone(0)]
        Conversation.update(assigned_agent_id=9).execute()
    assert set(database.execute("SELECT assigned_agent_id FROM wp_wch_conversations")) == {(9,)}


CHILD = """
import gc, os, sys, threading
from wch_peewee import Plugin

plugin = Plugin(sys.argv[1])
ready, go = threading.Event(), threading.Event()

def work():
    with plugin.database.connection_context():
        plugin.database.execute_sql("PRAGMA cache_size = 5")  # so that the transaction is in the file before its end
        with plugin.database.atomic():
            plugin.models.Conversation.insert_many([
                {"customer_phone": str(number), "wa_conversation_id": "x" * 90} for number in range(2000)
            ]).execute()
            ready.set()
            go.wait()

if sys.argv[2] == "thread":
    threading.Thread(target=work).start()
    ready.wait()
    if os.fork() == 0:
        gc.collect()
        os._exit(0)
    os.wait()
    go.set()
else:
    real = ready.set
    def fork():
        if os.fork() == 0:
            sys.exit(0)
        os.wait()
    ready.set = fork
    go.set()
    work()
"""


@pytest.mark.families("sqlite")
@pytest.mark.parametrize("whose", ["thread", "own"])
def test_a_childs_end_does_not_undo_a_transaction(plugin: Plugin, database: LiveDatabase, whose: str) -> None:
    """Closing an inherited connection would roll back in the file, and delete the journal."""
    subprocess.run([sys.executable, "-c", CHILD, database.url, whose], check=True, cwd=ROOT)
    assert database.execute("SELECT COUNT(*) FROM wp_wch_conversations WHERE wa_conversation_id LIKE 'xx%'") == [
        (2000,)
    ]
    assert database.execute("PRAGMA integrity_check") == [("ok",)]


def test_a_database_in_memory_is_copied_with_its_process() -> None:
    plugin = Plugin("sqlite:///:memory:")
    assert [plugin.admin_init().outcome for _ in range(2)] == ["installed", "current"]
    with Worker(lambda send: plugin.admin_init().outcome) as child:
        assert child.ending() == "current"
    plugin.database.close()
