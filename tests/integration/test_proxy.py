"""A proxy between us and the server swallows, stalls, cuts and garbles. Each command ends in one clear error, and the
same again, without the fault, ends as if nothing had happened.

A few faults for each command, at moments that differ; with --slow all of them, at many moments.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import pytest

from tests.support.command import Result, wch
from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from tests.support.migration_chain import chain_folder, use_migrations
from tests.support.proxy import Fault, Kind, Proxy
from tests.support.servers import PrivateServer
from tests.support.snapshots import schema
from wch_peewee import DatabaseManager, DatabaseUnavailable, Plugin, WchError
from wch_peewee.database import connect
from wch_peewee.database.connect import dedicated, open_database
from wch_peewee.database.connection import SILENCE
from wch_peewee.database.url import parse_url
from wch_peewee.migrate.folder import migrations_folder

pytestmark = pytest.mark.families("mysql", "mariadb")

#: Longer than any command takes to notice a fault, on a busy machine.
_HANGS = 60.0

#: Those that are noticed by waiting, and those that are noticed at once.
_SILENT: list[Kind] = ["swallow answers", "swallow requests", "stall"]
_LOUD: list[Kind] = [kind for kind in get_args(Kind) if kind not in (*_SILENT, "delay")]

State = tuple[dict[str, str], str | None, tuple[str, ...] | None]


def state(database: LiveDatabase, folder: Path) -> State:
    """Return the schema, the version and the history."""
    found = DatabaseManager(database.url, migrations=folder).status()
    return schema(database, without=("wp_options",)), found.version, found.applied


def nothing(database: LiveDatabase, folder: Path) -> None:
    return


def first(database: LiveDatabase, folder: Path) -> None:
    DatabaseManager(database.url, migrations=migrations_folder()).install()


def both(database: LiveDatabase, folder: Path) -> None:
    DatabaseManager(database.url, migrations=folder).install()


def damaged(database: LiveDatabase, folder: Path) -> None:
    both(database, folder)
    database.execute("DROP INDEX created_at ON wp_wch_messages")


@dataclass(frozen=True)
class Command:
    """A command line, and what is there before it."""

    words: str
    before: Callable[[LiveDatabase, Path], None]
    code: int = 0

    def __str__(self) -> str:
        return self.words.partition(" ")[0]


READING = [Command("status", first, 1), Command("check", first, 1), Command("plan", first), Command("doctor", both)]
WRITING = [
    Command("activate", nothing),
    Command("migrate", first),
    Command("repair", damaged),
    Command("rollback --yes", both),
    Command("uninstall --yes", both),
    Command("admin_init", first),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two migrations, which the commands take for the shipped ones."""
    folder = chain_folder(tmp_path, ["002_message_channel"])
    use_migrations(monkeypatch, folder)
    return folder


def in_time(action: Callable[[], Any]) -> Any:
    """Return the result of ``action``, or raise its error. Fails if it hangs."""
    future: Future[Any] = Future()

    def act() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    return future.result(_HANGS)


def run(command: Command, url: str, folder: Path) -> Result:
    if command.words != "admin_init":
        return wch(*command.words.split(), database=url, WCH_REMOVE_DATA="true")
    plugin = Plugin(url, migrations=folder)
    try:
        return Result(0, plugin.admin_init().outcome, "")
    except WchError as error:
        return Result(error.exit_code, "", f"Error: {error}")
    finally:
        plugin.database.close()


def disturbed(command: Command, proxy: Proxy, database: LiveDatabase, folder: Path, fault: Fault | None) -> Result:
    """Run the command through the proxy and its fault, with less patience for silence than users have."""
    proxy.strike(fault)
    silence = SILENCE if fault is None or fault.kind == "delay" else 0.3
    with (
        mock.patch("wch_peewee.database.connection.SILENCE", silence),
        mock.patch.object(connect._RunOnServer, "largest", 2**22),
    ):
        result: Result = in_time(lambda: run(command, f"{proxy.url(database.name)}?connect_timeout=1", folder))
    proxy.heal()
    return result


def assert_clear(result: Result, fault: Fault) -> None:
    """One error, with the exit code of a database that is not there, or is busy."""
    errors = [line for line in result.text.splitlines() if line.startswith(("Error: ", "fail "))]
    assert (result.code, len(errors)) in {(2, 1), (3, 1)}, (fault, result)
    assert "Traceback" not in result.text, (fault, result)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Moments that differ from command to command, and are the same in each run."""
    return random.Random(request.node.name)


def faults(answers: int, chance: random.Random, number: int, *, loud: int, slow: bool) -> Iterator[Fault]:
    """Yield faults at moments of a command that gets so many answers; ``number`` is the command's."""
    silent = _SILENT if slow else [_SILENT[number % len(_SILENT)]]
    others = _LOUD if slow else [_LOUD[(number + step) % len(_LOUD)] for step in range(loud)]
    for kind in (*silent, *others):
        for _ in range(4 if slow else 1):
            yield Fault(kind, chance.randrange(answers), alone=chance.random() < 0.5)


def examine_reading(command: Command, database: LiveDatabase, folder: Path, chance: random.Random, slow: bool) -> None:
    command.before(database, folder)
    with Proxy(database.address) as proxy:
        expected = disturbed(command, proxy, database, folder, None)
        answers = proxy.answers
        assert expected.code == command.code, expected
        assert disturbed(command, proxy, database, folder, Fault("delay")).code == command.code
        for fault in faults(answers, chance, READING.index(command), loud=len(_LOUD), slow=slow):
            assert_clear(disturbed(command, proxy, database, folder, fault), fault)
            again = disturbed(command, proxy, database, folder, None)
            assert (again.code, again.out) == (expected.code, expected.out), fault


