"""Batches over rows: every row once, in small transactions, continued after a kill, with progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import peewee
import pytest

from tests.support.children import run_killed
from tests.support.database_reset import SavedDatabase, restored_database, saved_database
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.populate import populate
from wch_peewee import ConfigurationError, DatabaseManager
from wch_peewee.execution.context import RunContext, RunListener
from wch_peewee.execution.session import run_session
from wch_peewee.migrate import batches, steps
from wch_peewee.models.namespace import our_names
from wch_peewee.progress import BatchDone, StepStarted
from wch_peewee.schema.objects import Column, text, varchar
from wch_peewee.testing.child import Point

ROWS = 20


def fill(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()
    populate(database, conversations=ROWS // 2 + 4)
    database.execute("DELETE FROM wp_wch_messages WHERE id IN (1, 5, 6, 7, 8, 12, 27, 28)")
    with run_session(database.connect(), our_names("wp_")) as context:
        steps.add_column(context.database, "messages", Column("note", text(), nullable=True))


@pytest.fixture(scope="module")
def filled_once(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedDatabase]:
    with saved_database(engine, tmp_path_factory.mktemp("filled"), fill) as saved:
        yield saved


@pytest.fixture
def filled(engine: Engine, request: pytest.FixtureRequest) -> LiveDatabase:
    """Twenty messages with gaps in their ids, and an empty column."""
    return restored_database(engine, request, fill, "filled_once")


def notes(database: LiveDatabase) -> list[tuple[int, str | None]]:
    return [(int(a), b) for a, b in database.execute("SELECT id, note FROM wp_wch_messages ORDER BY id")]


@pytest.mark.parametrize("size", [1, 3, 7, 20, 1000])
def test_every_row_is_filled_once_whatever_the_size(filled: LiveDatabase, size: int) -> None:
    seen: list[BatchDone | StepStarted] = []
    with run_session(filled.connect(), our_names("wp_"), listener=RunListener(on_progress=seen.append)) as context:
        batches.fill_column(context.database, "messages", "note", "wa_message_id", size=size)
        told = len(seen)
        batches.fill_column(context.database, "messages", "note", "'again'", size=size)
    assert len(seen) == told  # nothing is left to be done
    assert [note for _, note in notes(filled)] == [
        row[0] for row in filled.execute("SELECT wa_message_id FROM wp_wch_messages ORDER BY id")
    ]
    first = [event for event in seen if isinstance(event, BatchDone)]
    assert len(first) == -(-ROWS // size)
    assert [event.rows for event in first] == sorted(event.rows for event in first)
    assert (first[-1].rows, first[-1].fraction) == (ROWS, 1.0)


def test_copying_catches_up_with_what_changed(filled: LiveDatabase) -> None:
    def copy(context: RunContext) -> None:
        batches.copy_column(context.database, "messages", "wa_message_id", "note", size=4)

    with run_session(filled.connect(), our_names("wp_")) as context:
        copy(context)
    filled.execute("UPDATE wp_wch_messages SET wa_message_id = 'other' WHERE id = 2")
    filled.execute("UPDATE wp_wch_messages SET note = NULL WHERE id = 3")
    with run_session(filled.connect(), our_names("wp_")) as context:
        copy(context)
    assert all(a == b for a, b in filled.execute("SELECT wa_message_id, note FROM wp_wch_messages"))


@pytest.mark.parametrize(
    ("remaining", "batches_left"),
    [("note IS NULL", 2), ("id NOT IN (SELECT id FROM {messages} WHERE note > '')", 2), ("", 5)],
)
def test_killed_in_a_batch_the_next_run_goes_on_where_it_stopped(
    filled: LiveDatabase, remaining: str, batches_left: int
) -> None:
    seen: list[BatchDone | StepStarted] = []

    def fill() -> None:
        manager = DatabaseManager(filled.url)
        with run_session(manager.database, our_names("wp_"), listener=RunListener(on_progress=seen.append)) as context:
            update = "UPDATE {messages} SET note = ? WHERE note IS NULL AND {batch}"
            batches.run_in_batches(context.database, "messages", update, "done", size=4, remaining=remaining)

    assert run_killed(fill, Point(3, "after"))
    left = [note for _, note in notes(filled)].count(None)
    assert left == (ROWS if filled.family == "sqlite" else ROWS - 12)  # SQLite's run is one transaction
    fill()
    assert {note for _, note in notes(filled)} == {"done"}
    assert len(seen) == (5 if filled.family == "sqlite" else batches_left)
    assert isinstance(seen[-1], BatchDone)
    assert (seen[-1].rows, seen[-1].fraction) == (left, 1.0)


def test_a_batch_on_an_empty_table_does_nothing(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()
    with run_session(database.connect(), our_names("wp_")) as context:
        batches.fill_column(context.database, "carts", "coupon_code", "'x'")


def test_sql_without_its_batch_is_refused(database: LiveDatabase) -> None:
    DatabaseManager(database.url).install()
    with (
        run_session(database.connect(), our_names("wp_")) as context,
        pytest.raises(ConfigurationError, match=r"no \{batch\}"),
    ):
        batches.run_in_batches(context.database, "carts", "UPDATE {carts} SET coupon_code = NULL")


def shout(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row change that may be repeated; every third row stays."""
    return {} if row["id"] % 3 == 0 else {"note": f"100% {row['wa_message_id'].upper()}"}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_python_changes_rows(filled: LiveDatabase, size: int) -> None:
    seen: list[BatchDone | StepStarted] = []
    with run_session(filled.connect(), our_names("wp_"), listener=RunListener(on_progress=seen.append)) as context:
        batches.change_rows(context.database, "messages", ["wa_message_id"], shout, size=size)
    for row_id, note in notes(filled):
        (wa_message_id,) = filled.execute("SELECT wa_message_id FROM wp_wch_messages WHERE id = %s", (row_id,))[0]
        assert note == (None if row_id % 3 == 0 else f"100% {wa_message_id.upper()}")
    last = seen[-1]
    assert isinstance(last, BatchDone)
    assert last.rows == sum(note is not None for _, note in notes(filled))


