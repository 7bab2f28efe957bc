"""gh-ost: the copy is kept up to date from the binary log, which has to be on and row-based.

It knows no foreign keys: those of the table itself are discarded, and given back afterwards by the run, without a
look at each row; a table that others refer to it refuses. It has not been run against the servers of the tests, which
have no package of it: only its command line is held to its documentation.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import ConfigurationError
from .target import ToolTarget

PROGRAM = "gh-ost"

_PROGRESS = re.compile(r"^Copy: \d+/\d+ (\d+)(?:\.\d+)?%")


def command(target: ToolTarget, table: str, clauses: str, file: Path) -> list[str]:
    """Write the command line that makes the change ``clauses`` to ``table``."""
    if target.socket:
        raise ConfigurationError("gh-ost connects over TCP only; name the server by host and port.")
    return [
        PROGRAM,
        "--execute",
        f"--conf={file}",
        f"--host={target.host}",
        f"--port={target.port}",
        f"--database={target.database}",
        f"--table={table}",
        f"--alter={clauses}",
        "--allow-on-master",
        "--discard-foreign-keys",
        "--ok-to-drop-table",
    ]


def percent(line: str) -> int | None:
    """Read how much is done from a line of its output."""
    match = _PROGRESS.match(line)
    return int(match[1]) if match else None


def leftovers(target: ToolTarget, table: str) -> tuple[str, ...]:
    """Write the statements that clear up after one that was killed."""
    return (f"DROP TABLE IF EXISTS `_{table}_gho`", f"DROP TABLE IF EXISTS `_{table}_ghc`")
