"""A connection of PyMySQL's without work that it does needlessly, and without waits that have no end."""

from __future__ import annotations

import functools
import io
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pymysql
from pymysql.charset import charset_by_name
from pymysql.constants import CR

from .result import Result

#: After so many seconds without a byte of the answer, the server is asked whether it still works on the statement.
SILENCE = 10.0

#: How often in a row it may deny that, or not be reached, until the connection counts as lost.
_DENIALS = 2

#: How many seconds a packet, or a megabyte of one, may take to go out.
_WRITING = 60
_MEGABYTE = 2**20

#: More bytes than an answer has while one connects, or asks for the list of processes.
_ALWAYS_ENOUGH = 16 * _MEGABYTE

# A peer that is gone is noticed after a minute, by the system: idle seconds, seconds between probes, probes.
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}

_COM_PING = b"\x0e"


@functools.cache
def _unverified_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Answers(io.RawIOBase):
    """The bytes of a connection's answers. Silence is looked into, and what one command may bring has a bound."""

    def __init__(self, connection: ServerConnection) -> None:
        # No circle: a connection that nobody closes is closed when it is dropped.
        self._connection = weakref.proxy(connection)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        connection, denials = self._connection, 0
        while True:
            try:
                connection.hurry()
                count: int = connection.sock.recv_into(buffer)
            except TimeoutError:
                if not connection.is_watched:
                    raise
                # An answer may have come while the question went out: one denial is none.
                denials = 0 if connection.is_working() else denials + 1
                if denials >= _DENIALS:
                    raise _lost(
                        f"no answer for {SILENCE * _DENIALS:g} seconds, and the server does not work on the statement"
                    ) from None
            else:
                connection.expect(count)
                return count


def is_crowded(error: Exception) -> bool:
    """Return True if the server has said that it has no room for another connection."""
    # Not for SQLite's processes, which never get here.
    from ..schema.mysql.base import CROWDED

    return bool(error.args) and error.args[0] in CROWDED


def _lost(words: str) -> pymysql.OperationalError:
    return pymysql.OperationalError(CR.CR_SERVER_LOST, words)


