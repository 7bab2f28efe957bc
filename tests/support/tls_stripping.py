"""A proxy that makes a server look as if it had no TLS: it clears one flag in the server's greeting.

with without_tls(host, port, after=1) as (stripped, said):
    connect to 127.0.0.1:stripped, the first time as ever; ``said`` has what clients have sent to it afterwards
"""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CLIENT_SSL = 0x0800


@contextmanager
def without_tls(host: str, port: int, *, after: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    said: list[bytes] = []
    sockets: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket, log: list[bytes]) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                log.append(data)
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            for number in itertools.count():
                client, _ = server.accept()
                upstream = socket.create_connection((host, port))
                sockets.extend((client, upstream))
                greeting = bytearray(upstream.recv(65536))
                # After the version: the connection's number, half of the salt and a NUL, then the flags' lower half.
                if number >= after:
                    greeting[greeting.index(0, 5) + 1 + 4 + 8 + 1 + 1] &= ~(CLIENT_SSL >> 8) & 0xFF
                client.sendall(greeting)
                for pair in ((upstream, client, []), (client, upstream, said if number >= after else [])):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1], said
        finally:
            for one in sockets:
                one.close()
