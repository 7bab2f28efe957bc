"""A process that runs an online tool for a run, stops it when the run ends, however it ends, and clears up after it.

    python -m wch_peewee.execution.online.watch

Its standard input brings the job, pickled, and ends when the run ends. A killed run leaves its lock at once, so this
process holds a lock of its own, which the next run waits for; on a cluster that run waits until the lease is old.
Should this process be killed as well, what the tool has in the database keeps runs away, and on Linux the tool gets a
signal.
"""

import contextlib
import ctypes
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import peewee as pw

from ...database.connect import connected, dedicated
from ...database.query import Connection
from ...errors import Busy, ConfigurationError, WchError
from ...models.namespace import WCH
from ...schema.base import Query
from ...schema.operations import AddForeignKey, DropForeignKey
from ...schema.statements import Statement, Step
from ..context import RunContext
from ..leftovers import PT_OSC, Leftovers, find_leftovers, tool_lock
from ..topology import read_topology
from . import REFUSED
from .tools import command, copy_name, demands_tls, option_file

#: How many seconds the lock is waited for, and a tool that was told to stop.
_PATIENCE = 60.0
#: How many seconds apart a sign of life is sent on the connection that holds the lock.
_HEARTBEAT = 5.0

_SWAPPED = b"Swapped original and new tables OK"
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Do the job that comes on standard input; return the tool's exit code, or REFUSED: then the last line says why."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The run's end is what counts. A handler, as a child would inherit that a signal is ignored.
        signal.signal(number, lambda *_: None)
    try:
        table, clauses, name, parameters = pickle.load(sys.stdin.buffer)
        own = dedicated(pw.MySQLDatabase(name, **parameters), patience=_PATIENCE)
        with connected(own):
            connection = Connection.detect(own)
            return _change(connection, table, clauses)
    except EOFError:  # the run has ended before it said what to do
        return REFUSED
    except (WchError, pw.PeeweeException, OSError) as error:
        _say(" ".join(str(error).split()))
        return REFUSED


def _change(connection: Connection, table: str, clauses: str) -> int:
    dialect = connection.dialect
    if len(copy_name(table)) > 64:
        raise ConfigurationError(f"{PT_OSC} cannot copy {table}: the name of its copy would be too long.")
    sign = Query("SELECT 1")
    if read_topology(connection).shares_writes:
        # The lease of a run lasts for longer than its tool.
        connection.query(Query(dialect.synchronize_reads()))
    else:
        lock = tool_lock(connection, table)
        if connection.query(Query("SELECT GET_LOCK(%s, %s)", (lock, int(_PATIENCE)))) != [(1,)]:
            raise Busy(f"an online tool of another run is still changing {table}; try again later")
        sign = Query("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", (lock,))
    said = connection.database.connect_params
    if demands_tls(said) and not said.get("unix_socket") and _accepts_plain_text(connection, table, clauses):
        raise ConfigurationError(
            f"{PT_OSC} cannot enforce TLS, which the database URL requires: its client library sends "
            "the password unencrypted. Nothing was started."
        )
    before = {name for left in find_leftovers(connection, [table]) for name in left.old}
    code, swapped = _run_tool(connection, table, clauses, sign)
    # Of one that was killed a statement may still be at work; the next run says what it has left.
    if code > 0 or code == -signal.SIGTERM:
        for left in find_leftovers(connection, [table]):
            _clear(RunContext(connection, WCH.at("")), left, before, swapped=swapped)
    return code if code >= 0 else 128 - code


def _run_tool(connection: Connection, table: str, clauses: str, sign: Query) -> tuple[int, bool]:
    """Run the tool to its end, or to that of the run; return its exit code, and whether it says that it has swapped."""
    said, stopped, beat, run = b"", 0.0, time.monotonic(), os.getppid()
    with option_file(connection.database) as (path, descriptors):
        process = _start(command(connection, table, clauses, path), descriptors, stdout=subprocess.PIPE)
        assert process.stdout is not None
        output = process.stdout.fileno()
        while True:
            ready, _, _ = select.select([output] if stopped else [output, 0], [], [], _HEARTBEAT)
            if output in ready:
                if not (data := os.read(output, 65536)):
                    break
                said += data
                _relay(data)
            lost = False
            if (now := time.monotonic()) - beat > _HEARTBEAT:
                beat, lost = now, not _answers(connection, sign)
            # A process that the run has forked meanwhile holds the pipe open.
            if not stopped and (0 in ready or lost or os.getppid() != run):
                # It ends after the statement under way, so that nothing of it is at work on the server afterwards.
                process.terminate()
                stopped = now
            elif stopped and now - stopped > _PATIENCE:
                process.kill()
        return process.wait(), _SWAPPED in said


