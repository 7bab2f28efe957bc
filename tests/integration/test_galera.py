"""Upgrades on a Galera cluster of three nodes: concurrent ones, and with clients and nodes that are killed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.integration.test_pw_migrate import pw_migrate
from tests.support.cluster_runs import (
    ANY_SIZE,
    CLEAR,
    TTL,
    WIDER_TYPE,
    Databases,
    Held,
    Watch,
    all_of,
    assert_free,
    assert_refused_as_myisam,
    assert_whole,
    at_once,
    fill,
    healed,
    held_install,
    held_upgrade,
    in_an_alter,
    kill_and_finish_installs,
    kill_and_finish_upgrades,
    manager,
    options,
    reopen,
    tables_of,
    undisturbed_tables,
    upgrade,
)
from tests.support.concurrency import Send, Worker, eventually, running
from tests.support.databases import LiveDatabase
from tests.support.galera import GaleraCluster
from tests.support.migration_chain import chain_folder
from tests.support.populate import populate
from tests.support.proxy import Proxy
from tests.support.snapshots import columns
from wch_peewee import Busy, DatabaseManager, DatabaseUnavailable, SchemaConflict, WchError
from wch_peewee.database.connect import dedicated
from wch_peewee.database.query import Connection, detect_dialect
from wch_peewee.execution.lease import lease
from wch_peewee.execution.lock import lock_name
from wch_peewee.execution.session import run_session
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.models.namespace import WCH, our_names
from wch_peewee.schema.base import Query


@pytest.fixture
def nodes(galera: GaleraCluster) -> Iterator[Databases]:
    """A new database, through each of the three nodes."""
    with healed(galera) as databases:
        yield databases


@contextmanager
def change_of_options(nodes: Databases) -> Iterator[None]:
    """Alter the options table through the second node as soon as the first one reads it."""

    def change(send: Send) -> None:
        eventually(lambda: "User sleep" in running(nodes[0], "SELECT option_value").values())
        nodes[1].connect().execute_sql("ALTER TABLE wp_options COMMENT = 'changed'")

    with Worker(change) as worker:
        try:
            yield
        finally:
            assert worker.ending() is None


@pytest.fixture(scope="module")
def undisturbed(galera: GaleraCluster) -> dict[str, str]:
    return undisturbed_tables(galera)


@pytest.fixture(scope="module")
def goal(galera: GaleraCluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The schema that an undisturbed run of the whole chain makes."""
    return undisturbed_tables(galera, chain_folder(tmp_path_factory.mktemp("chain")))


# --- all at once


@pytest.mark.parametrize("turn", [*range(4), *(pytest.param(turn, marks=pytest.mark.slow) for turn in range(4, 40))])
def test_of_all_nodes_at_once_one_installs(nodes: Databases, undisturbed: dict[str, str], turn: int) -> None:
    runs = [lambda database=database: DatabaseManager(database.url).install().outcome for database in nodes * 2]
    assert Counter(at_once(runs)) == {"installed": 1, "current": 5}
    assert_whole(nodes, undisturbed)
    assert_free(nodes)
    assert {DatabaseManager(database.url).install().outcome for database in nodes} == {"current"}


def test_of_all_nodes_at_once_one_upgrades(nodes: Databases, chain: Path, goal: dict[str, str]) -> None:
    DatabaseManager(nodes[0].url).install()
    populate(nodes[0])
    contents = columns(nodes[0], "wp_wch_messages", "id, content")
    runs = [lambda database=database: len(upgrade(database, chain)) for database in nodes * 2]
    assert Counter(at_once(runs)) == {6: 1, 0: 5}
    assert_whole(nodes, goal, chain)
    for database in nodes:
        assert columns(database, "wp_wch_message_bodies", "message_id, content") == contents


