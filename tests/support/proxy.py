"""A TCP proxy in front of a server, with faults on command.

with Proxy(database.address) as proxy:
    proxy.strike(Fault("swallow answers", after=5))
    wch("activate", database=proxy.url(database.name))
    proxy.heal()

It counts answers, over all connections: what arrives from the server at once, which for small answers is one.

With ``others`` it is a load balancer, and with ``idle`` one that cuts what is silent for so many seconds. With a
``Ban`` it answers some statements itself, with an error, as a server does that forbids them.
"""

from __future__ import annotations

import itertools
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal

from pymysql.constants import CLIENT

from tests.support.addresses import ServerAddress

Kind = Literal[
    "swallow answers",  # before the first answer: a server that accepts and says nothing
    "swallow requests",
    "stall",  # nothing is read any more, and both sides stay open: as if the network were gone
    "close",
    "reset",
    "truncate",  # half of the answer, then close
    "garbage",
    "endless",  # a result whose rows never end
    "delay",
]

#: A result with one column; its rows follow.
_HEAD = [b"\x01", b"\x03def\0\0\0\x01x\0\x0c\x2d\0\xff\xff\0\0\xfd\0\0\0\0\0", b"\xfe\0\0\x02\0"]
_GARBAGE = bytes(range(255, 0, -1)) * 4


@dataclass(frozen=True)
class Fault:
    """A fault from the answer after number ``after`` on, and its request.

    ``begins`` is how many bytes of that answer still come. ``alone``: other connections are spared.
    """

    kind: Kind
    after: int = 0
    begins: int = 0
    alone: bool = False


@dataclass(frozen=True)
class Ban:
    """Statements that contain one of ``words`` are answered with an error."""

    words: tuple[str, ...]
    number: int
    message: str

    def hits(self, request: bytes) -> bool:
        """Return True for a COM_QUERY with such a statement."""
        return request[4:5] == b"\x03" and any(word.encode() in request.upper() for word in self.words)

    def answer(self) -> bytes:
        content = b"\xff" + struct.pack("<H", self.number) + b"#HY000" + self.message.encode()
        return struct.pack("<I", len(content))[:3] + b"\x01" + content


class _Link:
    """One client's connection and its connection to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.is_struck = self.is_healed = self.is_silent = False
        self.moved = time.monotonic()

    def close(self, *, reset: bool = False) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            if reset:
                end.close()


class Proxy:
    """The proxy on a port of loopback; ``answers`` counts those since ``strike``.

    Unless it passes ``tls``, it hides from clients that the server offers that, and sees what they say. ``banned`` are
    the requests that it has answered with the error of ``ban``. The first connection goes to ``server``, and later ones
    to ``others`` in turn if there are any.
    """

    def __init__(
        self,
        server: ServerAddress,
        *,
        tls: bool = False,
        ban: Ban | None = None,
        others: Sequence[ServerAddress] = (),
    ) -> None:
        self._server = server
        self._targets = itertools.chain([server], itertools.cycle(others or [server]))
        #: May be set at any time; None is no limit.
        self.idle: float | None = None
        self._tls = tls
        self._ban = ban
        self.banned: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self._guard = threading.Lock()
        self._healed = threading.Event()
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self.fault: Fault | None = None
        self.answers = 0

    def __enter__(self) -> Proxy:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)
        for link in self._links:
            link.client.close()
            link.server.close()

    def address(self) -> ServerAddress:
        return replace(self._server, host="127.0.0.1", port=self._listener.getsockname()[1])

    def url(self, database: str) -> str:
        return self.address().url(database)

    def strike(self, fault: Fault | None) -> None:
        """Count answers from here, and have the fault."""
        with self._guard:
            self.answers, self.fault = 0, fault
            self._healed.clear()

    def heal(self) -> None:
        """Have no fault any more, and close the connections that had one, on both sides."""
        with self._guard:
            self.fault = None
            for link in self._links:
                if link.is_struck:
                    link.close()
                    link.is_healed = True
        self._healed.set()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            target = next(self._targets)
            link = _Link(client, socket.create_connection((target.host, target.port)))
            with self._guard:
                self._links.append(link)
            self._start(self._requests, link)
            self._start(self._answers, link)

    def _struck(self, link: _Link, *, answer: bool) -> Fault | None:
        """Return the fault that this link has now, at an answer, or at a request."""
        with self._guard:
            fault, number = self.fault, self.answers
            self.answers += answer
            if fault is None or link.is_healed:
                return None
            if number >= fault.after and not (
                fault.alone and any(one.is_struck and not one.is_healed for one in self._links)
            ):
                link.is_struck = True
            return fault if link.is_struck else None

    def _requests(self, link: _Link) -> None:
        with suppress(OSError):
            while data := link.client.recv(65536):
                link.moved = time.monotonic()
                fault = self._struck(link, answer=False)
                if fault is not None and fault.kind == "stall":
                    self._healed.wait()
                if fault is not None and fault.kind == "swallow requests":
                    continue
                if fault is not None and fault.kind == "endless":
                    self._endless(link)
                if self._ban is not None and self._ban.hits(data):
                    self.banned.append(data)
                    link.client.sendall(self._ban.answer())
                    continue
                link.server.sendall(data)
        link.close()

    def _answers(self, link: _Link) -> None:
        with suppress(OSError):
            greeting = link.server.recv(65536)
            # Empty if the client was killed before.
            data = greeting if self._tls or not greeting else without_tls(greeting)
            while data:
                fault = self._struck(link, answer=True)
                if not self._pass_on(link, data, fault):
                    break
                link.moved = time.monotonic()
                while not select.select([link.server], [], [], 0.05)[0] and not self._is_idle(link):
                    pass
                data = b"" if self._is_idle(link) else link.server.recv(65536)
        link.close()

    def _is_idle(self, link: _Link) -> bool:
        return self.idle is not None and time.monotonic() - link.moved > self.idle

    def _pass_on(self, link: _Link, data: bytes, fault: Fault | None) -> bool:
        """Send an answer, or what the fault makes of it; return False if the connection ends with it."""
        match fault.kind if fault is not None else "":
            case "swallow answers" | "stall":
                if fault is not None and not link.is_silent:
                    link.is_silent = True
                    link.client.sendall(data[: fault.begins])
                if fault is not None and fault.kind == "stall":
                    self._healed.wait()
                return True
            case "close":
                return False
            case "reset":
                link.close(reset=True)
                return False
            case "truncate":
                link.client.sendall(data[: len(data) // 2])
                return False
            case "garbage":
                link.client.sendall(_GARBAGE)
                return True
            case "delay":
                threading.Event().wait(0.02)
        link.client.sendall(data)
        return True

    def _endless(self, link: _Link) -> None:
        number, row = 1, b"\xfd\x00\x04\x00" + b"x" * 1024
        for content in _HEAD:
            link.client.sendall(struct.pack("<I", len(content))[:3] + bytes([number]) + content)
            number += 1
        while True:
            link.client.sendall(struct.pack("<I", len(row))[:3] + bytes([number % 256]) + row)
            number += 1


def without_tls(greeting: bytes) -> bytes:
    """Return a server's greeting without the flag that offers TLS."""
    position = greeting.find(b"\0", 5) + 1 + 4 + 8 + 1
    (flags,) = struct.unpack_from("<H", greeting, position)
    return greeting[:position] + struct.pack("<H", flags & ~CLIENT.SSL) + greeting[position + 2 :]
