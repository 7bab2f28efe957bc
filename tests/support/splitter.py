"""A read/write splitter: a proxy that sends some reads to a replica, by one of several rules.

with Splitter(primary.address, replica.address, "shop", "by statement") as splitter:
    DatabaseManager(splitter.url).install()

Inside a transaction everything goes to the primary, and a SET goes to both, as with ProxySQL and MaxScale.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal

import pymysql
from pymysql.constants import COMMAND, SERVER_STATUS

from tests.support.addresses import ServerAddress
from tests.support.proxy import without_tls

#: ``by table`` knows our tables alone, so that nothing else tells of it.
Rule = Literal["by statement", "by lock function", "pinned after GET_LOCK", "by table"]

_READ = re.compile(r"\s*(SELECT|SHOW)\b(?!.*FOR UPDATE)", re.IGNORECASE | re.DOTALL)
_LOCK = re.compile(r"\b(GET|RELEASE|IS_USED|IS_FREE)_LOCK\b", re.IGNORECASE)


class Splitter:
    """The proxy on a port of loopback. ``sent`` are the statements that the replica has answered."""

    def __init__(
        self, primary: ServerAddress, replica: ServerAddress, database: str, rule: Rule | Literal["off"]
    ) -> None:
        self._primary, self._replica, self._database, self.rule = primary, replica, database, rule
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self._stack = ExitStack()
        self.sent: list[str] = []

    def __enter__(self) -> Splitter:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._stack.close()

    @property
    def url(self) -> str:
        return replace(self._primary, host="127.0.0.1", port=self._listener.getsockname()[1]).url(self._database)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._stack.callback(client.close)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError, pymysql.Error), client, ExitStack() as stack:
            primary = stack.enter_context(socket.create_connection((self._primary.host, self._primary.port)))
            other: Any = stack.enter_context(self._replica.connection())
            other.select_db(self._database)
            client.sendall(without_tls(_packet(primary)))
            answer = b""
            while answer[4:5] not in (b"\0", b"\xff"):  # until the login has succeeded or failed
                primary.sendall(_packet(client))
                answer = _packet(primary)
                client.sendall(answer)
            self._talk(client, primary, other._sock)

    def _talk(self, client: socket.socket, primary: socket.socket, replica: socket.socket) -> None:
        in_transaction = is_pinned = False
        while (request := _packet(client))[4] != COMMAND.COM_QUIT:
            text = request[5:].decode(errors="replace") if request[4] == COMMAND.COM_QUERY else ""
            is_pinned |= self.rule == "pinned after GET_LOCK" and "GET_LOCK" in text.upper()
            if request[4] == COMMAND.COM_INIT_DB or text.upper().startswith(("SET ", "USE ")):
                replica.sendall(request)
                _answer(replica)
            chosen = primary if in_transaction or is_pinned or not self._is_split(text) else replica
            if chosen is replica:
                self.sent.append(text)
            chosen.sendall(request)
            answer, status = _answer(chosen)
            if chosen is primary:
                in_transaction = bool(status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)
            client.sendall(answer)

    def _is_split(self, text: str) -> bool:
        if self.rule == "off" or not _READ.match(text) or (_LOCK.search(text) and self.rule != "by lock function"):
            return False
        return self.rule != "by table" or "wch_" in text.lower().replace("@wch_", "")


def _packet(source: socket.socket) -> bytes:
    """Read one packet with its head. Raises EOFError at the end."""
    head = _exactly(source, 4)
    return head + _exactly(source, int.from_bytes(head[:3], "little"))


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        if not (part := source.recv(size - len(parts))):
            raise EOFError
        parts += part
    return parts


def _answer(source: socket.socket) -> tuple[bytes, int]:
    """Read a whole answer; return it with the server's status, which is 0 after an error."""
    first = _packet(source)
    if first[4] == 0xFF:
        return first, 0
    if first[4] == 0:
        return first, _status_of_ok(first)
    packets, ends = [first], 0
    while ends < 2:  # one behind the columns, one behind the rows
        packets.append(_packet(source))
        if packets[-1][4] == 0xFF:
            return b"".join(packets), 0
        ends += packets[-1][4] == 0xFE and len(packets[-1]) < 13
    return b"".join(packets), struct.unpack_from("<H", packets[-1], 7)[0]


def _status_of_ok(packet: bytes) -> int:
    at = 5
    for _ in range(2):  # the changed rows, and the last id
        at += {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(packet[at], 1)
    return int(struct.unpack_from("<H", packet, at)[0])
