"""Run what is tried on splitters, replicas and clusters, and print the table of docs/cluster-runs.md.

    python -m tests.support.clusters           some twelve minutes
    python -m tests.support.clusters --slow    twenty upgrades through each splitter, a client killed at every write

Servers are those of the tests (WCH_TEST_SERVERS, else private ones), and the private clusters. The exit code is 0 if
each scenario held wherever it could be tried, else 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.support.engines import choose_engines
from tests.support.server_programs import installed_servers

_ROOT = Path(__file__).parents[2]

SPLITTERS, GROUP, GALERA, STRICT = "test_splitters", "test_group_replication", "test_galera", "test_galera_strict"
PLAN, TIMEOUTS = "test_galera_plan", "test_idle_timeouts"


@dataclass(frozen=True)
class Scenario:
    """What is tried and what held, in words, and the tests of one file that try it, by their names or beginnings."""

    tried: str
    held: str
    file: str
    tests: tuple[str, ...]

    def covers(self, file: str, test: str) -> bool:
        return file == self.file and test.startswith(self.tests)


_TWENTY, _NOTHING = "test_of_twenty_upgrades_none_loses_anything", "test_nothing_is_installed_and_a_look_says_so"
_SPLIT = 'Refused before the first write: "server 2 (...) answers reads and server 1 (...) is written to"'

SCENARIOS = (
    Scenario(
        "Upgrades through a splitter that sends each SELECT outside a transaction to a replica whose replication is "
        "paused; an application writes",
        _SPLIT + "; status, plan and doctor report it, too",
        SPLITTERS,
        (
            "test_of_twenty_upgrades_none_loses_anything[by statement",
            "test_nothing_is_installed_and_a_look_says_so[by statement",
        ),
    ),
    Scenario(
        "The same with GET_LOCK sent to the replica, too",
        _SPLIT,
        SPLITTERS,
        (
            "test_of_twenty_upgrades_none_loses_anything[by lock function",
            "test_nothing_is_installed_and_a_look_says_so[by lock function",
        ),
    ),
    Scenario(
        "The same with everything sent to the primary after GET_LOCK",
        _SPLIT,
        SPLITTERS,
        (
            "test_of_twenty_upgrades_none_loses_anything[pinned",
            "test_nothing_is_installed_and_a_look_says_so[pinned",
        ),
    ),
    Scenario(
        "The same with only the reads of the managed tables sent to the replica, which no check detects",
        "Finished; no row is lost",
        SPLITTERS,
        (f"{_TWENTY}[by table",),
    ),
    Scenario(
        "A splitter that begins in the middle of a run",
        "The run stops; run again on the primary, it finishes",
        SPLITTERS,
        ("test_a_rule_that_begins_in_the_middle_of_a_run_stops_it",),
    ),
    Scenario(
        "A proxy that gives each statement any of its connections to one server",
        'Refused: "a proxy spreads this session over several connections"',
        SPLITTERS,
        ("test_a_proxy_that_changes_connections_is_refused",),
    ),
    Scenario(
        "A replica whose account may write; one that is read_only, super_read_only or innodb_read_only",
        "Refused, with the primary's address if the account may query it; status, plan and doctor report it, too",
        SPLITTERS,
        (
            "test_a_replica_whose_account_may_write",
            "test_a_read_only_server",
            "test_a_server_that_only_reads_its_files",
            "test_where_an_account_may_not_ask",
        ),
    ),
    Scenario(
        "Stock `pw_migrate list` and `migrate`, and `wch check --models`, on a replica that may be written to",
        "Refused, or compared without it; nothing is written",
        SPLITTERS,
        ("test_stock_pw_migrate", "test_a_scratch_database"),
    ),
    Scenario(
        "Install, repair, rollback and uninstall behind each splitter; according to the replica nothing is to be done",
        "Refused; done behind the one that no check detects",
        SPLITTERS,
        ("test_where_a_replica_has_nothing_or_all",),
    ),
    Scenario(
        "`activate()` on a replica that has everything",
        '"current"; nothing is written',
        SPLITTERS,
        ("test_a_replica_in_place_is_current",),
    ),
    Scenario(
        "A replica that has taken its primary's place, or one of two that replicate each other",
        "Refused until its replication is stopped with the statement of the message",
        SPLITTERS,
        ("test_a_replica_whose_replication_is_stopped",),
    ),
    Scenario(
        "An idle timeout of a proxy in the middle of an ALTER",
        "One error; the next run waits for the ALTER and finishes",
        TIMEOUTS,
        ("test_",),
    ),
    Scenario(
        "Six runs at once on the primary: installing, upgrading",
        "One does the work, five find it done",
        GROUP,
        ("test_of_six_at_once",),
    ),
    Scenario(
        "Six runs at once, two on each member",
        'One of those on the primary does the work. On secondaries: "is a secondary; its primary is ..."',
        GROUP,
        ("test_of_six_on_all_members", "test_a_secondary_is_refused"),
    ),
    Scenario(
        "The client is killed before, during or after a write, with and without rows",
        "Run again, it finishes; no row is lost",
        GROUP,
        ("test_the_run_of_a_killed_client", "test_the_upgrade_of_a_killed_client"),
    ),
    Scenario(
        "`kill -9` of the primary in the middle of a copying ALTER",
        "The run ends with one error; the new primary has nothing of the ALTER; run again there, it finishes",
        GROUP,
        ("test_the_primary_dies_in_the_middle_of_an_alter",),
    ),
    Scenario(
        "`kill -9` of the primary between batches, while an application writes",
        "As above; each acknowledged message is on all members",
        GROUP,
        ("test_the_primary_dies_between_batches",),
    ),
    Scenario(
        "`group_replication_set_as_primary` between two statements of a run, and in the middle of a copying ALTER",
        "The run's next statement is refused (the change waits for the ALTER); run again on the new "
        "primary, it finishes",
        GROUP,
        ("test_the_primary_changes",),
    ),
    Scenario(
        "A member that was restarted and has not joined (`start_on_boot` is OFF), and one that is catching up",
        'Refused: "is OFFLINE, and could never join again if it were written to", "is RECOVERING"',
        GROUP,
        ("test_a_member_that_was_restarted",),
    ),
    Scenario(
        "A member that was paused and expelled",
        'Refused: "is in the state ERROR, and out of its group"; other accounts than administrators\' cannot log in',
        GROUP,
        ("test_an_expelled_member",),
    ),
    Scenario(
        "A primary whose two secondaries are paused",
        'Refused: "sees no majority of its group". A run in progress waits at its next write, and finishes when '
        "one of them is back",
        GROUP,
        ("test_a_primary_without_majority",),
    ),
    Scenario("Several primaries", "Refused on each member", GROUP, ("test_several_primaries",)),
    Scenario(
        "Runs at once on three nodes: installing, upgrading, with a short timeout",
        "One does the work, the others find it done or end as busy",
        GALERA,
        ("test_of_all_nodes_at_once", "test_those_with_little_patience", "test_of_many_racers", "test_the_lease_keeps"),
    ),
    Scenario(
        "Clients killed before, during and after a write, and in a copying ALTER; the next run on the same node or "
        "another",
        "Finished by the next run",
        GALERA,
        ("test_the_run_of_a_killed", "test_the_upgrade_of_a_killed", "test_the_alter_of_a_dead", "test_a_long_alter"),
    ),
    Scenario(
        "Clients paused before a statement while another node takes over",
        "The first stops before its next statement",
        GALERA,
        ("test_a_run_that_was_paused", "test_a_paused_upgrade", "test_the_one_who_took_it_over", "test_a_lease_that"),
    ),
    Scenario(
        "An UPDATE that outlives its client, then an ALTER of its table from any node",
        "Rolled back, and not repeated",
        GALERA,
        ("test_what_a_dead_client_still_writes",),
    ),
    Scenario(
        "Nodes killed under a run and in an ALTER",
        "One error; another node finishes",
        GALERA,
        ("test_a_node_that_dies",),
    ),
    Scenario(
        "A node without quorum, one whose replication is off, one that is out of sync (Donor/Desynced)",
        "Refused, or one error without quorum; status and plan report it, too",
        GALERA,
        ("test_a_node_without_quorum", "test_a_node_that_replicates_nothing", "test_a_node_that_is_out_of_step"),
    ),
    Scenario(
        "WordPress's options as a MyISAM table",
        "Refused; plan and doctor report it, too; after conversion with the message's statement, the next run finishes",
        GALERA,
        ("test_options_that_galera_does_not_pass_on",),
    ),
    Scenario(
        "A balancer that sends the run and its heartbeat to different nodes; the run's node is stopped (SIGSTOP) "
        "before a statement or in an ALTER, and continues later",
        "Another run takes over; the first ends in one error, and sends nothing later",
        GALERA,
        ("test_a_run_whose_node_stands_still", "test_a_node_that_stands_still", "test_a_balancer_that_cuts"),
    ),
    Scenario(
        "The suite behind proxies that forbid GET_LOCK and similar functions (1105 as Percona's strict mode, 1235 as "
        "MariaDB 10.6.13)",
        "The same results, with the lease alone",
        STRICT,
        ("test_",),
    ),
    Scenario(
        "An index build and a copy: without permission, with it, with pt-online-schema-change and foreign keys",
        "Refused without permission; writes to other tables wait and reads continue, as the plan says; the tool blocks "
        "nothing",
        PLAN,
        ("test_what_stops_all", "test_an_index_build", "test_the_tool", "test_a_column_is_added"),
    ),
    Scenario(
        "A run killed while its tool works, and the next one on another node",
        "It waits for the tool's end, and finishes",
        PLAN,
        ("test_a_run_that_is_killed_with_its_tool",),
    ),
    Scenario(
        "An index, node by node, while other nodes write",
        "The run finds the index",
        PLAN,
        ("test_an_index_is_added_node_by_node",),
    ),
)


@dataclass(frozen=True)
class Case:
    """One test that was run: its file, its name with the engine left out, the engine, and whether it passed."""

    file: str
    test: str
    engine: str
    held: bool


def main(arguments: Sequence[str] = ()) -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        files = [f"tests/integration/{name}.py" for name in dict.fromkeys(one.file for one in SCENARIOS)]
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments, *files]
        subprocess.run(command, cwd=_ROOT, stdout=sys.stderr, check=False)
        cases = list(_cases(report))
    sys.stdout.write(table(cases, _versions()))
    return int(not cases or not all(case.held for case in cases))


def _cases(report: Path) -> Iterator[Case]:
    names = [engine.name for engine in choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), "")[0]]
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            continue
        file, name = case.get("classname", "").rpartition(".")[2], case.get("name", "")
        engine = next((one for one in names if f"[{one}" in name), "group" if file == GROUP else "galera")
        test = name.replace(f"[{engine}-", "[").replace(f"[{engine}]", "")
        yield Case(file, test, engine, case.find("failure") is None and case.find("error") is None)


def _versions() -> dict[str, str]:
    """Return the engines' names for people, with their versions."""
    engines, _ = choose_engines(os.environ.get("WCH_TEST_SERVERS", ""), "")
    words = {"mariadb": "MariaDB", "mysql": "MySQL", "sqlite": "SQLite"}
    found = {engine.name: f"{words[engine.family]} {engine.version}" for engine in engines}
    mysql = max((engine.version for engine in engines if engine.family == "mysql"), default="")
    mariadb = installed_servers().get("mariadb")
    return {
        **found,
        "group": f"Group Replication, MySQL {mysql}",
        "galera": f"Galera, MariaDB {mariadb.version if mariadb else ''}",
    }


def table(cases: Sequence[Case], versions: dict[str, str]) -> str:
    """Return the Markdown table, with a row for each scenario and how many cases of it were tried."""
    lines = ["| Tested | On | Cases | Result |", "|---|---|---|---|"]
    for scenario in SCENARIOS:
        mine = [case for case in cases if scenario.covers(case.file, case.test)]
        failed = sorted({case.test for case in mine if not case.held})
        held = f"**No**: {', '.join(failed)}" if failed else scenario.held if mine else "Not tried"
        engines = ", ".join(versions[name] for name in versions if any(case.engine == name for case in mine))
        lines.append(f"| {scenario.tried} | {engines} | {len(mine)} | {held} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
