"""Private database servers for tests.

A private server has its own temporary folder and a port on loopback; it is gone when the process that started it is
gone, however that ends. What there is to start is in server_programs.py; what the
tests run on, in engines.py.

    with PrivateServer(installed_servers()["mariadb"]) as server:
        server.address.connection()
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import pymysql

from tests.support.addresses import ServerAddress, ServerError
from tests.support.server_programs import ServerBinary, output_of

# Below 32768, where Linux begins to hand out ports for outgoing connections.
_PORTS = range(20000, 32768)
# Not the shared generator: hypothesis seeds it, and two workers would try the same ports.
_RANDOM = random.SystemRandom()


class PrivateServer:
    """A server of one's own that can be killed and started again on the same data."""

    def __init__(self, binary: ServerBinary, *options: str) -> None:
        self.binary = binary
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="wch-server-", dir=binary.root / "tmp" if binary.root else None))
        self.address = ServerAddress("127.0.0.1", 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PrivateServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def url(self) -> str:
        return self.address.url("")

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start it, or start it again on the same port and data, and wait until it answers."""
        if not self._data.exists():
            self._create_data()
        first = self.address.port == 0
        for _ in range(5):
            if first:
                self.address = ServerAddress("127.0.0.1", _free_port())
            self._launch()
            if self._answers():
                return
            self.kill()
            # Another process may have taken the port in the meantime; an address once handed out must stay.
            if not first or "Address already in use" not in self._log():
                break
        raise ServerError(f"{self.binary.path} does not start: {_last_error(self._log())}")

    def kill(self) -> None:
        """Kill it as the kernel would, without a word."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def stop(self) -> None:
        """Stop it in order; the data stay."""
        if self._process is not None:
            self._process.terminate()
            self._end()

    def remove(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _create_data(self) -> None:
        common = ["--no-defaults", *_as_root(), f"--datadir={self.binary.inside(self._data)}"]
        # As a server starts, for its system tables too, it removes all #sql* in its folder for temporary files: in /tmp
        # those would be the temporary tables of whatever other server runs on this machine.
        common.append(f"--tmpdir={self.binary.inside(self.folder)}")
        if self.binary.family == "mysql":
            said = output_of([*self.binary.command, *common, "--initialize-insecure", "--skip-log-bin"])
        else:
            # --force: it looks up the machine's own name, which an unpacked system may not know.
            options = ["--force", "--auth-root-authentication-method=normal", "--skip-test-db"]
            said = output_of([*self.binary.installer, *common, *options])
        if not (self._data / "mysql").is_dir():
            raise ServerError(f"{self.binary.path} cannot create its data: {_last_error(said)}")

    def _launch(self) -> None:
        options = [
            "--no-defaults",
            *_as_root(),
            f"--datadir={self.binary.inside(self._data)}",
            f"--tmpdir={self.binary.inside(self.folder)}",
            f"--port={self.address.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.binary.inside(self.folder / 'socket')}",
            f"--pid-file={self.binary.inside(self.folder / 'pid')}",
            *(self.options or ["--skip-log-bin"]),
            "--innodb-buffer-pool-size=64M",
            # 2 and not 0: no waiting for the disk, and a commit still survives kill().
            "--innodb-flush-log-at-trx-commit=2",
            # "Internal use": no fsync at all. Only a crash of the whole machine would tell.
            "--innodb-flush-method=nosync",
        ]
        if self.binary.family == "mysql":
            options += ["--mysqlx=OFF", "--secure-file-priv=NULL"]
        with (self.folder / "log").open("ab") as log:
            # A session of its own: Ctrl-C is for pytest, which then closes its servers.
            self._process = subprocess.Popen(
                [*self.binary.command, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        # Its standard input closes when this process ends, however it ends; then it cleans up.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", 'read _; kill -9 "$0"; sleep 0.2; rm -rf "$1"', str(self.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        """Wait until our own server answers, not another one that took the port."""
        assert self._process is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with self.address.connection() as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT @@datadir")
                    return Path(cursor.fetchall()[0][0]) == Path(self.binary.inside(self._data))
            except pymysql.Error:
                time.sleep(0.05)
        return False

    def _end(self) -> None:
        """Wait for the process; the guard goes first, lest it kill whoever has the number next."""
        assert self._process is not None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_port() -> int:
    while True:
        port = _RANDOM.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _last_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing"])[-1]
