"""What answers at the address is no MySQL, or breaks off: one line that says so, in time."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.command import wch
from wch_peewee import DatabaseManager
from wch_peewee.errors import WchError


def packet(content: bytes, number: int = 0) -> bytes:
    return struct.pack("<I", len(content))[:3] + bytes([number]) + content


HANDSHAKE = packet(
    b"\x0a8.0.36\0\1\0\0\0" + b"12345678\0\xff\xf7\x21\2\0\xff\xc1\x15" + b"\0" * 10 + b"123456789012\0"
    b"mysql_native_password\0"
)
NO_MYSQL = "is not a MySQL or MariaDB server"
BROKEN_OFF = "closed the connection or did not answer"


@contextmanager
def answering(answer: bytes, *, hold: bool = False) -> Iterator[int]:
    """Answer each connection with these bytes and close it, or ``hold`` it open; yields the port."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            while True:
                client, _ = server.accept()
                held.append(client)
                if stop.is_set():
                    return
                client.sendall(answer)
                if not hold:
                    client.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            socket.create_connection(server.getsockname()).close()
            thread.join()
            for client in held:
                client.close()


@pytest.mark.parametrize(
    ("answer", "hold", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", False, NO_MYSQL),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", False, NO_MYSQL),
        (b"E\0\0\0\x40SFATAL\0VFATAL\0", False, BROKEN_OFF),
        (bytes(range(256)), False, NO_MYSQL),
        (packet(b""), False, NO_MYSQL),
        (packet(b"\x0a"), False, NO_MYSQL),
        (packet(b"\xff"), False, NO_MYSQL),
        (packet(b"\0" * 40), False, NO_MYSQL),
        (packet(b"\x0aabc\0" + b"\0" * 40), False, NO_MYSQL),
        (b"", False, BROKEN_OFF),
        (HANDSHAKE[:30], False, BROKEN_OFF),
        (HANDSHAKE, False, BROKEN_OFF),
        (b"", True, "timed out"),
        (HANDSHAKE, True, "timed out"),
    ],
)
def test_it_is_one_line(answer: bytes, hold: bool, words: str) -> None:
    with answering(answer, hold=hold) as port:
        url = f"mysql://u:s3cret@127.0.0.1:{port}/shop?connect_timeout=1"
        result = wch("status", "--quiet", database=url)
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
    assert words in result.err
    assert f"mysql://u@127.0.0.1:{port}/shop" in result.err
    assert "s3cret" not in result.err
    assert "Traceback" not in result.err


def test_too_many_connections_are_said_to_be_that() -> None:
    with answering(packet(b"\xff\x10\x04Too many connections")) as port:
        manager = DatabaseManager(f"mysql://u:s3cret@127.0.0.1:{port}/shop", patience=0)
        with pytest.raises(WchError, match=rf"^mysql://u@127.0.0.1:{port}/shop: .*Too many connections") as caught:
            manager.status()
    assert len(str(caught.value).splitlines()) == 1


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=80), max_size=3), st.booleans())
def test_whatever_it_sends_the_error_is_ours(contents: list[bytes], begun: bool) -> None:
    answer = b"".join(packet(content, number) for number, content in enumerate(contents, start=2 * begun))
    with answering(HANDSHAKE + answer if begun else answer) as port:
        manager = DatabaseManager(f"mysql://u:p@127.0.0.1:{port}/shop?connect_timeout=1")
        with pytest.raises(WchError):
            manager.status()


def test_tls_that_the_server_does_not_offer_is_named() -> None:
    with answering(HANDSHAKE) as port:
        result = wch("status", "--quiet", database=f"mysql://u:p@127.0.0.1:{port}/shop?ssl=1")
    assert "?ssl requires TLS, which the server does not offer" in result.err


def test_a_server_that_demands_tls_is_named() -> None:
    refusal = packet(
        b"\xff" + struct.pack("<H", 3159) + b"#08004Connections using insecure transport are prohibited", 2
    )
    with answering(HANDSHAKE + refusal) as port:
        result = wch("status", "--quiet", database=f"mysql://u:p@127.0.0.1:{port}/shop")
    assert "the server accepts connections with TLS only; add ?ssl=1" in result.err


def test_an_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = wch("status", database=f"mysql://u:p@127.0.0.1/shop?ssl_ca={tmp_path}/ca.pem")
    assert (result.code, f"ssl_ca in the database URL is not a file: {tmp_path}/ca.pem." in result.err) == (78, True)
