"""The hosts of examples/ behind their real servers, asked in parallel while the database server is killed and started.

Clients send an order until it is acknowledged, as WhatsApp does, and twice: each is stored once, as it was sent.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.concurrency import eventually, running
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.engines import Engine
from tests.support.hosts import (
    ROOT,
    SERVERS,
    HostProcess,
    Served,
    Traffic,
    add_orders,
    answers_of,
    ask,
    environment,
    need,
    on_files,
    orders_of,
    prepare,
    stored_answers,
    stored_orders,
)
from tests.support.page_examples import blocks_of
from tests.support.servers import PrivateServer
from wch_peewee import Plugin

#: How many orders there are, how many clients send them, and after how many the server is killed.
ORDERS, CLIENTS, BEFORE = 60, 8, 30


@pytest.fixture
def server(engine: Engine, request: pytest.FixtureRequest) -> PrivateServer | None:
    """A server that may be killed, or None for SQLite."""
    return None if engine.family == "sqlite" else request.getfixturevalue("own_server")


@pytest.fixture
def place(engine: Engine, server: PrivateServer | None, tmp_path: Path) -> Iterator[LiveDatabase]:
    """An empty database on that server, or a file."""
    if server is None:
        opened = engine.fresh(tmp_path)
    else:
        opened = fresh_on_server(engine.name, engine.family, server.address)
    with opened as database:
        yield database


def start_again(server: PrivateServer, place: LiveDatabase) -> None:
    place.close()
    server.start()
    place.reopen()


@contextmanager
def killed_in_the_middle(
    server: PrivateServer | None, place: LiveDatabase, locks: list[str], waiting: str, workers: int
) -> Iterator[None]:
    """Hold ``workers`` workers, which the block starts, by ``locks``, until all are ``waiting``; kill the server."""
    if server is None:
        yield
        return
    holder = place.connect()
    holder.execute_sql("BEGIN")
    for lock in locks:
        holder.execute_sql(lock)
    yield
    eventually(lambda: len(running(place, waiting)) == workers)
    assert unanswered(place) >= len(locks)
    server.kill()
    start_again(server, place)


@pytest.mark.parametrize("example", SERVERS)
def test_every_order_is_stored_once_and_as_it_was_sent(
    example: str, place: LiveDatabase, server: PrivateServer | None, tmp_path: Path
) -> None:
    need(example)
    orders = orders_of(prepare(place, 7), ORDERS)
    twice = [order for order in orders for _ in range(2)]
    with Served(example, place.url, tmp_path) as host, Traffic(host.port, twice, CLIENTS) as traffic:
        traffic.wait_for(BEFORE)
        if server is not None:
            server.kill()
            traffic.wait_for_failure()
            start_again(server, place)
        traffic.wait_for(len(twice))
        for unknown in (10**6, -1):
            # The FastAPI programs go by the phone, which is too long.
            order = {"conversation": unknown, "phone": "9" * 21, "wa_message_id": "unknown", "text": "nobody's"}
            assert ask(host.port, "POST", "/orders", order)[0] == 422
    assert traffic.strange == []
    assert set(traffic.failed) <= {503}
    assert stored_orders(place) == orders
    left = place.execute(
        "SELECT m.wa_message_id, COUNT(q.id) FROM wp_wch_messages m LEFT JOIN wp_wch_sync_queue q "
        "ON q.entity_id = m.id GROUP BY m.wa_message_id"
    )
    assert sorted(left) == sorted((order["wa_message_id"], 1) for order in orders)
    assert place.execute("SELECT COUNT(*) FROM wp_wch_sync_queue") == [(ORDERS,)]
    if example == "django_app":
        with closing(sqlite3.connect(tmp_path / "django.db")) as receipts:
            names = receipts.execute("SELECT wa_message_id FROM shop_receipt").fetchall()
        assert sorted(names) == sorted((order["wa_message_id"],) for order in orders)


@pytest.mark.families("sqlite")
def test_the_service_of_the_readme(database: LiveDatabase, tmp_path: Path) -> None:
    need("fastapi_app")
    (block,) = (block for block in blocks_of((ROOT / "README.md").read_text()) if block.file == "orders.py")
    (tmp_path / "orders.py").write_text(block.text)
    (conversation,) = prepare(database, 1)
    command = ["uvicorn", "--log-level", "warning", "--app-dir", str(tmp_path), "--port"]
    with Served("orders", database.url, tmp_path, command, ready="/openapi.json") as host:
        sent = {"phone": "0", "name": "wamid.1", "text": "order"}
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(lambda _: ask(host.port, "POST", "/messages", sent), range(CLIENTS)))
        for phone in (" 0", "9" * 21):
            assert ask(host.port, "POST", "/messages", {**sent, "phone": phone})[0] == 422
    assert sorted(answers) == [*[(200, False)] * (CLIENTS - 1), (200, True)]
    assert stored_orders(database) == [
        {"conversation": conversation, "phone": "0", "wa_message_id": "wamid.1", "text": "order"}
    ]


def unanswered(place: LiveDatabase) -> int:
    return with_status(place, "pending")


def with_status(place: LiveDatabase, status: str) -> int:
    ((number,),) = place.execute(f"SELECT COUNT(*) FROM wp_wch_sync_queue WHERE status = '{status}'")
    return int(number)


def test_a_celery_worker_answers_each_order_once(
    place: LiveDatabase, server: PrivateServer | None, tmp_path: Path
) -> None:
    """Four processes that were forked; each task is delivered twice. Pickled rows are of another site."""
    need("celery_app")
    celery = pytest.importorskip("celery")
    broker = tmp_path / "broker"
    client = celery.Celery("client", set_as_current=False)
    conversations = prepare(place, 5)
    plugin = Plugin(place.url)
    other = plugin.at("wp_2_")
    other.activate()
    orders = orders_of(conversations, ORDERS)
    items = add_orders(plugin, orders)
    with plugin.database:
        rows = [other.models.Conversation.create(customer_phone="1", wa_conversation_id="1") for _ in conversations]
    add_orders(other, orders_of([row.id for row in rows], len(rows)))
    on_files(client, broker)
    for item in items:
        client.send_task("celery_app.answer", args=[item])
        client.send_task("celery_app.answer", args=[item])
    command = "celery --quiet --app tests.support.celery_worker worker --concurrency 4 --pool prefork --loglevel ERROR"
    variables = {"CELERY_FOLDER": str(broker), "C_FORCE_ROOT": "1"}
    with ExitStack() as stack:
        locks = [f"UPDATE wp_wch_sync_queue SET entity_id = 0 WHERE id = {item}" for item in items[30:34]]
        with killed_in_the_middle(server, place, locks, "UPDATE `wp_wch_sync_queue`", 4):
            stack.enter_context(HostProcess(command.split(), place.url, tmp_path, **variables))
        for number, row in enumerate(rows):
            client.send_task("assign", args=[row, 100 + number], serializer="pickle")
        eventually(lambda: not unanswered(place) and not list((broker / "messages").iterdir()))
        eventually(lambda: len(agents(place, "wp_2_")) == len(rows))
    assert stored_answers(place) == answers_of(orders)
    assert (agents(place, "wp_"), agents(place, "wp_2_")) == ([], [100, 101, 102, 103, 104])
    assert place.execute("SELECT DISTINCT status FROM wp_wch_messages") == [("sent",)]
    assert place.execute("SELECT DISTINCT status FROM wp_2_wch_messages") == [("read",)]


def agents(place: LiveDatabase, prefix: str) -> list[int]:
    rows = place.execute(
        f"SELECT assigned_agent_id FROM {prefix}wch_conversations WHERE assigned_agent_id IS NOT NULL ORDER BY id"
    )
    return [row[0] for row in rows]


def test_cron_jobs_that_overlap_answer_each_order_once(
    place: LiveDatabase, server: PrivateServer | None, tmp_path: Path
) -> None:
    """Three at once; the server is killed under them, and the next three go on. One item cannot be done."""
    plugin = Plugin(place.url)
    orders = orders_of(prepare(place, 5), ORDERS)
    with plugin.database:
        plugin.models.CustomerProfile.upsert("3")
        bad = plugin.models.SyncQueueItem.enqueue("order", 10**6, "create").id
    add_orders(plugin, orders)

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", "-m", "cron_script"]
        variables = {**os.environ, **environment(place.url, tmp_path)}
        return subprocess.Popen(command, cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True)

    lock = "UPDATE wp_wch_customer_profiles SET name = 'held' WHERE phone = '3'"
    with killed_in_the_middle(server, place, [lock], "INSERT INTO `wp_wch_customer_profiles`", 3):
        first = [start() for _ in range(3)]
    said = [(job.communicate(timeout=60)[1].count("\n"), job.returncode) for job in first]
    assert said == [(0, 0) if server is None else (1, 1)] * 3
    taken = with_status(place, "processing")
    assert with_status(place, "failed") == 1
    if server is not None:
        assert unanswered(place)
        assert taken
        place.execute("UPDATE wp_wch_sync_queue SET processed_at = processed_at - INTERVAL 16 MINUTE")
    second = [start() for _ in range(3)]
    assert [(job.communicate(timeout=60)[1], job.returncode) for job in second] == [("", 0)] * 3
    stored = stored_answers(place)
    assert [answer[:3] for answer in stored] == [answer[:3] for answer in answers_of(orders)]
    assert sum(answer[3] for answer in stored) == ORDERS + taken
    assert place.execute(f"SELECT status FROM wp_wch_sync_queue WHERE id = {bad}") == [("failed",)]
    assert with_status(place, "completed") == ORDERS


@pytest.mark.families("sqlite")  # test_pluggy_host.py asks the hooks on every engine
def test_a_pluggy_host_calls_each_hook(place: LiveDatabase, tmp_path: Path) -> None:
    need("pluggy_host")

    def call(hook: str) -> tuple[int, str]:
        command = [sys.executable, "-W", "error", "-m", "pluggy_host", hook]
        variables = {**os.environ, **environment(place.url, tmp_path), "WCH_REMOVE_DATA": "true"}
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.partition("(")[0] + done.stderr

    assert call("activate") == (0, "InstallReport")
    assert call("admin_init") == (0, "InstallReport")
    assert call("deactivate") == (0, "")
    assert "wp_wch_messages" in place.tables()
    assert call("uninstall") == (0, "UninstallReport")
    assert "wp_wch_messages" not in place.tables()
    assert call("removed")[0] == 64


@pytest.mark.parametrize("example", ["fastapi_app", "fastapi_async"])
def test_a_status_is_taken_when_its_message_is_there(example: str, place: LiveDatabase, tmp_path: Path) -> None:
    need(example)
    if example == "fastapi_async" and place.family == "sqlite":
        pytest.skip("that example is for servers")
    (order,) = orders_of(prepare(place, 1), 1)
    with Served(example, place.url, tmp_path) as host:
        status = {"wa_message_id": order["wa_message_id"], "status": "read"}
        assert ask(host.port, "POST", "/statuses", status)[0] == 503
        assert ask(host.port, "POST", "/orders", order) == (200, True)
        assert ask(host.port, "POST", "/statuses", status) == (200, True)
        assert ask(host.port, "POST", "/statuses", {**status, "status": "delivered"}) == (200, False)
