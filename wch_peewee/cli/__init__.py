"""The command ``wch``: the library for people and scripts, with results, progress and exit codes.

Everything that it does is done by the library; here are only words, tables and numbers. One file holds
one command; ``run`` turns every ending, good or bad, into an exit code.

    wch activate --database mysql://root@localhost/wordpress
"""

from __future__ import annotations

from .run import main, run

__all__ = ["main", "run"]
