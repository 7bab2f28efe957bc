"""The history of migrations, and the ledger beside it, in which each beginning and each end is appended for good."""

from __future__ import annotations

import datetime as dt
import getpass
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import peewee as pw

from ..database.query import Connection
from ..errors import WchError
from ..execution.context import RunContext
from ..models.fields import utc_now
from ..schema.base import Query
from ..schema.dialect import Dialect
from ..schema.naming import Names
from ..schema.objects import Column, Index, Table, bigint, datetime, varchar

HISTORY_SHAPE = Table(
    "migratehistory",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("name", varchar(191)),
        Column("migrated_at", datetime()),
    ),
    indexes=(Index("name", ("name",), unique=True),),
)

LEDGER_SHAPE = Table(
    "migrateledger",
    columns=(
        Column("id", bigint(unsigned=True), auto_increment=True),
        Column("name", varchar(191)),
        Column("direction", varchar(20)),
        Column("outcome", varchar(20)),
        Column("checksum", varchar(64)),
        Column("program", varchar(100)),
        Column("who", varchar(191)),
        Column("milliseconds", bigint(unsigned=True), nullable=True),
        Column("logged_at", datetime()),
    ),
)

Direction = Literal["forward", "back"]
#: ``marked`` was recorded without being run, because its work had been done by hand.
Outcome = Literal["begun", "done", "failed", "marked"]

#: The program that appends, as the ledger has it. The package itself stands above this module, and is loaded by now.
PROGRAM = f"wch-peewee {sys.modules[__name__.partition('.')[0]].__version__}"

_COLUMNS = tuple(column.name for column in LEDGER_SHAPE.columns[1:])


@dataclass(frozen=True, slots=True)
class MigrationRun:
    """One run of a migration. ``at`` is when it began or was recorded, in UTC; ``who`` user and host of the client.

    ``outcome`` is ``done``, ``failed``, ``marked``, or ``stopped`` where it was begun and no end is known. ``unknown``
    is one of the history that is not in the ledger, as of an earlier release.
    """

    name: str
    direction: str
    outcome: str
    #: None where the table holds no moment
    at: dt.datetime | None
    seconds: float | None = None
    who: str = ""
    program: str = ""
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Books:
    """The applied migrations, oldest first, or None without a history table; and what the ledger says of them.

    ``half_back`` are those whose way back was begun and not finished, ``half_applied`` those not applied of which that
    is true; ``checksums`` those of the files that were run.
    """

    applied: tuple[str, ...] | None = None
    half_back: tuple[str, ...] = ()
    half_applied: tuple[str, ...] = ()
    checksums: tuple[tuple[str, str], ...] = ()


def ensure_history(context: RunContext) -> None:
    """Create the history table and the ledger, or what they lack."""
    context.reconcile([HISTORY_SHAPE, LEDGER_SHAPE], verify=False)


def book_selects(dialect: Dialect, names: Names, *, tag: int = 0, ledger: bool = True) -> list[str]:
    """Return the SELECTs of one installation's history and ledger, for one UNION ALL and ``read_all_books``.

    Names are in hexadecimal, because the tables may have different collations.
    """
    history, book = map(dialect.quote, names.books)
    name, *others = (dialect.hex_of(column) for column in ("name", "direction", "outcome", "checksum"))
    selects = [f"SELECT {tag}, 0, id, {name}, '', '', '' FROM {history}"]
    return selects + [f"SELECT {tag}, 1, id, {name}, {', '.join(others)} FROM {book}"] * ledger


def read_all_books(rows: Iterable[Sequence[Any]]) -> dict[int, Books]:
    """Return the histories in the answer to ``book_selects``, by tag; one without any row is missing."""
    applied: dict[int, list[str]] = {}
    half: dict[tuple[int, str], str] = {}
    checksums: dict[tuple[int, str], str] = {}
    for tag, of_ledger, _, *texts in sorted(rows, key=lambda row: (int(row[1]), int(row[2]))):
        name, direction, outcome, checksum = map(_text, texts)
        names, key = applied.setdefault(int(tag), []), (int(tag), name)
        if not int(of_ledger):
            names.append(name)
            continue
        if outcome in ("done", "marked"):
            half.pop(key, None)
        elif direction == "back" or name not in names:
            half[key] = direction
        if direction == "forward":
            checksums[key] = checksum
    return {
        tag: Books(
            tuple(names),
            tuple(name for name in names if half.get((tag, name)) == "back"),
            tuple(name for (of, name), way in half.items() if of == tag and way == "forward" and name not in names),
            tuple((name, checksums[tag, name]) for name in names if (tag, name) in checksums),
        )
        for tag, names in applied.items()
    }


