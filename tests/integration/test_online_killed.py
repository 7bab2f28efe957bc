"""A run with an online tool that ends before its time: nothing of the tool stays, and nothing of it comes later."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import peewee
import pymysql
import pytest

from tests.support.accounts import account
from tests.support.command import wch
from tests.support.databases import LiveDatabase, fresh_on_server
from tests.support.engines import Engine
from tests.support.online import CONVERSATIONS, MESSAGES, TOOL, OnlineSite, succeed, wait_until
from tests.support.servers import PrivateServer
from tests.support.tls_stripping import without_tls
from wch_peewee import Busy, Cart, DatabaseManager, db_delta
from wch_peewee.database.query import Connection, detect_dialect
from wch_peewee.errors import StatementFailed
from wch_peewee.execution.context import RunContext
from wch_peewee.execution.leftovers import find_leftovers, tool_at_work
from wch_peewee.execution.lock import lock_name
from wch_peewee.execution.online import find_copier, watch
from wch_peewee.execution.online.tools import command, option_file
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.dialect import Topology
from wch_peewee.schema.statements import Statement

pytestmark = [
    pytest.mark.families("mysql", "mariadb"),
    pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


# A server of their own: the tool gives up on one on which fifty statements run at once, as in other tests.
@pytest.fixture
def database(engine: Engine, own_server: PrivateServer) -> Iterator[LiveDatabase]:
    with fresh_on_server("own", engine.family, own_server.address) as fresh:
        yield fresh


@pytest.fixture
def twin(engine: Engine, own_server: PrivateServer) -> Iterator[LiveDatabase]:
    with fresh_on_server("own", engine.family, own_server.address) as fresh:
        yield fresh


@pytest.fixture
def site(database: LiveDatabase, twin: LiveDatabase, tmp_path: Path) -> OnlineSite:
    return OnlineSite(database, twin, tmp_path, 20_000)


@pytest.mark.parametrize(
    ("rows", "kills"), [(20_000, 3), pytest.param(700_000, 20, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_killed_at_any_moment_and_run_again(
    database: LiveDatabase, twin: LiveDatabase, tmp_path: Path, rows: int, kills: int
) -> None:
    """The second migration adds what a copy that is swapped in late would take away again."""
    site = OnlineSite(database, twin, tmp_path, rows)
    site.next_migrations()
    begun = time.monotonic()
    succeed(site.start())
    took = time.monotonic() - begun
    assert (site.settle(), site.state()) == ([], site.expected())
    for number in range(kills):
        site.next_migrations()
        run = site.start()
        # Anywhere in the run, and each time in another part of it.
        moment = took * (number + random.random()) / kills
        time.sleep(moment)
        run.kill()
        run.communicate()
        succeed(site.start())
        assert (site.settle(), site.state()) == ([], site.expected()), f"killed after {moment:.2f} of {took:.2f} s"


@contextmanager
def held_up(site: OnlineSite) -> Iterator[tuple[subprocess.Popen[str], Callable[[], None]]]:
    """Start a run, and yield it when its tool copies messages and waits for a row; the function lets it go on."""
    site.next_migrations()
    with closing(site.database.address.connection()) as other, other.cursor() as cursor:
        cursor.execute(f"USE `{site.database.name}`")
        run = site.start()
        try:
            assert wait_until(lambda: len(site.database.execute("SHOW TRIGGERS")) == 3)
            cursor.execute("BEGIN")
            cursor.execute(f"SELECT id FROM {MESSAGES} WHERE id = 20000 FOR UPDATE")
            yield run, other.rollback
        finally:
            run.kill()
            run.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_tool_with_the_run(site: OnlineSite, number: signal.Signals) -> None:
    with held_up(site) as (run, go_on):
        run.send_signal(number)
        go_on()
        run.communicate()
        if number == signal.SIGINT:  # an exception in Python: the run waits for its tool
            assert site.left() == []
    assert site.settle() == []
    succeed(site.start())
    assert (site.settle(), site.state()) == ([], site.expected())


def test_a_run_that_has_lost_its_lock_ends_its_tool(site: OnlineSite) -> None:
    with held_up(site) as (run, go_on):
        ((holder,),) = site.database.execute("SELECT IS_USED_LOCK(%s)", [lock_name(site.database.name, "wp_")])
        site.database.execute(f"KILL {holder}")
        assert wait_until(lambda: not site.pids(TOOL))
        go_on()
        _, err = run.communicate()
        assert "run the same command again" in err
        assert site.left() == []
    succeed(site.start())
    assert (site.settle(), site.state()) == ([], site.expected())


HOST = """
import os, sys, threading
from pathlib import Path
from wch_peewee import Plugin
from wch_peewee.execution.online import find_copier
from wch_peewee.schema.statements import Statement

