"""The command ``wch``: results, progress and exit codes of what the library does."""

from .run import main, run

__all__ = ["main", "run"]
