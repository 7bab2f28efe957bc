"""The size of chunks: adapted within bounds, unless the author sets it."""

from __future__ import annotations

from collections.abc import Iterator

import peewee
import pytest

from wch_peewee import Plugin
from wch_peewee.execution.context import RunContext
from wch_peewee.execution.session import read_session
from wch_peewee.migrate import batches
from wch_peewee.migrate.batches import BATCH_SIZE, LARGEST_BATCH, Chunks
from wch_peewee.models.namespace import our_names

ROWS = 500_000


@pytest.fixture(scope="module")
def context() -> Iterator[RunContext]:
    """A queue of many rows, for tests that only read it."""
    database = peewee.SqliteDatabase(":memory:")
    database.connect()
    Plugin(database).activate()
    database.execute_sql(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
        "INSERT INTO wp_wch_sync_queue (id, entity_type, entity_id, action, created_at) "
        "SELECT i, 'order', i, 'create', '2026-01-02 03:04:05' FROM n"
    )
    with read_session(database, our_names("wp_")) as found:
        yield found
    database.close()


def sizes(found: Chunks, clock: list[float], seconds_a_row: float) -> list[int]:
    result = []
    while (batch := found.next_range()) is not None:
        assert batch.after == sum(result)
        result.append(batch.upto - batch.after)
        clock[0] += result[-1] * seconds_a_row
    assert sum(result) == ROWS
    return result


@pytest.mark.parametrize("seconds_a_row", [0.0, 1e-6, 5e-6, 1e-5, 1e-4, 1.0])
def test_a_batch_takes_about_a_twentieth_of_a_second(
    context: RunContext, monkeypatch: pytest.MonkeyPatch, seconds_a_row: float
) -> None:
    clock = [0.0]
    monkeypatch.setattr(batches.time, "monotonic", lambda: clock[0])
    settled = sizes(Chunks(context, "wp_wch_sync_queue"), clock, seconds_a_row)[:-1]
    assert settled[0] == BATCH_SIZE
    settled = settled[5:]
    if 200 * seconds_a_row > 0.1:
        assert set(settled) == {250} or set(settled) == {200}
    elif LARGEST_BATCH * seconds_a_row < 0.025:
        assert set(settled) == {LARGEST_BATCH}
    else:
        assert {0.025 <= size * seconds_a_row <= 0.1 for size in settled} == {True}


@pytest.mark.parametrize("size", [1_000, 70_000])
def test_an_author_says_how_many(context: RunContext, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    clock = [0.0]
    monkeypatch.setattr(batches.time, "monotonic", lambda: clock[0])
    assert set(sizes(Chunks(context, "wp_wch_sync_queue", size=size), clock, 0.01)[:-1]) == {size}


def test_what_python_holds_stays_small(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(batches.time, "monotonic", lambda: clock[0])
    assert max(sizes(Chunks(context, "wp_wch_sync_queue", largest=BATCH_SIZE), clock, 0.0)) == BATCH_SIZE
