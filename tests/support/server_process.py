"""What all private servers share: their data, their options, and a process that never outlives the tests.

create_data(program, folder)
server = PrivateProgram(program, folder, free_ports(1)[0])
server.launch(["--skip-log-bin"])
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from tests.support.addresses import ServerAddress, ServerError
from tests.support.server_programs import PATH, ServerBinary, output_of

# Below 32768, where Linux begins to hand out ports for outgoing connections.
_PORTS = range(20000, 32768)
# Not the shared generator: hypothesis seeds it, and two workers would try the same ports.
_RANDOM = SystemRandom()


def create_data(program: ServerBinary, folder: Path, *options: str) -> None:
    """Create the data of a new server in ``folder``/data. Raises ServerError."""
    common = [*_places(program, folder), *options]
    if program.family == "mysql":
        said = output_of([*program.command, *common, "--initialize-insecure", "--skip-log-bin"])
    else:
        # --force: it looks up the machine's own name, which an unpacked system may not know.
        common += ["--force", "--auth-root-authentication-method=normal", "--skip-test-db"]
        said = output_of([*program.installer, *common])
    if not (folder / "data" / "mysql").is_dir():
        raise ServerError(f"{program.path} cannot create its data: {last_error(said)}")


def server_options(program: ServerBinary, folder: Path, port: int) -> list[str]:
    """Return the options of a small, fast server on loopback, whose files are in ``folder``."""
    return [
        *_places(program, folder),
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={program.inside(folder / 'socket')}",
        f"--pid-file={program.inside(folder / 'pid')}",
        "--innodb-buffer-pool-size=64M",
        # 2 and not 0: no waiting for the disk, and a commit still survives kill().
        "--innodb-flush-log-at-trx-commit=2",
        # "Internal use": no fsync at all. Only a crash of the whole machine would tell.
        "--innodb-flush-method=nosync",
        *(["--mysqlx=OFF", "--secure-file-priv=NULL"] if program.family == "mysql" else []),
    ]


def _places(program: ServerBinary, folder: Path) -> list[str]:
    return [
        "--no-defaults",
        *(["--user=root"] if os.geteuid() == 0 else []),
        f"--datadir={program.inside(folder / 'data')}",
        # As a server starts, for its system tables too, it removes all #sql* in its folder for temporary files: in /tmp
        # those would be the temporary tables of whatever other server runs on this machine.
        f"--tmpdir={program.inside(folder)}",
    ]


class ServerProcess:
    """A started server. It is killed, and ``removed`` with it, when the process that started it ends, however it ends.

    Its output is added to ``folder``/log.
    """

    def __init__(self, command: list[str], folder: Path, *, removed: Path | None = None) -> None:
        with (folder / "log").open("ab") as log:
            # A session of its own: Ctrl-C is for pytest, which then removes its servers.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                # A Galera node looks the script up that transfers its state.
                env={**os.environ, "PATH": f"{Path(__file__).parent}{os.pathsep}{PATH}"},
                start_new_session=True,
            )
        # Its standard input closes when this process ends, however it ends; then it cleans up.
        script = 'read _; kill -9 "-$0"; sleep 0.3; rm -rf "$1"'
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", script, str(self.pid), str(removed or folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self, how: signal.Signals) -> None:
        """Send a signal to the server and the scripts that it runs, and wait for its end."""
        # The guard goes first, lest it kill whoever has the number next.
        self._guard.kill()
        self._guard.communicate()
        # Of one that has died by itself and been seen dead, the number may be somebody else's by now.
        if self.is_running:
            os.killpg(self.pid, how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


class PrivateProgram:
    """A private server: its program, its folder, its address, and its process while it runs."""

    def __init__(self, program: ServerBinary, folder: Path, port: int) -> None:
        self.program = program
        self.folder = folder
        self.address = ServerAddress("127.0.0.1", port)
        self._process: ServerProcess | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def kill(self) -> None:
        """Send SIGKILL to the server and the scripts that it runs."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the server in order, and keep the data."""
        self._end(signal.SIGTERM)

    def launch(self, options: Sequence[str], *, removed: Path | None = None) -> None:
        """Start the server process, with ``options`` beside those that every private server has."""
        common = server_options(self.program, self.folder, self.address.port)
        self._process = ServerProcess([*self.program.command, *common, *options], self.folder, removed=removed)

    def last_error(self) -> str:
        """Return the last line of the log that speaks of an error, else its last line."""
        return last_error((self.folder / "log").read_text(errors="replace"))

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(how)
            self._process = None


def last_error(log: str) -> str:
    """Return the last line of ``log`` that speaks of an error, else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing"])[-1]


def free_ports(number: int) -> list[int]:
    """Return ``number`` different free ports. Raises ServerError."""
    found: list[int] = []
    for port in _RANDOM.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == number:
            return found
    raise ServerError("there are no free ports on loopback")
