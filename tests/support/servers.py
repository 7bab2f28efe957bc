"""Private database servers for tests.

A private server has its own temporary folder and a port on loopback. It is removed when the process that started it
ends, however it ends.

    with PrivateServer(installed_servers()["mariadb"]) as server:
        server.address.connection()
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType

import pymysql

from tests.support.addresses import ServerAddress, ServerError
from tests.support.server_process import PrivateProgram, create_data, free_ports
from tests.support.server_programs import ServerBinary


class PrivateServer(PrivateProgram):
    """A private server, which can be killed and started again on the same data."""

    def __init__(self, binary: ServerBinary, *options: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix="wch-server-", dir=binary.root / "tmp" if binary.root else None))
        super().__init__(binary, folder, port=0)
        self.options = options

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

    def start(self) -> None:
        """Start the server, the next time on the same port and data, and wait until it answers. Raises ServerError."""
        if not self._data.exists():
            create_data(self.program, self.folder)
        first = self.address.port == 0
        for _ in range(5):
            if first:
                self.address = ServerAddress("127.0.0.1", free_ports(1)[0])
            self.launch(self.options or ["--skip-log-bin"])
            if self._answers():
                return
            self.kill()
            # Another process may have taken the port in the meantime; an address once handed out must stay.
            if not first or "Address already in use" not in self._log():
                break
        raise ServerError(f"{self.program.path} does not start: {self.last_error()}")

    def remove(self) -> None:
        """Kill the server and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _answers(self) -> bool:
        """Wait until the server answers; return False if it ends, or if another one has the port."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.is_running:
            try:
                with self.address.connection() as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT @@datadir")
                    return Path(cursor.fetchall()[0][0]) == Path(self.program.inside(self._data))
            except pymysql.Error:
                time.sleep(0.05)
        return False

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")
