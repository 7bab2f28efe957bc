"""Threads, tasks, generators, greenlets and processes share the sites of a database: each row is where it belongs."""

from __future__ import annotations

import asyncio
import contextvars
import json
import multiprocessing
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.database_classes import CLASSES
from tests.support.databases import LiveDatabase
from tests.support.pickled_rows import assign, begin
from wch_peewee import Plugin
from wch_peewee.models.site import SiteModels

ROOT = Path(__file__).resolve().parents[2]
PREFIXES = ("wp_", "wp_2_", "wp_3_")
#: How many pieces of work there are, and how many at once.
WORK, AT_ONCE = 60, 8


def prefix_of(number: int) -> str:
    return PREFIXES[number % len(PREFIXES)]


@pytest.fixture
def plugin(database: LiveDatabase) -> Iterator[Plugin]:
    plugin = Plugin(database.url)
    for prefix in PREFIXES:
        plugin.at(prefix).activate()
    yield plugin
    plugin.database.close()


def phones(database: LiveDatabase, prefix: str) -> list[str]:
    rows = database.execute(f"SELECT customer_phone FROM {prefix}wch_conversations")
    return sorted((row[0] for row in rows), key=int)


def each_is_in_its_site(database: LiveDatabase, left_out: Collection[int] = ()) -> None:
    for place, prefix in enumerate(PREFIXES):
        numbers = [number for number in range(place, WORK, len(PREFIXES)) if number not in left_out]
        assert phones(database, prefix) == list(map(str, numbers)), prefix


def store(models: SiteModels, number: int) -> str:
    """Write a conversation and a message, and return what is read from them."""
    row = models.Conversation.create(customer_phone=str(number), wa_conversation_id=str(number))
    models.Message.create(
        conversation=row, direction="inbound", message_type="text", wa_message_id=f"m{number}", content={"n": number}
    )
    (message,) = models.Conversation.get(customer_phone=str(number)).messages
    return f"{message.conversation.customer_phone} {message.content['n']}"


def stored(number: int) -> str:
    return f"{number} {number}"


#: These fail at the end of their transaction.
FAILING = {number for number in range(WORK) if number % 7 == 3}


def test_threads(plugin: Plugin, database: LiveDatabase) -> None:
    def work(number: int) -> str:
        try:
            with plugin.database:
                seen = store(plugin.at(prefix_of(number)).models, number)
                if number in FAILING:
                    raise KeyError(number)
        except KeyError:
            pass
        return seen

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(work, range(WORK))) == list(map(stored, range(WORK)))
    each_is_in_its_site(database, FAILING)


@pytest.fixture
def asynchronous(plugin: Plugin, database: LiveDatabase) -> Iterator[Plugin]:
    """A plugin of the same database through peewee's asyncio class."""
    name = "AsyncSqliteDatabase" if database.family == "sqlite" else "AsyncMySQLDatabase"
    (kind,) = (one for one in CLASSES if one.name == name)
    with kind.open(database) as opened:
        yield Plugin(opened)


def run_in_loop(plugin: Plugin, work: Any) -> Any:
    async def main() -> Any:
        try:
            return await work
        finally:
            await plugin.database.close_pool()  # type: ignore[attr-defined]

    return asyncio.run(main())


def test_tasks(asynchronous: Plugin, database: LiveDatabase) -> None:
    """A transaction belongs to its task: one that fails undoes nothing of another's."""
    own: Any = asynchronous.database

    async def work(number: int) -> str:
        models = asynchronous.at(prefix_of(number)).models
        try:
            async with own.atomic():
                seen: str = await own.run(store, models, number)
                await asyncio.sleep(0)
                if number in FAILING:
                    raise KeyError(number)
        except KeyError:
            pass
        return seen

    async def all_of_them() -> list[str]:
        # SQLite has one writer, and a task that waits for the file's lock keeps its connection.
        room = asyncio.Semaphore(1 if database.family == "sqlite" else AT_ONCE)

        async def one(number: int) -> str:
            async with room:
                return await work(number)

        return await asyncio.gather(*map(one, range(WORK)))

    assert run_in_loop(asynchronous, all_of_them()) == list(map(stored, range(WORK)))
    each_is_in_its_site(database, FAILING)