def examine_writing(
    command: Command, engine: Engine, tmp_path: Path, folder: Path, chance: random.Random, slow: bool
) -> None:
    with engine.fresh(tmp_path) as database, Proxy(database.address) as proxy:
        command.before(database, folder)
        assert disturbed(command, proxy, database, folder, None).code == 0
        answers, expected = proxy.answers, state(database, folder)
    for fault in faults(answers, chance, WRITING.index(command), loud=2, slow=slow):
        with engine.fresh(tmp_path) as database, Proxy(database.address) as proxy:
            command.before(database, folder)
            result = disturbed(command, proxy, database, folder, fault)
            # Through, but for the freeing of the lock and the last goodbye.
            if result.code != 0:
                assert_clear(result, fault)
            # What has been taken back is not told from what is still to be taken back.
            if result.code != 0 and not (str(command) == "rollback" and state(database, folder) == expected):
                again = run(command, database.url, folder)
                assert again.code == 0, (fault, again)
            assert state(database, folder) == expected, fault


@pytest.mark.parametrize("command", READING, ids=str)
def test_a_command_that_reads(command: Command, database: LiveDatabase, folder: Path, chance: random.Random) -> None:
    examine_reading(command, database, folder, chance, slow=False)


@pytest.mark.parametrize("command", WRITING, ids=str)
def test_a_command_that_writes(
    command: Command, engine: Engine, tmp_path: Path, folder: Path, chance: random.Random
) -> None:
    examine_writing(command, engine, tmp_path, folder, chance, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("command", READING, ids=str)
def test_a_command_that_reads_at_many_moments(command: Command, database: LiveDatabase, folder: Path) -> None:
    examine_reading(command, database, folder, random.Random(), slow=True)


@pytest.mark.slow
@pytest.mark.parametrize("command", WRITING, ids=str)
def test_a_command_that_writes_at_many_moments(command: Command, engine: Engine, tmp_path: Path, folder: Path) -> None:
    examine_writing(command, engine, tmp_path, folder, random.Random(), slow=True)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_server_that_falls_silent_while_one_connects(database: LiveDatabase, after: int) -> None:
    """In the greeting, in the answer to the password, and in the answer to our settings."""
    with Proxy(database.address) as proxy:
        own = dedicated(open_database(parse_url(proxy.url(database.name))), patience=60)
        own.connect_params["connect_timeout"] = 0.2
        for begins in (0, 1, 4, 5, 10):
            proxy.strike(Fault("swallow answers", after, begins=begins))
            with pytest.raises(DatabaseUnavailable, match="timed out") as caught:
                in_time(lambda: connect.connect(own))
            assert len(str(caught.value).splitlines()) == 1
            proxy.heal()


def test_a_server_that_answers_a_byte_at_a_time_while_one_connects() -> None:
    """Each byte comes in time, and the greeting never ends."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def trickle() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.sendall(b"\xff\xff\x00\x00")
                while not over.wait(0.02):
                    client.sendall(b"\x0a")

        pool.submit(trickle)
        url = f"mysql://root@127.0.0.1:{server.getsockname()[1]}/shop?connect_timeout=1"
        with pytest.raises(DatabaseUnavailable, match="timed out"):
            in_time(Plugin(url).admin_init)
        over.set()


@pytest.mark.parametrize("command", ["", "SELECT 1"])
def test_an_answer_that_never_ends_while_one_connects(database: LiveDatabase, command: str) -> None:
    """To our settings, and to the application's own command ahead of them."""
    with Proxy(database.address) as proxy:
        own = open_database(parse_url(proxy.url(database.name)))
        if command:
            own.connect_params["init_command"] = command
        proxy.strike(Fault("endless", after=2))
        with pytest.raises(DatabaseUnavailable, match="larger than 16 MiB"):
            in_time(lambda: connect.connect(own))


@pytest.mark.parametrize("tls", [False, True])
def test_a_statement_at_which_the_server_works_is_waited_for(
    database: LiveDatabase, monkeypatch: pytest.MonkeyPatch, tls: bool
) -> None:
    """Ahead of the answer, and within it."""
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 0.3)
    with Proxy(database.address, tls=tls) as proxy:
        own = open_database(parse_url(proxy.url(database.name)))
        assert own.execute_sql("SELECT SLEEP(2)").fetchall() == ((0,),)
        rows = own.execute_sql(
            "SELECT REPEAT('x', 50000), SLEEP(0.7) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3) AS t"
        )
        assert [len(row[0]) for row in rows.fetchall()] == [50000] * 3
        own.close()


def test_a_statement_is_waited_for_whatever_others_are_encoded_in(
    own_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of processes shows the text of each as it came."""
    monkeypatch.setattr("wch_peewee.database.connection.SILENCE", 0.3)
    own = open_database(parse_url(own_server.address.url("mysql")))
    with closing(own_server.address.connection()) as other, ThreadPoolExecutor(1) as pool:
        old = pool.submit(other.query, b"DO SLEEP(60), '\xff\xfe'")
        assert own.execute_sql("SELECT SLEEP(2)").fetchall() == ((0,),)
        assert not old.done()
        own.execute_sql(f"KILL QUERY {other.thread_id()}")
    own.close()
