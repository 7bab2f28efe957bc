"""What the numbers were measured on: it stands below the table, since it decides more than the library does."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.support.engines import Engine

#: Settings that decide what a write costs, or what fits into memory.
_SETTINGS = ("innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin", "innodb_buffer_pool_size")


def describe_machine() -> dict[str, Any]:
    """Cores, processor, memory, Python and the drivers."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "peewee": version("peewee"),
        "pymysql": version("PyMySQL"),
    }


def describe_engine(engine: Engine) -> dict[str, Any]:
    """Its version, and on a server the settings that matter."""
    if engine.family == "sqlite":
        return {"version": sqlite3.sqlite_version}
    with engine.address().connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), " + ", ".join(f"@@GLOBAL.{name}" for name in _SETTINGS))
        told, *values = cursor.fetchall()[0]
        return {"version": told, **dict(zip(_SETTINGS, values, strict=True))}


def machine_lines(machine: dict[str, Any], engines: dict[str, dict[str, Any]]) -> list[str]:
    """The same for people."""
    memory = machine["memory"]
    lines = [
        f"{machine['cores']} cores of {machine['processor']}"
        + (f", {memory / 2**30:.0f} GiB" if memory else "")
        + f"; {machine['system']}; Python {machine['python']}, peewee {machine['peewee']}, PyMySQL {machine['pymysql']}"
    ]
    for name, known in engines.items():
        settings = ", ".join(f"{key} {_readable(key, value)}" for key, value in known.items() if key != "version")
        lines.append(f"{name}: {known['version']}" + (f"; {settings}" if settings else ""))
    return lines


def _readable(key: str, value: Any) -> str:
    return f"{value / 2**20:.0f} MiB" if key.endswith("_size") else str(value)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