def test_a_read_in_the_way_of_another_node_s_change_is_asked_again(nodes: Databases) -> None:
    manager(nodes[0]).install()
    reader = nodes[0].connect()
    once = (
        "SELECT option_value, IF(@asked, 0, SLEEP((@asked := 1) * 60)) FROM wp_options "
        "WHERE option_name = 'wch_db_version'"
    )
    with pytest.raises(peewee.OperationalError, match="Deadlock"), change_of_options(nodes):
        reader.execute_sql(once)
    reader.execute_sql("SET @asked = NULL")
    with change_of_options(nodes):
        assert Connection.detect(reader).query(Query(once)) == [("1.0.0", 0)]


def test_those_with_little_patience_come_back_busy_and_nothing_worse(
    nodes: Databases, undisturbed: dict[str, str]
) -> None:
    def run(database: LiveDatabase) -> str:
        try:
            return str(manager(database, lease_ttl=20, patience=0).install().outcome)
        except Busy:
            return "busy"

    endings = Counter(at_once([lambda database=database: run(database) for database in nodes * 3]))
    assert endings["installed"] <= 1
    assert endings["installed"] + endings["current"] + endings["busy"] == 9, endings
    manager(nodes[1]).install()
    assert_whole(nodes, undisturbed)


# --- the lease


def test_a_named_lock_alone_holds_on_its_own_node_only(nodes: Databases) -> None:
    name = lock_name(nodes[0].name, "wp_")
    assert [database.execute("SELECT GET_LOCK(%s, 0)", (name,)) for database in nodes] == [[(1,)]] * 3


def test_the_lease_keeps_a_run_on_another_node_out(nodes: Databases, undisturbed: dict[str, str]) -> None:
    with held_install(nodes[0], 3) as first:
        holder = rf"another run on this cluster \(process {first.worker.pid} on .*\) is upgrading"
        with pytest.raises(Busy, match=holder):
            manager(nodes[1], patience=0.2).install()
        with Worker(lambda send: manager(nodes[1]).install().outcome) as second:
            # The heartbeat keeps it for longer than the time to live.
            time.sleep(3 * TTL)
            assert not Watch(nodes[1]).sees("CREATE")
            assert len(nodes[1].tables()) < len(undisturbed)
            assert first.go_on() == "installed"
            assert second.ending() == "current"
    assert_whole(nodes, undisturbed)


def test_of_many_racers_one_has_the_lease_at_a_time(nodes: Databases, tmp_path: Path) -> None:
    """Deadlocks and certification failures mean that another one has it; no caller sees them."""
    manager(nodes[0]).install()
    inside = tmp_path / "inside"

    def race(database: LiveDatabase) -> int:
        own = dedicated(peewee.MySQLDatabase(database.name, **database.address.arguments()), patience=60)
        dialect = detect_dialect(nodes[0].connect())
        for _ in range(4):
            with (
                lease(Connection(own, dialect), "wp_options", WCH.lease_option, ttl=20, timeout=60) as held,
                inside.open("w") as file,
            ):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where somebody else is inside
                held.check()
        return 4

    assert at_once([lambda database=database: race(database) for database in nodes * 4]) == [4] * 12
    assert options(nodes[2]) == [("wch_db_version", "1.0.0", "no")]


def test_wordpress_s_other_options_stay_as_they_are(nodes: Databases, undisturbed: dict[str, str]) -> None:
    nodes[0].execute(undisturbed["wp_options"])
    nodes[0].execute(
        "INSERT INTO wp_options (option_name, option_value, autoload) VALUES "
        "('siteurl', 'https://example.org', 'yes'), ('core_updater.lock', '1700000000', 'no'), ('wch_x', '', 'off')"
    )
    before = columns(nodes[0], "wp_options", "*")
    with held_install(nodes[1], 2) as run:
        ((_, value, autoload),) = [row for row in options(nodes[2]) if row[0] == WCH.lease_option]
        assert re.fullmatch(rf"\w{{16}}:\d+:{run.worker.pid}:.+", value)
        assert autoload == "no"
        assert run.go_on() == "installed"
    for database in nodes:
        rows = columns(database, "wp_options", "*")
        assert [row for row in rows if row[1] != "wch_db_version"] == before
        assert len(rows) == len(before) + 1


