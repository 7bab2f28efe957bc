"""The tools and their connection settings; the password is in a private file, never on the command line."""

import contextlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import peewee as pw

from ...errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """A server's address and account for a client; ``flavor`` and ``version`` are the dialect's."""

    database: str
    user: str
    flavor: str
    version: tuple[int, ...]
    host: str = "localhost"
    port: int = 3306
    socket: str = ""
    certificate: str = ""
    password: str = field(default="", repr=False)


def tool_target(database: pw.Database, flavor: str, version: tuple[int, ...]) -> ToolTarget:
    """Return the settings of an application's database. Raises ConfigurationError on SQLite, which no tool supports."""
    if not isinstance(database, pw.MySQLDatabase):
        raise ConfigurationError("--online is for MySQL and MariaDB; SQLite rebuilds a table by itself.")
    said = database.connect_params
    password = said.get("password") or said.get("passwd") or ""
    return ToolTarget(
        database=str(database.database),
        user=str(said.get("user") or ""),
        flavor=flavor,
        version=version,
        host=str(said.get("host") or "localhost"),
        port=int(said.get("port") or 3306),
        socket=str(said.get("unix_socket") or ""),
        certificate=str(said.get("ssl_ca") or ""),
        password=password.decode("utf-8", "surrogateescape") if isinstance(password, bytes) else str(password),
    )


@contextlib.contextmanager
def credentials(target: ToolTarget) -> Iterator[Path]:
    """Create a private option file (mode 0600) for the duration of the block."""
    handle, name = tempfile.mkstemp(prefix="wch-", suffix=".cnf")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            lines = {"user": target.user, "password": target.password, "ssl-ca": target.certificate}
            file.write("[client]\n")
            file.writelines(f"{key}={_quoted(value)}\n" for key, value in lines.items() if value)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Tool(ABC):
    """One online schema change tool."""

    program: str
    #: Matches a line of the tool's output that reports progress; its group is the percentage.
    progress: re.Pattern[str]

    @abstractmethod
    def command(self, target: ToolTarget, table: str, clauses: str, file: Path) -> list[str]:
        """Return the command line that makes the change ``clauses`` to ``table``."""

    @abstractmethod
    def leftovers(self, target: ToolTarget, table: str) -> tuple[str, ...]:
        """Return the statements that clean up after a killed run, in the order that keeps the site working."""

    def percent(self, line: str) -> int | None:
        """Return the progress from a line of the tool's output."""
        match = self.progress.match(line)
        return int(match[1]) if match else None


class PtOnlineSchemaChange(Tool):
    """pt-online-schema-change of the Percona Toolkit, which keeps its copy up to date with triggers.

    Measured with 3.2.1 on MariaDB 10.11, 11.8 and MySQL 9.7. The port must be in the DSN. MySQL 9 explains queries as a
    tree by default, from which the tool reads no row counts and copies everything in one statement. With
    foreign_key_checks off the keys of other tables are restored without checking each row.
    """

    program = "pt-online-schema-change"
    progress = re.compile(r"^Copying .*?:\s+(\d+)% ")

    def command(self, target: ToolTarget, table: str, clauses: str, file: Path) -> list[str]:
        variables = ["lock_wait_timeout=1", "foreign_key_checks=0"]
        if target.flavor == "mysql" and target.version >= (8, 0, 32):
            variables.append("explain_format=TRADITIONAL")
        where = {"F": str(file), "D": target.database, "t": table, "A": "utf8mb4"}
        where |= {"S": target.socket} if target.socket else {"h": target.host, "P": str(target.port)}
        return [
            self.program,
            "--execute",
            "--no-version-check",
            "--recursion-method=none",
            "--alter-foreign-keys-method=rebuild_constraints",
            "--set-vars=" + ",".join(variables),
            "--progress=time,1",
            f"--alter={clauses}",
            ",".join(f"{key}={_escaped(value)}" for key, value in where.items()),
        ]

    def leftovers(self, target: ToolTarget, table: str) -> tuple[str, ...]:
        prefix = re.sub(r"\W", "_", f"pt_osc_{target.database}_{table}", flags=re.ASCII)[:60]  # as the tool makes it
        triggers = (f"DROP TRIGGER IF EXISTS `{prefix}_{what}`" for what in ("ins", "upd", "del"))
        return (*triggers, f"DROP TABLE IF EXISTS `_{table}_new`")


class GhOst(Tool):
    """gh-ost, which keeps its copy up to date from a row-based binary log.

    It does not support foreign keys: those of the table itself are dropped, and restored by the run without checking
    each row; a referenced table is refused. Never run against the tests' servers, for which there is no package: only
    its command line is checked against its documentation.
    """

    program = "gh-ost"
    progress = re.compile(r"^Copy: \d+/\d+ (\d+)(?:\.\d+)?%")

    def command(self, target: ToolTarget, table: str, clauses: str, file: Path) -> list[str]:
        if target.socket:
            raise ConfigurationError("gh-ost connects over TCP only; name the server by host and port.")
        return [
            self.program,
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

    def leftovers(self, target: ToolTarget, table: str) -> tuple[str, ...]:
        return (f"DROP TABLE IF EXISTS `_{table}_gho`", f"DROP TABLE IF EXISTS `_{table}_ghc`")


def _escaped(value: str) -> str:
    return value.replace(",", "\\,")


TOOLS: dict[str, Tool] = {tool.program: tool for tool in (PtOnlineSchemaChange(), GhOst())}
