"""The server is killed in the middle of a run: one clear error, and once it is back the next run finishes.

At every write with --slow: before it is sent, while it is under way, and after it. At a part of them without.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.test_kill_anywhere import CHAIN
from tests.populate import fill
from tests.servers import PrivateServer
from wch_peewee.migrations_folder import migrations_folder
from wch_peewee.testing.bench import Bench
from wch_peewee.testing.child import Failure
from wch_peewee.testing.differences import differences
from wch_peewee.testing.places import Place, open_place
from wch_peewee.testing.saved import settle
from wch_peewee.testing.snapshots import Snapshot
from wch_peewee.testing.subjects import installation, our_migrations
from wch_peewee.testing.writes import Point

# Busy is for the lock that has gone with its connection.
CLEAR = ("DatabaseUnavailable", "StatementFailed", "MigrationFailed", "Busy")


@pytest.fixture
def every(pytestconfig: pytest.Config) -> int:
    return 1 if pytestconfig.getoption("--slow") else 13


@pytest.fixture
def place(private_server: PrivateServer) -> Iterator[Place]:
    with open_place(f"private={private_server.url}") as place:
        yield place


def killed_at_each_point(server: PrivateServer, bench: Bench, every: int) -> int:
    """Kill the server just when the run is at a point; then start it, and run the same again."""
    assert bench.failure is None, bench.failure
    points = bench.points(bench.undisturbed.writes, every)
    for point in points:
        bench.reset()
        with bench.start_child(bench.subject.forward, hold=point) as child:
            assert child.reach_hold(), point
            server.kill()
            child.go_on()
            failure = child.end().failure
        server.start()
        # After the last write there may be nothing left to ask of the server.
        if failure is not None or point.number < len(bench.undisturbed.writes):
            assert_clear(point, failure)
        again = bench.run(bench.subject.forward).failure
        assert again is None, f"{point}: {again}"
        assert differences(without_given_ids(bench.expected), without_given_ids(bench.snapshot())) == "", point
    return len(points)


def without_given_ids(snapshot: Snapshot) -> Snapshot:
    """Leave out the ids that a migration had the server count: a killed server may count on from elsewhere."""
    tables = dict(snapshot.tables)
    bodies = tables.get("wp_wch_message_bodies")
    if bodies is not None:
        tables["wp_wch_message_bodies"] = replace(bodies, rows=tuple(sorted(row[1:] for row in bodies.rows)))
    return replace(snapshot, tables=tables)


def assert_clear(point: Point, failure: Failure | None) -> None:
    """It is one of the library's own errors, says what to do, and not in the driver's words."""
    assert failure is not None, point
    said = f"{point}: {failure}"
    assert failure.known, f"{said}\n{failure.trace}"
    assert failure.kind in CLEAR, said
    assert "again" in failure.text, said
    assert not re.search(r"\(\d{4},", failure.text), said


def test_while_it_installs(private_server: PrivateServer, place: Place, every: int) -> None:
    with place.opened() as database:
        bench = Bench(place, installation("wp_"), "from an empty database", settle(database))
    assert killed_at_each_point(private_server, bench, every) >= 3


def test_while_it_migrates_tables_with_rows(
    private_server: PrivateServer, place: Place, tmp_path: Path, every: int
) -> None:
    for file in (migrations_folder() / "001_initial_schema.py", *CHAIN.glob("0*.py")):
        shutil.copy(file, tmp_path)
    subject = our_migrations(tmp_path, "wp_")
    assert subject.up_to is not None
    subject.up_to(subject.names[0], place.url)
    with place.opened() as database:
        fill(database, "wp_")
        bench = Bench(place, subject, "with rows", settle(database), 1)
    assert killed_at_each_point(private_server, bench, every) >= 3