def test_an_account_that_may_not_delete_rows_gives_the_lease_back_too(
    galera: GaleraCluster, nodes: Databases, undisturbed: dict[str, str]
) -> None:
    name, url = nodes[0].name, nodes[1].url.replace("root@", "upgrader@")
    galera.node(1).query("CREATE OR REPLACE USER upgrader@'127.0.0.1'")
    rights = "SELECT, INSERT, UPDATE, CREATE, ALTER, INDEX, REFERENCES"
    galera.node(1).query(f"GRANT {rights} ON `{name}`.* TO upgrader@'127.0.0.1'")
    # Waits until that node has it, too, which logging in does not.
    galera.node(2).query("SHOW GRANTS FOR upgrader@'127.0.0.1'")
    assert DatabaseManager(url).install().outcome == "installed"
    nodes[2].execute("DROP TABLE wp_wch_carts")
    # Waits until that node has dropped it, too: a check before a run reads what its node has.
    galera.node(2).query(f"SHOW TABLES FROM `{name}`")
    begun = time.monotonic()
    assert DatabaseManager(url).install().outcome == "upgraded"
    assert time.monotonic() - begun < 15  # of the 20 seconds that a dead run's lease lives
    assert [row[1] for row in options(nodes[0]) if row[0] == WCH.lease_option] == ["free"]
    assert tables_of(nodes[2]) == undisturbed


def test_a_node_that_is_set_to_keep_changes_to_itself_does_not(
    galera: GaleraCluster, nodes: Databases, undisturbed: dict[str, str]
) -> None:
    galera.node(2).query("SET GLOBAL wsrep_OSU_method = 'RSU'")
    try:
        manager(nodes[1]).install()
    finally:
        galera.node(2).query("SET GLOBAL wsrep_OSU_method = 'TOI'")
    assert_whole(nodes, undisturbed)


def test_a_node_that_replicates_nothing_is_refused(galera: GaleraCluster, nodes: Databases) -> None:
    galera.node(2).query("SET GLOBAL wsrep_on = OFF")
    try:
        with pytest.raises(DatabaseUnavailable, match="does not replicate writes"):
            manager(nodes[1]).install()
        assert nodes[1].tables() == []
    finally:
        galera.node(2).query("SET GLOBAL wsrep_on = ON")


def test_a_node_that_is_out_of_step_is_refused(galera: GaleraCluster, nodes: Databases) -> None:
    """As a node is that gives another one its data."""
    galera.node(2).query("SET GLOBAL wsrep_desync = ON")
    words = "does not accept writes now \\(cluster status Primary, state Donor/Desynced\\); use another node"
    try:
        with pytest.raises(DatabaseUnavailable, match=words):
            manager(nodes[1]).install()
        assert nodes[1].tables() == []
        assert re.search(words, manager(nodes[1]).status().trouble)
    finally:
        galera.node(2).query("SET GLOBAL wsrep_desync = OFF")
        galera.node(2).wait_until_ready()


