"""A peer's side of the talk: one JSON object a line in, one a line out. Runs with the peers' python.

The program is a script with one ``Program``, and ends with ``main(ThatProgram)``. The database's URL comes in the
environment, where other users of the machine do not read it. With the argument ``cold`` the program asks once whether
there is anything to do, prints the answer and ends.

    {"do": "add_column", "name": "note_7"}  ->  {"seconds": 0.0021}, {"unsupported": "why"} or {"error": "what"}
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TextIO
from urllib.parse import quote, unquote, urlsplit

URL_VARIABLE = "WCH_PEER_DATABASE"
COMMANDS = ("activate", "anything_to_do", "add_column", "longer_enum", "wider_varchar")

MESSAGES = "wp_wch_messages"
#: Of the messages' status, the enum that is made longer.
ENUM_DEFAULT = "sent"

#: What is timed; what it returns is the answer, where the command asks for one.
Work = Callable[[], bool | None]


class Unsupported(Exception):
    """The peer has no means of its own for this; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the database is: ``path`` for SQLite, else the rest."""

    path: str = ""
    host: str = ""
    port: int = 3306
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""

    @property
    def is_sqlite(self) -> bool:
        return bool(self.path)

    def redact(self, text: str) -> str:
        """The text without the password, however it is written there."""
        return redact(text, self.password)


def redact(text: str, password: str) -> str:
    """The text without that password, as it is and as a URL writes it."""
    for secret in sorted({password, quote(password, safe=""), quote(password)}, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return text


def parse_url(url: str) -> Database:
    """Read ``mysql://user:password@host:port/name`` or ``sqlite:////path``; an error never repeats the URL."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return Database(path=unquote(rest[1:]))
    if scheme not in ("mysql", "mariadb", "mysql+pymysql"):
        raise ValueError("the database's URL begins neither with sqlite:/// nor with mysql://")
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        raise ValueError("the host or the port in the database's URL cannot be read") from None
    return Database(
        host=parts.hostname or "127.0.0.1",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=unquote(parts.path.lstrip("/")),
    )


class Program:
    """A peer on one database. A command prepares, untimed, and returns the work to be timed.

    What a peer's program does not define, the peer cannot do; it says why in ``lacking``.
    """

    lacking = "it has no means for that"

    def __init__(self, database: Database) -> None:
        """Connect."""
        self.database = database

    def warm(self) -> None:
        """Do what a service does once, when it starts; left out where a cold start is measured."""

    def activate(self) -> Work:
        """Run the peer's own migrations on an empty database."""
        raise Unsupported(self.lacking)

    def anything_to_do(self) -> Work:
        """Ask whether everything is applied; False when it is."""
        raise Unsupported(self.lacking)

    def add_column(self, name: str) -> Work:
        """Add a nullable varchar(64) to the messages."""
        raise Unsupported(self.lacking)

    def longer_enum(self, column: str, values: list[str]) -> Work:
        """Make a column of the messages the enum of these values; it stays NOT NULL with ENUM_DEFAULT."""
        raise Unsupported(self.lacking)

    def wider_varchar(self, column: str, length: int) -> Work:
        """Make a nullable varchar of the messages that long."""
        raise Unsupported(self.lacking)


def main(program_class: type[Program]) -> int:
    """Serve until ``leave`` or the end of the input; returns the exit status."""
    # What a peer prints is not an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    database = Database()
    try:
        database = parse_url(os.environ.pop(URL_VARIABLE, ""))
        program = program_class(database)
        if sys.argv[1:] == ["cold"]:
            reply = _cold(program)
        else:
            program.warm()
            for line in sys.stdin:
                request = json.loads(line)
                if request == {"do": "leave"}:
                    break
                _say(answers, answer(program, request))
            return 0
    except Exception as error:
        # One line and no traceback, in which the password could stand.
        sys.stderr.write(database.redact(one_line(error)) + "\n")
        return 1
    _say(answers, reply)
    return 0


def _say(answers: TextIO, reply: dict[str, Any]) -> None:
    answers.write(json.dumps(reply) + "\n")
    answers.flush()


def _cold(program: Program) -> dict[str, Any]:
    try:
        return {"answer": program.anything_to_do()()}
    except Unsupported as why:
        return {"unsupported": str(why)}


def answer(program: Program, request: dict[str, Any]) -> dict[str, Any]:
    """Do one command, and time the peer's own work alone."""
    do = request.get("do")
    try:
        if do not in COMMANDS:
            raise ValueError(f"unknown command {do!r}")
        work: Work = getattr(program, do)(**{key: value for key, value in request.items() if key != "do"})
        said, seconds = _timed(work)
    except Unsupported as why:
        return {"unsupported": str(why)}
    except Exception as error:
        return {"error": program.database.redact(one_line(error))}
    return {"seconds": seconds} if said is None else {"seconds": seconds, "answer": said}


def _timed(work: Work) -> tuple[bool | None, float]:
    # As timeit does: of the garbage of many commands, one would pay for all.
    gc.disable()
    try:
        begin = perf_counter()
        said = work()
        return said, perf_counter() - begin
    finally:
        gc.enable()


def one_line(error: BaseException) -> str:
    """An error's kind and text, on one line of a bearable length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500]


def enum_sql(values: list[str]) -> str:
    """The type, for peers that have none of their own."""
    quoted = ", ".join("'" + value.replace("\\", "\\\\").replace("'", "''") + "'" for value in values)
    return f"enum({quoted})"
