"""What the figures are measured with: an engine, its databases, how much of everything, and the peers.

bench.fresh()          # an empty database
bench.large(10_000)    # an installed one with so many messages, made once
bench.crowded(10)      # an installed one beside so many tables of others, made once
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.databases import LiveDatabase
from tests.support.engines import Engine
from wch_peewee import Plugin

from .messages import add_tables, fill_messages
from .peers.peer import PeerSpec


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is measured. These take less than ten minutes on four engines."""

    messages: tuple[int, int] = (10_000, 400_000)
    sites: int = 60
    foreign_tables: tuple[int, int] = (10, 2_000)
    bulk: int = 50_000
    #: rows that Python changes one by one
    changed: tuple[int, int] = (5_000, 20_000)
    rounds: int = 9


#: What the published table is made with.
FULL = Amounts(
    messages=(10_000, 2_000_000), sites=1_000, foreign_tables=(10, 10_000), bulk=100_000, changed=(5_000, 50_000)
)
#: For trying whether everything runs; the figures say nothing.
QUICK = Amounts(
    messages=(2_000, 20_000), sites=20, foreign_tables=(10, 200), bulk=2_000, changed=(1_000, 4_000), rounds=3
)


@dataclass
class Bench:
    """One engine's turn."""

    engine: Engine
    folder: Path
    amounts: Amounts
    peers: tuple[PeerSpec, ...] = ()
    #: the python that has them
    peers_python: Path | None = None
    #: why there are none
    no_peers: str = ""
    #: what a figure has measured on the way for another one
    kept: dict[str, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _large: dict[int, LiveDatabase] = field(default_factory=dict)
    _crowded: dict[int, LiveDatabase] = field(default_factory=dict)
    _files: Iterator[int] = field(default_factory=itertools.count)

    @property
    def name(self) -> str:
        return f"{self.engine.name} {self.engine.version}"

    @property
    def family(self) -> str:
        return self.engine.family

    @contextmanager
    def fresh(self) -> Iterator[LiveDatabase]:
        """Give an empty database for a block."""
        if self.family != "sqlite":
            with self.engine.fresh(self.folder) as database:
                yield database
            return
        # Not the tests' own: theirs traces each statement through Python, and the floor would pay for that, too.
        path = self.folder.resolve() / f"{next(self._files)}.db"
        database = LiveDatabase(self.engine.name, "sqlite", path)
        try:
            yield database
        finally:
            database.close()
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()

    @contextmanager
    def installed(self) -> Iterator[LiveDatabase]:
        """Give a database with the tables for a block."""
        with self.fresh() as database:
            Plugin(database.url).activate()
            yield database

    def large(self, messages: int) -> LiveDatabase:
        """Give the installed database with so many messages; it is made once, and changes from figure to figure."""
        if messages not in self._large:
            self.say(f"filling {messages:,} messages")
            database = self._stack.enter_context(self.installed())
            fill_messages(database, messages)
            self._large[messages] = database
        return self._large[messages]

    def crowded(self, tables: int) -> LiveDatabase:
        """Give the installed database with so many tables of others in it; it is made once."""
        if tables not in self._crowded:
            self.say(f"making {tables:,} tables of others")
            database = self._stack.enter_context(self.installed())
            add_tables(database, tables)
            self._crowded[tables] = database
        return self._crowded[tables]

    def say(self, what: str) -> None:
        """Tell who waits."""
        print(f"{time.strftime('%H:%M:%S')} {self.engine.name}: {what}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Drop what was made."""
        self._stack.close()
        self._large.clear()
        self._crowded.clear()
        self.kept.clear()
