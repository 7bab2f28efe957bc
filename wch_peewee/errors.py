"""Every error that the library raises on purpose, in one tree.

    WchError
    ├── ConfigurationError      a setting is missing or wrong; nothing was opened
    │   └── UnknownTable        a table name that is none of ours
    ├── InvalidValue            a value that the column cannot hold (also a ValueError)
    ├── DatabaseUnavailable     not reachable, wrong password, unknown database
    ├── UnsupportedServer       an engine or a version that is not supported
    ├── MissingPrivileges       the account may not do what the run needs
    ├── Busy                    somebody else upgrades, or holds a table too long
    ├── SchemaTooNew            the database belongs to a newer major version
    ├── SchemaConflict          the live schema cannot be brought to the declared one
    ├── MigrationFailed         a migration's step failed
    ├── StatementFailed         a statement of a plan failed
    ├── NotOwned                a statement aimed at a table that is not ours
    └── RemovalRefused          data would be destroyed without leave

Messages are one or a few plain lines: what was found, what was expected, what to do next. They never
hold a password. ``exit_code`` is what the ``wch`` command ends with.
"""

from __future__ import annotations

from collections.abc import Sequence


class WchError(Exception):
    """Root of the tree."""

    exit_code = 2


class ConfigurationError(WchError):
    """A setting is missing or malformed."""

    exit_code = 78


class UnknownTable(ConfigurationError):
    """The name is none of the six tables."""


class InvalidValue(WchError, ValueError):
    """The value does not fit its column; nothing was written."""


class DatabaseUnavailable(WchError):
    """The database cannot be opened."""


class UnsupportedServer(WchError):
    """The server, or its version, is none that the library knows to be safe."""


class MissingPrivileges(WchError):
    """The account lacks privileges; ``grant`` is the SQL for the administrator."""

    def __init__(self, message: str, *, missing: Sequence[str] = (), grant: str = "") -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.grant = grant


class Busy(WchError):
    """A lock could not be had in time; trying again later is right."""

    exit_code = 3


class SchemaTooNew(WchError):
    """The database is of a newer major version than this code."""

    exit_code = 4


class SchemaConflict(WchError):
    """The live schema lacks something that the models need and that cannot be added safely."""

    def __init__(self, message: str, *, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)


class StatementFailed(WchError):
    """The server refused a statement; ``sql`` is the statement, ``done`` what was in place before."""

    def __init__(self, message: str, *, sql: str = "", done: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.sql = sql
        self.done = tuple(done)


class MigrationFailed(WchError):
    """A migration stopped at ``step`` of ``steps``; every step can be repeated, so running it again goes on.

    ``sql`` is the statement, where it was one; ``reason`` the server's words; ``in_place`` what this run had
    done, in dbDelta's words, unless ``undone``; ``command`` what to type once the cause is gone.
    """

    def __init__(
        self,
        *,
        migration: str,
        step: int,
        steps: int,
        reason: str,
        sql: str = "",
        undone: bool = False,
        in_place: Sequence[str] = (),
        command: str = "wch migrate",
    ) -> None:
        self.migration = migration
        self.step = step
        self.steps = steps
        self.reason = reason
        self.sql = sql
        self.undone = undone
        self.in_place = () if undone else tuple(in_place)
        self.command = command
        super().__init__(f"migration {migration}, step {step} of {steps}: {reason}\n{self._way_on()}")

    def _way_on(self) -> str:
        if self.undone:
            there = "All of this run is undone."
        elif self.in_place:
            more = len(self.in_place) - 3
            shown = "; ".join(self.in_place[-3:]) + (f"; and {more} more before" if more > 0 else "")
            there = f"In place: {shown}."
        else:
            there = "Nothing of this run is in place yet."
        return f"{there}\nRemove the cause, then run: {self.command}"


class NotOwned(WchError):
    """A statement aims at a table that does not belong to this installation; it was not sent."""


class RemovalRefused(WchError):
    """The operation destroys data and nobody allowed it."""
