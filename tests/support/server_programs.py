"""Server programs that tests can start a private server from: installed ones, and those of servers that run here.

installed_servers()["mariadb"].version  # "10.11.19"
running_server(33103)                   # the program of what answers on that port of this machine, or None
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.addresses import family_of

# Debian keeps servers in sbin, which an ordinary user's PATH may lack.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True)
class ServerBinary:
    """A server program. ``root`` is an unpacked system that it lives in, and is entered with chroot; None is our own.

    ``path`` is as seen from inside.
    """

    family: str
    path: str
    version: str
    root: Path | None = None

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [*_enter(self.root), self.path]

    @property
    def installer(self) -> list[str]:
        """What makes MariaDB's data folder."""
        name = "mariadb-install-db"
        return [*_enter(self.root), name] if self.root else [shutil.which(name, path=PATH) or name]

    def inside(self, path: Path) -> str:
        """Return a path as the program sees it."""
        return str(path) if self.root is None else f"/{path.relative_to(self.root)}"


def installed_servers() -> dict[str, ServerBinary]:
    """Return the installed server programs by family, found by asking them: mysqld may well be MariaDB's."""
    found: dict[str, ServerBinary] = {}
    for name in ("mariadbd", "mysqld"):
        path = shutil.which(name, path=PATH)
        if path is not None and (binary := _asked(path, None)) is not None:
            found.setdefault(binary.family, binary)
    if shutil.which("mariadb-install-db", path=PATH) is None:
        found.pop("mariadb", None)
    return found


def running_server(port: int) -> ServerBinary | None:
    """Find the program of the server that was started on this machine with ``--port``; None when there is none.

    One that runs inside an unpacked system can be started again by root only.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"--port={port}".encode() not in (process / "cmdline").read_bytes().split(b"\0"):
                continue
            program, root = (process / "exe").readlink(), (process / "root").readlink()
        except OSError:
            continue  # it has ended, or it is somebody else's
        if program.name not in ("mariadbd", "mysqld"):
            continue
        if root == Path("/"):
            return _asked(str(program), None)
        if os.geteuid() == 0 and program.is_relative_to(root):
            return _asked(f"/{program.relative_to(root)}", root)
    return None


def output_of(command: list[str]) -> str:
    """Run a command to its end and return all that it says."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


def _asked(path: str, root: Path | None) -> ServerBinary | None:
    said = output_of([*_enter(root), path, "--no-defaults", "--version"])
    number = re.search(r"Ver (\d+\.\d+\.\d+)", said)
    return ServerBinary(family_of(said), path, number[1], root) if number else None


def _enter(root: Path | None) -> list[str]:
    return [] if root is None else ["chroot", str(root)]