def test_python_killed_in_a_batch_goes_on_with_the_rows_that_are_left(filled: LiveDatabase) -> None:
    asked: list[int] = []

    def change(row: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(row["id"])
        return {"note": "done"}

    def run() -> None:
        with run_session(DatabaseManager(filled.url).database, our_names("wp_")) as context:
            batches.change_rows(context.database, "messages", [], change, size=4, remaining="note IS NULL")

    assert run_killed(run, Point(6, "after"))  # in the middle of the second batch, which is undone
    left = [row_id for row_id, note in notes(filled) if note is None]
    assert len(left) == (ROWS if filled.family == "sqlite" else ROWS - 4)
    run()
    assert asked == left
    assert {note for _, note in notes(filled)} == {"done"}


def test_names_that_are_words_of_sql(filled: LiveDatabase) -> None:
    with run_session(filled.connect(), our_names("wp_")) as context:
        for name in ("order", "key"):
            steps.add_column(context.database, "messages", Column(name, varchar(100), nullable=True))
        batches.fill_column(context.database, "messages", "order", "?", "first")
        batches.copy_column(context.database, "messages", "order", "key")
    quote = '"' if filled.family == "sqlite" else "`"
    assert filled.execute(f"SELECT DISTINCT {quote}key{quote} FROM wp_wch_messages") == [("first",)]


def test_a_column_that_is_not_there_is_an_error(filled: LiveDatabase) -> None:
    with (
        run_session(filled.connect(), our_names("wp_")) as context,
        pytest.raises(peewee.PeeweeException, match="nonsense"),
    ):
        batches.fill_column(context.database, "messages", "nonsense", "'x'")
