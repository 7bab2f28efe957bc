"""``DB_HOST`` as WordPress's wpdb::parse_db_host takes it apart, quirks included.

host, host:port, host:/socket, :/socket, [::1]:3306, ::1. Checked against WordPress 6.1 to 7.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIX = re.compile(r"\[?([0-9a-fA-F:]+)(?:\]:([0-9]+))?")
_OTHER = re.compile(r"([^:/]*)(?::([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Host:
    """Where PHP connects to; ``port`` and ``socket`` are None when DB_HOST names none."""

    name: str
    port: int | None = None
    socket: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether PHP goes through a Unix socket; then it ignores the port. Any other host is TCP, without a socket."""
        return self.name.lower() in ("", "localhost")


def parse_db_host(written: str) -> Host:
    """Take a host apart. What WordPress cannot read it hands to PHP as it is, and so does this."""
    rest, socket = written, None
    position = written.find(":/")
    if position >= 0:
        rest, socket = written[:position], written[position + 1 :]
    match = (_SIX if rest.count(":") > 1 else _OTHER).match(rest)
    if match is None:
        return Host(written)
    # To PHP the texts "" and "0" are both empty.
    name = match[1] if match[1] != "0" else ""
    port = int(match[2]) if match[2] and match[2] != "0" else None
    return Host(name, port, socket)
