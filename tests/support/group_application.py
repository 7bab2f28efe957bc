"""An application that writes to a replication group while its primary changes, and what must be left of its writes.

with Application(group, database.name) as application:
    group.kill(1)
    application.goes_on()
"""

from __future__ import annotations

import threading
from typing import Any

import pymysql

from tests.support.concurrency import eventually
from tests.support.databases import LiveDatabase
from tests.support.group_replication import ReplicationGroup
from tests.support.snapshots import columns


class Application:
    """A thread that writes messages to whichever member is the primary, and remembers those that were acknowledged."""

    def __init__(self, group: ReplicationGroup, name: str) -> None:
        self.acknowledged: list[str] = []
        self._group, self._name = group, name
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Application:
        self._thread.start()
        eventually(lambda: self.acknowledged)
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def goes_on(self) -> None:
        """Wait until another message has been acknowledged."""
        before = len(self.acknowledged)
        eventually(lambda: len(self.acknowledged) > before)

    def _run(self) -> None:
        number = 0
        while not self._stopped.is_set():
            try:
                with self._group.primary().connection() as connection, connection.cursor() as cursor:
                    connection.select_db(self._name)
                    while not self._stopped.wait(0.01):
                        number += 1
                        cursor.execute(
                            "INSERT INTO wp_wch_messages (conversation_id, direction, message_type, wa_message_id, "
                            "content, created_at) SELECT MIN(id), 'inbound', 'text', %s, '{\"n\": 1}', '2031-05-04' "
                            "FROM wp_wch_conversations",
                            [f"app.{number}"],
                        )
                        self.acknowledged.append(f"app.{number}")
            except pymysql.Error:
                continue


def assert_kept(nodes: list[LiveDatabase], application: Application, contents: list[Any]) -> None:
    """Assert that each member has all messages of before, and all that the application was told were written."""
    for database in nodes:
        messages = dict(columns(database, "wp_wch_messages", "wa_message_id, id"))
        assert set(application.acknowledged) <= messages.keys()
        bodies = dict(columns(database, "wp_wch_message_bodies", "message_id, content"))
        assert {number: bodies.get(number) for number, _ in contents} == dict(contents)
