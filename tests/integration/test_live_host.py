"""A host inserts from another thread during a run: every row that was accepted is in the table, and no other.

peewee-migrate's own router loses such rows: it replays migrations with the drivers' functions mocked process-wide.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.damage import Damage
from tests.support.databases import LiveDatabase
from tests.support.expected_schema import DECLARED, described
from tests.support.populate import populate
from wch_peewee import DatabaseManager, Plugin
from wch_peewee.models.site import SiteModels
from wch_peewee.schema.objects import enum, varchar


class Host:
    """A thread that calls ``insert`` with one name after the other until the block ends."""

    def __init__(self, database: LiveDatabase, insert: Callable[[SiteModels, str], object]) -> None:
        self.database = database
        self.insert = insert
        #: The names for which ``insert`` returned.
        self.done: list[str] = []
        #: Whatever went wrong, but for a file that is locked.
        self.strange: list[str] = []
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Host:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, number: int) -> None:
        """Wait until ``number`` further rows have been inserted."""
        with self._news:
            wanted = len(self.done) + number
            assert self._news.wait_for(lambda: len(self.done) >= wanted or self.strange, timeout=60), "nothing goes on"

    def _work(self) -> None:
        own = self.database.connect()
        models = Plugin(own).models
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                self.insert(models, f"host.{number}")
            except Exception as error:
                if "locked" not in str(error):
                    self.strange.append(f"{type(error).__name__}: {error}")
            else:
                with self._news:
                    self.done.append(f"host.{number}")
                    self._news.notify()
        own.close()


def message(models: SiteModels, name: str) -> object:
    return models.Message.create(conversation=1, direction="inbound", message_type="text", wa_message_id=name)


def queue_item(models: SiteModels, name: str) -> object:
    return models.SyncQueueItem.create(entity_type="order", entity_id=1, action="create", error_message=name)


@pytest.mark.parametrize("call", ["activate", "run_migrations", "install"])
def test_nothing_is_lost_while_damage_is_mended(database: LiveDatabase, call: str) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    database.execute("DELETE FROM wp_wch_migratehistory")
    hurt = Damage(database)
    hurt.drop_key()
    hurt.drop_index("messages", "created_at")
    hurt.column("messages", "wa_message_id", type=varchar(40))
    hurt.column("messages", "message_type", type=enum("text", "image"))
    ((before,),) = database.execute("SELECT COUNT(*) FROM wp_wch_messages")
    plugin = Plugin(database.url)
    with Host(database, message) as host:
        host.wait_for(5)
        assert getattr(plugin if call == "activate" else plugin.manager, call)()
        host.wait_for(5)
    assert host.strange == []
    inserted = database.execute("SELECT wa_message_id FROM wp_wch_messages WHERE wa_message_id LIKE 'host%%'")
    assert sorted(name for (name,) in inserted) == sorted(host.done)
    assert database.execute("SELECT COUNT(*) FROM wp_wch_messages") == [(before + len(host.done),)]
    assert described(database, "messages") == DECLARED["messages"]


def test_nothing_is_lost_while_seven_migrations_run(database: LiveDatabase, chain: Path) -> None:
    DatabaseManager(database.url).install()
    populate(database)
    with Host(database, queue_item) as host:
        host.wait_for(5)
        assert len(DatabaseManager(database.url, migrations=chain).run_migrations()) == 6
        host.wait_for(5)
    assert host.strange == []
    inserted = database.execute("SELECT error_message FROM wp_wch_sync_queue WHERE error_message LIKE 'host%%'")
    assert sorted(name for (name,) in inserted) == sorted(host.done)
