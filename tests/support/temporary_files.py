"""Where the tests' temporary files are: in memory if there is room, so that databases wait for no disk."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
#: A whole run takes less than half of it.
_ROOM = 4 * 2**30


def keep_in_memory() -> None:
    """Point TMPDIR at /dev/shm for this process and its children, unless the caller has set it or room is short."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def _has_room() -> bool:
    try:
        space = os.statvfs(_MEMORY)
        available = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return False  # not Linux
    # Some tests run programs that they have written.
    usable = os.access(_MEMORY, os.W_OK) and not space.f_flag & os.ST_NOEXEC
    free = min(space.f_bavail * space.f_frsize, int(available[1]) * 1024 if available else 0)
    return usable and free >= _ROOM