@pytest.mark.slow
def test_stock_pw_migrate_leaves_the_same(nodes: Databases, chain: Path, tmp_path: Path, goal: dict[str, str]) -> None:
    shutil.copy(migrations_folder() / "conf.py", chain)
    result = pw_migrate("migrate", "--database", nodes[1].url, folder=chain, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert_whole(nodes, goal, chain)
    assert_free(nodes)


# --- clients that die


def test_the_run_of_a_killed_client_is_taken_over_and_finished(
    nodes: Databases, undisturbed: dict[str, str], pytestconfig: pytest.Config
) -> None:
    kill_and_finish_installs(nodes, nodes[1], undisturbed, slow=pytestconfig.getoption("--slow"))


def test_the_upgrade_of_a_killed_client_is_taken_over_and_finished(
    nodes: Databases, chain: Path, pytestconfig: pytest.Config, goal: dict[str, str]
) -> None:
    kill_and_finish_upgrades(nodes, nodes[1], chain, goal, slow=pytestconfig.getoption("--slow"))


# --- a lease that is lost


def test_a_run_that_was_paused_for_too_long_stops_before_its_next_statement(
    nodes: Databases, undisturbed: dict[str, str]
) -> None:
    """Before each of its statements in turn, while another run takes over and finishes."""
    prefixes = {f"p{number}_": number for number in range(1, len(undisturbed))}
    with ExitStack() as stack:
        runs = {p: stack.enter_context(held_install(nodes[0], number, prefix=p)) for p, number in prefixes.items()}
        for run in runs.values():
            run.pause()
        all_of([lambda p=prefix: manager(nodes[1], prefix=p).install() for prefix in prefixes])
        for prefix, run in runs.items():
            ending = run.go_on()
            assert ending.startswith("Busy: the upgrade lease was taken over by another run"), (prefix, ending)
    for prefix in prefixes:
        assert_whole(nodes, undisturbed, prefix=prefix)
        assert manager(nodes[0], prefix=prefix).install().outcome == "current"


def test_a_paused_upgrade_stops_before_its_next_statement(
    nodes: Databases, chain: Path, pytestconfig: pytest.Config, goal: dict[str, str]
) -> None:
    numbers = range(1, 10) if pytestconfig.getoption("--slow") else [2, 8]
    prefixes = {f"p{number}_": number for number in numbers}
    for prefix in prefixes:
        manager(nodes[0], prefix=prefix).install()
        populate(nodes[0], prefix=prefix)
    with ExitStack() as stack:
        runs = {p: stack.enter_context(held_upgrade(nodes[0], chain, n, prefix=p)) for p, n in prefixes.items()}
        for run in runs.values():
            run.pause()
        all_of([lambda p=prefix: upgrade(nodes[1], chain, prefix=p) for prefix in prefixes])
        for prefix, run in runs.items():
            ending = run.go_on()
            assert str(ending).startswith("Busy: the upgrade lease was taken over by another run"), (prefix, ending)
    for prefix in prefixes:
        assert_whole(nodes, goal, chain, prefix=prefix)


def test_the_one_who_took_it_over_is_named(nodes: Databases, undisturbed: dict[str, str]) -> None:
    with held_install(nodes[0], 4) as first:  # the first of the six tables is there by then
        first.pause()
        with held_install(nodes[1], 1) as second:
            ending = first.go_on()
            taken = f"Busy: the upgrade lease was taken over by another run (process {second.worker.pid} on "
            assert ending.startswith(taken), ending
            assert second.go_on() == "upgraded"
    assert_whole(nodes, undisturbed)


def test_a_lease_that_somebody_removed_stops_the_run(nodes: Databases, undisturbed: dict[str, str]) -> None:
    with held_install(nodes[0], 3) as first:
        nodes[2].execute("DELETE FROM wp_options WHERE option_name = %s", (WCH.lease_option,))
        ending = first.go_on()
    assert ending.startswith("Busy: the upgrade lease was taken over by another run"), ending
    manager(nodes[2]).install()
    assert_whole(nodes, undisturbed)


# --- a long ALTER


def test_a_long_alter_stops_the_heartbeat_and_loses_nothing(
    nodes: Databases, chain: Path, goal: dict[str, str]
) -> None:
    """While the cluster stands still the lease does not expire for those who wait."""
    fill(nodes[0], 2)
    one, other = Watch(nodes[0]), Watch(nodes[1])
    with (
        Worker(lambda send: len(upgrade(nodes[0], chain))) as first,
        Worker(lambda send: len(upgrade(nodes[1], chain))) as second,
    ):
        eventually(lambda: one.sees(WIDER_TYPE) or other.sees(WIDER_TYPE))
        begun = time.monotonic()
        third = upgrade(nodes[2], chain)
        waited = time.monotonic() - begun
        assert sorted([first.ending(), second.ending()]) == [0, 6]
        assert third == ()
    assert waited > TTL, "it was through too soon for this test"
    assert_whole(nodes, goal, chain)
    assert_free(nodes)


@pytest.mark.parametrize("other", [0, 1], ids=["same node", "other node"])
@pytest.mark.parametrize("end", [signal.SIGSTOP, signal.SIGKILL], ids=["paused", "killed"])
def test_the_alter_of_a_dead_client_is_waited_for(
    nodes: Databases, chain: Path, end: signal.Signals, goal: dict[str, str], other: int
) -> None:
    """The cluster finishes the ALTER, and then another run takes over."""
    with in_an_alter(nodes[0], lambda: manager(nodes[0], migrations=chain)) as first:
        os.kill(first.pid, end)
        assert len(upgrade(nodes[other], chain)) == 4
        assert not Watch(nodes[0]).sees(WIDER_TYPE)
        if end == signal.SIGSTOP:
            os.kill(first.pid, signal.SIGCONT)
            ending = first.ending()
            assert ending.startswith("Busy: the upgrade lease was taken over by another run"), ending
    assert_whole(nodes, goal, chain)


def test_what_a_dead_client_still_writes_is_rolled_back_by_a_change_of_that_table(nodes: Databases) -> None:
    """So nothing of it comes later than the run that has taken over, on the same node or another."""
    for number, other in enumerate(nodes[:2]):
        prefix = f"d{number}_"
        manager(nodes[0], prefix=prefix).install()
        populate(nodes[0], prefix=prefix)
        late = f"UPDATE {prefix}wch_messages SET wa_message_id = CONCAT('late', id, SLEEP(600))"

        def write(send: Send, late: str = late) -> None:
            database = nodes[0].connect()
            database.execute_sql(detect_dialect(database).synchronize_reads())
            database.execute_sql(late)

        with Worker(write) as client:
            eventually(lambda late=late: running(nodes[0], late))
            client.kill()
            other.execute(f"ALTER TABLE {prefix}wch_messages ADD COLUMN note INT")
            eventually(lambda late=late: not running(nodes[0], late))
        assert nodes[2].execute(f"SELECT 1 FROM {prefix}wch_messages WHERE LEFT(wa_message_id, 4) = 'late'") == []


@pytest.fixture
def balancer(nodes: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The connection that works goes to the first node, and that of the heartbeat to another, as every later one."""
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 1.0)
    with Proxy(nodes[0].address, others=[nodes[1].address, nodes[2].address]) as proxy:
        yield proxy


def through(balancer: Proxy, nodes: Databases, **options: Any) -> DatabaseManager:
    settings = {"lease_ttl": TTL, "patience": 60, "copies": ANY_SIZE, **options}
    return DatabaseManager(balancer.url(nodes[0].name), **settings)


@pytest.mark.parametrize("resumed", ["before the run goes on", "after the run has ended"])
def test_a_run_whose_node_stands_still_has_no_lease_for_long(
    galera: GaleraCluster,
    nodes: Databases,
    balancer: Proxy,
    undisturbed: dict[str, str],
    resumed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although its heartbeat is sent to another node."""
    # A statement is given up after twice this: that has to be later than the cluster goes on without the node.
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 3.0)
    with Held(through(balancer, nodes), lambda run: str(run.install().outcome), 4) as first:
        galera.pause(1)
        try:
            assert through(balancer, nodes).install().outcome == "upgraded"
            ending = first.go_on() if resumed.startswith("after") else ""
        finally:
            galera.resume(1)
        taken = ending or first.go_on()
    assert re.match(CLEAR, taken), taken
    if ending:
        assert re.match(ELSEWHERE, ending), ending
    reopen(nodes[0])
    assert_whole(nodes, undisturbed)
    assert_free(nodes)


def test_a_node_that_stands_still_in_the_middle_of_an_alter(
    galera: GaleraCluster, nodes: Databases, balancer: Proxy, chain: Path, goal: dict[str, str]
) -> None:
    with in_an_alter(nodes[0], lambda: through(balancer, nodes, migrations=chain)) as first:
        galera.pause(1)
        try:
            assert len(upgrade(nodes[1], chain)) == 4
            ending = first.ending()
        finally:
            galera.resume(1)
    assert re.match(CLEAR, ending), ending
    assert re.match(ELSEWHERE, ending), ending
    reopen(nodes[0])
    assert_whole(nodes, goal, chain)


def test_a_balancer_that_cuts_what_is_silent_for_too_long(
    nodes: Databases, balancer: Proxy, chain: Path, goal: dict[str, str]
) -> None:
    with in_an_alter(nodes[0], lambda: through(balancer, nodes, migrations=chain)) as first:
        balancer.idle = 0.2
        ending = first.ending()
    assert re.match(CLEAR, ending), ending
    assert re.match(ELSEWHERE, ending), ending
    assert WIDER_TYPE in ending
    balancer.idle = None
    assert len(through(balancer, nodes, migrations=chain).run_migrations()) == 4
    assert_whole(nodes, goal, chain)


# --- nodes that die

#: The advice that fits a cluster.
ELSEWHERE = (
    "(?s:.*)(Connect to another node, or to the cluster's address, and run|another node or the new primary|on any node)"
)


def test_a_node_that_dies_half_way(galera: GaleraCluster, nodes: Databases, undisturbed: dict[str, str]) -> None:
    with held_install(nodes[0], 4) as first:
        galera.kill(1)
        ending = first.go_on()
    assert re.match(CLEAR, ending), ending
    assert re.match(ELSEWHERE, ending), ending
    assert manager(nodes[1]).install().outcome == "upgraded"
    galera.start(1)
    reopen(nodes[0])
    assert_whole(nodes, undisturbed)


def test_a_node_that_dies_in_the_middle_of_an_alter(
    galera: GaleraCluster, nodes: Databases, chain: Path, goal: dict[str, str]
) -> None:
    """The other nodes finish the ALTER."""
    with in_an_alter(nodes[0], lambda: manager(nodes[0], migrations=chain)) as first:
        galera.kill(1)
        ending = first.ending()
    assert ending.startswith("MigrationFailed: "), ending
    assert re.match(CLEAR, ending), ending
    assert re.match(ELSEWHERE, ending), ending
    assert len(upgrade(nodes[1], chain)) == 4
    galera.start(1)
    reopen(nodes[0])
    assert_whole(nodes, goal, chain)


def test_a_node_without_quorum(galera: GaleraCluster, nodes: Databases, undisturbed: dict[str, str]) -> None:
    """A running and a new run both end with one clear error; afterwards the same call finishes."""
    last = manager(nodes[0])
    with held_install(nodes[0], 4) as first:
        galera.kill(2)
        galera.kill(3)
        eventually(lambda: galera.node(1).status("wsrep_ready") != "ON")
        ending = first.go_on()
        assert re.match(CLEAR, ending), ending
    assert re.match(ELSEWHERE, ending), ending
    for call in (last.install, last.run_migrations, last.status, last.plan):
        with pytest.raises(WchError, match="WSREP has not yet prepared node"):
            call()
    refused = pytest.raises(DatabaseUnavailable, match=r"writes are refused now \(WSREP has not yet prepared")
    with refused, run_session(last.database, our_names("wp_")):
        pass
    galera.heal()
    for database in nodes[1:]:
        reopen(database)
    assert last.install().outcome == "upgraded"
    assert_whole(nodes, undisturbed)
    assert_free(nodes)


def test_without_the_unique_name_of_options_no_run_starts(nodes: Databases) -> None:
    """Two nodes could both insert the lease."""
    manager(nodes[1]).install()
    nodes[1].execute("ALTER TABLE wp_options DROP KEY option_name")
    nodes[1].execute("ALTER TABLE wp_wch_carts DROP KEY expires_at")
    with pytest.raises(SchemaConflict, match="lost the unique key on option_name"):
        manager(nodes[2]).install()


def test_options_that_galera_does_not_pass_on_are_refused(nodes: Databases, undisturbed: dict[str, str]) -> None:
    """A lease in them would exclude nobody on another node."""
    assert_refused_as_myisam(nodes[0], undisturbed)
