"""What a change of a large table costs where the server can do it without touching a row."""

from __future__ import annotations

import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peewee

from tests.support.databases import LiveDatabase
from wch_peewee import DatabaseManager, MessageStatus
from wch_peewee.database.connect import open_database
from wch_peewee.database.url import parse_url
from wch_peewee.execution.session import run_session
from wch_peewee.migrate import steps
from wch_peewee.migrate.folder import migrations_folder
from wch_peewee.models.namespace import our_names
from wch_peewee.schema.objects import Column, Default, enum, varchar

from ..bench import Bench
from ..messages import fill_messages
from ..places import Sent, bare, listening, send
from ..rows import Mark, Row
from ..samples import Sample, interleaved, ratio, timed
from .asking import change_peers

#: Rounds of each peer. MySQL takes 64 instant changes of a table's rows, before it wants to copy it.
_PEER_ROUNDS = 3
_WRITES = ("ALTER", "CREATE", "DROP", "INSERT")


class _Change(ABC):
    """A kind of change that can be made again and again, each time a bit further, on one database."""

    title: str
    #: What SQLite does for it.
    on_sqlite = "SQLite has no MODIFY, the table is written anew"

    def __init__(self, database: LiveDatabase) -> None:
        self.database = database
        self.ours = open_database(parse_url(database.url))
        self._recorded: list[Sent] = []

    @abstractmethod
    def advance(self) -> None:
        """Go on to the next one."""

    @abstractmethod
    def step(self, database: peewee.Database) -> None:
        """Do it, as a migration does."""

    @abstractmethod
    def asked(self) -> dict[str, Any]:
        """What a peer is told to do."""

    @abstractmethod
    def rewritten(self, sql: str) -> str:
        """Turn what was sent for the first one into this one's."""

    def request(self) -> dict[str, Any]:
        """Have a peer do the next one."""
        self.advance()
        return self.asked()

    def run(self) -> float:
        """Do the next one with the library."""
        self.advance()
        # A run of its own each time: on SQLite nobody else could write meanwhile.
        with run_session(self.ours, our_names("wp_")) as context:
            return timed(lambda: self.step(context.database))

    def record(self) -> None:
        """Do the first one, and note what is sent for it."""
        self.advance()
        with listening() as sent, run_session(self.ours, our_names("wp_")) as context:
            before = len(sent)
            self.step(context.database)
            self._recorded = [one for one in sent[before:] if one[0].split(None, 1)[0].upper() in _WRITES]
        assert self._recorded, f"{self.title} is nothing to this engine"

    def by_hand(self, connection: Any) -> float:
        """Do the next one without the library."""
        self.advance()
        statements = [(self.rewritten(sql), parameters) for sql, parameters in self._recorded]
        if self.database.family != "sqlite":
            return timed(lambda: send(connection, statements))
        # Ours commits with the run, not with the step.
        send(connection, [("BEGIN IMMEDIATE", ())])
        seconds = timed(lambda: send(connection, statements))
        send(connection, [("COMMIT", ())])
        return seconds


class _AddColumn(_Change):
    title = "add_column"
    on_sqlite = "SQLite reads the whole table, since the new column has a CHECK"
    _number = 0

    @property
    def _name(self) -> str:
        return f"note_{self._number:03}"

    def advance(self) -> None:
        self._number += 1

    def step(self, database: peewee.Database) -> None:
        steps.add_column(database, "messages", Column(self._name, varchar(64), nullable=True))

    def asked(self) -> dict[str, Any]:
        return {"do": "add_column", "name": self._name}

    def rewritten(self, sql: str) -> str:
        return sql.replace("note_001", self._name)


class _LongerEnum(_Change):
    title = "a longer enum"

    def __init__(self, database: LiveDatabase) -> None:
        super().__init__(database)
        self._values = [status.value for status in MessageStatus]
        self._known = len(self._values)

    def advance(self) -> None:
        self._values.append(f"extra_{len(self._values) + 1 - self._known:03}")

    def step(self, database: peewee.Database) -> None:
        steps.alter_column(database, "messages", Column("status", enum(*self._values), default=Default("sent")))

    def asked(self) -> dict[str, Any]:
        return {"do": "longer_enum", "column": "status", "values": list(self._values)}

    def rewritten(self, sql: str) -> str:
        return sql.replace("'extra_001'", ", ".join(f"'{value}'" for value in self._values[self._known :]))


