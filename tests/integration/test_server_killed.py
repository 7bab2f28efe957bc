"""The server is killed in the middle of a run: one clear error, and after its restart the next run finishes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_kill_anywhere import CHAIN
from tests.populate import fill
from tests.servers import PrivateServer
from wch_peewee.migrations_folder import migrations_folder
from wch_peewee.testing.bench import Bench
from wch_peewee.testing.differences import differences
from wch_peewee.testing.places import Place, open_place
from wch_peewee.testing.saved import settle
from wch_peewee.testing.subjects import Subject, installation, our_migrations
from wch_peewee.testing.writes import Point

#: Each says in words that the connection is gone, and to run the same again.
CLEAR = ("DatabaseUnavailable", "StatementFailed", "MigrationFailed")


@pytest.fixture
def place(private_server: PrivateServer) -> Iterator[Place]:
    with open_place(f"private={private_server.url}") as place:
        yield place


def a_point_each(bench: Bench, every: int) -> list[Point]:
    return bench.points(bench.undisturbed.writes, every)


def kill_at(server: PrivateServer, bench: Bench, point: Point) -> None:
    """Kill the server just when the run is at that point; then start it, and run the same again."""
    bench.reset()
    with bench.start_child(bench.subject.forward, hold=point) as child:
        assert child.reach_hold(), point
        server.kill()
        child.go_on()
        failure = child.end().failure
    server.start()
    last = point == Point(len(bench.undisturbed.writes), "after")
    assert failure is not None or last, point
    if failure is not None:
        print(point, failure)
        assert failure.kind in CLEAR, f"{point}: {failure.trace}"
        assert "again" in failure.text, f"{point}: {failure}"
    again = bench.run(bench.subject.forward)
    assert again.failure is None, f"{point}: {again.failure and again.failure.trace}"
    assert differences(bench.expected, bench.snapshot()) == "", point


def test_while_it_installs(private_server: PrivateServer, place: Place, pytestconfig: pytest.Config) -> None:
    with place.opened() as database:
        bench = Bench(place, installation("wp_"), "empty", settle(database))
    for point in bench.points(bench.undisturbed.writes, 1 if pytestconfig.getoption("--slow") else 5):
        kill_at(private_server, bench, point)


def chain(folder: Path) -> Subject:
    for file in (migrations_folder() / "001_initial_schema.py", *CHAIN.glob("0*.py")):
        shutil.copy(file, folder)
    return our_migrations(folder, "wp_")


def test_while_it_migrates_tables_with_rows(
    private_server: PrivateServer, place: Place, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    subject = chain(tmp_path)
    assert subject.up_to is not None
    subject.up_to(place.url, subject.names[0])
    with place.opened() as database:
        fill(database, "wp_")
        bench = Bench(place, subject, "with rows", settle(database), 1)
    for point in bench.points(bench.undisturbed.writes, 1 if pytestconfig.getoption("--slow") else 7):
        kill_at(private_server, bench, point)
