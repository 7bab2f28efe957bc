"""The benchmarks' side of a peer: starts its program, asks it, and never waits for ever.

    with Peer.start("alembic", peers_python(), url) as peer:
        print(peer.ask(do="add_column", name="note_7").seconds)

Runs with our python; the programs run with the peers'.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from .serving import URL_VARIABLE, parse_url, redact

_HERE = Path(__file__).resolve().parent

#: Prints the versions of the packages that are named.
_VERSIONS = (
    "import json, sys; from importlib.metadata import version as v; print(json.dumps({n: v(n) for n in sys.argv[1:]}))"
)


class PeerFailed(Exception):
    """A peer ended, was silent for too long, or could not do what was asked; one line, without a password."""


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """A peer: its name for ``Peer.start``, how it is called, and the packages whose versions matter."""

    name: str
    title: str
    packages: tuple[str, ...]

    @property
    def program(self) -> Path:
        return _HERE / f"{self.name}_peer.py"


PEERS: tuple[PeerSpec, ...] = (
    PeerSpec("alembic", "Alembic {alembic} with SQLAlchemy {sqlalchemy}", ("alembic", "sqlalchemy")),
    PeerSpec("django", "Django {django}", ("django",)),
    PeerSpec("peewee_migrate", "peewee-migrate {peewee-migrate}", ("peewee-migrate",)),
    PeerSpec("playhouse", "playhouse.migrate of peewee {peewee}", ("peewee",)),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer said: how long its own work took, and the answer to a question; or why it cannot do it."""

    seconds: float | None = None
    unsupported: str = ""
    answer: bool | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A process to be started: its arguments, and its environment, in which the database's URL is."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def spec(name: str) -> PeerSpec:
    """The peer of that name."""
    for peer in PEERS:
        if peer.name == name:
            return peer
    raise KeyError(f"no peer is called {name!r}; there are {', '.join(peer.name for peer in PEERS)}")


def titles(python: Path) -> dict[str, str]:
    """How each peer is called, by its name, with the versions that are installed there."""
    packages = sorted({package for peer in PEERS for package in peer.packages})
    command = [str(python), "-c", _VERSIONS, *packages]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerFailed(f"the peers' versions are not to be had: {_last_line(done.stderr)}")
    versions = json.loads(done.stdout)
    return {peer.name: peer.title.format_map(versions) for peer in PEERS}


def cold_command(name: str, python: Path, url: str) -> Command:
    """The process that asks once, on a database that is up to date, and prints ``{"answer": false}``."""
    return Command((str(python), str(spec(name).program), "cold"), _environment(url))


class Peer:
    """A running peer on one database."""

    def __init__(self, name: str, command: Sequence[str], url: str, *, timeout: float = 300) -> None:
        """Start the command; ``timeout`` is how many seconds one answer may take, the start included."""
        self.name = name
        self.timeout = timeout
        self._password = parse_url(url).password
        # A file, not a pipe: nobody has to read it for the peer to go on.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                list(command),
                env=_environment(url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise PeerFailed(f"{name} could not be started: {error}") from error
        self._rest = b""

    @classmethod
    def start(cls, name: str, python: Path, url: str, *, timeout: float = 300) -> Peer:
        """Start the program of that peer."""
        return cls(name, (str(python), str(spec(name).program)), url, timeout=timeout)

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, *, do: str, **rest: Any) -> Answer:
        """Have one command done; raises PeerFailed when it is not."""
        self._send({"do": do, **rest})
        line = self._line(do)
        try:
            said = json.loads(line)
            if "error" in said:
                raise self._failed(f"{do}: {said['error']}")
            if "unsupported" in said:
                return Answer(unsupported=str(said["unsupported"]))
            return Answer(seconds=float(said["seconds"]), answer=said.get("answer"))
        except (ValueError, TypeError, KeyError):
            # The next line could be the answer, and would be taken for the next command's.
            self._kill()
            text = line.decode(errors="replace").strip()[:200]
            raise self._failed(f"{do}: what it said is no answer: {text}") from None

    def close(self) -> None:
        """Let it end; one that does not is killed."""
        if self._process.poll() is None:
            try:
                self._send({"do": "leave"})
                if self._process.stdin:
                    self._process.stdin.close()
                self._process.wait(10)
            except (PeerFailed, subprocess.TimeoutExpired):
                self._kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._errors.close()

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except OSError:
            raise self._ended() from None

    def _line(self, do: str) -> bytes:
        """The next line it says, waited for until time is up."""
        assert self._process.stdout
        deadline = time.monotonic() + self.timeout
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                # It could answer later, and that would be taken for the next command's.
                self._kill()
                raise self._failed(f"{do}: no answer in {self.timeout:g} seconds")
            block = os.read(self._process.stdout.fileno(), 65536)
            if not block:
                raise self._ended()
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _ended(self) -> PeerFailed:
        try:
            status: object = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._kill()
            status = "unknown"
        self._errors.seek(0)
        last = _last_line(self._errors.read().decode(errors="replace"))
        return self._failed(f"it ended with status {status}" + (f": {last}" if last else ""))

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _failed(self, text: str) -> PeerFailed:
        return PeerFailed(redact(" ".join(f"{self.name}: {text}".split()), self._password))


def _environment(url: str = "") -> dict[str, str]:
    """Ours without what is Python's own, which would lead the peers' python to our packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") and name != URL_VARIABLE}
    return kept | ({URL_VARIABLE: url} if url else {})


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
