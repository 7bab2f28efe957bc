"""Every database class of peewee's that works does what the plain one does; the others are refused by name."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
import pytest
from pymysql.constants import CLIENT
from pymysql.cursors import DictCursor

from tests.support.database_classes import CLASSES, PLAIN, DatabaseClass, call
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from wch_peewee import (
    Busy,
    ConfigurationError,
    DatabaseManager,
    DatabaseUnavailable,
    Plugin,
    UnsupportedServer,
    db_delta,
)
from wch_peewee.database.connect import unwrap
from wch_peewee.execution.session import read_session
from wch_peewee.models.tables import MODELS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "databases.md"
WHEN = datetime(2025, 1, 2, 3, 4, 5)

#: The plain classes are what the others are compared with.
OTHERS = [one for one in CLASSES if one not in PLAIN.values()]


@pytest.fixture(params=OTHERS, ids=str)
def kind(request: pytest.FixtureRequest, engine: Engine) -> DatabaseClass:
    chosen: DatabaseClass = request.param
    if engine.family not in chosen.families:
        pytest.skip(f"{chosen} is not for {engine.family}")
    chosen.load()
    return chosen


@pytest.fixture
def application(kind: DatabaseClass, database: LiveDatabase) -> Iterator[Any]:
    with kind.open(database) as opened:
        yield opened


def everyday(plugin: Plugin) -> list[Any]:
    """Return what a day's queries give: writes, reads of many rows, relations, aggregates, refusals and deletions."""
    if not hasattr(plugin.database, "aexecute_sql"):
        plugin.database.connect(reuse_if_open=True)
    seen: list[Any] = []
    Conversation, Message, Cart, CustomerProfile, *_ = plugin.models
    one = Conversation.create(
        customer_phone="+1", wa_conversation_id="a", last_message_at=WHEN, context={"a": [1, "ü", None]}
    )
    Message.insert_many(
        {
            "conversation": one,
            "direction": "inbound",
            "message_type": "text",
            "wa_message_id": f"m{number}",
            "content": {"n": number},
            "created_at": WHEN,
        }
        for number in range(450)
    ).execute()
    messages = list(Message.select().order_by(Message.id))
    seen += [(row.wa_message_id, row.content, row.status, row.created_at) for row in messages]
    seen += list(Message.select().where(Message.id % 100 == 0).order_by(Message.id).tuples())
    seen += [row.id for row in Message.select().order_by(Message.id).iterator()][-3:]
    first = Message.get(Message.wa_message_id == "m0")
    seen += [first.conversation.context, first.conversation.last_message_at, one.messages.count()]
    first.status = "read"
    seen += [first.save(), Message.update(status="failed").where(Message.id > 440).execute()]
    joined = Message.select(Message, Conversation).join(Conversation).where(Message.id < 4).order_by(Message.id)
    seen += [row.conversation.customer_phone for row in joined]
    seen += sorted(Message.select(Message.status, peewee.fn.COUNT(Message.id)).group_by(Message.status).tuples())
    Cart.create(customer_phone="1", expires_at=WHEN, items=[{"id": 1}])
    with pytest.raises(peewee.IntegrityError):
        Cart.create(customer_phone="1", expires_at=WHEN)
    CustomerProfile.create(phone="1", name="x")
    seen += [CustomerProfile.get().opt_in_marketing, CustomerProfile.update(opt_in_marketing=True).execute()]
    seen += [CustomerProfile.get().opt_in_marketing, Cart.get_or_none(Cart.id == 99)]
    seen += [one.delete_instance(), Message.select().count()]
    # SqliteQueueDatabase has no transactions, and says so.
    try:
        with plugin.database.atomic():
            Cart.delete().execute()
            raise KeyError
    except (KeyError, ValueError):
        seen.append(Cart.select().count())
    return seen


def schema_of(manager: DatabaseManager) -> Any:
    with read_session(manager.database, manager.names, manager.options) as context:
        return context.read(manager.names.tables)


def facts(report: Any) -> dict[str, Any]:
    """Return a report as values, without the place of the database and the version of its SQLite."""
    values = {part.name: getattr(report, part.name) for part in dataclasses.fields(report)}
    return {name: value for name, value in values.items() if name not in ("target", "engine")}


def life(database: Any) -> list[Any]:
    """Return what every call of an installation's life gives on an empty database."""
    plugin = Plugin(database, remove_data=True)
    manager = plugin.manager
    seen: list[Any] = [
        manager.plan().pending,
        call(database, plugin.admin_init),
        manager.status().version,
        plugin.activate(),
        call(database, plugin.admin_init),
        facts(manager.status()),
        schema_of(manager),
        manager.plan().plan,
        db_delta(MODELS, database),
        call(database, lambda: everyday(plugin)),
        manager.orphans(),
        manager.row_counts(),
        manager.repair(),
    ]
    if not hasattr(database, "aexecute_sql"):
        database.close()
    return [
        *seen,
        manager.rollback("001_initial_schema", allow_loss=True),
        plugin.activate(),
        plugin.uninstall(),
        manager.status().version,
    ]


# aiomysql makes Python warnings of MySQL's notes; this one is about peewee's LIKE BINARY.
@pytest.mark.filterwarnings("ignore:'BINARY expr' is deprecated:pymysql.err.Warning")
def test_its_life_is_that_of_the_plain_class(application: Any, engine: Engine, tmp_path: Path) -> None:
    with engine.fresh(tmp_path) as other, PLAIN[engine.family].open(other) as plain:
        assert life(application) == life(plain)


