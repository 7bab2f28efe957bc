"""The command ``wch``: results, progress and exit codes of what the library does."""

from .app import main, run

__all__ = ["main", "run"]
