"""Upgrades on a replication group of three members with one primary.

Clients and members are killed, the primary changes, and some members must not be written to.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cluster_runs import (
    CLEAR,
    Databases,
    Watch,
    assert_refused_as_myisam,
    assert_whole,
    at_once,
    healed,
    held_install,
    held_upgrade,
    in_an_alter,
    kill_and_finish_installs,
    kill_and_finish_upgrades,
    manager,
    reopen,
    undisturbed_tables,
    upgrade,
)
from tests.support.concurrency import eventually
from tests.support.databases import LiveDatabase
from tests.support.group_application import Application, assert_kept
from tests.support.group_replication import RECOVER_AS, Member, ReplicationGroup
from tests.support.migration_chain import chain_folder
from tests.support.populate import populate
from tests.support.snapshots import columns
from wch_peewee import DatabaseManager, DatabaseUnavailable, UnsupportedServer


@pytest.fixture
def nodes(group: ReplicationGroup) -> Iterator[Databases]:
    """A new database, through each of the three members; the first is the primary."""
    with healed(group) as databases:
        yield databases


@pytest.fixture(scope="module")
def undisturbed(group: ReplicationGroup) -> dict[str, str]:
    return undisturbed_tables(group)


@pytest.fixture(scope="module")
def goal(group: ReplicationGroup, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The schema that an undisturbed run of the whole chain makes."""
    return undisturbed_tables(group, chain_folder(tmp_path_factory.mktemp("chain")))


@pytest.fixture
def site_account(group: ReplicationGroup, nodes: Databases) -> str:
    """The name of an account that has all privileges on the database, and no others, like a WordPress site's."""
    group.primary().ask("CREATE USER IF NOT EXISTS site@'127.0.0.1'")
    group.primary().ask(f"GRANT ALL ON `{nodes[0].name}`.* TO site@'127.0.0.1'")
    for member in group.nodes:
        member.query("SELECT 1 FROM mysql.user LIMIT 1")
    return "site"


