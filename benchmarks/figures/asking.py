"""Ask the peers the same, each in a process of its own.

Their first answer of each kind does not count: it is the one that imports, compiles and connects. What a peer cannot
do, or did not do, stands in the place of its times.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.databases import LiveDatabase

from ..bench import Bench
from ..peers.peer import PEERS, Answer, Peer, PeerFailed, cold_command
from ..samples import Sample, timed

#: By the peer's name.
Peers = dict[str, Sample | str]
#: Writes the next request, for peers that must not be asked the same twice.
Requests = Callable[[], dict[str, Any]]

#: As in the tables of ours; a database's own default differs from server to server.
_COLLATION = "utf8mb4_unicode_520_ci"
#: Questions in a row, of which the median counts.
_QUESTIONS = 21


def ask_peers(bench: Bench, request: dict[str, Any], *, rounds: int) -> Peers:
    """Ask each on a database that it has made itself; each round is the median of some questions in a row."""

    def ask(name: str, python: Path) -> Sample | str:
        with _database(bench) as database, Peer.start(name, python, database.url) as peer:
            if why := peer.ask(do="activate").unsupported:
                return why
            _seconds(peer.ask(**request))
            times = [[_seconds(peer.ask(**request)) for _ in range(_QUESTIONS)] for _ in range(rounds)]
            return Sample(tuple(Sample(tuple(few)).median for few in times))

    return _each(bench, ask)


def cold_peers(bench: Bench, *, rounds: int) -> Peers:
    """Time a new process of each that asks once whether there is anything to do."""

    def ask(name: str, python: Path) -> Sample | str:
        with _database(bench) as database:
            with Peer.start(name, python, database.url) as peer:
                if why := peer.ask(do="activate").unsupported:
                    return why
            return Sample(tuple(_cold(name, python, database.url) for _ in range(rounds + 1))[1:])

    return _each(bench, ask)


def activate_peers(bench: Bench, *, rounds: int) -> Peers:
    """Have each make its tables in empty databases; its process is there and connected."""

    def once(name: str, python: Path) -> Answer:
        with _database(bench) as database, Peer.start(name, python, database.url) as peer:
            return peer.ask(do="activate")

    def ask(name: str, python: Path) -> Sample | str:
        answers = [once(name, python) for _ in range(rounds)]
        return answers[0].unsupported or Sample(tuple(map(_seconds, answers)))

    return _each(bench, ask)


def change_peers(bench: Bench, database: LiveDatabase, requests: Requests, *, rounds: int) -> Peers:
    """Have each change a table that is there, each time in a new way."""

    def ask(name: str, python: Path) -> Sample | str:
        with Peer.start(name, python, database.url) as peer:
            if why := peer.ask(**requests()).unsupported:
                return why
            return Sample(tuple(_seconds(peer.ask(**requests())) for _ in range(rounds)))

    return _each(bench, ask)


def compared(ours: Sample, peers: Peers) -> str:
    """Whether ours is below every peer, in words for the note."""
    medians = [sample.median for sample in peers.values() if isinstance(sample, Sample)]
    if not medians:
        return ""
    return "; below every peer" if ours.median < min(medians) else "; NOT below every peer"


def _each(bench: Bench, ask: Callable[[str, Path], Sample | str]) -> Peers:
    if bench.peers_python is None:
        return {peer.name: bench.no_peers for peer in PEERS}
    found: Peers = {}
    for peer in bench.peers:
        try:
            found[peer.name] = ask(peer.name, bench.peers_python)
        except PeerFailed as error:
            found[peer.name] = str(error)
    return found


@contextmanager
def _database(bench: Bench) -> Iterator[LiveDatabase]:
    with bench.fresh() as database:
        if bench.family != "sqlite":
            database.execute(f"ALTER DATABASE `{database.name}` COLLATE {_COLLATION}")
        yield database


def _cold(name: str, python: Path, url: str) -> float:
    command = cold_command(name, python, url)

    def ask() -> None:
        done = subprocess.run(
            command.arguments,
            env=command.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=os.sep,
            check=False,
        )
        if done.returncode or json.loads(done.stdout) != {"answer": False}:
            raise PeerFailed(f"{name}: cold: {(done.stderr or done.stdout).strip()[-200:]}")

    return timed(ask)


def _seconds(answer: Answer) -> float:
    if answer.seconds is None:
        raise PeerFailed(answer.unsupported or "no time was said")
    return answer.seconds
