"""A scenario for the test kit: the server is killed during a run and started again, and the next run finishes.

    examine_at(scratch, subject, scenarios=[server_killed(server)])

The server is killed before, during and after each write. The run must end with one error that says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tests.support.servers import PrivateServer
from wch_peewee.testing.bench import Bench
from wch_peewee.testing.child import Ending, Failure, Point
from wch_peewee.testing.scenarios import Fault, Scenario, Trial
from wch_peewee.testing.snapshots import Snapshot, snapshot_differences

NAME = "server killed"

# Busy is for the lock that has gone with its connection.
_CLEAR = ("DatabaseUnavailable", "StatementFailed", "MigrationFailed", "Busy")


def server_killed(server: PrivateServer) -> Scenario:
    """Return the scenario that kills ``server``, which holds the examined database."""

    def play(bench: Bench, every: int) -> Iterator[Trial]:
        writes = bench.undisturbed.writes
        for point in bench.points(writes, every):
            bench.reset()
            ending = _run_into(server, bench, point)
            server.start()
            # After the last write there may be nothing left to ask of the server.
            through = ending.failure is None and point.number == len(writes)
            fault = None if through else _unclear(ending.failure)
            fault = fault or _again(bench)
            where = f"killed {point} of {len(writes)}, then the same again"
            yield Trial(where, fault, writes[point.number - 1])

    return Scenario(NAME, play)


def _run_into(server: PrivateServer, bench: Bench, point: Point) -> Ending:
    with bench.start_child(bench.subject.forward, hold=point) as child:
        child.reach_hold()
        server.kill()
        child.go_on()
        return child.end()


def _again(bench: Bench) -> Fault | None:
    failure = bench.run(bench.subject.forward).failure
    if failure is not None:
        return Fault("error", f"it ends in {failure}")
    text = snapshot_differences(_without_given_ids(bench.expected), _without_given_ids(bench.snapshot()))
    return Fault("different", text) if text else None


def _unclear(failure: Failure | None) -> Fault | None:
    """Return a fault unless the failure is one of the library's errors and says what to do."""
    if failure is None:
        return Fault("different", "it ends well, with its server killed")
    clear = (
        failure.known
        and failure.kind in _CLEAR
        and "again" in failure.text
        and not re.search(r"\(\d{4},", failure.text)
    )
    return None if clear else Fault("error", f"it ends in {failure}\n{failure.trace}")


def _without_given_ids(snapshot: Snapshot) -> Snapshot:
    """Remove ids that the server has generated: a killed server may continue from another number."""
    tables = dict(snapshot.tables)
    bodies = tables.get("wp_wch_message_bodies")
    if bodies is not None:
        tables["wp_wch_message_bodies"] = replace(bodies, rows=tuple(sorted(row[1:] for row in bodies.rows)))
    return replace(snapshot, tables=tables)
