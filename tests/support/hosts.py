"""The hosts of examples/ as processes, and the clients of the web ones.

with Served("fastapi_app", database.url, tmp_path) as host:
    traffic = Traffic(host.url, orders)
"""

from __future__ import annotations

import http.client
import importlib
import json
import queue
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.support.databases import LiveDatabase
from tests.support.server_process import ServerProcess, free_ports
from wch_peewee import Plugin

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

#: The distributions that each example needs, by the name of its module.
NEEDS = {
    "fastapi_app": ("fastapi", "uvicorn"),
    "fastapi_async": ("fastapi", "uvicorn", "aiomysql", "aiosqlite"),
    "flask_app": ("flask", "gunicorn"),
    "django_app": ("django", "gunicorn"),
    "celery_app": ("celery",),
    "cron_script": (),
    "pluggy_host": ("pluggy",),
}
_UVICORN = ("uvicorn", "--log-level", "warning", "--port")
_GUNICORN = ("gunicorn", "--preload", "--workers", "4", "--threads", "2", "--worker-class", "gthread", "--bind")
#: The module that serves each web example, with its options; the last one's value is the address.
SERVERS = {
    "fastapi_app": _UVICORN,
    "fastapi_async": _UVICORN,
    "flask_app": _GUNICORN,
    "django_app": (*_GUNICORN[:-1], "--bind"),
}
#: What the WSGI or ASGI application is called, where that is not ``app``.
_CALLABLES = {"django_app": "application"}


def need(example: str) -> None:
    """Skip the test if a distribution that the example needs is not installed."""
    for module in NEEDS[example]:
        try:
            importlib.import_module(module)
        except ImportError:
            pytest.skip(f"{module} is not installed, which examples/{example}.py needs")


