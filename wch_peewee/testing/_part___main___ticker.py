"""One line on a terminal that says what is being tried, written over again and again; elsewhere nothing.

tick("SQLite 3.40.1, from an empty database, killed anywhere: 12")
tick("")    # wipes it away
"""

from __future__ import annotations

import sys


def tick(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