def _text(value: object) -> str:
    return bytes.fromhex(str(value)).decode("utf-8", "replace")


def read_books(connection: Connection, names: Names) -> Books:
    """Read the history with one SELECT; with two where an earlier release has made it, without a ledger."""
    for ledger in (True, False):
        selects = book_selects(connection.dialect, names, ledger=ledger)
        try:
            return read_all_books(connection.query(Query(" UNION ALL ".join(selects)))).get(0, Books(()))
        except pw.PeeweeException as error:
            # A server denies a table that is not there to an account with privileges on single tables.
            if connection.dialect.failure(error.args) not in (("missing", "denied") if ledger else ("missing",)):
                raise
    return Books()


def read_runs(connection: Connection, names: Names) -> tuple[MigrationRun, ...]:
    """Return every run that history and ledger know of, oldest first."""
    columns = ", ".join(map(connection.dialect.quote, _COLUMNS))
    runs: list[MigrationRun] = []
    for name, direction, outcome, checksum, program, who, milliseconds, logged_at in _rows(
        connection, columns, names.ledger
    ):
        moment = _moment(logged_at)
        run = MigrationRun(name, direction, outcome, moment, None, who, program, checksum)
        if outcome == "begun":
            run = replace(run, outcome="stopped")
        elif milliseconds is not None and runs and runs[-1].outcome == "stopped":
            run = replace(runs.pop(), outcome=outcome, seconds=milliseconds / 1000)
        runs.append(run)
    recorded = {run.name for run in runs if run.direction == "forward"}
    unknown = [
        MigrationRun(name, "forward", "unknown", _moment(migrated_at))
        for name, migrated_at in _rows(connection, "name, migrated_at", names.history)
        if name not in recorded
    ]
    return tuple(sorted([*unknown, *runs], key=lambda run: run.at or dt.datetime.min))


def _rows(connection: Connection, columns: str, table: str) -> list[tuple[Any, ...]]:
    try:
        return connection.query(Query(f"SELECT {columns} FROM {connection.dialect.quote(table)} ORDER BY id"))
    except pw.PeeweeException as error:
        if connection.dialect.failure(error.args) in ("missing", "denied"):
            return []
        raise


def _moment(value: object) -> dt.datetime | None:
    # SQLite gives a text, and a server a zero date as None or as it is.
    with suppress(ValueError):
        return dt.datetime.fromisoformat(str(value)).replace(tzinfo=None)
    return None


def client() -> str:
    """Return the user and the host of this process."""
    user = "unknown"
    with suppress(OSError, KeyError, ImportError):  # as in containers, whose users often have no name
        user = getpass.getuser()
    return f"{user}@{socket.gethostname()}"[:191]


@dataclass(slots=True)
class Ledger:
    """The ledger of one run. It writes under the run's lock."""

    context: RunContext
    program: str = PROGRAM
    who: str = field(default_factory=client)

    def append(
        self, name: str, direction: Direction, outcome: Outcome, checksum: str, seconds: float | None = None
    ) -> None:
        """Append one entry; ``seconds`` is how long the migration took, where it has ended."""
        dialect, table = self.context.dialect, self.context.names.ledger
        columns, slots = ", ".join(map(dialect.quote, _COLUMNS)), ", ".join([dialect.placeholder] * len(_COLUMNS))
        milliseconds = None if seconds is None else round(seconds * 1000)
        values = (name, direction, outcome, checksum, self.program, self.who, milliseconds, str(utc_now()))
        sql = f"INSERT INTO {dialect.quote(table)} ({columns}) VALUES ({slots})"
        self.context.write(lambda: self.context.database.execute_sql(sql, values), table)

    @contextmanager
    def keeping(self, name: str, direction: Direction, checksum: str) -> Iterator[Callable[[], None]]:
        """Record the beginning of the block before its first statement, and that it failed.

        Yields the function that records its success. A run that is killed, or loses the server, leaves a beginning
        without an end.
        """
        begun, ended = time.monotonic(), False

        def end(outcome: Outcome = "done") -> None:
            nonlocal ended
            ended = True
            self.append(name, direction, outcome, checksum, time.monotonic() - begun)

        self.append(name, direction, "begun", checksum)
        try:
            yield end
        except Exception:
            with suppress(pw.PeeweeException, WchError):  # the run's own error is the one to see
                if not ended:
                    end("failed")
            raise
