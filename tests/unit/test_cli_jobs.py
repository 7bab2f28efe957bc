"""``wch prune``, ``export``, ``erase`` and ``queue`` on a SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import wch
from wch_peewee import Plugin, utc_now

PHONE = "+4915112345678"
JOBS = (("prune", "--older-than", "9"), ("export", PHONE), ("erase", PHONE), ("queue",), ("queue", "requeue"))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    plugin = Plugin("sqlite:///wch.db")
    plugin.activate()
    yield plugin.models
    plugin.database.close()


def days_ago(number: int) -> Any:
    return utc_now() - timedelta(days=number)


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_without_tables_they_say_what_to_do(
    job: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = wch(*job)
    assert (result.code, list(tmp_path.iterdir())) == (2, [])
    assert result.err.splitlines()[-1].startswith("Error: Missing tables: wp_wch_conversations, ")
    assert "Run wch activate first." in result.err


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_a_database_that_php_has_upgraded_is_left_alone(job: tuple[str, ...], models: Any) -> None:
    database = models.Cart._meta.database
    database.execute_sql("UPDATE wp_options SET option_value = '9.0.0' WHERE option_name = 'wch_db_version'")
    database.execute_sql("ALTER TABLE wp_wch_carts DROP COLUMN coupon_code")
    result = wch(*job)
    assert result.code == 4
    assert "wch check shows what the models can do there." in result.err


@pytest.mark.parametrize("format", ["json", "csv", "yaml"])
@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_they_have_every_format(job: tuple[str, ...], format: str, models: Any) -> None:
    result = wch(*job, "--format", format)
    assert (result.code, bool(result.out)) == (0, True)


def test_prune_asks_and_deletes(models: Any) -> None:
    for number in (1, 10, 20):
        models.Message.ingest(f"{number}", phone=PHONE, created_at=days_ago(number))
    shown = wch("prune", "--older-than", "9", "--dry-run")
    assert shown.out.startswith("Would delete 2 messages from before ")
    assert wch("prune", "--older-than", "9", answer="no\n").code == 2
    assert wch("prune", "--older-than", "9").code == 2
    assert models.Message.select().count() == 3
    done = wch("prune", "--older-than", "9", answer="delete\n")
    assert (done.code, done.out.startswith("Success: Deleted 2 messages from before ")) == (0, True)
    assert "2 messages from before" in done.err
    assert wch("prune", "--older-than", "9", "--format", "json").json["count"] == 0
    for missing in (("prune",), ("prune", "--older-than", "0")):
        assert wch(*missing).code == 64


def test_prune_of_whole_conversations(models: Any) -> None:
    for number in (1, 10):
        models.Message.ingest(f"{number}", phone=f"{number}", created_at=days_ago(number))
        models.Conversation.get_or_open(f"{number}").close()
    words = ("prune", "--older-than", "9", "--conversations")
    assert wch(*words, "--dry-run").out.startswith("Would delete 1 conversation from before ")
    assert wch(*words, "--yes").out.startswith("Success: Deleted 1 conversation from before ")
    assert [row.customer_phone for row in models.Conversation] == ["1"]


def test_export_and_erase(models: Any) -> None:
    assert wch("export", PHONE).out == wch("erase", PHONE).out == f"Nothing is stored about {PHONE}.\n"
    models.Message.ingest("wamid.1", phone=PHONE, content={"text": "hi"})
    exported = wch("export", PHONE, "--format", "json").json
    assert [item["group_id"] for item in exported["data"]] == [
        "wch_customer_profiles",
        "wch_conversations",
        "wch_messages",
    ]
    assert '{"text": "hi"}' in wch("export", PHONE).out
    assert wch("erase", PHONE, "--dry-run").out.splitlines()[-1] == "Would erase wp_wch_messages: 1 row"
    assert wch("erase", PHONE, answer="yes\n").code == 2
    assert models.Message.select().count() == 1
    erased = wch("erase", PHONE, answer=f"{PHONE}\n")
    assert erased.out.splitlines()[-1] == f"Success: Erased {PHONE}."
    assert models.Message.select().count() == models.CustomerProfile.select().count() == 0


def test_the_queue(models: Any) -> None:
    for number in range(3):
        models.SyncQueueItem.enqueue("order", number, "create")
    _, failed = models.SyncQueueItem.claim("w", 2)
    failed.fail("no such order")
    counts = {name: one["count"] for name, one in wch("queue", "--format", "json").json["items"].items()}
    assert counts == {"pending": 1, "processing": 1, "completed": 0, "failed": 1}
    assert wch("queue").out.splitlines()[0].split() == ["status", "count", "oldest"]
    shown = wch("queue", "--older-than", "0").out.splitlines()[-1]
    assert shown == "1 claimed more than 0 minutes ago: wch queue requeue releases them."
    assert wch("queue", "requeue").out.splitlines()[-1] == "Success: Requeued 0 items."
    back = wch("queue", "requeue", "--older-than", "0", "--failed")
    assert back.out.splitlines()[-1] == "Success: Requeued 2 items."
    assert models.SyncQueueItem.select().where(models.SyncQueueItem.status == "pending").count() == 3
    assert wch("queue", "--failed").code == wch("queue", "--dry-run").code == wch("queue", "mend").code == 64


def test_a_dry_run_of_the_queue_puts_nothing_back(models: Any) -> None:
    for number in range(3):
        models.SyncQueueItem.enqueue("order", number, "create")
    models.SyncQueueItem.claim("w", 2)[0].fail("no such order")
    words = ("queue", "requeue", "--older-than", "0", "--dry-run")
    assert wch(*words).out.splitlines()[-1] == "Would requeue 1 item."
    assert wch(*words, "--failed").out.splitlines()[-1] == "Would requeue 2 items."
    assert wch("queue", "--format", "csv").out.splitlines()[0] == "status,count,oldest"
    lines = [line.split(",")[:2] for line in wch("queue", "--format", "csv").out.splitlines()]
    assert lines[1:] == [["pending", "1"], ["processing", "1"], ["completed", "0"], ["failed", "1"]]


@pytest.mark.parametrize("words", [("prune", "--older-than"), ("queue", "--older-than")], ids=" ".join)
def test_an_age_beyond_all_dates_is_a_wrong_command_line(words: tuple[str, ...], models: Any) -> None:
    for age in ("9" * 9, "9" * 12, "9" * 30):
        result = wch(*words, age)
        assert (result.code, "is not in the range" in result.err) == (64, True)


@pytest.mark.parametrize("job", ["export", "erase"])
def test_nobody_has_an_empty_phone(job: str, models: Any) -> None:
    result = wch(job, " ")
    assert (result.code, result.err.splitlines()[-1]) == (
        2,
        "Error: phone is ' '; expected a text that is not empty.",
    )


def test_a_number_that_is_none_is_named_in_plain_words() -> None:
    result = wch("prune", "--older-than", "soon")
    assert result.code == 64
    assert "'soon' is not a valid whole number." in result.err