def test_admin_init_leaves_the_connection_as_it_was(application: Any, kind: DatabaseClass) -> None:
    plugin = Plugin(application)
    plugin.activate()
    assert application.is_closed()
    plugin.admin_init()
    assert application.is_closed()
    if not kind.is_async:
        application.connect()
        assert plugin.admin_init().outcome == "current"
        assert not application.is_closed()


def test_an_event_loop_goes_on_while_the_lifecycle_runs_in_a_thread(application: Any, kind: DatabaseClass) -> None:
    if not kind.is_async:
        pytest.skip("not of asyncio")
    plugin = Plugin(application)

    async def host() -> list[str]:
        try:
            reports = [await asyncio.to_thread(plugin.activate), await asyncio.to_thread(plugin.admin_init)]
            Cart = plugin.models.Cart
            await application.run(lambda: Cart.create(customer_phone="1", expires_at=WHEN))
            (cart,) = await application.list(Cart.select())
            streamed = [row.id async for row in application.iterate(Cart.select())]
            assert (cart.customer_phone, streamed) == ("1", [cart.id])
            return [report.outcome for report in reports]
        finally:
            await application.close_pool()

    assert asyncio.run(host()) == ["installed", "current"]


@pytest.mark.families("sqlite")
def test_a_run_sees_the_locks_of_its_own_process(application: Any, kind: DatabaseClass) -> None:
    if kind.is_async or kind.name == "SqliteQueueDatabase":
        pytest.skip("has no transaction that a test can leave open")
    outcomes: list[object] = []

    def run() -> None:
        try:
            Plugin(application, patience=0.2).activate()
        except Busy as error:
            outcomes.append(error)

    with application.atomic("IMMEDIATE"):
        application.execute_sql("CREATE TABLE own (id INTEGER)")
        other = threading.Thread(target=run)
        other.start()
        other.join()
    (error,) = outcomes
    assert "another process writes to the file" in str(error)
    assert application.execute_sql("SELECT COUNT(*) FROM own").fetchone() == (0,)
    assert Plugin(application).activate().outcome == "installed"


# peewee's pool drops a dead connection of the connector's without closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.families("mysql", "mariadb")
def test_admin_init_replaces_a_connection_that_the_server_has_ended(
    application: Any, kind: DatabaseClass, database: LiveDatabase
) -> None:
    if kind.is_async:
        pytest.skip("is asked over a connection of our own")
    plugin = Plugin(application)
    plugin.activate()
    application.connect()
    (number,) = application.execute_sql("SELECT CONNECTION_ID()").fetchone()
    database.execute(f"KILL {number}")
    while database.execute("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = %s", (number,)) != [(0,)]:
        pass
    assert plugin.admin_init().outcome == "current"


@pytest.mark.families("sqlite")
def test_an_encrypted_file_stays_encrypted(database: LiveDatabase) -> None:
    kind = next(one for one in CLASSES if one.name == "SqlCipherDatabase")
    pragmas = {"kdf_iter": 1000, "foreign_keys": 1}
    with kind.open(database, pragmas=pragmas) as application:
        assert Plugin(application).activate().outcome == "installed"
        assert Plugin(application).admin_init().outcome == "current"
    assert not database.path.read_bytes().startswith(b"SQLite format 3")
    with kind.open(database, passphrase="another", pragmas=pragmas) as application:
        for action in (Plugin(application).activate, Plugin(application).admin_init):
            with pytest.raises(DatabaseUnavailable, match="wrong passphrase") as caught:
                action()
            assert "another" not in str(caught.value)


REFUSED = {
    "PostgresqlDatabase": lambda: peewee.PostgresqlDatabase("shop"),
    "AsyncSqliteDatabase in memory": lambda: _class("AsyncSqliteDatabase").load()(":memory:"),
    "SqliteQueueDatabase in memory": lambda: _class("SqliteQueueDatabase").load()(":memory:", autostart=False),
    "option_files": lambda: _connector(option_files="/etc/my.cnf"),
    "failover": lambda: _connector(failover=({"host": "a"},)),
    "ssl_capath": lambda: _connector(ssl_capath="/etc/ssl"),
    "FOUND_ROWS": lambda: peewee.MySQLDatabase("shop", client_flag=CLIENT.FOUND_ROWS),
    "FOUND_ROWS of the connector": lambda: _connector(client_flags=[CLIENT.FOUND_ROWS]),
    "cursorclass": lambda: peewee.MySQLDatabase("shop", cursorclass=DictCursor),
    "raw": lambda: _connector(raw=True),
}


def _class(name: str) -> DatabaseClass:
    return next(one for one in CLASSES if one.name == name)


def _connector(**options: Any) -> Any:
    from playhouse.mysql_ext import MySQLConnectorDatabase

    return MySQLConnectorDatabase("shop", user="u", password="secret", **options)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_by_name(name: str) -> None:
    database = REFUSED[name]()
    with pytest.raises((UnsupportedServer, ConfigurationError)) as caught:
        Plugin(database)
    message = str(caught.value)
    assert name.split()[0] in message
    assert "\n" not in message
    assert "secret" not in message


def test_a_deferred_database_is_accepted() -> None:
    for kind in (peewee.SqliteDatabase, peewee.MySQLDatabase):
        deferred = kind(None)
        assert unwrap(deferred) is deferred


def test_the_page_names_every_class_and_every_refusal() -> None:
    text = PAGE.read_text(encoding="utf-8")
    works, refused = text.split("## What is refused")
    rows = "".join(re.findall(r"^\| `.*$", works, re.MULTILINE))
    listed = set(re.findall(r"`(\w+Database)`", rows))
    assert listed == {one.name for one in CLASSES} - {"ReconnectingMySQLDatabase"}
    assert all(f"`{name.split()[0]}`" in refused for name in REFUSED)
