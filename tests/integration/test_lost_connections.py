"""A connection that the server has ended: the next call has a new one; a transaction says that it is undone."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator

import peewee
import pytest
from playhouse.pool import PooledMySQLDatabase

from tests.support.bound import bound
from tests.support.databases import LiveDatabase
from tests.support.populate import populate
from wch_peewee import MODELS, Conversation, DatabaseUnavailable, Plugin, db_delta

pytestmark = pytest.mark.families("mysql", "mariadb")

KINDS = ("plain", "pooled", "given")


@pytest.fixture(params=KINDS)
def plugin(database: LiveDatabase, request: pytest.FixtureRequest) -> Iterator[Plugin]:
    """A plugin on a database that our URL, peewee's pool or peewee itself has opened; it is connected."""
    if request.param == "plain":
        plugin = Plugin(database.url)
    else:
        kind = PooledMySQLDatabase if request.param == "pooled" else peewee.MySQLDatabase
        plugin = Plugin(kind(database.name, **database.address.arguments()))
    plugin.activate()
    populate(database)
    plugin.database.connect()
    yield plugin
    plugin.database.close()
    if isinstance(plugin.database, PooledMySQLDatabase):
        plugin.database.close_all()


def end(plugin: Plugin, database: LiveDatabase) -> None:
    """End the application's connection, as KILL and wait_timeout do, and wait until the news is here."""
    connection = plugin.database.connection()
    database.execute(f"KILL {connection.thread_id()}")
    assert select.select([connection._sock], [], [], 60)[0]


CALLS: dict[str, Callable[[Plugin], object]] = {
    "activate": Plugin.activate,
    "admin_init": Plugin.admin_init,
    "status": lambda plugin: plugin.manager.status(),
    "plan": lambda plugin: plugin.manager.plan(),
    "db_delta": lambda plugin: db_delta(MODELS, plugin.database),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_works_and_what_was_open_is_open(plugin: Plugin, database: LiveDatabase, name: str) -> None:
    end(plugin, database)
    CALLS[name](plugin)
    assert not plugin.database.is_closed()


def test_models_work_again_after_the_next_call(plugin: Plugin, database: LiveDatabase) -> None:
    end(plugin, database)
    plugin.admin_init()
    with bound(plugin.database, plugin.prefix):
        assert Conversation.select().count() > 0
        with plugin.database.atomic():
            Conversation.update(assigned_agent_id=7).execute()
    assert database.execute("SELECT DISTINCT assigned_agent_id FROM wp_wch_conversations") == [(7,)]


@pytest.fixture
def plain(database: LiveDatabase) -> Iterator[Plugin]:
    plugin = Plugin(database.url)
    plugin.activate()
    populate(database)
    plugin.database.connect()
    yield plugin
    plugin.database.close()


def test_the_next_statement_has_a_new_connection(plain: Plugin, database: LiveDatabase) -> None:
    with bound(plain.database, plain.prefix):
        for _ in range(3):
            end(plain, database)
            assert Conversation.select().count() > 0
        end(plain, database)
        with plain.database.atomic():
            Conversation.update(assigned_agent_id=8).execute()
    assert database.execute("SELECT DISTINCT assigned_agent_id FROM wp_wch_conversations") == [(8,)]


def in_a_block(plain: Plugin, lose: Callable[[], None]) -> None:
    with plain.database.atomic():
        Conversation.update(assigned_agent_id=9).execute()
        lose()


def before_another_statement(plain: Plugin, lose: Callable[[], None]) -> None:
    with plain.database.atomic():
        Conversation.update(assigned_agent_id=9).execute()
        lose()
        Conversation.update(assigned_agent_id=10).execute()


def in_an_inner_block(plain: Plugin, lose: Callable[[], None]) -> None:
    with plain.database.atomic(), plain.database.atomic():
        Conversation.update(assigned_agent_id=9).execute()
        lose()


def although_the_first_error_is_caught(plain: Plugin, lose: Callable[[], None]) -> None:
    with plain.database.atomic():
        Conversation.update(assigned_agent_id=9).execute()
        lose()
        with pytest.raises(peewee.OperationalError):
            Conversation.select().count()
        Conversation.update(assigned_agent_id=10).execute()


def although_all_errors_are_caught(plain: Plugin, lose: Callable[[], None]) -> None:
    with plain.database.atomic():
        Conversation.update(assigned_agent_id=9).execute()
        lose()
        with pytest.raises(peewee.OperationalError):
            Conversation.update(assigned_agent_id=10).execute()


def begun_by_hand(plain: Plugin, lose: Callable[[], None]) -> None:
    plain.database.begin()
    Conversation.update(assigned_agent_id=9).execute()
    lose()
    Conversation.update(assigned_agent_id=10).execute()


@pytest.mark.parametrize(
    "work",
    [
        in_a_block,
        before_another_statement,
        in_an_inner_block,
        although_the_first_error_is_caught,
        although_all_errors_are_caught,
        begun_by_hand,
    ],
)
def test_a_transaction_is_undone_and_says_so(
    plain: Plugin, database: LiveDatabase, work: Callable[[Plugin, Callable[[], None]], None]
) -> None:
    before = database.execute("SELECT id, assigned_agent_id FROM wp_wch_conversations ORDER BY id")
    with bound(plain.database, plain.prefix):
        with pytest.raises(
            peewee.OperationalError, match="lost inside a transaction, which was rolled back; begin it again"
        ):
            work(plain, lambda: end(plain, database))
        assert database.execute("SELECT id, assigned_agent_id FROM wp_wch_conversations ORDER BY id") == before
        assert Conversation.select().count() == len(before)
        assert not plain.database.in_transaction()


def test_an_error_of_the_application_passes_through_a_lost_transaction(plain: Plugin, database: LiveDatabase) -> None:
    with bound(plain.database, plain.prefix), pytest.raises(KeyError, match="own"), plain.database.atomic():
        Conversation.select().count()
        end(plain, database)
        raise KeyError("own")


def test_manual_commits_go_on_after_a_rollback(plain: Plugin, database: LiveDatabase) -> None:
    own = plain.database
    with bound(plain.database, plain.prefix), own.manual_commit():
        own.begin()
        Conversation.update(assigned_agent_id=9).execute()
        end(plain, database)
        with pytest.raises(peewee.OperationalError, match="lost inside a transaction"):
            Conversation.update(assigned_agent_id=10).execute()
        own.rollback()
        own.begin()
        Conversation.update(assigned_agent_id=11).execute()
        own.commit()
    assert set(database.execute("SELECT assigned_agent_id FROM wp_wch_conversations")) == {(11,)}


def test_admin_init_does_not_hide_that_a_transaction_is_lost(plugin: Plugin, database: LiveDatabase) -> None:
    before = database.execute("SELECT id, assigned_agent_id FROM wp_wch_conversations ORDER BY id")
    plugin.database.execute_sql("BEGIN")
    plugin.database.execute_sql("UPDATE wp_wch_conversations SET assigned_agent_id = 9")
    end(plugin, database)
    with pytest.raises(DatabaseUnavailable):
        plugin.admin_init()
    assert database.execute("SELECT id, assigned_agent_id FROM wp_wch_conversations ORDER BY id") == before


@pytest.mark.parametrize("name", CALLS)
def test_what_was_closed_is_closed(plugin: Plugin, name: str) -> None:
    plugin.database.close()
    CALLS[name](plugin)
    assert plugin.database.is_closed()