def environment(url: str, folder: Path) -> dict[str, str]:
    """Return the variables that an example reads."""
    return {
        "WCH_DATABASE_URL": url,
        "DJANGO_DATABASE": str(folder / "django.db"),
        "PYTHONPATH": f"{EXAMPLES}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


class HostProcess:
    """A process of a host that runs until the end of the block, or of the tests."""

    def __init__(self, arguments: Iterable[str], url: str, folder: Path, **variables: str) -> None:
        self.folder = folder / "host"
        self.folder.mkdir()
        self._variables = [f"{name}={value}" for name, value in {**environment(url, folder), **variables}.items()]
        self._arguments = list(arguments)

    def __enter__(self) -> Self:
        command = ["/usr/bin/env", *self._variables, sys.executable, "-m", *self._arguments]
        self._process = ServerProcess(command, self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(self.log()[-4000:])
        self._process.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


class Served(HostProcess):
    """A web example behind its real server on a port of loopback. It answers when the block begins."""

    def __init__(
        self, example: str, url: str, folder: Path, server: Sequence[str] = (), ready: str = "/orders/none"
    ) -> None:
        self.port = free_ports(1)[0]
        self._ready = ready
        *server, option = server or SERVERS[example]
        place = str(self.port) if server[0] == "uvicorn" else f"127.0.0.1:{self.port}"
        super().__init__([*server, option, place, f"{example}:{_CALLABLES.get(example, 'app')}"], url, folder)

    def __enter__(self) -> Self:
        super().__enter__()
        deadline = time.monotonic() + 60
        try:
            while ask(self.port, "GET", self._ready)[0] != 200:
                assert self.is_running, "the host has ended"
                assert time.monotonic() < deadline, "the host does not answer"
                time.sleep(0.05)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self


def ask(port: int, method: str, path: str, sent: object = None) -> tuple[int, Any]:
    """Send one request; return the status and the document, or 0 and the error when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = None if sent is None else json.dumps(sent)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.status == 200 else text
    except (OSError, http.client.HTTPException) as error:
        return 0, error
    finally:
        connection.close()


class Traffic:
    """Clients that send each order until it is acknowledged, and read it back. ``answers`` are those of the host."""

    def __init__(self, port: int, orders: Iterable[dict[str, Any]], clients: int) -> None:
        self.port = port
        self.acknowledged: list[str] = []
        #: What was sent and answered with another status than 200, by that status.
        self.failed: list[int] = []
        #: Answers that belong to another order.
        self.strange: list[Any] = []
        self._orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        for order in orders:
            self._orders.put(order)
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=self._work) for _ in range(clients)]
        self._stop = threading.Event()

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, number: int) -> None:
        """Wait until so many orders have been acknowledged, or until it failed to be so."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.acknowledged) >= number, timeout=60), "nothing goes on"

    def wait_for_failure(self) -> None:
        """Wait until a client has not been served."""
        with self._news:
            assert self._news.wait_for(lambda: self.failed, timeout=60), "nobody has noticed"

    def _work(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            self._until_served("POST", "/orders", order)
            name = order["wa_message_id"]
            shown = self._until_served("GET", f"/orders/{name}")
            with self._news:
                if shown != order["text"]:
                    self.strange.append((name, shown))
                self.acknowledged.append(name)
                self._news.notify()

    def _until_served(self, method: str, path: str, sent: object = None) -> Any:
        while not self._stop.is_set():
            status, answer = ask(self.port, method, path, sent)
            if status == 200:
                return answer
            with self._news:
                self.failed.append(status)
                self._news.notify()
            self._stop.wait(0.05)
        return None


def on_files(app: Any, folder: Path) -> Any:
    """Let a Celery app, of a worker or of a client, exchange its messages through files in ``folder``."""
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    messages = str(folder / "messages")
    app.conf.update(
        broker_url="filesystem://",
        broker_transport_options={
            "data_folder_in": messages,
            "data_folder_out": messages,
            "control_folder": str(folder / "control"),
            "polling_interval": 0.05,
        },
        accept_content=["json", "pickle"],
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
    )
    return app


def orders_of(conversations: list[int], number: int) -> list[dict[str, Any]]:
    """Return ``number`` different orders, each in one of the conversations."""
    return [
        {
            "conversation": conversations[place % len(conversations)],
            "phone": str(place % len(conversations)),
            "wa_message_id": f"wamid.{place}",
            "text": f"order {place} for {conversations[place % len(conversations)]}",
        }
        for place in range(number)
    ]


def add_orders(plugin: Plugin, orders: Iterable[dict[str, Any]]) -> list[int]:
    """Store orders as the web examples do; return the ids in the sync queue."""
    models = plugin.models
    ids = []
    with plugin.database:
        for order in orders:
            message = models.Message.create(
                conversation=order["conversation"],
                direction="inbound",
                message_type="text",
                wa_message_id=order["wa_message_id"],
                content={"body": order["text"]},
            )
            item = models.SyncQueueItem.create(entity_type="order", entity_id=message.id, action="create")
            ids.append(item.id)
    return ids


def answers_of(orders: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what is in the tables when each order has been answered once."""
    return sorted((one["wa_message_id"], one["conversation"], f"Thank you for {one['text']}.", 1) for one in orders)


def stored_answers(database: LiveDatabase) -> list[tuple[Any, ...]]:
    """Return the answers that are in the table, with the number of times that their order was worked on."""
    answer = "'answer.' || o.id" if database.family == "sqlite" else "CONCAT('answer.', o.id)"
    rows = database.execute(
        "SELECT o.wa_message_id, a.conversation_id, a.content, q.attempts FROM wp_wch_messages a "
        f"JOIN wp_wch_messages o ON a.wa_message_id = {answer} "
        "JOIN wp_wch_sync_queue q ON q.entity_id = o.id WHERE a.direction = 'outbound' AND q.status = 'completed'"
    )
    return sorted((row[0], row[1], json.loads(row[2])["body"], row[3]) for row in rows)


def stored_orders(database: LiveDatabase) -> list[dict[str, Any]]:
    """Return the orders that are in the table, in the order of their names."""
    rows = database.execute(
        "SELECT m.conversation_id, c.customer_phone, m.wa_message_id, m.content FROM wp_wch_messages m "
        "JOIN wp_wch_conversations c ON c.id = m.conversation_id WHERE m.direction = 'inbound'"
    )
    found = [
        {"conversation": number, "phone": phone, "wa_message_id": name, "text": json.loads(content)["body"]}
        for number, phone, name, content in rows
    ]
    return sorted(found, key=lambda order: int(order["wa_message_id"].partition(".")[2]))


def prepare(database: LiveDatabase, conversations: int) -> list[int]:
    """Install the tables, and return the ids of so many conversations."""
    plugin = Plugin(database.url)
    plugin.activate()
    with plugin.database.connection_context():
        return [
            plugin.models.Conversation.create(customer_phone=str(number), wa_conversation_id=str(number)).id
            for number in range(conversations)
        ]
