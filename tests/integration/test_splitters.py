"""A proxy that sends reads to a replica, which is behind: an upgrade through it loses nothing, or is refused in words.

And a replica itself, which is never written to, whatever its account may do.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import pytest

from tests.integration.test_pw_migrate import pw_migrate
from tests.support.command import wch
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.engines import Engine
from tests.support.migration_chain import NEWEST, chain_folder
from tests.support.populate import populate
from tests.support.replicas import Pair, query, replicated_pair
from tests.support.servers import PrivateServer
from tests.support.snapshots import columns, definition
from tests.support.splitter import Rule, Splitter
from wch_peewee import Busy, DatabaseManager, DatabaseUnavailable, Plugin, db_delta
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution import context
from wch_peewee.install.doctor import diagnose
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.models.tables import MODELS

pytestmark = pytest.mark.families("mysql", "mariadb")

#: One installation for each upgrade.
UPGRADES = [f"u{number}_" for number in range(20)]


@pytest.fixture(scope="module")
def pair(engine: Engine) -> Iterator[Pair]:
    with replicated_pair(engine) as found:
        yield found


@pytest.fixture
def shop(pair: Pair, engine: Engine) -> Iterator[LiveDatabase]:
    """An empty database on the primary, which the replica has, too."""
    with fresh_on_server(engine.name, engine.family, pair.primary.address) as database:
        pair.catch_up()
        yield database


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    return chain_folder(tmp_path)


def refusal(pair: Pair) -> str:
    """Return the pattern of the words that name both servers and the remedy."""
    return (
        rf"^mysql://.*: server 2 \(.*:{pair.replica.address.port}\) answers reads and "
        rf"server 1 \(.*:{pair.primary.address.port}\) is written to: a proxy splits them.* "
        r"use the address of the primary, .*Nothing was changed\.$"
    )


def split(pair: Pair, shop: LiveDatabase, rule: Rule | Literal["off"]) -> Splitter:
    return Splitter(pair.primary.address, pair.replica.address, shop.name, rule)


@contextmanager
def held(pair: Pair) -> Iterator[None]:
    """Have the replica stay where it is for the block."""
    pair.catch_up()
    pair.hold()
    try:
        yield
    finally:
        pair.go_on()


@contextmanager
def writing(shop: LiveDatabase, prefixes: list[str]) -> Iterator[list[int]]:
    """Have an application write for the block, straight to the primary; yields the numbers of what it has written."""
    done, stop = list[int](), threading.Event()
    names = "entity_type, entity_id, action, status, created_at"

    def write() -> None:
        with shop.address.connection() as connection, connection.cursor() as cursor:
            connection.select_db(shop.name)
            while not stop.is_set():
                number = len(done)
                for prefix in prefixes:
                    values = f"'product', {number}, 'update', 'pending', '2031-05-04'"
                    cursor.execute(f"INSERT INTO {prefix}wch_sync_queue ({names}) VALUES ({values})")
                done.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("rule", get_args(Rule))
def test_of_twenty_upgrades_none_loses_anything(
    pair: Pair, shop: LiveDatabase, chain: Path, rule: Rule, pytestconfig: pytest.Config
) -> None:
    """Four without --slow."""
    prefixes = UPGRADES if pytestconfig.getoption("--slow") else UPGRADES[:4]
    for prefix in prefixes:
        DatabaseManager(shop.url, prefix=prefix).install()
    with held(pair), split(pair, shop, rule) as splitter, writing(shop, prefixes) as written:
        for prefix in prefixes:
            populate(shop, prefix=prefix, conversations=10)  # which the replica does not have
            contents = columns(shop, f"{prefix}wch_messages", "id, content")
            before = definition(shop, f"{prefix}wch_messages")
            manager = DatabaseManager(splitter.url, prefix=prefix, migrations=chain)
            if rule == "by table":  # nothing but reads of these tables tells of it
                assert len(manager.run_migrations()) == 6
                assert DatabaseManager(shop.url, prefix=prefix, migrations=chain).status().version == NEWEST
                assert columns(shop, f"{prefix}wch_message_bodies", "message_id, content") == contents
            else:
                with pytest.raises(DatabaseUnavailable, match=refusal(pair)):
                    manager.run_migrations()
                assert definition(shop, f"{prefix}wch_messages") == before
        assert written
    assert bool(splitter.sent) == (rule != "by table")  # all that decides is read from the primary
    for prefix in prefixes:
        found = shop.execute(f"SELECT entity_id FROM {prefix}wch_sync_queue WHERE entity_type = 'product'")
        assert set(written) <= {number for (number,) in found}


@pytest.mark.parametrize("rule", [rule for rule in get_args(Rule) if rule != "by table"])
def test_nothing_is_installed_and_a_look_says_so(pair: Pair, shop: LiveDatabase, rule: Rule) -> None:
    with held(pair), split(pair, shop, rule) as splitter:
        for action in (
            Plugin(splitter.url).activate,
            lambda: db_delta(MODELS, open_database(parse_url(splitter.url))),
            DatabaseManager(splitter.url).run_migrations,
        ):
            with pytest.raises(DatabaseUnavailable, match=refusal(pair)):
                action()
        assert shop.tables() == []
        for command in ("status", "plan", "doctor"):
            assert "a proxy splits them" in wch(command, database=splitter.url).text
        assert "a proxy splits them" in DatabaseManager(splitter.url).status().trouble


@pytest.mark.parametrize("rule", get_args(Rule))
def test_where_a_replica_has_nothing_or_all_no_command_believes_it(pair: Pair, shop: LiveDatabase, rule: Rule) -> None:
    """That nothing is to be done is a decision, too."""
    with held(pair), split(pair, shop, rule) as splitter:
        DatabaseManager(shop.url, prefix="a_").install()  # not on the replica
        manager = DatabaseManager(splitter.url, prefix="a_", remove_data=True)
        if rule == "by table":
            assert manager.rollback("001_initial_schema") == ("001_initial_schema",)
            DatabaseManager(shop.url, prefix="a_").install()
            assert manager.uninstall().tables
        else:
            for action in (manager.rollback, manager.uninstall, manager.run_migrations, manager.repair):
                with pytest.raises(DatabaseUnavailable, match=refusal(pair)):
                    action()
    DatabaseManager(shop.url, prefix="b_").install()
    with held(pair), split(pair, shop, rule) as splitter:
        shop.execute("DROP TABLE b_wch_carts")  # still on the replica
        manager = DatabaseManager(splitter.url, prefix="b_")
        for action in (manager.install, manager.repair, lambda: db_delta(MODELS, manager.database, prefix="b_")):
            if rule == "by table":
                assert action().changes
                shop.execute("DROP TABLE b_wch_carts")
            else:
                with pytest.raises(DatabaseUnavailable, match=refusal(pair)):
                    action()


def test_a_proxy_that_changes_connections_is_refused(pair: Pair, shop: LiveDatabase) -> None:
    """Both ways lead to the primary, as where a proxy has one server and gives connections away by the statement."""
    with Splitter(pair.primary.address, pair.primary.address, shop.name, "by statement") as splitter:
        with pytest.raises(
            DatabaseUnavailable, match=r"several connections to server 1 \(.*:\d+\), so .*on one connection"
        ):
            DatabaseManager(splitter.url).install()
        assert shop.tables() == []


def test_a_rule_that_begins_in_the_middle_of_a_run_stops_it(
    pair: Pair, shop: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "PROVE_EVERY", 0.0)
    with held(pair), split(pair, shop, "off") as splitter:
        manager = DatabaseManager(splitter.url)
        manager.before_statement = lambda statement: setattr(splitter, "rule", "by lock function")
        with pytest.raises((DatabaseUnavailable, Busy)):
            manager.install()
        assert len(shop.tables()) <= 1
    assert DatabaseManager(shop.url).install().changed


# --- replicas


@pytest.fixture
def reader(pair: Pair, shop: LiveDatabase) -> Iterator[LiveDatabase]:
    """The shop on the replica."""
    found = LiveDatabase(shop.engine, shop.family, (pair.replica.address, shop.name))
    yield found
    found.close()


def refused_on(url: str, words: str) -> None:
    """Assert that nothing writes there, and that each command that looks says why."""
    with pytest.raises(DatabaseUnavailable, match=words):
        Plugin(url).activate()
    for command in ("status", "plan"):
        assert re.search(words, wch(command, database=url).text)
    found = next(one for one in diagnose(DatabaseManager(url)) if one.name == "writable")
    assert re.search(words, f"{found.found}; {found.advice}", re.IGNORECASE)


def test_a_replica_whose_account_may_write_is_left_alone(pair: Pair, reader: LiveDatabase) -> None:
    address = rf"127\.0\.0\.1:{pair.primary.address.port}"
    refused_on(reader.url, rf"it is a replica\); use the address of the primary, {address};")
    assert reader.tables() == []


@pytest.mark.parametrize("arguments", [("list",), ("migrate",)])
def test_stock_pw_migrate_writes_nothing_there(
    reader: LiveDatabase, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    result = pw_migrate(*arguments, "--database", reader.url, folder=migrations_folder(), cwd=tmp_path)
    assert result.returncode == 1
    assert re.search(r"^Error: .*must not be written to .*Nothing was changed\.$", result.stderr.strip())
    assert reader.tables() == []


def test_a_scratch_database_is_not_made_there(pair: Pair, reader: LiveDatabase) -> None:
    made = "SHOW GLOBAL STATUS LIKE 'Com_create_db'"
    before = query(pair.replica, made)
    assert "must not be written to" in wch("check", "--models", database=reader.url).text
    assert query(pair.replica, made) == before


@pytest.mark.parametrize("name", ["read_only", "super_read_only"])
def test_a_read_only_server_is_left_alone(pair: Pair, reader: LiveDatabase, engine: Engine, name: str) -> None:
    if name == "super_read_only" and engine.family == "mariadb":
        pytest.skip("MySQL's")
    query(pair.replica, f"SET GLOBAL {name} = 1")
    try:
        refused_on(reader.url, rf"it is a replica and {name} is ON\).*:{pair.primary.address.port}")
    finally:
        query(pair.replica, "SET GLOBAL read_only = 0")
    assert reader.tables() == []


@pytest.mark.slow
def test_a_server_that_only_reads_its_files_is_left_alone(engine: Engine) -> None:
    """innodb_read_only is what readers of some managed clusters have; it cannot be set while a server runs."""
    program = engine.program()
    if program is None:
        pytest.skip(f"the program of {engine.name} is not on this machine")
    with PrivateServer(program) as server:
        query(server, "CREATE DATABASE shop")
        server.stop()
        server.options = ("--skip-log-bin", "--innodb-read-only=1")
        server.start()
        refused_on(server.address.url("shop"), "innodb_read_only is ON")


def test_where_an_account_may_not_ask_mariadb_tells_it_all_the_same(
    pair: Pair, reader: LiveDatabase, engine: Engine
) -> None:
    """MySQL tells a replica that takes writes only to accounts that may ask (REPLICATION CLIENT)."""
    query(pair.primary, "CREATE USER IF NOT EXISTS guest@'127.0.0.1' IDENTIFIED BY 'secret'")
    query(pair.primary, f"GRANT ALL ON `{reader.name}`.* TO guest@'127.0.0.1'")
    pair.catch_up()
    url = replace(pair.replica.address, user="guest", password="secret").url(reader.name)
    if engine.family == "mariadb":
        refused_on(url, r"it is a replica\); use the address of the primary")
        assert reader.tables() == []
    else:
        (found,) = [one.found for one in diagnose(DatabaseManager(url)) if one.name == "writable"]
        assert found.endswith("only an account with REPLICATION CLIENT sees if it is a replica")
        query(pair.replica, "SET GLOBAL read_only = 1")
        try:
            refused_on(url, r"read_only is ON\); use the address of the primary")
        finally:
            query(pair.replica, "SET GLOBAL read_only = 0")


def test_a_replica_in_place_is_current(pair: Pair, shop: LiveDatabase, reader: LiveDatabase) -> None:
    """A service that reads there may call activate() too."""
    DatabaseManager(shop.url).install()
    pair.catch_up()
    assert Plugin(reader.url).activate().outcome == "current"
    assert wch("status", database=reader.url).code == 0


def test_a_replica_whose_replication_is_stopped_takes_upgrades(pair: Pair, reader: LiveDatabase) -> None:
    """It has taken its primary's place, or both replicate each other. With the statement of the message."""
    manager = DatabaseManager(reader.url)
    with pytest.raises(DatabaseUnavailable) as refused:
        manager.install()
    stop = re.search(r"stop its replication for the run: (.*)\. Nothing", str(refused.value))
    assert stop is not None
    query(pair.replica, stop[1])
    assert manager.install().outcome == "installed"
    manager = DatabaseManager(reader.url, remove_data=True)
    assert manager.uninstall().removed  # or the pair could not go on
    reader.execute("DROP TABLE wp_options")
    query(pair.replica, f"START {pair.word}")