class _WiderVarchar(_Change):
    title = "a wider varchar"
    #: Up to 63 characters of utf8mb4 are less than 256 bytes, above which servers copy.
    _length = 2

    def advance(self) -> None:
        self._length += 1
        assert self._length < 64, "this one would be a copy of the table"

    def step(self, database: peewee.Database) -> None:
        steps.alter_column(database, "messages", Column("label", varchar(self._length), nullable=True))

    def asked(self) -> dict[str, Any]:
        return {"do": "wider_varchar", "column": "label", "length": self._length}

    def rewritten(self, sql: str) -> str:
        # The second one is SQLite's check.
        told = re.sub(r"(label\W+varchar)\(3\)", rf"\1({self._length})", sql, flags=re.IGNORECASE)
        return told.replace('length("label") <= 3', f'length("label") <= {self._length}')


def measure(bench: Bench) -> Iterator[Row]:
    few, many = bench.amounts.messages
    for kind in (_AddColumn, _LongerEnum, _WiderVarchar):
        if bench.family == "sqlite":
            yield _in_proportion(bench, kind, few)
        else:
            yield from _instant(bench, kind, few, many)
    yield _upgrade(bench, few if bench.family == "sqlite" else many)


def _instant(bench: Bench, kind: type[_Change], few: int, many: int) -> Iterator[Row]:
    small, large = kind(bench.large(few)), kind(bench.large(many))
    bench.say(f"{kind.title} of {many:,} messages")
    small.record()
    large.record()
    with bare(large.database.url) as connection, bare(small.database.url) as other:

        def ask_both() -> dict[str, Any]:
            small.by_hand(other)
            return large.request()

        # The small table has the same done to it, since a change costs more with each column that is there.
        samples = interleaved(
            {
                "ours": large.run,
                "floor": lambda: large.by_hand(connection),
                "small": small.run,
                "small by hand": lambda: small.by_hand(other),
            },
            rounds=bench.amounts.rounds,
        )
        peers = change_peers(bench, large.database, ask_both, rounds=_PEER_ROUNDS)
    yield Row(
        f"{kind.title}, {many:,} messages",
        bench.name,
        "ms",
        samples["ours"],
        samples["floor"],
        Mark(1.5),
        peers=peers,
        note="floor: the same ALTER by hand",
    )
    yield Row(
        f"{kind.title}: its time with {many:,} messages, by that with {few:,}",
        bench.name,
        "x",
        ratio(samples["ours"], samples["small"]),
        ratio(samples["floor"], samples["small by hand"]),
        Mark(1.2),
        note="floor: the same ratio of the ALTER by hand",
    )


def _in_proportion(bench: Bench, kind: type[_Change], few: int) -> Row:
    """On SQLite there is no change that does not depend on the rows: it is measured with few of them."""
    # A database of its own: peers write the table anew in their way, with which ours would not go on.
    with bench.installed() as database:
        fill_messages(database, few)
        change = kind(database)
        change.record()
        with bare(database.url) as connection:
            samples = interleaved(
                {"ours": change.run, "floor": lambda: change.by_hand(connection)}, rounds=bench.amounts.rounds
            )
        return Row(
            f"{kind.title}, {few:,} messages",
            bench.name,
            "ms",
            samples["ours"],
            samples["floor"],
            Mark(1.5),
            peers=change_peers(bench, database, change.request, rounds=_PEER_ROUNDS),
            note=f"floor: the same statements by hand; {kind.on_sqlite}",
        )


_MIGRATION = '''"""Version {version}: messages have {name}."""

from wch_peewee.migrate import steps
from wch_peewee.schema.objects import Column, varchar

VERSION = "{version}"


def migrate(migrator, database, *, fake=False):
    migrator.run(steps.add_column, database, "messages", Column("{name}", varchar(64), nullable=True))
    migrator.run(steps.stamp, database, VERSION)


def rollback(migrator, database, *, fake=False):
    migrator.run(steps.drop_column, database, "messages", "{name}", allow_drop=True)
    migrator.run(steps.unstamp, database, "1.0.0")
'''


def _upgrade(bench: Bench, many: int) -> Row:
    """A run with its looks and its lock, its history and its stamp."""
    bench.say("a whole upgrade")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shipped in migrations_folder().glob("001_*.py"):
            shutil.copy(shipped, folder)
        (folder / "002_upgrade.py").write_text(_MIGRATION.format(version="1.0.1", name="upgraded"))
        manager = DatabaseManager(bench.large(many).url, migrations=folder)

        def upgrade() -> float:
            seconds = timed(manager.run_migrations)
            manager.rollback()
            return seconds

        values = [upgrade() for _ in range(min(3, bench.amounts.rounds))]
        manager.database.close()
    return Row(
        f"a whole upgrade with add_column (run_migrations), {many:,} messages",
        bench.name,
        "ms",
        Sample(tuple(values)),
        note="including inspection, lock, history and version; no floor",
    )