def fork_a_worker():
    while not Path("started").exists():
        pass
    if os.fork() == 0:
        os.read(0, 1)  # until the test is over
        os._exit(0)
    Path("forked").touch()

copier = find_copier(Plugin(sys.argv[1]).database)
threading.Thread(target=fork_a_worker).start()
copier(Statement("ALTER TABLE wp_wch_carts", "wp_wch_carts", clauses="ENGINE=InnoDB"), lambda: None)
"""


def test_a_worker_that_the_host_has_forked_does_not_keep_the_tool_alive(
    database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has inherited the pipe whose end says that the run is over."""
    tool = tmp_path / TOOL
    tool.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/started.new\nmv started.new started\nexec sleep 600\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    DatabaseManager(database.url).install()
    with subprocess.Popen([sys.executable, "-c", HOST, database.url], stdin=subprocess.PIPE, cwd=tmp_path) as host:
        assert wait_until((tmp_path / "forked").exists)
        number = int((tmp_path / "started").read_text())
        host.kill()
        assert wait_until(lambda: not Path(f"/proc/{number}").exists())


def test_the_next_run_waits_for_the_tool_of_the_last_one(site: OnlineSite) -> None:
    with held_up(site) as (run, go_on):
        run.kill()
        run.communicate()
        quick = DatabaseManager(site.database.url, migrations=site.migrations, patience=0)
        with pytest.raises(Busy, match=r"tool of another run is running or being stopped \(connection \d+\)"):
            quick.run_migrations()
        second = site.start()
        go_on()
        succeed(second)
    assert (site.settle(), site.state()) == ([], site.expected())


def test_a_tool_whose_watch_was_killed_too_keeps_runs_away(site: OnlineSite) -> None:
    """The kernel ends the tool; what it leaves is named by the next run, and cleared up as that says."""
    with held_up(site) as (run, go_on):
        assert list(site.temporary.iterdir()) == []  # nor is there a file with the password while it works
        for pid in site.pids("execution.online.watch"):
            os.kill(pid, signal.SIGKILL)
        run.kill()
        run.communicate()
        go_on()
    assert wait_until(lambda: not site.processes())
    database = DatabaseManager(site.database.url, migrations=site.migrations, patience=0)
    with pytest.raises(Busy, match=f"{TOOL} is changing {MESSAGES}, or was killed while doing so") as caught:
        database.run_migrations()
    clear(site.database, str(caught.value))
    succeed(site.start())
    assert (site.settle(), site.state()) == ([], site.expected())


def clear(database: LiveDatabase, words: str) -> list[str]:
    """Run the statements of a refusal; after each of them the site can write."""
    statements = [f"{found};" for found in re.findall(r"((?:DROP|ALTER) [^;]+);", words)]
    assert statements
    for statement in statements:
        database.execute(statement.rstrip(";"))
        database.execute(f"UPDATE {MESSAGES} SET status = 'read' WHERE id = 1")
        database.execute(f"UPDATE {MESSAGES} SET status = 'sent' WHERE id = 1")
    return statements


