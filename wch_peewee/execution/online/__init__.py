"""An online schema change tool, for changes that a server makes only by copying the table.

It copies rows with INSERT IGNORE, which silently drops or cuts what does not fit, so conflicting rows are counted
first, and nothing is started if there are any.
"""

import contextlib
import os
import pickle
import re
import select
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import peewee as pw

from ...database.driver import carried_over
from ...errors import ConfigurationError, StatementFailed
from ...schema.statements import Copier, Statement
from ..leftovers import PT_OSC

#: Called with the table and how much of its copy is done, in percent.
OnPercent = Callable[[str, int], None]

#: The exit code of the watching process if its last line says why the tool was not started, or not left alone.
REFUSED = 120

#: How many lines of its output are kept for the message.
_KEPT = 20

#: A line of the tool's output that reports progress.
_PROGRESS = re.compile(r"^Copying .*?:\s+(\d+)% ")


def find_copier(database: pw.Database, on_percent: OnPercent = lambda table, done: None) -> Copier:
    """Return a copier that runs pt-online-schema-change on the tables of ``database``.

    Raises ConfigurationError if it is not installed, if the database is not on a server, or for an SSLContext.
    """
    if shutil.which(PT_OSC) is None:
        raise ConfigurationError(f"{PT_OSC} is not installed; install it, or omit --online.")
    if not isinstance(database, pw.MySQLDatabase):
        raise ConfigurationError("--online is for MySQL and MariaDB; SQLite rebuilds a table by itself.")
    if isinstance(database.connect_params.get("ssl"), ssl.SSLContext):
        raise ConfigurationError("An SSLContext cannot be handed to an online tool; use ssl_ca, ssl_cert and ssl_key.")

    def copier(statement: Statement, check: Callable[[], None]) -> None:
        _run(database, statement, check, on_percent)

    return copier


def _run(database: pw.Database, statement: Statement, check: Callable[[], None], on_percent: OnPercent) -> None:
    """Run the tool through the module ``watch``, whose standard input ends with this process, or with the block."""
    parameters = {key: value for key, value in database.connect_params.items() if key not in ("conv", "cursorclass")}
    job = (statement.table, statement.clauses, database.database, parameters)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # A session of its own: Ctrl-C is for the run, which then ends the tool.
    watch = subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__name__}.watch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    assert watch.stdin is not None
    assert watch.stdout is not None
    kept: list[str] = []
    try:
        with contextlib.suppress(BrokenPipeError):  # its last words say why
            watch.stdin.write(pickle.dumps(job))
            watch.stdin.flush()
        for line in _lines(watch.stdout.fileno()):
            if line:
                kept = [*kept[-_KEPT:], line.strip()]
            if (done := percent(line)) is not None:
                on_percent(statement.table, done)
            check()
    finally:
        with contextlib.suppress(BrokenPipeError):
            watch.stdin.close()
        watch.stdout.close()
        watch.wait()
    if watch.returncode == REFUSED:
        raise StatementFailed(kept[-1], sql=statement.sql)
    if watch.returncode:
        raise StatementFailed(_failure(database, watch.returncode, kept), sql=statement.sql)


def _lines(output: int) -> Iterator[str]:
    """Yield the lines of a child's output as they come, and an empty one for each second without any."""
    rest = b""
    while True:
        if not select.select([output], [], [], 1.0)[0]:
            yield ""
            continue
        data = os.read(output, 65536)
        *lines, rest = (rest + (data or b"\n")).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
        if not data:
            return


def percent(line: str) -> int | None:
    """Return the progress from a line of the tool's output."""
    match = _PROGRESS.match(line)
    return int(match[1]) if match else None


def _failure(database: pw.Database, code: int, kept: list[str]) -> str:
    said = " ".join(line for line in kept if line and percent(line) is None)[-600:]
    if password := password_of(carried_over(database)):
        said = said.replace(password, "***")
    return f"{PT_OSC} ended with {code} ({said})"


def password_of(parameters: Mapping[str, Any]) -> str:
    """Return the password among PyMySQL's parameters as text."""
    password = parameters.get("password") or ""
    return password.decode("utf-8", "surrogateescape") if isinstance(password, bytes) else str(password)
