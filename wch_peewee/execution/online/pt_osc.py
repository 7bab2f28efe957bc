"""pt-online-schema-change of the Percona Toolkit, which keeps its copy up to date with triggers.

Measured with 3.2.1 on MariaDB 10.11, 11.8 and MySQL 9.7. The port must be in the DSN. MySQL 9 explains queries as a
tree by default, from which the tool reads no row counts and copies everything in one statement. With
foreign_key_checks off the keys of other tables are restored without checking each row.
"""

import re
from pathlib import Path

from .tools import ToolTarget

PROGRAM = "pt-online-schema-change"

_PROGRESS = re.compile(r"^Copying .*?:\s+(\d+)% ")


def command(target: ToolTarget, table: str, clauses: str, file: Path) -> list[str]:
    """Return the command line that makes the change ``clauses`` to ``table``."""
    variables = ["lock_wait_timeout=1", "foreign_key_checks=0"]
    if target.flavor == "mysql" and target.version >= (8, 0, 32):
        variables.append("explain_format=TRADITIONAL")
    where = {"F": str(file), "D": target.database, "t": table, "A": "utf8mb4"}
    where |= {"S": target.socket} if target.socket else {"h": target.host, "P": str(target.port)}
    return [
        PROGRAM,
        "--execute",
        "--no-version-check",
        "--recursion-method=none",
        "--alter-foreign-keys-method=rebuild_constraints",
        "--set-vars=" + ",".join(variables),
        "--progress=time,1",
        f"--alter={clauses}",
        ",".join(f"{key}={_escaped(value)}" for key, value in where.items()),
    ]


def percent(line: str) -> int | None:
    """Return the progress from a line of its output."""
    match = _PROGRESS.match(line)
    return int(match[1]) if match else None


def leftovers(target: ToolTarget, table: str) -> tuple[str, ...]:
    """Return the statements that clean up after a killed run, in the order that keeps the site working."""
    names = (f"pt_osc_{target.database}_{table}_{what}" for what in ("ins", "upd", "del"))
    return (*(f"DROP TRIGGER IF EXISTS `{name}`" for name in names), f"DROP TABLE IF EXISTS `_{table}_new`")


def _escaped(value: str) -> str:
    return value.replace(",", "\\,")