def test_asynchronous_generators(asynchronous: Plugin, database: LiveDatabase) -> None:
    """They are advanced by turns, one of them in other tasks and contexts, and closed before their end."""
    own: Any = asynchronous.database

    async def writing(prefix: str) -> AsyncIterator[str]:
        models = asynchronous.at(prefix).models
        for number in range(PREFIXES.index(prefix), WORK, len(PREFIXES)):
            yield await own.run(store, models, number)
        await asyncio.sleep(3600)  # it never ends by itself

    async def advance(generator: AsyncIterator[str]) -> str:
        return await anext(generator)

    async def by_turns() -> list[str]:
        generators: list[Any] = [writing(prefix) for prefix in PREFIXES]
        seen = []
        for number in range(WORK):
            coroutine = advance(generators[number % len(generators)])
            seen.append(await asyncio.create_task(coroutine, context=contextvars.Context()))
        for generator in generators:
            await asyncio.create_task(generator.aclose(), context=contextvars.Context())
        return seen

    assert run_in_loop(asynchronous, by_turns()) == list(map(stored, range(WORK)))
    each_is_in_its_site(database)


async def ask(app: Any, path: str) -> tuple[int, Any]:
    """Send a GET to an ASGI application, as its server does, in a task of its own."""
    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "headers": [],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []
    given = asyncio.Event()

    async def receive() -> Any:
        if given.is_set():
            await asyncio.Event().wait()  # the client stays
        given.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body) if sent[0]["status"] == 200 else body


async def ask_all(app: Any, path: str) -> list[tuple[int, Any]]:
    return await asyncio.gather(*(ask(app, f"{path}?number={number}") for number in range(WORK)))


def test_dependencies_that_yield_a_site(plugin: Plugin, database: LiveDatabase) -> None:
    """FastAPI begins one, calls the route and ends it in three threads, which serve other requests in between."""
    fastapi = pytest.importorskip("fastapi")

    def site(number: int) -> Iterator[SiteModels]:
        models = plugin.at(prefix_of(number)).models
        with plugin.database.connection_context():
            known = models.Conversation.select().count()
        yield models
        with plugin.database.connection_context():
            assert models.Conversation.select().count() > known

    app, depends = fastapi.FastAPI(), fastapi.Depends(site)

    @app.get("/")
    def route(number: int, models: Any = depends) -> str:
        with plugin.database:
            return store(models, number)

    answers = asyncio.run(ask_all(app, "/"))
    assert answers == [(200, stored(number)) for number in range(WORK)]
    each_is_in_its_site(database)


@pytest.mark.families("mysql", "mariadb")
def test_dependencies_that_yield_a_transaction(asynchronous: Plugin, database: LiveDatabase) -> None:
    """With peewee's asyncio database it belongs to the request's task; a route that fails undoes it."""
    fastapi = pytest.importorskip("fastapi")
    own: Any = asynchronous.database

    async def site(number: int) -> AsyncIterator[SiteModels]:
        async with own.atomic():
            yield asynchronous.at(prefix_of(number)).models

    app, depends = fastapi.FastAPI(), fastapi.Depends(site)

    @app.get("/")
    async def route(number: int, models: Any = depends) -> str:
        seen: str = await own.run(store, models, number)
        if number in FAILING:
            raise fastapi.HTTPException(409)
        return seen

    answers = run_in_loop(asynchronous, ask_all(app, "/"))
    assert [answer[0] for answer in answers] == [409 if number in FAILING else 200 for number in range(WORK)]
    assert [answer[1] for answer in answers if answer[0] == 200] == [
        stored(number) for number in range(WORK) if number not in FAILING
    ]
    each_is_in_its_site(database, FAILING)


def test_greenlets_of_gevent(database: LiveDatabase) -> None:
    pytest.importorskip("gevent")
    command = [sys.executable, "-m", "tests.support.gevent_host", database.url, str(WORK)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 1 if database.family == "sqlite" else int(done.stdout) > 1, "they took turns"
    each_is_in_its_site(database, {number for number in range(WORK) if number % 9 < 3})


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_are_given_rows(plugin: Plugin, database: LiveDatabase, method: str) -> None:
    """Rows of three sites go there and come back; what is read and written through them is in their site."""
    with plugin.database:
        rows = []
        for number in range(12):
            models = plugin.at(prefix_of(number)).models
            store(models, number)
            row = models.Conversation.get(customer_phone=str(number))
            row.assigned_agent_id = number
            row.save()
            rows.append(row)
        # Another process sets what ours must not set back.
        for prefix in PREFIXES:
            plugin.at(prefix).models.Conversation.update(status="closed").execute()
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context, initializer=begin, initargs=(database.url,)) as pool:
        returned = list(pool.map(assign, rows))
    for number, (row, messages, _) in enumerate(returned):
        assert type(row) is type(rows[number])
        assert (row == rows[number], row.assigned_agent_id, messages) == (True, number + 100, [f"m{number}"])
    for place, prefix in enumerate(PREFIXES):
        found = database.execute(f"SELECT assigned_agent_id, status FROM {prefix}wch_conversations ORDER BY id")
        assert found == [(number + 100, "closed") for number in range(place, 12, len(PREFIXES))]
