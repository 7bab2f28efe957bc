"""Upgrades on a Galera cluster that forbids GET_LOCK, as strict modes do: the lease alone is the lock.

A proxy in front of each node answers as those servers do. The tests are those of test_galera.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import peewee
import pytest

from tests.integration.test_galera import (  # noqa: F401
    goal,
    test_a_long_alter_stops_the_heartbeat_and_loses_nothing,
    test_a_paused_upgrade_stops_before_its_next_statement,
    test_a_run_that_was_paused_for_too_long_stops_before_its_next_statement,
    test_of_all_nodes_at_once_one_installs,
    test_of_all_nodes_at_once_one_upgrades,
    test_the_alter_of_a_dead_client_is_waited_for,
    test_the_lease_keeps_a_run_on_another_node_out,
    test_the_run_of_a_killed_client_is_taken_over_and_finished,
    test_the_upgrade_of_a_killed_client_is_taken_over_and_finished,
    test_those_with_little_patience_come_back_busy_and_nothing_worse,
    undisturbed,
)
from tests.support.cluster_runs import Databases
from tests.support.databases import LiveDatabase
from tests.support.galera import GaleraCluster
from tests.support.proxy import Ban, Proxy

_LOCKS = ("GET_LOCK", "RELEASE_LOCK", "IS_USED_LOCK", "IS_FREE_LOCK", "RELEASE_ALL_LOCKS", "LOCK TABLES")
#: Percona XtraDB Cluster, and MariaDB 10.6.13. The third node forbids it in the words of the first.
_PXC = Ban(_LOCKS, 1105, "Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = ENFORCING")
_MARIADB = Ban(_LOCKS, 1235, "This version of MariaDB doesn't yet support 'GET_LOCK in cluster (WSREP_ON=ON)'")


@pytest.fixture
def nodes(galera: GaleraCluster) -> Iterator[Databases]:
    """A new database, through a proxy in front of each of the three nodes."""
    with galera.fresh() as databases, ExitStack() as stack:
        proxies = [
            stack.enter_context(Proxy(database.address, ban=ban))
            for database, ban in zip(databases, (_PXC, _MARIADB, _PXC), strict=True)
        ]
        strict = [
            LiveDatabase("galera", "mariadb", (proxy.address(), database.name))
            for proxy, database in zip(proxies, databases, strict=True)
        ]
        for one in strict:
            stack.callback(one.close)
            one.execute("SET SESSION wsrep_sync_wait = 15")
        yield strict
        # A run asks one lock function who answers it, and does without.
        assert [sql for proxy in proxies for sql in proxy.banned if b"'wch.probe'" not in sql] == []


@pytest.mark.parametrize(("ban", "number"), [(_PXC, 1105), (_MARIADB, 1235)], ids=["pxc", "mariadb"])
def test_the_proxy_forbids_them(galera: GaleraCluster, ban: Ban, number: int) -> None:
    with galera.fresh() as databases, Proxy(databases[0].address, ban=ban) as proxy:
        strict = LiveDatabase("galera", "mariadb", (proxy.address(), databases[0].name))
        with pytest.raises(peewee.PeeweeException) as caught:
            strict.execute("SELECT GET_LOCK('x', 0)")
        strict.close()
        assert caught.value.args[0] == number
        assert len(proxy.banned) == 1