def _start(words: list[str], descriptors: tuple[int, ...], stdout: int) -> subprocess.Popen[bytes]:
    # This process has one thread: the signal comes when it dies, and preexec_fn is safe.
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
        preexec_fn=_dying_with(os.getpid()) if sys.platform == "linux" else None,
    )


def _accepts_plain_text(connection: Connection, table: str, clauses: str) -> bool:
    """Run the tool against a server that offers no TLS; return True if it goes on, or if that cannot be told.

    It gets no password. What a client library makes of the option file depends on whose it is, and how old.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        option_file(connection.database, anonymous=True) as (path, descriptors),
    ):
        address = {"h": "127.0.0.1", "P": str(server.getsockname()[1])}
        process = _start(command(connection, table, clauses, path, address), descriptors, stdout=subprocess.DEVNULL)
        try:
            server.settimeout(_PATIENCE)
            client, _ = server.accept()
            with client:
                client.settimeout(_PATIENCE)
                client.sendall(_greeting())
                return client.recv(1) != b""
        except ConnectionError:
            return False
        except OSError:
            return True
        finally:
            process.kill()
            process.wait()


def _greeting() -> bytes:
    """Return a server's first packet that does not have the flag for TLS among its capabilities."""
    capabilities = 0x00FFF7FF
    low, high = capabilities & 0xFFFF, capabilities >> 16
    payload = b"\x0a8.0.99\0" + struct.pack("<I", 1) + b"a" * 8 + b"\0" + struct.pack("<HBHHB", low, 45, 2, high, 21)
    payload += bytes(10) + b"b" * 12 + b"\0mysql_native_password\0"
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def _dying_with(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before that
            os._exit(1)

    return ask


def _answers(connection: Connection, sign: Query) -> bool:
    """Return True if the connection is there, and its lock if it has one; it is also a sign of life for the server."""
    with contextlib.suppress(pw.PeeweeException):
        return connection.query(sign) == [(1,)]
    return False


def _clear(context: RunContext, left: Leftovers, before: set[str], *, swapped: bool) -> None:
    """Remove what our own tool, which has ended, has left; what others have left stays.

    Before the swap that is triggers and the copy. After it the table is the new one already, and what remains of the
    tool's work is done: foreign keys that went with the old table refer to the new one again, and the old one goes.
    """
    copies = tuple(name for name in left.copies if name == copy_name(left.table))
    mine = [one for one in left.triggers if f"`{copy_name(left.table)}`" in one.body]
    followed = {one.table for one in mine}
    old = [name for name in left.old if name in followed or (swapped and name not in before)]
    quote = context.dialect.quote
    drops = [(f"DROP TRIGGER IF EXISTS {quote(one.name)}", one.table) for one in mine if one.table == left.table]
    for name in old:
        _refer_again(context, name, left.table)
    drops += [(f"DROP TABLE IF EXISTS {quote(name)}", name) for name in (*copies, *old)]
    for sql, name in drops:
        context.run_steps([Step(name, (), (Statement(sql, name),), "DROP")], name)
    if drops:
        _say(f"Cleared up: {'; '.join(sql for sql, _ in drops)}.")


def _refer_again(context: RunContext, old: str, table: str) -> None:
    for child in context.referencing_tables([old]):
        live = context.live(child)
        keys = [key for key in live.foreign_keys if key.referenced_table == old] if live else []
        context.change(child, [DropForeignKey(child, key) for key in keys], live)
        context.change(child, [AddForeignKey(child, replace(key, referenced_table=table)) for key in keys])


def _relay(data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        os.write(1, data)


def _say(line: str) -> None:
    _relay(f"{line}\n".encode("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main())