@contextmanager
def paused(member: Member) -> Iterator[None]:
    """Stop a member's process for the block, as if the network were gone."""
    os.kill(member.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(member.pid, signal.SIGCONT)


def as_account(database: LiveDatabase, account: str) -> DatabaseManager:
    return DatabaseManager(database.url.replace("root@", f"{account}@"))


def said_to_all(database: LiveDatabase, account: str) -> tuple[str, str]:
    """Return the refusals that an administrator and a site's account get, without the server's address."""
    said = []
    for user in ("root", account):
        with pytest.raises(DatabaseUnavailable) as caught:
            as_account(database, user).install()
        said.append(str(caught.value).partition(f"/{database.name}: ")[2])
    return said[0], said[1]


def refused(words: str) -> str:
    return f"this member of a replication group {words}. Nothing was changed."


NOT_ONLINE = refused("is not ONLINE, or sees no majority of its group; use the group's primary")


# --- all at once


def test_of_six_at_once_one_installs(nodes: Databases, undisturbed: dict[str, str]) -> None:
    assert Counter(at_once([lambda: manager(nodes[0]).install().outcome] * 6)) == {"installed": 1, "current": 5}
    assert_whole(nodes, undisturbed)


def test_options_that_a_group_does_not_take_are_refused(nodes: Databases, undisturbed: dict[str, str]) -> None:
    assert_refused_as_myisam(nodes[0], undisturbed)


def test_of_six_at_once_one_upgrades(nodes: Databases, chain: Path, goal: dict[str, str]) -> None:
    manager(nodes[0]).install()
    populate(nodes[0])
    contents = columns(nodes[0], "wp_wch_messages", "id, content")
    assert Counter(at_once([lambda: len(upgrade(nodes[0], chain))] * 6)) == {6: 1, 0: 5}
    assert_whole(nodes, goal, chain)
    for database in nodes:
        assert columns(database, "wp_wch_message_bodies", "message_id, content") == contents


def test_of_six_on_all_members_those_on_secondaries_change_nothing(
    group: ReplicationGroup, nodes: Databases, chain: Path, goal: dict[str, str]
) -> None:
    manager(nodes[0]).install()
    endings = at_once([lambda database=database: len(upgrade(database, chain)) for database in nodes * 2])
    # Whoever looks at a secondary when all is done there finds that, too.
    allowed = re.compile(rf"[06]|DatabaseUnavailable: .* is a secondary; its primary is {group.node(1).place}\..*")
    assert all(allowed.fullmatch(str(ending)) for ending in endings), endings
    assert Counter(endings)[6] == 1
    assert_whole(nodes, goal, chain)


# --- clients that die


def test_the_run_of_a_killed_client_is_finished(
    nodes: Databases, undisturbed: dict[str, str], pytestconfig: pytest.Config
) -> None:
    kill_and_finish_installs(nodes, nodes[0], undisturbed, slow=pytestconfig.getoption("--slow"))


def test_the_upgrade_of_a_killed_client_is_finished(
    nodes: Databases, chain: Path, pytestconfig: pytest.Config, goal: dict[str, str]
) -> None:
    kill_and_finish_upgrades(nodes, nodes[0], chain, goal, slow=pytestconfig.getoption("--slow"))


# --- members that must not be written to


def test_a_secondary_is_refused_and_names_its_primary(
    group: ReplicationGroup, nodes: Databases, site_account: str
) -> None:
    assert said_to_all(nodes[1], site_account) == (
        refused(f"is a secondary; its primary is {group.node(1).place}"),
        refused("is read-only (super_read_only is ON), as secondaries are; use the group's primary"),
    )
    assert [database.tables() for database in nodes] == [[], [], []]
    assert as_account(nodes[0], site_account).install().outcome == "installed"


def test_a_member_that_was_restarted_is_refused_until_it_is_back(
    group: ReplicationGroup, nodes: Databases, site_account: str, undisturbed: dict[str, str]
) -> None:
    """Before it joins it takes writes, and if it had one of its own it could never join again."""
    member = group.node(3)
    member.leave()
    member.kill()
    member.begin()
    member.wait_until_answering()
    assert member.ask("SELECT @@super_read_only") == [(0,)]
    offline = (
        "is OFFLINE, and could never join again if it were written to; START GROUP_REPLICATION, or if it has left its "
        "group for good UNINSTALL PLUGIN group_replication; use the group's primary"
    )
    assert said_to_all(nodes[2], site_account) == (refused(offline), NOT_ONLINE)
    manager(nodes[0]).install()
    member.ask(RECOVER_AS.format("nobody"))
    member.ask(f"SET GLOBAL group_replication_group_seeds = '{group.seeds()}'")
    member.ask("START GROUP_REPLICATION")
    assert member.state == "RECOVERING"
    recovering = f"is RECOVERING, and has not caught up yet; its primary is {group.node(1).place}"
    assert said_to_all(nodes[2], site_account) == (refused(recovering), NOT_ONLINE)
    member.leave()
    member.ask(RECOVER_AS.format("root"))
    member.join()
    reopen(nodes[2])
    assert_whole(nodes, undisturbed)


def test_an_expelled_member_is_refused(group: ReplicationGroup, nodes: Databases, site_account: str) -> None:
    member = group.node(3)
    with paused(member):
        group.wait_for_size(2, seen_by=group.nodes[:2])
    member.wait_until_expelled()
    to_administrators, to_others = said_to_all(nodes[2], site_account)
    # It does not know any more who the primary is.
    assert to_administrators == refused("is in the state ERROR, and out of its group; use the group's primary")
    assert to_others.startswith("cannot be opened (The server is currently in offline mode"), to_others


def test_several_primaries_are_not_supported(group: ReplicationGroup, nodes: Databases) -> None:
    group.node(1).ask("SELECT group_replication_switch_to_multi_primary_mode()")
    try:
        for database in nodes:
            with pytest.raises(UnsupportedServer, match="several primaries is not supported"):
                manager(database).install()
            assert database.tables() == []
    finally:
        ((name,),) = group.node(1).ask("SELECT @@server_uuid")
        group.node(1).ask(f"SELECT group_replication_switch_to_single_primary_mode('{name}')")


# --- another primary


def test_the_primary_changes_half_way(group: ReplicationGroup, nodes: Databases, undisturbed: dict[str, str]) -> None:
    with held_install(nodes[0], 4) as first:
        group.switch_to(2)
        ending = first.go_on()
    assert re.match(CLEAR, ending), ending
    assert manager(nodes[1]).install().outcome == "upgraded"
    assert_whole(nodes, undisturbed)


def test_the_primary_changes_in_the_middle_of_an_alter(
    group: ReplicationGroup, nodes: Databases, chain: Path, goal: dict[str, str]
) -> None:
    with in_an_alter(nodes[0], lambda: manager(nodes[0], migrations=chain)) as first:
        group.switch_to(2)
        ending = first.ending()
    assert ending == 6 or re.match(CLEAR, str(ending)), ending
    upgrade(nodes[1], chain)
    assert_whole(nodes, goal, chain)


# --- the primary dies


def test_the_primary_dies_in_the_middle_of_an_alter(
    group: ReplicationGroup, nodes: Databases, chain: Path, goal: dict[str, str]
) -> None:
    """The new primary does not know of the ALTER."""
    with in_an_alter(nodes[0], lambda: manager(nodes[0], migrations=chain)) as first:
        group.kill(1)
        ending = first.ending()
    assert re.match(CLEAR, str(ending)), ending
    assert len(upgrade(nodes[group.primary().number - 1], chain)) == 4
    group.start(1)
    reopen(nodes[0])
    assert_whole(nodes, goal, chain)


def test_the_primary_dies_between_batches_while_an_application_writes(
    group: ReplicationGroup, nodes: Databases, tmp_path: Path
) -> None:
    chain = chain_folder(tmp_path, ["005_message_bodies"])
    manager(nodes[0]).install()
    populate(nodes[0], conversations=30)
    contents = columns(nodes[0], "wp_wch_messages", "id, content")
    with Application(group, nodes[0].name) as application:
        with held_upgrade(nodes[0], chain, 3, batches=True) as first:
            application.goes_on()
            group.kill(1)
            ending = first.go_on()
        assert re.match(CLEAR, str(ending)), ending
        application.goes_on()
        assert upgrade(nodes[group.primary().number - 1], chain) == ("005_message_bodies",)
        application.goes_on()
    group.start(1)
    reopen(nodes[0])
    assert_kept(nodes, application, contents)


# --- no majority


def test_a_primary_without_majority(
    group: ReplicationGroup, nodes: Databases, site_account: str, undisturbed: dict[str, str]
) -> None:
    """A run that is going on waits for the majority; no other one begins."""
    one, two, three = group.nodes
    watch = Watch(nodes[0])
    with held_install(nodes[0], 4) as first, paused(three):
        with paused(two):
            eventually(lambda: not one.has_majority())
            no_majority = refused("sees no majority of its group; use the group's primary")
            assert said_to_all(nodes[0], site_account) == (no_majority, NOT_ONLINE)
            first.let_go()
            eventually(lambda: watch.sees("CREATE TABLE"))
        assert first.worker.ending() == "installed"
        group.wait_for_size(2, seen_by=[one, two])
    three.wait_until_expelled()
    group.heal()
    reopen(nodes[2])
    assert_whole(nodes, undisturbed)