def leave(database: LiveDatabase, table: str, alter: str, *, copy: str, swap: bool = False) -> None:
    """Run the tool as far as it is before it swaps the tables, or right after that."""
    given = peewee.MySQLDatabase(database.name, **database.address.arguments())
    connection = Connection(given, detect_dialect(database.database))
    with option_file(given) as (path, descriptors):
        words = [word for word in command(connection, table, alter, path) if "--new-table-name" not in word]
        # Foreign keys are rebuilt after the swap.
        words = [word.replace("rebuild_constraints", "none") for word in words]
        kept = ["--force", "--no-swap-tables", "--no-drop-triggers", "--no-drop-new-table", f"--new-table-name={copy}"]
        subprocess.run([*words[:1], *kept, *words[1:]], check=True, capture_output=True, pass_fds=descriptors)
    if swap:
        database.execute(f"RENAME TABLE {table} TO _{table}_old, {copy} TO {table}")


@pytest.fixture
def installed(database: LiveDatabase) -> LiveDatabase:
    DatabaseManager(database.url).install()
    now = "'2030-01-01 00:00:00'"
    database.execute(
        f"INSERT INTO {CONVERSATIONS} VALUES (1, '+49', 'c1', 'active', NULL, '{{}}', {now}, {now}, {now})"
    )
    database.execute(f"INSERT INTO {MESSAGES} VALUES (1, 1, 'inbound', 'text', 'm', '{{}}', 'sent', {now})")
    return database


WIDER = {MESSAGES: "MODIFY wa_message_id varchar(90) NOT NULL", CONVERSATIONS: "MODIFY wa_conversation_id varchar(90)"}


@pytest.mark.parametrize(
    ("table", "copy", "swap"),
    [
        (MESSAGES, f"_{MESSAGES}_new", False),
        (MESSAGES, f"___{MESSAGES}_new", False),
        (CONVERSATIONS, f"_{CONVERSATIONS}_new", True),
    ],
    ids=["copy", "third copy", "swapped"],
)
def test_nothing_is_run_beside_an_administrators_tool(
    installed: LiveDatabase, table: str, copy: str, swap: bool
) -> None:
    """Every kind of run refuses, in words that help; plan and doctor say it before."""
    leave(installed, table, WIDER[table], copy=copy, swap=swap)
    before = [installed.tables(), installed.execute("SHOW TRIGGERS")]
    installed.execute("ALTER TABLE wp_wch_carts DROP COLUMN coupon_code")
    manager = DatabaseManager(installed.url, patience=0, remove_data=True)
    for run in (
        manager.install,
        lambda: manager.rollback("001_initial_schema", allow_loss=True),
        manager.repair,
        manager.uninstall,
        lambda: db_delta([Cart], installed.connect(), patience=0),
    ):
        with pytest.raises(Busy, match=f"{TOOL} is changing {table}, or was killed while doing so") as caught:
            run()
    assert [installed.tables(), installed.execute("SHOW TRIGGERS")] == before
    assert str(caught.value).endswith("Nothing was changed.")
    planned = wch("plan", database=installed.url)
    assert f"Before the first change: the run would stop here: {TOOL} is changing {table}" in planned.out
    doctor = wch("doctor", database=installed.url)
    assert (doctor.code, f"{TOOL} is changing {table}" in doctor.out) == (2, True)

    clear(installed, str(caught.value))
    manager.install()
    manager.repair()
    assert manager.plan().is_empty
    assert [name for name in installed.tables() if name.startswith("_")] == []
    assert installed.execute("SHOW TRIGGERS") == []


def test_a_table_that_was_kept_after_a_swap_is_nobodys_work(installed: LiveDatabase) -> None:
    installed.execute(f"CREATE TABLE _{MESSAGES}_old LIKE {MESSAGES}")
    installed.execute("CREATE TABLE _other_new (id int)")
    installed.execute(f"CREATE TRIGGER mine AFTER INSERT ON {MESSAGES} FOR EACH ROW SET @mine = 1")
    assert tool_at_work(Connection.detect(installed.database), Topology(), our_names("wp_").owned) is None