class ServerConnection(pymysql.connections.Connection):
    """PyMySQL's, which loads the machine's certificate authorities (some 25 ms) even where it verifies nothing.

    Connecting ends in time, and in an error of PyMySQL's, whatever answers at that address. So does every command, but
    not before the server has finished its work: an ALTER may take hours. A second connection asks for that.
    """

    def __init__(self, **parameters: Any) -> None:
        self._parameters = parameters
        self.is_watched = False
        #: When what is under way has to be through, while one connects; an answer that trickles ends as well.
        self._ends: float | None = None
        self._largest = self._room = _ALWAYS_ENOUGH
        self._command = threading.Lock()  # held while a command is sent and its result read
        self._last_command = time.monotonic()
        super().__init__(**{"write_timeout": _WRITING, **parameters})

    @property
    def sock(self) -> socket.socket:
        own: Any = self
        sock: socket.socket = own._sock
        return sock

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Note the encoding alone: the server is told with all other settings, and after ``init_command``."""
        own: Any = self
        own.charset, own.encoding, own.collation = charset, charset_by_name(charset).encoding, collation

    def connect(self, sock: Any = None) -> None:
        own: Any = self
        # A server that waits for its client to speak first would be waited for without end. See also watch().
        own._read_timeout = self._parameters.get("read_timeout") or own.connect_timeout
        self._ends = time.monotonic() + own._read_timeout
        command, own.init_command = own.init_command, None
        own._read_packet = self._read_packet_with_limits  # for this call alone: TLS brings another reader
        try:
            super().connect(sock)
            if command is not None:
                with self.cursor() as cursor:
                    cursor.execute(command)
        except pymysql.MySQLError as error:
            own._force_close()
            if isinstance(error, pymysql.InternalError):
                raise pymysql.OperationalError(CR.CR_SERVER_HANDSHAKE_ERR, str(error.args[-1])) from error
            raise
        except Exception as error:  # garbage is read as if it were a packet
            own._force_close()
            raise pymysql.OperationalError(CR.CR_SERVER_HANDSHAKE_ERR, f"{type(error).__name__}: {error}") from error
        finally:
            vars(self).pop("_read_packet", None)

    def _read_packet_with_limits(self, *arguments: Any) -> Any:
        own: Any = self
        if not isinstance(getattr(own._rfile, "raw", None), _Answers):
            own._rfile.close()
            # PyMySQL's own reader has no bound, and fails for ever after its first timeout.
            own._rfile = io.BufferedReader(_Answers(self), 2**16)
        parent: Any = super()
        return parent._read_packet(*arguments)

    def hurry(self) -> None:
        """Set the timeout of the next read to what is left while one connects. Raises TimeoutError."""
        if self._ends is not None:
            if (left := self._ends - time.monotonic()) <= 0:
                raise TimeoutError("timed out")
            self.sock.settimeout(left)

    def watch(self, largest: int) -> None:
        """From now on answers may take their time: connecting is done. A ``read_timeout`` of the caller's stays.

        ``largest`` is how many bytes a command may bring; 0 is no limit.
        """
        self._largest, self._ends = largest, None
        own: Any = self
        own._current_timeout = None  # PyMySQL's note of what it has set
        if self.sock.family != getattr(socket, "AF_UNIX", None):
            for name, value in _KEEPALIVE.items():
                if hasattr(socket, name):
                    self.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        if self._parameters.get("read_timeout") is None:
            own._read_timeout, self.is_watched = SILENCE, True

    def is_working(self) -> bool:
        """Return True if the server says that it works for this connection, or has no room for the question."""
        left_out = {"database", "init_command", "conv", "client_flag", "cursorclass"}
        parameters = {name: value for name, value in self._parameters.items() if name not in left_out}
        parameters |= dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), SILENCE / 2)
        parameters["use_unicode"] = False  # a statement of somebody else's need not be UTF-8
        try:
            with closing(ServerConnection(**parameters)) as other, other.cursor() as cursor:
                cursor.execute("SHOW PROCESSLIST")  # of one's own account everybody may see everything
                own: Any = self
                return any(row[0] == own.thread_id() and row[4] != b"Sleep" for row in cursor.fetchall())
        except Exception as error:  # whatever answers there
            return is_crowded(error)

    def expect(self, count: int) -> None:
        """Count bytes of an answer. Raises OperationalError if there are more than a command may bring."""
        self._room -= count
        if self._room < 0 < self._largest:
            raise _lost(f"the result is larger than {self._largest // _MEGABYTE} MiB, the limit of a run")

    def beat(self, idle: float) -> None:
        """Send a ping if the connection has been idle for so many seconds, so that the server does not close it.

        For another thread than the one that works with the connection; that one finds out if the connection is lost.
        """
        own: Any = self
        if time.monotonic() - self._last_command < idle or not self._command.acquire(blocking=False):
            return
        try:
            if self.open and not (own._result and (own._result.unbuffered_active or own._result.has_next)):
                # ping() would take the last result away from its cursor.
                own._next_seq_id = 0
                own.write_packet(_COM_PING)
                own._read_ok_packet()
                self._last_command = time.monotonic()
        except Exception:
            own._force_close()
        finally:
            self._command.release()

    def is_alive(self, within: float) -> bool:
        """Return True if the server has answered in the last ``within`` seconds, does so now, or works on a command.

        For another thread than the one that works with the connection.
        """
        self.beat(within)

        def has_answered() -> bool:
            return self.open and time.monotonic() - self._last_command < within

        # A command that has ended while it was asked for is no longer worked on.
        return has_answered() or (self._command.locked() and (self.is_working() or has_answered()))

    def escape(self, obj: Any, mapping: Any = None) -> Any:
        # PyMySQL looks each character up, to find what is not here.
        plain = type(obj) is str and obj.isprintable() and "\\" not in obj
        return "'" + obj.replace("'", "''") + "'" if plain else super().escape(obj, mapping)

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        own: Any = self
        own._result, result = None, Result(self)
        result.init_unbuffered_query() if unbuffered else result.read()
        own._result = result
        if result.server_status is not None:
            own.server_status = result.server_status
        return result.affected_rows

    def query(self, sql: Any, unbuffered: bool = False) -> Any:
        return self._one_command(super().query, sql, unbuffered)

    def commit(self) -> None:
        self._one_command(super().commit)

    def rollback(self) -> None:
        self._one_command(super().rollback)

    def _one_command(self, action: Callable[..., Any], *arguments: Any) -> Any:
        with self._command:
            self._room = self._largest
            if self._ends is not None:
                own: Any = self
                self._ends = time.monotonic() + own._read_timeout
            try:
                return action(*arguments)
            except (pymysql.MySQLError, UnicodeEncodeError) as error:
                # A packet out of order is an InternalError without a number.
                if isinstance(error, pymysql.InternalError) and len(error.args) == 1:
                    raise _lost(str(error)) from error
                raise
            except BaseException as error:
                # Garbage is read as if it were a packet, and the next command would take what is left for its answer.
                self._force_close()  # type: ignore[attr-defined]
                if not isinstance(error, Exception):
                    raise
                raise _lost(f"the answer cannot be read: {type(error).__name__}: {error}") from error
            finally:
                self._last_command = time.monotonic()

    def _write_bytes(self, data: bytes) -> None:
        parent: Any = super()
        # The timeout is for a whole call.
        for start in range(0, len(data), _MEGABYTE):
            parent._write_bytes(data[start : start + _MEGABYTE])

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if isinstance(sslp, ssl.SSLContext) or set(sslp or ()) - {"ssl"}:
            context: ssl.SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc]
            return context
        return _unverified_tls()


def is_lost(connection: Any) -> bool:
    """Return True if a connection of PyMySQL has ended since its last answer, without asking the server."""
    if not isinstance(connection, pymysql.connections.Connection):
        return False
    own: Any = connection
    if own._sock is None:
        return True
    if own._result is not None and (own._result.unbuffered_active or own._result.has_next):
        return False
    # Between two commands a server sends nothing but its farewell.
    if not hasattr(select, "poll"):
        return bool(select.select([own._sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(own._sock, select.POLLIN)
    return bool(poll.poll(0))
