"""Giving way and trying again, without a server: what is asked ahead of each try, and how it ends."""

from __future__ import annotations

import peewee
import pytest

from wch_peewee import Busy
from wch_peewee.schema import apply
from wch_peewee.schema.apply import patiently
from wch_peewee.server import detect_dialect


class Held:
    """An action that somebody's lock keeps from being done for so many tries."""

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise peewee.OperationalError("database is locked")
        return "done"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "pause", lambda attempt: 0.0)


@pytest.fixture
def database() -> peewee.Database:
    return peewee.SqliteDatabase(":memory:")


def attempt(action: Held, database: peewee.Database, lost_at: int = 0, patience: float = 60) -> tuple[str, int]:
    """Try it; the lock is lost ahead of try ``lost_at``. Return the result and how often the lock was looked at."""
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == lost_at:
            raise Busy("the lock was lost")

    done = patiently(action, database, detect_dialect(database), tables=["t"], patience=patience, check=check)
    return done, looks


def test_the_lock_is_looked_at_ahead_of_each_try(database: peewee.Database) -> None:
    assert attempt(Held(3), database) == ("done", 4)


def test_a_lock_that_is_lost_while_it_waits_stops_it_before_the_next_try(database: peewee.Database) -> None:
    action = Held(3)
    with pytest.raises(Busy, match="the lock was lost"):
        attempt(action, database, lost_at=3)
    assert action.calls == 2


def test_without_patience_it_is_tried_once(database: peewee.Database) -> None:
    action = Held(1)
    with pytest.raises(Busy, match="has held t for 0 seconds"):
        attempt(action, database, patience=0)
    assert action.calls == 1


def test_what_is_not_a_lock_is_not_tried_again(database: peewee.Database) -> None:
    calls: list[None] = []

    def action() -> None:
        calls.append(None)
        raise peewee.OperationalError("no such table: t")

    with pytest.raises(peewee.OperationalError, match="no such table"):
        patiently(action, database, detect_dialect(database), tables=["t"], patience=60)
    assert len(calls) == 1
