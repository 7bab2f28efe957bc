"""Sessions are set, never believed: the whole life of an installation on a server that is configured otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import peewee
import pytest

from tests.support.bound import bound
from tests.support.command import wch
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.engines import Engine
from tests.support.migration_chain import NEWEST
from tests.support.servers import PrivateServer
from wch_peewee import Conversation, DatabaseManager, Plugin, UnsupportedServer
from wch_peewee.database import driver
from wch_peewee.database.connect import dedicated
from wch_peewee.database.session import session_settings

pytestmark = pytest.mark.families("mysql", "mariadb")

#: Variables of the server, and what an administrator may have set; those that an engine lacks are left out there.
SETTINGS = {
    "autocommit": "0",
    "sql_mode": "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_ZERO_DATE'",
    "time_zone": "'+09:30'",
    "foreign_key_checks": "0",
    "unique_checks": "0",
    "sql_select_limit": "1",
    "sql_safe_updates": "1",
    "completion_type": "'RELEASE'",
    "tx_isolation": "'SERIALIZABLE'",
    "transaction_isolation": "'READ-UNCOMMITTED'",
    "tx_read_only": "1",
    "transaction_read_only": "1",
    "max_statement_time": "0.0001",
    "max_execution_time": "1",
    "lock_wait_timeout": "1",
    "character_set_server": "'latin1'",
    "init_connect": "'SET SESSION autocommit = 0, sql_select_limit = 1, time_zone = \\'-05:00\\''",
}


#: Autocommit alone is what loses everything; init_connect is run for accounts without privileges of their own.
GROUPS = {
    "autocommit": ("autocommit",),
    "all but autocommit": tuple(name for name in SETTINGS if name not in ("autocommit", "init_connect")),
    "everything": tuple(SETTINGS),
}


@pytest.fixture(params=GROUPS)
def odd(own_server: PrivateServer, engine: Engine, request: pytest.FixtureRequest) -> Iterator[LiveDatabase]:
    """A database on a server that is set so, for an account that init_connect applies to."""
    with own_server.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES")
        known = {name for name, _ in cursor.fetchall()}
        names = [name for name in GROUPS[request.param] if name in known]
        with fresh_on_server("odd", engine.family, own_server.address) as database:
            cursor.execute("CREATE USER IF NOT EXISTS shop@'127.0.0.1'")
            cursor.execute(f"GRANT ALL ON `{database.name}`.* TO shop@'127.0.0.1'")
            for name in names:
                cursor.execute(f"SET GLOBAL {name} = {SETTINGS[name]}")
            try:
                yield database
            finally:
                for name in names:
                    default = "''" if name == "init_connect" else "DEFAULT"
                    cursor.execute(f"SET GLOBAL {name} = {default}")


def shop(database: LiveDatabase) -> str:
    return database.url.replace("root@", "shop@")


def test_a_whole_life(odd: LiveDatabase, chain: Path) -> None:
    url = shop(odd)
    assert wch("activate", database=url).code == 0
    plugin = Plugin(url)
    with bound(plugin.database, plugin.prefix):
        for number in range(3):
            Conversation.create(customer_phone=str(number), wa_conversation_id="w")
    plugin.database.close()
    # Another connection sees it: it was committed.
    with bound(plugin.database, plugin.prefix):
        assert [row.customer_phone for row in Conversation.select().order_by(Conversation.id)] == ["0", "1", "2"]
        assert Conversation.update(status="closed").execute() == 3
        utc = plugin.database.execute_sql("SELECT TIMEDIFF(NOW(), UTC_TIMESTAMP()) + 0").fetchone()
        assert float(utc[0]) == 0
    plugin.database.close()
    assert wch("check", database=url).code == 0
    manager = DatabaseManager(url, migrations=chain, remove_data=True)
    manager.run_migrations()
    assert manager.status().version == NEWEST
    while manager.status().version != "1.0.0":
        manager.rollback(manager.status().applied[-1])
    assert [plugin.admin_init().outcome, plugin.activate().outcome] == ["current", "current"]
    plugin.database.close()
    assert manager.row_counts()["wp_wch_conversations"] == 3
    assert manager.uninstall().removed


def test_the_doctor_says_what_the_server_would_have_done(odd: LiveDatabase, request: pytest.FixtureRequest) -> None:
    lines = wch("doctor", database=shop(odd)).out.splitlines()
    (line,) = (line for line in lines if "session defaults" in line)
    assert line.startswith("warn")
    ours = session_settings(odd.family)
    said = {name for name in SETTINGS if f"{name} = " in line}
    # The time zone SYSTEM is said, too.
    assert said == {"time_zone", *(name for name in GROUPS[request.node.callspec.params["odd"]] if name in ours)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("autocommit", "0"),
        ("unique_checks", "0"),
        ("foreign_key_checks", "0"),
        ("character_set_client", "latin1"),
        ("character_set_results", "latin1"),
        ("character_set_connection", "utf8mb3"),
        ("collation_connection", "utf8mb4_bin"),
    ],
)
def test_a_run_that_is_not_set_as_it_asked_to_be_does_not_begin(database: LiveDatabase, name: str, value: str) -> None:
    """As behind a proxy that answers SET by itself."""
    real = driver.ServerDatabase._connect

    def forgetful(self: driver.ServerDatabase) -> object:
        connection = real(self)
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION {name} = {value}")
        return connection

    with (
        mock.patch.object(driver.ServerDatabase, "_connect", forgetful),
        pytest.raises(UnsupportedServer, match=f"loses its session settings: {name} is {value}"),
    ):
        DatabaseManager(database.url).install()
    assert database.tables() == []


def test_what_the_application_sends_first_is_kept(database: LiveDatabase) -> None:
    """For example the role that holds its privileges; what a run relies on comes after it."""
    address = database.address
    own = peewee.MySQLDatabase(
        database.name,
        host=address.host,
        port=address.port,
        user="root",
        charset="latin1",
        init_command="SET @mine = 'kept', SESSION sql_select_limit = 1, autocommit = 0",
    )
    assert DatabaseManager(own).install().outcome == "installed"
    assert DatabaseManager(database.url).status().is_current
    run = dedicated(own, patience=1)
    run.connect()
    found = run.execute_sql("SELECT @mine, @@sql_select_limit > 1, @@autocommit, @@character_set_client").fetchone()
    assert tuple(found) == ("kept", 1, 1, "utf8mb4")
    run.close()
