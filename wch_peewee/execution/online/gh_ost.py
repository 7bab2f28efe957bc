"""gh-ost, which keeps its copy up to date from a row-based binary log.

It does not support foreign keys: those of the table itself are dropped, and restored by the run without
checking each row; a referenced table is refused. Never run against the tests' servers, for which there is no
package: only its command line is held to its documentation.
"""

import re
from pathlib import Path

from ...errors import ConfigurationError
from .tools import ToolTarget

PROGRAM = "gh-ost"

_PROGRESS = re.compile(r"^Copy: \d+/\d+ (\d+)(?:\.\d+)?%")


def command(target: ToolTarget, table: str, clauses: str, file: Path) -> list[str]:
    """Return the command line that makes the change ``clauses`` to ``table``."""
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
    """Return the progress from a line of its output."""
    match = _PROGRESS.match(line)
    return int(match[1]) if match else None


def leftovers(target: ToolTarget, table: str) -> tuple[str, ...]:
    """Return the statements that clean up after a killed run."""
    return (f"DROP TABLE IF EXISTS `_{table}_gho`", f"DROP TABLE IF EXISTS `_{table}_ghc`")
