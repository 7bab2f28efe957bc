"""Concurrent processes that start on one signal, worker processes, open transactions, and the process list.

endings = all_at_once(50, lambda: Plugin(url).activate().outcome)
assert Counter(endings) == {"installed": 1, "current": 49}
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn

from tests.support.databases import LiveDatabase
from wch_peewee import WchError

#: Sends a text to the parent, which reads it with ``receive()``.
Send = Callable[[str], None]


class Worker:
    """A forked process that runs ``action``; ``ending()`` is its result or error."""

    def __init__(self, action: Callable[[Send], Any]) -> None:
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads in the parent, which share nothing
            self.pid = os.fork()
        if self.pid == 0:
            os.close(reader)
            _live(action, writer)
        os.close(writer)
        self._pipe = os.fdopen(reader, encoding="utf-8")
        self._dead = False

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._pipe.close()

    def receive(self) -> str:
        """Wait for the next text that the process sends, and return it."""
        kind, text = json.loads(self._pipe.readline() or '["died", "without a word"]')
        assert kind == "said", (kind, text)
        return str(text)

    def ending(self) -> Any:
        """Wait for the end; return the result of the action, or "Name: message" of a WchError, or a traceback."""
        kind, value = json.loads(self._pipe.readline() or '["died", "without a word"]')
        self._wait()
        return value if kind == "returned" else f"{kind}: {value}"

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        if not self._dead:
            os.kill(self.pid, signal.SIGKILL)
            self._wait()

    def _wait(self) -> None:
        if not self._dead:
            os.waitpid(self.pid, 0)
            self._dead = True


def _live(action: Callable[[Send], Any], writer: int) -> NoReturn:
    def write(kind: str, value: Any) -> None:
        os.write(writer, (json.dumps([kind, value]) + "\n").encode())

    try:
        write("returned", action(lambda text: write("said", text)))
    except WchError as error:
        write(type(error).__name__, str(error))
    except BaseException:
        write("failed", traceback.format_exc())
    finally:
        # Not sys.exit: the parent's atexit handlers and open files are none of the child's business.
        os._exit(0)


def all_at_once(number: int, action: Callable[[], Any]) -> list[Any]:
    """Fork ``number`` processes, start ``action`` in all of them at the same time, and return their endings."""
    gate, opener = os.pipe()

    def wait_and_act(send: Send) -> Any:
        os.close(opener)
        send("ready")
        os.read(gate, 1)  # the end of the file is the signal
        return action()

    workers = [Worker(wait_and_act) for _ in range(number)]
    try:
        assert {worker.receive() for worker in workers} == {"ready"}
        os.close(opener)
        return [worker.ending() for worker in workers]
    finally:
        os.close(gate)
        for worker in workers:
            worker.__exit__(None, None, None)


class Transaction:
    """An open transaction that has run ``statement``. ``end()`` or the end of the block rolls it back."""

    def __init__(self, database: LiveDatabase, statement: str, begin: str = "BEGIN") -> None:
        self._database = database.connect()
        self._database.execute_sql(begin)
        self._database.execute_sql(statement).fetchall()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    @property
    def number(self) -> int:
        """The connection's id on the server."""
        return int(self._database.connection().thread_id())

    def end(self) -> None:
        if not self._database.is_closed():
            self._database.execute_sql("ROLLBACK")
            self._database.close()


def eventually(what: Callable[[], Any], *, within: float = 60) -> Any:
    """Call ``what`` until its result is true, and return that. Fails after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not (answer := what()):
        assert time.monotonic() < deadline, f"not within {within} seconds"
        time.sleep(0.01)
    return answer


def running(database: LiveDatabase, words: str) -> dict[int, str]:
    """Return the state of each connection to this database whose statement begins with ``words``, by connection id."""
    with database.address.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW FULL PROCESSLIST")
        rows = [row for row in cursor.fetchall() if row[3] == database.name]
    return {row[0]: str(row[6]) for row in rows if str(row[7] or "").startswith(words)}