@pytest.mark.parametrize("swap", [False, True])
def test_the_watch_finishes_what_its_tool_has_begun(installed: LiveDatabase, swap: bool) -> None:
    """Ended between the swap and the end, the tool leaves the foreign keys at the old table."""
    before = installed.execute(f"SELECT * FROM {MESSAGES}")
    leave(installed, CONVERSATIONS, WIDER[CONVERSATIONS], copy=f"_{CONVERSATIONS}_wch_new", swap=swap)
    context = RunContext(Connection.detect(installed.connect()), our_names(""))
    (left,) = find_leftovers(context.connection, our_names("wp_").owned)
    watch._clear(context, left, set(), swapped=False)
    assert find_leftovers(context.connection, our_names("wp_").owned) == ()
    with pytest.raises(peewee.IntegrityError):
        installed.execute(f"UPDATE {MESSAGES} SET conversation_id = 7")
    assert installed.execute(f"SELECT * FROM {MESSAGES}") == before
    key = context.live(MESSAGES).foreign_keys[0]
    assert (key.referenced_table, key.on_delete) == (CONVERSATIONS, "CASCADE")


def test_the_watch_leaves_what_is_an_administrators(installed: LiveDatabase) -> None:
    leave(installed, MESSAGES, WIDER[MESSAGES], copy=f"_{MESSAGES}_new")
    context = RunContext(Connection.detect(installed.connect()), our_names(""))
    (left,) = find_leftovers(context.connection, our_names("wp_").owned)
    watch._clear(context, left, set(), swapped=False)
    assert find_leftovers(context.connection, our_names("wp_").owned) == (left,)


WIDEN = Statement(f"ALTER TABLE {MESSAGES} {WIDER[MESSAGES]}", MESSAGES, clauses=WIDER[MESSAGES])


def with_tls(database: LiveDatabase, port: int, **account: str) -> peewee.Database:
    """Return a database that demands TLS; skip the test if the server has none."""
    settings = {**database.address.arguments(), **account, "port": port, "ssl": {"ssl": True}}
    try:
        pymysql.connect(**{**settings, "port": database.address.port}).close()
    except pymysql.OperationalError as error:
        if "server doesn't support it" in str(error):
            pytest.skip("the server has no TLS")
        raise
    return peewee.MySQLDatabase(database.name, **settings)


def test_the_tool_speaks_tls_as_the_run_does(installed: LiveDatabase) -> None:
    """The server lets this account in with TLS only."""
    with_tls(installed, installed.address.port)
    with account(installed, "ALL", identified="IDENTIFIED BY %s REQUIRE SSL", password="x'y\"z\\9") as limited:
        database = with_tls(installed, limited.port, user=limited.user, password=limited.password)
        find_copier(database)(WIDEN, lambda: None)
    ((wider,),) = installed.execute(
        "SELECT CHARACTER_MAXIMUM_LENGTH FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
        f"AND TABLE_NAME = '{MESSAGES}' AND COLUMN_NAME = 'wa_message_id'"
    )
    assert wider == 90


def test_the_tool_does_not_fall_back_to_plain_text(installed: LiveDatabase) -> None:
    """The connection of our own is let through; those of the tool meet a server that seems to have no TLS."""
    address = installed.address
    with without_tls(address.host, address.port, after=1) as (port, said):
        copier = find_copier(with_tls(installed, port))
        with pytest.raises(StatementFailed, match="SSL is required, but the server does not support it"):
            copier(WIDEN, lambda: None)
    assert said == []


def test_a_tool_that_cannot_insist_on_tls_is_not_started(
    installed: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = with_tls(installed, installed.address.port)
    script = tmp_path / TOOL
    script.write_text(
        f"#!{sys.executable}\nimport re, socket, sys\n"
        "port = int(re.search(r'P=([0-9]+)', sys.argv[-1])[1])\n"
        f"open('{tmp_path}/ports', 'a').write(f'{{port}} ')\n"
        "with socket.create_connection(('127.0.0.1', port)) as server:\n"
        "    server.recv(100)\n    server.sendall(b'login')\n    server.recv(100)\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StatementFailed, match="cannot enforce TLS, which the database URL requires"):
        find_copier(database)(WIDEN, lambda: None)
    assert str(database.connect_params["port"]) not in (tmp_path / "ports").read_text().split()
